"""`--stage`: where the page is, and what the terminal says of it."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from typer.testing import CliRunner

from companion.cli import app as cli
from companion.cli.stage import open_stage
from companion.stage.place import LOOPBACK
from companion.system.errors import CompanionError

SOLO = """
cycle: 2
count_in_bars: 0
bars: 4
players:
  - {name: bass, instrument: bass}
generator: {name: standin}
"""


def asked(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> tuple[str | None, str | None]:
    """The place and the preset that a command line means."""
    found: list[str | None] = []

    def open_stage(place: str | None, *_: object) -> None:
        found.append(place)
        raise CompanionError("enough")

    def load_preset(name: str) -> object:
        found.append(name)
        return loaded

    loaded = cli.load_preset("bass")
    monkeypatch.setattr(cli, "open_stage", open_stage)
    monkeypatch.setattr(cli, "load_preset", load_preset)
    CliRunner().invoke(cli.app, ["jam", *arguments])
    return found[1], found[0]


@pytest.mark.parametrize(
    ("arguments", "place", "preset"),
    [
        ((), None, "bass"),
        (("band",), None, "band"),
        (("--stage",), LOOPBACK, "bass"),
        (("band", "--stage"), LOOPBACK, "band"),
        (("--stage", "band"), LOOPBACK, "band"),
        (("--stage", "--bars", "4"), LOOPBACK, "bass"),
        (("--stage", "0.0.0.0", "band"), "0.0.0.0", "band"),
        (("band", "--stage", "0.0.0.0:8701"), "0.0.0.0:8701", "band"),
        (("band", "--stage=0.0.0.0"), "0.0.0.0", "band"),
    ],
)
def test_the_option_may_stand_alone_and_takes_no_preset_for_a_place(
    monkeypatch: pytest.MonkeyPatch, arguments: tuple[str, ...], place: str | None, preset: str
) -> None:
    assert asked(monkeypatch, *arguments) == (place, preset)


def run(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["companion", *arguments])
    with pytest.raises(SystemExit) as end:
        cli.main()
    return int(end.value.code or 0)


def test_a_jam_says_where_its_page_is_and_plays_as_ever(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    no_sound_card: None,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("solo.yaml").write_text(SOLO)
    assert run(monkeypatch, "jam", "solo.yaml", "--stage", "127.0.0.1:0") == 0
    printed = capsys.readouterr().out
    assert printed.startswith("stage: http://127.0.0.1:")
    assert "take: takes/" in printed
    assert "█" not in printed


@pytest.mark.parametrize(
    ("place", "why"),
    [("1.2.3", "stage is '1.2.3'; valid: "), ("192.0.2.1", "cannot be served at 192.0.2.1:8700")],
)
def test_a_place_that_cannot_be_leaves_nothing_behind(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    place: str,
    why: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(monkeypatch, "jam", "--stage", place) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    assert why in error
    assert list(tmp_path.iterdir()) == []


def test_without_the_extra_one_line_names_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    monkeypatch.delitem(sys.modules, "companion.stage.server", raising=False)
    assert run(monkeypatch, "jam", "--stage") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert 'pip install "companion[stage]"' in error


@pytest.mark.parametrize(("place", "coded"), [("0.0.0.0:0", True), ("127.0.0.1:0", False)])
def test_only_what_a_tablet_can_open_is_shown_as_a_code(place: str, coded: bool) -> None:
    console = Console(file=StringIO(), force_terminal=True, highlight=False)
    with ExitStack() as until:
        open_stage(place, console, until)
        printed = console.file.getvalue()  # type: ignore[attr-defined]
    assert "stage: http://" in printed
    assert ("token=" in printed) is coded
    assert ("█" in printed) is coded
