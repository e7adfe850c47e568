"""A take's WAV files are valid at every moment, for every reader, of any length."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.system.errors import CompanionError
from companion.take.wave_file import (
    HEADER_BYTES,
    WaveWriter,
    set_frames,
    wave_header,
    whole_frames,
)


def noise(count: int) -> np.ndarray:
    """Samples that go well over full scale."""
    return (3 * np.random.default_rng(count).standard_normal(count)).astype(np.float32)


@settings(max_examples=20)
@given(pieces=st.lists(st.integers(0, 900), max_size=6))
def test_after_every_piece_the_file_holds_all_of_them(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[int]
) -> None:
    path = tmp_path_factory.mktemp("wave") / "a.wav"
    writer, whole = WaveWriter(path, 48_000), np.zeros(0, np.float32)
    for count in [0, *pieces]:
        writer.append(noise(count))
        whole = np.concatenate([whole, noise(count)])
        audio, rate = soundfile.read(path, dtype="float32")
        assert np.array_equal(audio, whole)
        assert (rate, writer.frames, whole_frames(path)) == (48_000, len(whole), len(whole))


def test_what_is_over_full_scale_is_kept_and_other_readers_agree(tmp_path: Path) -> None:
    path, raw = tmp_path / "a.wav", tmp_path / "a.raw"
    WaveWriter(path, 44_100).append(noise(5_000))
    assert np.abs(noise(5_000)).max() > 4.0
    assert soundfile.info(path).subtype == "FLOAT"
    read = ["sox", str(path), "-t", "raw", "-e", "float", "-b", "32", str(raw)]
    said = subprocess.run(read, check=True, capture_output=True, text=True).stderr
    assert "header" not in said and "length" not in said  # it complains of wrong ones
    assert len(np.fromfile(raw, "<f4")) == 5_000
    rate = subprocess.run(["soxi", "-r", str(path)], check=True, capture_output=True, text=True)
    assert rate.stdout.strip() == "44100"


def test_samples_that_the_header_does_not_count_yet_do_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    WaveWriter(path, 48_000).append(noise(700))
    with path.open("ab") as file:
        file.write(noise(300).tobytes()[:-2])  # killed in the middle of the next piece
    audio, _ = soundfile.read(path, dtype="float32")
    assert np.array_equal(audio, noise(700))
    assert whole_frames(path) == 999


def test_a_piece_that_does_not_fit_leaves_the_file_as_it_was(
    tmp_path: Path, file_size_limit: None
) -> None:
    path = tmp_path / "a.wav"
    writer = WaveWriter(path, 48_000)
    writer.append(noise(4_000))
    with pytest.raises(OSError):
        writer.append(noise(4_000))
    assert writer.frames == 4_000
    assert path.stat().st_size == HEADER_BYTES + 16_000
    audio, _ = soundfile.read(path, dtype="float32")
    assert np.array_equal(audio, noise(4_000))


def test_beyond_4_gib_it_becomes_rf64_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    writer = WaveWriter(path, 48_000)
    last = (2**32 - 1 - (HEADER_BYTES - 8)) // 4  # samples that plain WAV can count
    set_frames(path, 48_000, last)  # a file with a hole: it takes no room
    assert soundfile.info(path).format == "WAV"
    writer.frames = last
    writer.append(noise(1_000))
    info = soundfile.info(path)
    assert (info.format, info.frames) == ("RF64", last + 1_000)
    assert (info.samplerate, info.channels, info.subtype) == (48_000, 1, "FLOAT")
    audio, _ = soundfile.read(path, dtype="float32", start=last)
    assert np.array_equal(audio, noise(1_000))
    assert whole_frames(path) == last + 1_000


@pytest.mark.parametrize("frames", [0, 300, 5_000])
def test_a_length_can_be_set(tmp_path: Path, frames: int) -> None:
    path = tmp_path / "a.wav"
    WaveWriter(path, 48_000).append(noise(1_000))
    set_frames(path, 48_000, frames)
    audio, _ = soundfile.read(path, dtype="float32")
    wanted = np.zeros(frames, np.float32)
    wanted[:1_000] = noise(1_000)[:frames]
    assert np.array_equal(audio, wanted)


def test_a_file_without_a_whole_header_is_empty_and_one_of_another_kind_is_named(
    tmp_path: Path,
) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(wave_header(48_000, 7)[:50])
    assert whole_frames(path) == 0
    soundfile.write(path, noise(100), 48_000, "PCM_16")
    with pytest.raises(CompanionError, match=r"a\.wav.*not recorded in a take"):
        whole_frames(path)
    with pytest.raises(CompanionError, match="nowhere"):
        whole_frames(tmp_path / "nowhere.wav")


@settings(max_examples=20)
@given(pieces=st.lists(st.integers(0, 900), max_size=6), silence=st.integers(0, 500))
def test_a_file_of_two_channels_holds_both(
    tmp_path_factory: pytest.TempPathFactory, pieces: list[int], silence: int
) -> None:
    path = tmp_path_factory.mktemp("wave") / "a.wav"
    writer, whole = WaveWriter(path, 48_000, 2), np.zeros((0, 2), np.float32)
    for count in [0, *pieces]:
        writer.append(noise(2 * count).reshape(count, 2))
        writer.append_silence(silence)
        added = noise(2 * count).reshape(count, 2)
        whole = np.concatenate([whole, added, np.zeros((silence, 2), np.float32)])
        audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
        assert np.array_equal(audio, whole)
        assert (rate, writer.frames, whole_frames(path)) == (48_000, len(whole), len(whole))
    set_frames(path, 48_000, len(whole) // 2, 2)
    audio, _ = soundfile.read(path, dtype="float32", always_2d=True)
    assert np.array_equal(audio, whole[: len(whole) // 2])
