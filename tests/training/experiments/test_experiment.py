"""`python -m training experiment`: lists, rehearses each to a page, goes on, keeps the answer."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from training.__main__ import main
from training.errors import TrainingError
from training.experiments.page import UNANSWERED
from training.experiments.registry import EXPERIMENTS, find_experiment

OURS = ("guidance", "causal-bias", "independence", "live-window")


def call(monkeypatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["training", "experiment", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


@pytest.mark.parametrize("name", OURS)
def test_a_rehearsal_writes_a_whole_page_and_a_figure(monkeypatch, capsys, rehearsal, name):
    assert call(monkeypatch, name, "--quick", "--out", rehearsal.out) == 0
    file = rehearsal.pages / f"{name}.md"
    assert str(file) in capsys.readouterr().out
    text = file.read_text()
    for part in ("## Answer", "## How", "## Figure", "## Figures in numbers", UNANSWERED):
        assert part in text
    tables = [line for line in text.splitlines() if line.startswith("| ")]
    assert len(tables) >= 3  # a head, its line and a row
    assert "nan" not in text and "inf]" not in text
    assert 3_000 < (rehearsal.pages / f"{name}.png").stat().st_size < 100_000


def test_a_second_run_makes_and_measures_nothing_again(monkeypatch, capsys, rehearsal):
    name = "causal-bias"
    assert call(monkeypatch, name, "--quick", "--out", rehearsal.out) == 0
    page = rehearsal.pages / f"{name}.md"
    answered = page.read_text().replace(UNANSWERED, "About 0.1.")
    page.write_text(answered)
    kept = {path: path.stat().st_mtime_ns for path in made(rehearsal.out)}
    assert call(monkeypatch, name, "--quick", "--out", rehearsal.out) == 0
    assert {path: path.stat().st_mtime_ns for path in made(rehearsal.out)} == kept
    assert page.read_text() == answered
    assert "read its answer again" not in capsys.readouterr().out


def made(out: Path) -> list[Path]:
    return sorted([*out.glob("stems/*"), *out.glob("measured/*"), *out.glob("*.jsonl")])


def test_all_are_listed_with_their_questions(monkeypatch, capsys):
    assert call(monkeypatch) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines] == list(EXPERIMENTS)
    assert all(line.endswith("?") for line in lines)


def test_an_unknown_one_is_one_line(monkeypatch, capsys, tmp_path):
    assert call(monkeypatch, "alchemy", "--out", tmp_path) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "alchemy" in line and all(name in line for name in EXPERIMENTS)
    with pytest.raises(TrainingError):
        find_experiment("alchemy")


def test_missing_songs_are_one_line(monkeypatch, capsys, tmp_path):
    arguments = ("guidance", "--held-out", tmp_path / "no", "--out", tmp_path / "out")
    assert call(monkeypatch, *arguments) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / "no" / "test") in line
