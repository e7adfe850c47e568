from __future__ import annotations

import random

import pytest

from training.band.form import draw_form
from training.band.grooves import load_styles
from training.band.mma import ChartError, chart_text, play_chart
from training.errors import TrainingError

CHART = "RndSeed 1\nTempo 120\nGroove stdlib/8beat:8Beat\n1 C\n2 F / G /\n3 Am\n4 C\n"


def test_the_bass_follows_two_chords_in_one_bar() -> None:
    (bass,) = [track for track in play_chart(CHART) if track.program // 8 == 4]
    roots = {note.beat: note.pitch % 12 for note in bass.notes}
    assert roots[0.0] == 0
    assert roots[4.0] == 5
    assert next(pitch for beat, pitch in sorted(roots.items()) if beat >= 6.0) == 7


def test_the_same_chart_gives_the_same_notes() -> None:
    assert play_chart(CHART) == play_chart(CHART)


def test_a_chart_has_one_line_a_bar_and_names_each_change_of_groove() -> None:
    form = draw_form(random.Random(3), load_styles())
    lines = chart_text(form, 5).splitlines()
    assert lines[0] == "RndSeed 5"
    numbers = [int(line.split()[0]) for line in lines if line[0].isdigit()]
    assert numbers == list(range(1, form.bars + 1))
    assert f"Groove {form.style.file}:{form.sections[0].groove}" in lines


def test_a_refused_chart_is_reported_in_the_words_of_mma() -> None:
    with pytest.raises(ChartError, match=r"refused the chart: <Line 1>.*NOSUCHGROOVE"):
        play_chart("Groove NoSuchGroove\n1 C\n")


def test_a_missing_mma_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(TrainingError, match="apt-get install mma"):
        play_chart(CHART)
