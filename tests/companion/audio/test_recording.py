"""What is read of a file, and where in it the music is."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from companion.audio.mp3 import DECODER_SAMPLES, ENCODER_SAMPLES, whole_mp3
from companion.audio.recording import open_sound, read_sound
from companion.session.rig import read_recording
from tests.companion.studio import music

DELAY = ENCODER_SAMPLES + DECODER_SAMPLES


def smooth(seconds: float, rate: int) -> np.ndarray:
    """Noise that an MP3 can keep."""
    return np.convolve(music(seconds / 2, rate), np.ones(8) / 8, "same").astype(np.float32)


def without_tag(path: Path, tags_before: bytes = b"") -> None:
    """Take the encoder's tag, its first frame, out of an MP3."""
    data = path.read_bytes()
    second = data.find(data[:2], 4)
    assert b"LAME" in data[:second]
    path.write_bytes(tags_before + data[second:])


def found_at(sound: np.ndarray, heard: np.ndarray) -> int:
    """By how much later it is heard."""
    return int(np.correlate(heard[:20_000], sound[3_000:10_000], "valid").argmax()) - 3_000


@pytest.mark.parametrize("rate", [11_025, 22_050, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("tags_before", [b"", b"ID3\3\0\0\0\0\1\0" + bytes(128)])
def test_what_is_left_of_an_mp3s_delay_is_known(
    tmp_path: Path, rate: int, channels: int, tags_before: bytes
) -> None:
    path, sound = tmp_path / "song.mp3", smooth(3, rate)
    soundfile.write(path, np.stack([sound] * channels, axis=1), rate)
    told = read_sound(path)
    assert (told.late_samples, found_at(sound, told.heard)) == (0, 0)
    assert len(told.heard) == len(sound)
    without_tag(path, tags_before)
    untold = read_sound(path)
    assert untold.late_samples == found_at(sound, untold.heard) == DELAY
    later = round(2 * rate)
    assert found_at(sound[later:], untold.heard[later:]) == DELAY
    assert len(sound) + DELAY <= len(untold.heard) < len(sound) + DELAY + 4 * 1152


def test_a_tag_that_does_not_tell_the_delay_leaves_the_encoders(tmp_path: Path) -> None:
    path, sound = tmp_path / "song.mp3", smooth(3, 44_100)
    soundfile.write(path, sound, 44_100)
    data = path.read_bytes()
    name = data.index(b"LAME")
    path.write_bytes(data[:name] + bytes(36) + data[name + 36 :])
    read = read_sound(path)
    assert read.late_samples == found_at(sound, read.heard) == ENCODER_SAMPLES


@given(st.binary(max_size=400) | st.binary(max_size=60).map(lambda end: b"\xff\xfb\x90\xc4" + end))
def test_bytes_that_are_no_mp3_do_no_harm(data: bytes) -> None:
    for each in (data, b"ID3" + data):
        assert whole_mp3(each).data.endswith(each[-1:])


def test_the_delay_is_told_at_the_rate_that_is_listened_at(tmp_path: Path) -> None:
    path = tmp_path / "song.mp3"
    soundfile.write(path, smooth(3, 11_025), 11_025)
    without_tag(path)
    assert read_recording(path).late_samples == pytest.approx(DELAY * 48_000 / 11_025)


def test_a_file_with_any_bytes_in_its_name_is_opened(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "song.wav", music(1), 48_000)
    path = tmp_path / os.fsdecode(b"caf\xe9.wav")
    (tmp_path / "song.wav").rename(path)
    with open_sound(path) as file:
        assert file.frames == len(music(1))


def test_why_a_file_is_no_sound_is_told_without_its_name(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("text")
    with pytest.raises(soundfile.SoundFileError) as caught:
        open_sound(tmp_path / "text")
    assert "text" not in str(caught.value)


def test_one_and_two_channels_are_kept_more_are_what_is_heard(tmp_path: Path) -> None:
    for count, kept in ((1, 1), (2, 2), (3, 1), (8, 1)):
        sounds = np.stack([music(1, 8_000)[number:][:1000] for number in range(count)], axis=1)
        soundfile.write(tmp_path / "song.wav", sounds, 8_000, subtype="FLOAT", format="WAVEX")
        read = read_sound(tmp_path / "song.wav")
        assert read.channels.shape == (1000, kept)
        if count > 2:
            np.testing.assert_array_equal(read.channels[:, 0], read.heard)
