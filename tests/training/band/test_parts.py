from __future__ import annotations

import pytest

from model.instruments import INSTRUMENTS
from training.band.fonts import FONTS
from training.band.form import BEATS_PER_BAR
from training.band.song import Score, compose


@pytest.fixture(scope="module")
def scores() -> list[Score]:
    return [compose(3, index) for index in range(25)]


def test_every_song_has_drums_bass_and_two_more(scores: list[Score]) -> None:
    for score in scores:
        names = [part.name for part in score.parts]
        assert names[:2] == ["drums", "bass"]
        assert 4 <= len(names) <= 7
        assert len(set(names)) == len(names)


def test_the_lead_plays_in_nearly_every_song(scores: list[Score]) -> None:
    leading = sum(any(part.name == "lead" for part in score.parts) for score in scores)
    assert leading >= 0.85 * len(scores)


def test_every_part_has_a_class_and_a_font(scores: list[Score]) -> None:
    for score in scores:
        for part in score.parts:
            assert part.instrument in INSTRUMENTS
            assert part.font in FONTS
            assert 0 <= part.program <= 127
            assert (part.instrument == "drums") == (part.name == "drums")
            assert (part.instrument == "bass") == (part.name == "bass")


def test_the_bass_is_low_and_no_part_plays_past_the_end(scores: list[Score]) -> None:
    for score in scores:
        bass = sorted(note.pitch for note in score.parts[1].notes)
        assert bass[0] >= 24 and bass[len(bass) // 2] < 52
        for part in score.parts:
            assert max(note.beat for note in part.notes) <= score.form.bars * BEATS_PER_BAR


def test_the_classes_of_a_set_are_varied(scores: list[Score]) -> None:
    assert len({part.instrument for score in scores for part in score.parts}) >= 8
