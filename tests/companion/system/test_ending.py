"""Ctrl-C, a termination and a terminal that closes are one thing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from companion.system.ending import KINDS, Stopped, ended_by, stopped

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("kind", KINDS)
def test_whoever_asks_is_told_on(kind: signal.Signals) -> None:
    before = signal.getsignal(kind)
    told: list[int] = []
    with ended_by(told.append):
        signal.raise_signal(kind)
        signal.raise_signal(kind)
    assert told == [kind, kind]
    assert signal.getsignal(kind) is before


@pytest.mark.parametrize("kind", KINDS)
def test_work_is_stopped_once_and_may_clean_up(kind: signal.Signals) -> None:
    cleaned = False
    with pytest.raises(Stopped) as caught, stopped():
        try:
            signal.raise_signal(kind)
        finally:
            signal.raise_signal(kind)
            cleaned = True
    assert cleaned
    assert caught.value.number == kind


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_to_be_ignored_stays_ignored(kind: signal.Signals) -> None:
    before = signal.signal(kind, signal.SIG_IGN)
    try:
        with stopped(), ended_by(lambda _: pytest.fail("nobody asked")):
            signal.raise_signal(kind)
        assert signal.getsignal(kind) is signal.SIG_IGN
    finally:
        signal.signal(kind, before)


LOADING = """
import sys
class Finder:
    def find_spec(self, name, *_):
        if name == "companion.cli.app":
            print("loading", flush=True)
sys.meta_path.insert(0, Finder())
from companion.__main__ import main
main()
"""


@pytest.mark.parametrize("kind", KINDS)
def test_a_command_that_is_still_loading_ends_without_a_word(
    tmp_path: Path, kind: signal.Signals
) -> None:
    run = subprocess.Popen(
        [sys.executable, "-c", LOADING, "devices"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert run.stdout is not None
    assert run.stdout.readline() == b"loading\n"
    run.send_signal(kind)
    _, error = run.communicate(timeout=60)
    assert error == b""
    assert run.returncode in (-kind, 128 + kind)
