"""`companion midi` lists what is mapped, and takes a mapping out of its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from companion.cli import app as cli

MINE = """players: [{name: bass}]
midi:
  map:
    - {cc: 4, parameter: level, player: bass}  # the pedal
    - {cc: 4, parameter: cycle}
"""


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COMPANION_CONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("JACK_DEFAULT_SERVER", "companion-nobody")
    (tmp_path / "mine.yaml").write_text(MINE)

    def run(*words: str) -> tuple[int, list[str], str]:
        monkeypatch.setattr("sys.argv", ["companion", *words])
        with pytest.raises(SystemExit) as end:
            cli.main()
        printed = capsys.readouterr()
        assert isinstance(end.value.code, int)
        return end.value.code, printed.out.splitlines(), printed.err

    return run


def test_ports_controllers_and_mappings_are_listed_with_what_they_clash_with(run) -> None:
    code, lines, errors = run("midi", "mine.yaml")
    assert (code, errors) == (0, "")
    assert lines[-2:] == [
        "  1  bass level: CC 4  (preset)  clashes with cycle",
        "  2  cycle: CC 4  (preset)  clashes with level of bass",
    ]
    assert lines[0].startswith("in   ") and lines[1].startswith("out  ")
    assert "nanokontrol2" in lines[2]


def test_without_a_preset_the_table_is_listed(run) -> None:
    _, lines, _ = run("midi")
    assert "  1  bass guidance_audio: CC 20, channel 1" in lines


def test_a_mapping_is_forgotten_by_its_number(run, tmp_path: Path) -> None:
    assert run("midi", "mine.yaml", "--forget", "1") == (
        0,
        ["forgotten: bass level: CC 4  (preset)  clashes with cycle"],
        "",
    )
    assert "level" not in (tmp_path / "mine.yaml").read_text()
    assert run("midi", "mine.yaml")[1][-1] == "  1  cycle: CC 4  (preset)"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["mine.yaml", "--forget", "3"], "error: mapping is 3; valid: 1 to 2\n"),
        (["none.yaml"], "error: preset none has no midi; valid: one with `midi: {}`\n"),
        (["bass", "--forget", "1"], "error: CC 20, channel 1 is of the table of knobs; valid: "),
    ],
)
def test_what_cannot_be_done_is_one_line(
    run, tmp_path: Path, words: list[str], message: str
) -> None:
    (tmp_path / "none.yaml").write_text("players: [{name: bass}]\n")
    code, lines, errors = run("midi", *words)
    assert (code, lines) == (2, []) and errors.startswith(message)
