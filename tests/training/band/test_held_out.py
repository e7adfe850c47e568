"""A held-out set shares no groove, progression or font with any training set."""

from __future__ import annotations

import random

import pytest

from training.band import command
from training.band.build import build_band
from training.band.fonts import FONTS, HELD_OUT_FONTS, Font, check_fonts
from training.band.form import draw_form
from training.band.grooves import load_styles
from training.band.progressions import HELD_OUT, TRAINING, motion_of
from training.band.song import compose, song_folder, split_of
from training.errors import TrainingError
from training.songs import song_folders

TRAINED_MOTIONS = {motion_of(cycle) for cycle in TRAINING.all()}


def test_no_style_groove_or_font_is_on_both_sides():
    trained, held_out = load_styles(), load_styles(held_out=True)
    assert len(held_out) >= 10
    assert not {style.file for style in trained} & {style.file for style in held_out}
    names = [{n.lower() for s in side for n in s.grooves + s.fills} for side in (trained, held_out)]
    assert not names[0] & names[1]
    assert not set(FONTS) & set(HELD_OUT_FONTS)
    assert not {f.path for f in FONTS.values()} & {f.path for f in HELD_OUT_FONTS.values()}


def test_a_training_form_has_nothing_held_out_and_the_other_way_round():
    held_out_files = {style.file for style in load_styles(held_out=True)}
    for seed in range(300):
        form = draw_form(random.Random(seed), load_styles())
        assert form.style.file not in held_out_files
        assert {motion_of(" ".join(s.progression)) for s in form.sections} <= TRAINED_MOTIONS
        form = draw_form(random.Random(seed), load_styles(held_out=True), HELD_OUT)
        assert form.style.file in held_out_files
        assert not {motion_of(" ".join(s.progression)) for s in form.sections} & TRAINED_MOTIONS


@pytest.mark.parametrize("index", range(4))
def test_a_song_is_composed_from_one_side_only(index):
    for held_out, fonts in ((False, set(FONTS)), (True, set(HELD_OUT_FONTS))):
        score = compose(2, index, held_out)
        assert score.form.style in load_styles(held_out)
        assert {part.font for part in score.parts} <= fonts
        assert score == compose(2, index, held_out)


def test_all_of_a_held_out_set_is_for_testing():
    assert {split_of(index, held_out=True) for index in range(40)} == {"test"}


def test_a_held_out_set_cannot_be_trained_on_or_mixed_with_a_training_set(tmp_path):
    build_band(tmp_path, songs=1, seed=5, workers=1, progress=False, held_out=True)
    (folder,) = song_folders(tmp_path, "test")
    assert folder == song_folder(tmp_path, 0, held_out=True)
    for split in ("train", "valid"):
        with pytest.raises(TrainingError, match="no songs in"):
            song_folders(tmp_path, split)
    with pytest.raises(TrainingError, match="holds songs of a held-out set"):
        build_band(tmp_path, songs=1, seed=5, workers=1, progress=False)


def test_a_training_set_takes_no_held_out_song(tmp_path):
    (tmp_path / "train" / "00001").mkdir(parents=True)
    (tmp_path / "train" / "00001" / "meta.json").write_text('{"seed": 5}')
    with pytest.raises(TrainingError, match="holds songs of a training set"):
        build_band(tmp_path, songs=1, seed=5, workers=1, progress=False, held_out=True)


def test_a_missing_held_out_font_is_named_with_its_package(monkeypatch, tmp_path):
    missing = Font(tmp_path / "x.sf2", "some-soundfont")
    monkeypatch.setitem(HELD_OUT_FONTS, "timgm6mb", missing)
    check_fonts()
    with pytest.raises(TrainingError, match="apt-get install some-soundfont"):
        check_fonts(held_out=True)


def test_the_command_asks_for_it(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(command, "build_band", lambda *_, held_out: asked.append(held_out))
    command.band(tmp_path, 1, 1, 1)
    command.band(tmp_path, 1, 1, 1, held_out=True)
    assert asked == [False, True]
