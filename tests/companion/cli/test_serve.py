"""`companion serve` and `companion jam --remote`, as they are typed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import companion.cli.app as cli
from companion.control.preset import parse_preset
from companion.control.preset_text import preset_text
from companion.system.errors import CompanionError

PLAYER = "players: [{name: bass, instrument: bass}]\n"


def error_of(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *words: str
) -> str:
    monkeypatch.setattr(sys, "argv", ["companion", *words])
    with pytest.raises(SystemExit) as end:
        cli.main()
    error = capsys.readouterr().err
    assert end.value.code == 2 and error.count("\n") == 1
    return error.removeprefix("error: ").strip()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("--listen", "box:"), "listen is 'box:'; valid: a name or an address"),
        (("--generator", "drone"), "generator is 'drone'; valid: model, standin"),
        (("--listen", "192.0.2.1:9", "--generator", "standin"), "at 192.0.2.1:9; valid: an addr"),
    ],
)
def test_what_cannot_be_served_is_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    words: tuple[str, ...],
    why: str,
) -> None:
    monkeypatch.setenv("COMPANION_CONFIG", str(tmp_path))
    assert why in error_of(monkeypatch, capsys, "serve", *words)


def test_a_jam_with_a_box_whose_key_is_missing_does_not_begin(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setenv("COMPANION_CONFIG", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    error = error_of(monkeypatch, capsys, "jam", "--remote", "box.invalid")
    assert error.startswith(f"key {str(tmp_path / 'generator.key')!r} cannot be read")
    assert list(tmp_path.iterdir()) == []


def test_it_says_where_it_serves_and_where_its_key_is_and_ends_when_asked(tmp_path: Path) -> None:
    words = (sys.executable, "-m", "companion", "serve", "--generator", "standin")
    with subprocess.Popen(
        [*words, "--listen", "0.0.0.0:58701"],
        env=os.environ | {"COMPANION_CONFIG": str(tmp_path)},
        stdout=subprocess.PIPE,
        text=True,
    ) as box:
        assert box.stdout is not None
        lines = [box.stdout.readline() for _ in range(3)]
        box.send_signal(signal.SIGINT)
        last = box.stdout.read()
    assert box.returncode == 0
    assert lines[1].startswith("serving standin at 0.0.0.0:58701: cpu, ")
    assert lines[2].endswith(f" {tmp_path / 'generator.key'}\n")
    assert last == "0 plans, 0 of them in a batch with another's\n"


def test_a_preset_names_a_box_and_a_take_keeps_where_its_key_is_but_not_the_key() -> None:
    preset = parse_preset(PLAYER + "generator: {remote: 'box:9', key: a.key}", "/rigs/mine.yaml")
    assert (preset.generator.remote, preset.generator.key) == ("box:9", "/rigs/a.key")
    kept = parse_preset(preset_text(preset), "/takes/1/preset.yaml")
    assert kept.generator == preset.generator


@pytest.mark.parametrize(
    ("written", "why"),
    [
        ("{remote: 'box:x'}", "line 2: generator.remote is 'box:x'; valid: a name or an address"),
        ("{key: a.key}", "line 2: generator.key needs generator.remote"),
        ("{remote: 7}", "generator.remote is 7; valid: text"),
    ],
)
def test_what_is_wrong_with_it_is_named_with_its_line(written: str, why: str) -> None:
    with pytest.raises(CompanionError) as wrong:
        parse_preset(PLAYER + f"generator: {written}", "mine.yaml")
    assert why in str(wrong.value)
