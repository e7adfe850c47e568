"""Rendering is a jam on a clock that waits: the same engine, and errors before the work."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from companion.audio.recording import Recording
from companion.control.preset import GeneratorPreset, Preset
from companion.session import render as rendering
from companion.session.render import render
from companion.session.session import Session
from companion.system.ending import Stopped
from companion.system.errors import CompanionError
from tests.companion.studio import BAR, RATE, music, play, solo


def with_standin(*names: str, **changes: Any) -> Preset:
    return replace(solo(*names, **changes), generator=GeneratorPreset("standin"))


def song(folder: Path, bars: float = 8, rate: int = RATE, level: float = 1.0) -> Path:
    path = folder / "song.wav"
    soundfile.write(path, level * music(bars, rate), rate, subtype="FLOAT")
    return path


def read(path: Path) -> np.ndarray:
    audio, _ = soundfile.read(path, dtype="float32")
    return audio


def test_the_stem_is_the_one_a_jam_plays(tmp_path: Path) -> None:
    recording, out = song(tmp_path), tmp_path / "stem.wav"
    render(recording, with_standin(), Fraction(120), out, seed=4)
    preset = solo(bars=8, count_in_bars=1)
    lead = np.zeros(RATE // 2 + BAR, np.float32)
    jammed = play(tmp_path, preset, np.concatenate([lead, music(8)]), seed=4)
    assert np.abs(read(out) - jammed.file()[BAR:]).max() < 2**-22  # 24 bits against float
    assert read(out).any()


def test_stem_and_mix_are_as_long_as_the_recording(tmp_path: Path) -> None:
    recording = song(tmp_path, bars=6.3)
    out, mix = tmp_path / "stem.wav", tmp_path / "mix.wav"
    render(recording, with_standin(), Fraction(120), out, mix)
    for path in (out, mix):
        info = soundfile.info(path)
        assert (info.samplerate, info.channels, info.subtype) == (RATE, 1, "PCM_24")
        assert info.frames == round(6.3 * BAR)
    assert np.allclose(read(mix), read(recording) + read(out), atol=1e-6)


def test_a_mix_that_would_clip_is_turned_down(tmp_path: Path) -> None:
    recording = song(tmp_path, level=2.4)
    out, mix = tmp_path / "stem.wav", tmp_path / "mix.wav"
    render(recording, with_standin(), Fraction(120), out, mix)
    assert np.abs(read(mix)).max() == pytest.approx(0.98, abs=1e-4)


def test_a_recording_at_an_odd_rate_comes_back_at_48_kHz(tmp_path: Path) -> None:
    out = tmp_path / "stem.wav"
    render(song(tmp_path, 6, 11_025), with_standin(), Fraction(120), out)
    info = soundfile.info(out)
    assert (info.samplerate, info.frames) == (48_000, 6 * 96_000)


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    recording = song(tmp_path)
    for name, seed in {"a": 1, "b": 1, "c": 2}.items():
        render(recording, with_standin(), Fraction(120), tmp_path / f"{name}.wav", seed=seed)
    a, b, c = ((tmp_path / f"{name}.wav").read_bytes() for name in "abc")
    assert a == b
    assert a != c


def test_the_first_of_several_players_plays(tmp_path: Path) -> None:
    out = tmp_path / "stem.wav"
    session = render(song(tmp_path), with_standin("keys", "drums"), Fraction(120), out)
    assert [player.name for player in session.status.players] == ["keys"]


@pytest.mark.parametrize("bpm", [39, 241])
def test_a_tempo_outside_40_to_240_is_named(tmp_path: Path, bpm: int) -> None:
    with pytest.raises(CompanionError, match=str(bpm)):
        render(song(tmp_path), with_standin(), Fraction(bpm), tmp_path / "stem.wav")


def test_a_recording_shorter_than_a_bar_is_named(tmp_path: Path) -> None:
    with pytest.raises(CompanionError, match=r"1\.60 s, shorter than a bar at 120 BPM"):
        render(song(tmp_path, 0.8), with_standin(), Fraction(120), tmp_path / "stem.wav")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("stem.mp3", r"ends in \.wav"),
        ("stem", r"ends in \.wav"),
        ("nowhere/stem.wav", "there is no folder"),
        ("folder.wav", "it is a folder"),
        ("song.wav", "not all different"),
    ],
)
@pytest.mark.parametrize("which", ["out", "mix"])
def test_a_file_that_cannot_be_written_is_named_before_the_work(
    tmp_path: Path, name: str, why: str, which: str
) -> None:
    (tmp_path / "folder.wav").mkdir()
    recording = song(tmp_path)
    before = recording.read_bytes()
    files = {"out": tmp_path / "stem.wav", "mix": None, which: tmp_path / name}
    with pytest.raises(CompanionError, match=why) as caught:
        render(recording, with_standin(), Fraction(120), files["out"], files["mix"])
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)
    assert recording.read_bytes() == before
    assert not (tmp_path / "stem.wav").exists()


def test_stem_and_mix_must_not_be_one_file(tmp_path: Path) -> None:
    out = tmp_path / "stem.wav"
    with pytest.raises(CompanionError, match="not all different"):
        render(song(tmp_path), with_standin(), Fraction(120), out, tmp_path / "." / "stem.wav")


def test_a_disk_that_fills_up_is_named(tmp_path: Path, file_size_limit: None) -> None:
    recording = song(tmp_path, 1.1, 1_000)  # small enough to be written itself
    with pytest.raises(CompanionError, match=r"cannot write .*stem\.wav"):
        render(recording, with_standin(), Fraction(120), tmp_path / "stem.wav")


def test_weights_that_are_not_there_are_named(tmp_path: Path) -> None:
    with pytest.raises(CompanionError, match=r"nowhere.*codec\.safetensors"):
        render(
            song(tmp_path),
            solo(),
            Fraction(120),
            tmp_path / "stem.wav",
            weights=tmp_path / "nowhere",
        )


def stereo(folder: Path, left: np.ndarray, right: np.ndarray) -> Path:
    path = folder / "song.wav"
    soundfile.write(path, np.stack([left, right], axis=1), RATE, subtype="FLOAT")
    return path


def test_a_mix_keeps_the_two_channels_of_the_recording(tmp_path: Path) -> None:
    left = music(8)
    recording = stereo(tmp_path, left, 0.3 * left[::-1])
    out, mix = tmp_path / "stem.wav", tmp_path / "mix.wav"
    render(recording, with_standin(), Fraction(120), out, mix)
    assert soundfile.info(out).channels == 1
    assert np.allclose(read(mix), read(recording) + read(out)[:, None], atol=1e-6)
    assert read(out).any()


def test_a_mix_of_many_channels_is_what_was_heard_and_the_stem(tmp_path: Path) -> None:
    many = np.zeros((8 * BAR, 8), np.float32)
    many[:, 5] = music(8)
    recording = tmp_path / "song.wav"
    soundfile.write(recording, many, RATE, subtype="FLOAT", format="WAVEX")
    out, mix = tmp_path / "stem.wav", tmp_path / "mix.wav"
    render(recording, with_standin(), Fraction(120), out, mix)
    assert np.allclose(read(mix), music(8) + read(out), atol=1e-6)


def test_a_recording_with_one_channel_upside_down_is_heard_as_the_other(tmp_path: Path) -> None:
    stems = []
    for right in (1.0, -1.0):
        out = tmp_path / f"stem{right}.wav"
        recording = stereo(tmp_path, music(8), np.float32(right) * music(8))
        render(recording, with_standin(), Fraction(120), out)
        stems.append(read(out))
    assert stems[0].any()
    np.testing.assert_array_equal(*stems)


@pytest.mark.parametrize("bars_before", [0.37, 5.0])
def test_the_first_bar_may_start_anywhere(tmp_path: Path, bars_before: float) -> None:
    out, late = tmp_path / "stem.wav", tmp_path / "late.wav"
    render(song(tmp_path), with_standin(), Fraction(120), out)
    before = round(bars_before * BAR)
    lead = 0.1 * np.ones(before, np.float32)
    recording = tmp_path / "late-song.wav"
    soundfile.write(recording, np.concatenate([lead, music(8)]), RATE, subtype="FLOAT")
    render(recording, with_standin(), Fraction(120), late, start_s=before / RATE)
    assert not read(late)[:before].any()
    np.testing.assert_array_equal(read(late)[before:], read(out))
    assert read(out).any()


@pytest.mark.parametrize("start_s", [-0.1, 16.0, float("nan"), float("inf")])
def test_a_start_outside_of_the_recording_is_named(tmp_path: Path, start_s: float) -> None:
    out = tmp_path / "stem.wav"
    with pytest.raises(CompanionError, match=rf"start is {start_s:g} s; valid: 0 to 16\.00 s"):
        render(song(tmp_path), with_standin(), Fraction(120), out, start_s=start_s)
    with pytest.raises(CompanionError, match=r"is 1\.00 s from there on, shorter than a bar"):
        render(song(tmp_path), with_standin(), Fraction(120), out, start_s=15.0)


def test_a_disk_without_room_is_named_before_the_work(
    tmp_path: Path, file_size_limit: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = song(tmp_path, 1.1, 1_000)
    monkeypatch.setattr(Session, "run", lambda *_, **__: pytest.fail("the work was begun"))
    with pytest.raises(CompanionError, match=r"cannot write .*\.wav") as caught:
        mix = tmp_path / "mix.wav"
        render(recording, with_standin(), Fraction(120), tmp_path / "stem.wav", mix)
    assert "System error" not in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["song.wav"]


def test_a_render_that_is_ended_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(*_: Any, **__: Any) -> None:
        raise Stopped(2)

    monkeypatch.setattr(Session, "run", run)
    (tmp_path / "stem.wav").write_bytes(b"an older stem")
    with pytest.raises(Stopped):
        mix = tmp_path / "mix.wav"
        render(song(tmp_path), with_standin(), Fraction(120), tmp_path / "stem.wav", mix)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["song.wav", "stem.wav"]
    assert (tmp_path / "stem.wav").read_bytes() == b"an older stem"


def test_an_mp3_that_comes_late_starts_where_its_sound_has_come_to_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    late, given_start = tmp_path / "late.wav", tmp_path / "given.wav"
    recording = song(tmp_path)
    render(recording, with_standin(), Fraction(120), given_start, start_s=1105 / RATE)
    read_as = rendering.read_recording

    def read_late(path: Path) -> Recording:
        return replace(read_as(path), late_samples=1105.0)

    monkeypatch.setattr(rendering, "read_recording", read_late)
    render(recording, with_standin(), Fraction(120), late)
    assert read(late).any()
    np.testing.assert_array_equal(read(late), read(given_start))
