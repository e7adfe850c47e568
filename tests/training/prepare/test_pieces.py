"""Songs are cut into minutes; what is silent is heard to be."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.grid import FRAME_RATE, HOP, SAMPLE_RATE
from tests.training.midi.conftest import midi_bytes, trio
from tests.training.prepare.conftest import write_audio
from training.prepare.clock import clock_of
from training.prepare.pieces import PIECE_S, Piece, cut, heard_stems, safe_name, stem_audio
from training.prepare.tracks import Found, Stem, Track


def track(tmp_path, seconds: dict[str, float]) -> Track:
    files = {name: write_audio(tmp_path / f"{name}.wav", seconds=s) for name, s in seconds.items()}
    return Track("Song", "train", tuple(Stem(n, n, (file,)) for n, file in files.items()))


@pytest.mark.parametrize(
    ("seconds", "pieces"),
    [(19.9, []), (20.0, [20.0]), (61.0, [60.0]), (80.5, [60.0, 20.5]), (120.0, [60.0, 60.0])],
)
def test_a_song_is_cut_into_minutes(tmp_path, seconds, pieces):
    found = Found(tracks=[track(tmp_path, {"bass": seconds, "drums": 5.0})])
    made = cut(found)
    assert [piece.seconds for piece in made] == pytest.approx(pieces)
    assert [piece.first_s for piece in made] == [PIECE_S * number for number in range(len(pieces))]
    assert found.left_out == ({} if pieces else {"shorter than 20 s": ["Song"]})


def test_a_file_that_is_no_audio_costs_its_song_only(tmp_path):
    good, bad = track(tmp_path, {"bass": 20.0, "drums": 20.0}), tmp_path / "broken.wav"
    bad.write_bytes(b"RIFF and no more")
    found = Found(tracks=[Track("Bad", "train", (Stem("bass", "bass", (bad,)),)), good])
    assert [piece.track.name for piece in cut(found)] == ["Song"]
    (line,) = found.left_out["files that cannot be read"]
    assert line.startswith("Bad (") and "\n" not in line


def test_a_stem_is_the_sum_of_its_files_at_the_models_rate(tmp_path):
    one = write_audio(tmp_path / "a.wav", 220.0, seconds=3.0)
    other = write_audio(tmp_path / "b.wav", 440.0, seconds=2.0)
    piece = Piece(Track("Song", "train", ()), 0, 1.0, 2.0)
    both, first, second = (
        stem_audio(Stem("x", "bass", files), piece) for files in ((one, other), (one,), (other,))
    )
    assert len(both) == 2 * SAMPLE_RATE and both.dtype == np.float32
    np.testing.assert_allclose(both, first + second, atol=1e-6)
    assert np.abs(second[: SAMPLE_RATE // 2]).max() > 0.05
    assert not second[round(1.01 * SAMPLE_RATE) :].any(), "it ended a second into the piece"
    spectrum = np.abs(np.fft.rfft(first * np.hanning(len(first))))
    assert spectrum.argmax() / 2.0 == pytest.approx(220.0, abs=0.6)


def frames_of_sound(sounding: list[bool]) -> np.ndarray:
    level = np.repeat(np.where(sounding, 0.1, 1e-4), HOP).astype(np.float32)
    return level


def test_a_stem_is_heard_if_half_of_some_crop_sounds():
    crop = 20 * FRAME_RATE
    silence = [False] * (2 * crop)
    half = [False] * crop + [True, False] * (crop // 2)
    less = [False] * crop + [True, False] * (crop // 2 - 1) + [False, False]
    often = ([True] + [False] * 4) * (2 * crop // 5)
    rows = [frames_of_sound(row) for row in (silence, half, less, often)]
    assert heard_stems(rows) == [1]
    assert heard_stems([np.full(10 * SAMPLE_RATE, 0.5, np.float32)]) == [0], "and a shorter piece"


@given(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))
def test_names_of_shards_are_names_of_files_and_stay_apart(one, other):
    assert not set("/\\:*?<>|\0") & set(safe_name(one))
    assert (safe_name(one) == safe_name(other)) == (one == other)


# -- the clock that a MIDI file tells ------------------------------------------------------------


def clock(tmp_path, content: bytes, first_s: float, last_s: float):
    path = tmp_path / "all_src.mid"
    path.write_bytes(content)
    return clock_of(path, first_s, last_s)


def test_the_beats_of_a_steady_song_are_known(tmp_path):
    content = midi_bytes(trio(48), tempos=[(0.0, 96.0)])
    tempo, lead = clock(tmp_path, content, 60.0, 110.0)
    assert tempo == pytest.approx(96.0)
    assert lead == pytest.approx(0.0, abs=1e-3), "a minute is 96 beats, 24 whole bars"
    tempo, lead = clock_of(tmp_path / "all_src.mid", 1.0, 61.0)
    assert lead == pytest.approx(FRAME_RATE, rel=1e-4), "a second after a bar line"


@pytest.mark.parametrize(
    "content",
    [
        b"no MIDI",
        midi_bytes(trio(48), tempos=[(0.0, 96.0), (60.0, 97.0)]),
        midi_bytes(trio(64, 3), meters=[(0.0, 3, 4)]),
        midi_bytes(trio(10)),
    ],
)
def test_beats_that_are_not_sure_are_not_told(tmp_path, content):
    assert clock(tmp_path, content, 0.0, 60.0) is None
    assert clock_of(None, 0.0, 60.0) is None
