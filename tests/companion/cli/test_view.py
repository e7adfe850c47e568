"""`--view`: the terminal is the view's while a set plays, and as it was before afterwards."""

from __future__ import annotations

import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from fcntl import ioctl
from pathlib import Path

import pytest

from companion.cli import app as cli
from companion.terminal import terminal as opening

SOLO = """
cycle: 2
count_in_bars: 0
players:
  - {name: bass, instrument: bass}
generator: {name: standin, in_process: true}
"""
WAIT_S = 200.0
RIGHT, CTRL_C = b"\x1b[C", b"\x03"


def refused(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> str:
    """Why there is no view, in one line; nothing is played."""
    monkeypatch.setattr(sys, "argv", ["companion", "jam", "--view"])
    with pytest.raises(SystemExit) as end:
        cli.main()
    error = capsys.readouterr().err
    assert end.value.code == 2 and error.count("\n") == 1
    return error


def test_without_textual_one_line_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(opening, "find_spec", lambda _: None)
    assert 'textual, which is not installed; valid: pip install "companion[stage]"' in refused(
        monkeypatch, capsys
    )
    assert list(tmp_path.iterdir()) == []


def test_without_a_terminal_one_line_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(os, "isatty", lambda _: False)
    assert "the view needs a terminal" in refused(monkeypatch, capsys)


@pytest.mark.parametrize("how", ["Ctrl-C", "killed"])
def test_keys_play_the_set_and_the_terminal_is_given_back(how: str, tmp_path: Path) -> None:
    (tmp_path / "solo.yaml").write_text(SOLO)
    main, terminal = pty.openpty()
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    before = termios.tcgetattr(terminal)
    packages = str(Path(__file__).parents[3])
    jam = subprocess.Popen(
        [sys.executable, "-m", "companion", "jam", "solo.yaml", "--view"],
        cwd=tmp_path,
        **{"stdin": terminal, "stdout": terminal, "stderr": terminal},  # type: ignore[arg-type]
        env=os.environ | {"TERM": "xterm-256color", "PYTHONPATH": packages},
        start_new_session=True,
    )
    seen = bytearray()

    def until(wanted: bytes) -> None:
        give_up_s = time.monotonic() + WAIT_S
        while wanted not in seen:
            assert time.monotonic() < give_up_s, f"{wanted!r} is not seen: {bytes(seen[-2000:])!r}"
            if select.select([main], [], [], 0.1)[0]:
                seen.extend(os.read(main, 1 << 16))

    try:
        until(b"guidance audio")
        os.write(main, RIGHT)
        until(b"3.05")
        if how == "killed":  # the process that draws: the set goes on, with the status line
            (drawing,) = children(jam.pid, "companion.terminal.child")
            os.kill(drawing, 9)
            until(b"the view has ended; the set goes on")
            jam.send_signal(signal.SIGINT)
        else:
            os.write(main, CTRL_C)
        until(b"take: takes/")
        assert jam.wait(WAIT_S) == 0
        assert termios.tcgetattr(terminal) == before
        (events,) = tmp_path.glob("takes/*/events.jsonl")
        assert '"moved_by": "view"' in events.read_text()
    finally:
        jam.kill()
        jam.wait()
        os.close(main)
        os.close(terminal)


def children(parent: int, module: str) -> list[int]:
    """The processes that a process has started with a module."""
    processes = Path("/proc")
    started = (processes / f"{parent}/task/{parent}/children").read_text().split()
    return [n for n in map(int, started) if module in (processes / f"{n}/cmdline").read_text()]
