"""A child process: real ones, of a few lines."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator

import pytest

from companion.system.child import Child

WAIT_S = 60.0
ECHO = """
import os, sys
from companion.system.child import become_child
parent = become_child()
print("text")
os.write(1, b"bytes")
sys.stdout.flush()
for line in sys.stdin.buffer:
    parent.write(line)
    parent.flush()
"""
DEAF = "import time; print(1, flush=True); time.sleep(600)"
Start = Callable[..., Child]


@pytest.fixture
def start() -> Iterator[Start]:
    """Children that run a script; they and their pipes are gone after the test."""
    children: list[Child] = []

    def start(script: str, **options: int) -> Child:
        children.append(Child((sys.executable, "-c", script), **options))
        return children[-1]

    yield start
    for child in children:
        child.end(0.0)
        child.hang_up()
        child.output.close()
        if child.errors:
            child.errors.close()


def test_it_finds_our_packages_and_what_it_prints_is_no_message(
    start: Start, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    child = start(ECHO, errors=subprocess.PIPE)
    child.input.write(b"said\n")
    child.input.flush()
    assert child.output.readline() == b"said\n"
    child.hang_up()
    child.hang_up()
    assert child.end(WAIT_S) == 0
    assert child.output.read() == b""
    printed = child.errors.read()
    assert b"text" in printed and b"bytes" in printed


def test_paths_that_were_given_are_kept(
    start: Start, tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    child = start("import sys; print(sys.path)")
    assert str(tmp_path) in child.output.read().decode()


def test_one_that_does_not_listen_is_killed_once_its_grace_is_over(start: Start) -> None:
    child = start(DEAF)
    assert child.output.readline().strip() == b"1"
    child.hang_up()
    begin = time.monotonic()
    code = child.end(0.2)
    assert 0.2 <= time.monotonic() - begin < WAIT_S
    assert code not in (None, 0)
    assert child.end(0.0) == child.end(WAIT_S) == code


def test_one_that_is_gone_keeps_its_code_when_it_is_made_to_end(start: Start) -> None:
    child = start("raise SystemExit(3)")
    assert child.output.read() == b""
    assert child.end(WAIT_S) == 3
    assert child.end(0.0) == 3


@pytest.mark.skipif(os.name != "posix", reason="process groups and signals")
def test_it_leaves_ctrl_c_to_its_parent_and_is_out_of_the_terminals_reach(start: Start) -> None:
    child = start(ECHO)
    child.input.write(b"first\n")
    child.input.flush()
    assert child.output.readline() == b"first\n"
    assert os.getpgid(child.pid) == child.pid
    assert os.getsid(child.pid) == os.getsid(0)
    os.kill(child.pid, signal.SIGINT)
    child.input.write(b"second\n")
    child.input.flush()
    assert child.output.readline() == b"second\n"


def test_a_program_that_is_not_there_is_named() -> None:
    with pytest.raises(OSError, match="no-such-program"):
        Child(("no-such-program",))
