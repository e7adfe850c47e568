"""`companion new` and `doctor` as they are typed, or piped into."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import pytest

from companion.cli import app as cli
from companion.cli import machine
from companion.control.preset import load_preset
from companion.setup.choice import Choice, rig_for
from companion.setup.finding import Finding, Grade
from companion.setup.rig_file import Rig

Run = Callable[..., tuple[int, str, str]]
ANSWERS = "guitar\n96\nbass\n\n\n"


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> Run:
    """Run `companion ARGUMENTS` in an empty folder: exit code, output, errors."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(machine, "list_devices", tuple)
    monkeypatch.setattr(machine, "list_midi_ports", tuple)

    def run(*arguments: str, typed: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["companion", *arguments])
        monkeypatch.setattr(sys, "stdin", io.StringIO(typed))
        code: object = 0
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
        printed = capsys.readouterr()
        assert isinstance(code, int)
        return code, printed.out, printed.err

    return run


def test_new_writes_what_was_answered(run: Run) -> None:
    code, out, error = run("new", typed=ANSWERS)
    assert (code, error) == (0, "")
    assert out.splitlines()[-2:] == ["preset: my-rig.yaml", "play it: companion jam my-rig.yaml"]
    preset = load_preset("my-rig.yaml")
    assert (preset.bpm, [player.name for player in preset.players]) == (96, ["bass"])


def test_new_says_what_can_be_typed_whatever_the_name(run: Run) -> None:
    _, out, _ = run("new", "my other rig.yaml", typed=ANSWERS)
    assert out.splitlines()[-1] == "play it: companion jam 'my other rig.yaml'"


def test_new_leaves_a_file_that_is_there_unless_it_is_told(run: Run) -> None:
    Path("mine.yaml").write_text("mine")
    code, _, error = run("new", "mine.yaml", typed=ANSWERS)
    assert (code, Path("mine.yaml").read_text()) == (2, "mine")
    assert error == "error: 'mine.yaml' is there already; valid: another name, or --force\n"
    assert run("new", "mine.yaml", "--force", typed=ANSWERS)[0] == 0
    assert load_preset("mine.yaml").bpm == 96


@pytest.mark.parametrize(
    ("name", "why"), [("bass", "ends in .yaml"), ("no/where.yaml", "there is no folder 'no'")]
)
def test_new_says_before_it_asks_that_it_cannot_write(run: Run, name: str, why: str) -> None:
    code, out, error = run("new", name, typed=ANSWERS)
    assert (code, out) == (2, "") and why in error


@pytest.mark.parametrize(
    ("typed", "why"), [("guitar\n", "no answer to 'At what tempo"), ("\nfast\n\n\n\n", "'fast'")]
)
def test_new_writes_nothing_where_an_answer_is_missing_or_wrong(
    run: Run, typed: str, why: str
) -> None:
    code, _, error = run("new", typed=typed)
    assert code == 2 and why in error and error.count("\n") == 1
    assert list(Path().iterdir()) == []


def test_new_writes_nothing_after_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "companion", "new"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=tmp_path, **pipes) as asking:  # type: ignore[call-overload]
        assert asking.stdout.read(len("What do you play?")) == b"What do you play?"
        asking.send_signal(signal.SIGINT)
        assert asking.wait(30) == 128 + signal.SIGINT
    assert list(tmp_path.iterdir()) == []


# --- doctor ------------------------------------------------------------------------------------


class Examined:
    """A doctor whose findings are known."""

    def __init__(self, *grades: Grade, rig: Rig | None = None) -> None:
        self.grades, self.rig = grades, rig

    def __call__(self, *_: object) -> Examined:
        return self

    def findings(self, say: Callable[[str], None]) -> Iterator[Finding]:
        say("all of it")
        for grade in self.grades:
            yield Finding(grade, "disk", "is there", "make room" if grade != "ok" else "")


@pytest.mark.parametrize(
    ("grades", "code"), [(("ok", "note"), 0), (("ok", "wrong", "ok"), 1), ((), 0)]
)
def test_doctor_ends_with_1_where_it_cannot_play(
    run: Run, monkeypatch: pytest.MonkeyPatch, grades: tuple[Grade, ...], code: int
) -> None:
    monkeypatch.setattr("companion.setup.doctor.Doctor", Examined(*grades))
    ended, out, error = run("doctor")
    assert (ended, error) == (code, "")
    assert [line.split()[0] for line in out.splitlines()] == list(grades)


def test_doctor_writes_what_is_carried(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    rig = rig_for(Choice(2, 5, Fraction(120)), "Any CPU")
    monkeypatch.setattr("companion.setup.doctor.Doctor", Examined("ok", rig=rig))
    code, out, _ = run("doctor", "--write", "mine.yaml")
    assert (code, out.splitlines()[-1]) == (0, "play it: companion jam mine.yaml")
    assert len(load_preset("mine.yaml").players) == 2
    assert run("doctor", "--write", "mine.yaml")[0] == 2
    assert run("doctor", "--write", "mine.yaml", "--force")[0] == 0
    monkeypatch.setattr("companion.setup.doctor.Doctor", Examined("wrong"))
    code, _, error = run("doctor", "--write", "other.yaml")
    assert code == 2 and "'other.yaml' is not written" in error
    assert not Path("other.yaml").exists()
