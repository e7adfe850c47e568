"""`companion layouts`: what it prints, and how it says no."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from companion.cli import app as cli


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> object:
    """The exit code of `companion layouts ARGUMENTS`."""
    monkeypatch.setattr(sys, "argv", ["companion", "layouts", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return end.value.code or 0


def test_it_names_what_it_wrote(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "--preset", "band") == 0
    written = [Path(line) for line in capsys.readouterr().out.splitlines()]
    assert all(file.is_file() for file in written)
    assert {file.parent for file in written} == {Path("layouts")}
    assert "companion.drums.level" in (tmp_path / "layouts" / "companion.pd").read_text()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("here", "--preset", "bund"), "there is no preset 'bund'; nearest: band"),
        (("file/here",), "cannot write"),
    ],
)
def test_what_cannot_be_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    arguments: tuple[str, ...],
    why: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").write_text("no folder")
    assert run(monkeypatch, *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: {why}")
