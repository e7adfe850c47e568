"""MIDI is found in folders, in single files and in WAD files; what is broken is named."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.midi.conftest import midi_bytes, trio, wad_bytes
from training.errors import TrainingError
from training.midi.sources import find_sources


def test_every_file_and_every_lump_that_is_midi_is_found(songs_folder):
    names = [source.name for source in find_sources([songs_folder])]
    assert names == ["broken", "game-short", "one", "the-same", "two", "waltz"]


def test_a_file_that_is_there_twice_is_taken_once(songs_folder, tmp_path):
    (tmp_path / "copy.mid").write_bytes((songs_folder / "One.mid").read_bytes())
    sources = find_sources([songs_folder / "One.mid", tmp_path])
    assert [source.name for source in sources] == ["one"]


def test_a_folder_without_midi_and_a_path_that_is_none_are_named(tmp_path):
    with pytest.raises(TrainingError, match=rf"no MIDI in {tmp_path}; valid: .*\.wad"):
        find_sources([tmp_path])
    with pytest.raises(TrainingError, match="nowhere is no folder and no MIDI file; valid: "):
        find_sources([tmp_path / "nowhere"])


def test_a_wad_that_is_none_or_is_broken_is_named(tmp_path):
    wad = tmp_path / "x.wad"
    wad.write_bytes(b"ZIP!" + bytes(20))
    with pytest.raises(TrainingError, match=r"x\.wad is no WAD file"):
        find_sources([wad])
    wad.write_bytes(b"IWAD" + struct.pack("<ii", 1_000_000, 12))
    with pytest.raises(TrainingError, match=r"x\.wad is a broken WAD file"):
        find_sources([wad])


@given(damage=st.binary(min_size=1, max_size=40), at=st.integers(0, 400))
def test_damage_to_a_wad_is_an_error_of_ours_or_none(tmp_path_factory, damage, at):
    content = bytearray(wad_bytes({"D_ONE": midi_bytes(trio(1)), "D_TWO": midi_bytes(trio(2))}))
    content[at : at + len(damage)] = damage
    wad = tmp_path_factory.getbasetemp() / "damaged.wad"
    wad.write_bytes(content)
    try:
        sources = find_sources([wad])
    except TrainingError as error:
        assert str(wad) in str(error)
    else:
        assert 1 <= len(sources) <= 2
