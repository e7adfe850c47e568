"""A set whose generator is in another room, over a cable that is slow, loses, and is cut.

What is between the two is the kernel's own TCP; see `cable`. How quickly a box is missed, and is
back, is measured in `benchmarks/remote.py`.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from companion.take.events import EVENTS_FILE, BarSounded, TroubleTold, read_events
from tests.rig.cable import BOX, Cable, why_not

pytestmark = pytest.mark.by_the_clock
FIRST_PLAN_BAR = 3
WAIT_S = 120.0
PRESET = f"""
cycle: 2
count_in_bars: 0
players: [{{name: bass, instrument: bass}}]
generator: {{name: standin, remote: "{BOX}"}}
"""


@pytest.fixture
def cable() -> Iterator[Cable]:
    if reason := why_not():
        pytest.skip(reason)
    with Cable() as laid:
        yield laid


@contextmanager
def running(command: list[str], folder: Path, name: str) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"COMPANION_CONFIG": str(folder / "settings")}
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


def wait_until(true: Callable[[], bool], what: str) -> None:
    until_s = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < until_s, what
        time.sleep(0.02)


def troubles(takes: Path) -> list[bool]:
    """Of what was told of the generator so far, whether it was over."""
    lines = [line for file in takes.glob(f"*/{EVENTS_FILE}") for line in file.open()]
    events = [json.loads(line) for line in lines if line.endswith("\n")]
    told = [e for e in events if e["type"] == "trouble" and e["kind"] == "generator"]
    return [event["over"] for event in told]


def bar(takes: Path) -> int:
    """The last bar that was decided so far."""
    lines = [line for file in takes.glob(f"*/{EVENTS_FILE}") for line in file.open()]
    events = [json.loads(line) for line in lines if line.endswith("\n")]
    return max((event["bar"] for event in events if event["type"] == "bar"), default=-1)


def test_a_cable_that_is_cut_is_told_of_and_no_bar_is_silent(cable: Cable, tmp_path: Path) -> None:
    takes, preset = tmp_path / "takes", tmp_path / "rig.yaml"
    preset.write_text(PRESET)
    companion = (sys.executable, "-m", "companion")
    serve = (*companion, "serve", "--generator", "standin", "--listen", BOX)
    jam = (*companion, "jam", str(preset), "--takes", str(takes))
    with running(cable.inside(cable.box, *serve), tmp_path, "box"):
        wait_until(lambda: b"serving" in (tmp_path / "box.log").read_bytes(), "the box serves")
        with running(cable.inside(cable.rig, *jam), tmp_path, "rig") as rig:
            wait_until(lambda: bar(takes) >= FIRST_PLAN_BAR or rig.poll() is not None, "it plays")
            before, cable.cut = len(troubles(takes)), True
            wait_until(lambda: len(troubles(takes)) > before, "the performer is told")
            cable.cut = False
            wait_until(lambda: troubles(takes)[-1], "the box is back")
            last = bar(takes) + 1
            wait_until(lambda: bar(takes) > last, "it plays on")
            rig.send_signal(signal.SIGINT)
            assert rig.wait(WAIT_S) == 0, (tmp_path / "rig.log").read_text()
        said = (tmp_path / "box.log").read_text()
    (file,) = takes.glob(f"*/{EVENTS_FILE}")
    events = read_events(file)
    due = [event for event in events if isinstance(event, BarSounded) and event.expected]
    assert len(due) > 2
    assert "silence" not in {event.sounding for event in due}
    told = next(event for event in events if isinstance(event, TroubleTold))
    assert told.detail.endswith("plans are made on this machine meanwhile")
    assert said.count("has come") >= 2
