"""Crops are a function of the seed and their number, sound, and never clip."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import soundfile
import torch

from model.grid import HOP, SAMPLE_RATE
from training.codec.data import CodecCrops, batches, music_files, read_crop
from training.errors import TrainingError
from training.songs import song_folders

SAMPLES = 20 * HOP


@pytest.fixture(scope="module")
def crops(band, music) -> CodecCrops:
    return CodecCrops(song_folders(band, "train"), music_files([music]), SAMPLES, 1, 0.3)


def test_a_crop_is_a_function_of_seed_and_number(band, music, crops):
    folders = song_folders(band, "train")
    again = CodecCrops(folders, music_files([music]), SAMPLES, 1, 0.3)
    other = CodecCrops(folders, music_files([music]), SAMPLES, 2, 0.3)
    for number in (7, 0, 10**6, 3):
        assert torch.equal(crops[number], again[number])
        assert not torch.equal(crops[number], other[number])
    assert not torch.equal(crops[0], crops[1])


def test_crops_sound_and_stay_below_full_scale(crops):
    for number in range(40):
        crop = crops[number]
        assert crop.shape == (SAMPLES,) and crop.dtype == torch.float32
        assert 10 ** (-21 / 20) < float(crop.abs().max()) < 1.0


def test_other_music_has_its_share(band, music):
    """The recordings are tones of 440 and 660 Hz alone; no stem of the band is."""
    folders = song_folders(band, "train")
    data = CodecCrops(folders, music_files([music]), SAMPLES, 1, 0.3)
    bins = [round(pitch * SAMPLES / SAMPLE_RATE) for pitch in (440.0, 660.0)]
    tones = 0
    for number in range(100):
        power = torch.fft.rfft(data[number]).abs().square()
        tones += any(float(power[b - 1 : b + 2].sum() / power.sum()) > 0.9 for b in bins)
    assert 15 <= tones <= 45


def test_batches_from_a_step_on_are_those_of_the_unbroken_run(crops):
    straight = list(itertools.islice(batches(crops, 0, 3), 4))
    resumed = list(itertools.islice(batches(crops, 2, 3), 2))
    assert straight[0].shape == (3, SAMPLES)
    assert torch.equal(straight[2], resumed[0]) and torch.equal(straight[3], resumed[1])
    assert torch.equal(straight[1][0], crops[3])


def test_a_crop_starts_where_it_should_whatever_the_files_rate(tmp_path):
    for rate in (32_000, 44_100, 48_000):
        ramp = np.arange(2 * rate, dtype=np.float32) / (2 * rate)
        soundfile.write(tmp_path / "ramp.wav", ramp, rate, subtype="FLOAT")
        crop = read_crop(tmp_path / "ramp.wav", 0.5, SAMPLES)
        assert crop.shape == (SAMPLES,)
        middle = SAMPLES // 2
        assert crop[middle] == pytest.approx((0.5 + middle / SAMPLE_RATE) / 2, abs=1e-3)


def test_a_crop_longer_than_the_file_is_padded_with_silence(tmp_path):
    soundfile.write(tmp_path / "short.wav", np.full(1000, 0.5), SAMPLE_RATE)
    crop = read_crop(tmp_path / "short.wav", 3.0, 2000)
    assert crop[:1000] == pytest.approx(0.5, abs=1e-3)
    assert not crop[1000:].any()


def test_music_is_found_in_folders_below(music):
    assert [path.name for path in music_files([music])] == ["a.wav", "b.ogg"]


def test_a_folder_without_audio_is_named(tmp_path):
    with pytest.raises(TrainingError) as error:
        music_files([tmp_path])
    assert str(tmp_path) in str(error.value) and ".flac" in str(error.value)
