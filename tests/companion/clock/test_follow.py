"""Following the music: beats to some milliseconds, bars where the bass says so, no noise."""

from __future__ import annotations

import numpy as np
import pytest
import soundfile

from companion.audio.memory import AudioMemory
from companion.audio.offline import OfflineStream
from companion.clock.follow import FollowSource
from companion.clock.host_time import HostTime
from companion.clock.reading import Reading
from tests.rig.jack import ROOT

RATE = 48_000


def drums(bpm: float, bars: int, beats: int = 4, seed: int = 0, swing_s: float = 0.0) -> np.ndarray:
    """A bass drum on the first of each bar, a snare on the other beats, hats between."""
    dice = np.random.default_rng(seed)
    sound = 0.001 * dice.standard_normal(round(bars * beats * 60 / bpm * RATE) + RATE)
    time_s = np.arange(round(0.12 * RATE)) / RATE
    bass = np.sin(2 * np.pi * 60 * time_s) * np.exp(-time_s / 0.04)
    for half in range(bars * beats * 2):
        beat, between = divmod(half, 2)
        noise = dice.standard_normal(len(time_s)) * np.exp(-time_s / 0.01)
        hit = 0.1 * noise if between else 0.5 * bass if beat % beats == 0 else 0.3 * noise
        at = round((half * 30 / bpm + dice.uniform(-swing_s, swing_s)) * RATE)
        sound[max(0, at) :][: len(hit)] += hit[: len(sound) - at]
    return sound.astype(np.float32)


class Room:
    """A stream into which a recording plays, and a source that listens to it."""

    def __init__(self, sound: np.ndarray, bpm: float, beats: int = 4, rate: int = RATE) -> None:
        self.memory = AudioMemory(rate, 0)
        self.stream = OfflineStream(self.memory, sound)
        self.source = FollowSource(self.memory, rate, lambda: bpm, beats)
        self.host_time = HostTime(rate)

    def read(self, seconds: float) -> list[Reading]:
        """What it says every 100 ms of so many seconds."""
        said = []
        for _ in range(round(seconds * 10)):
            self.stream.advance(self.memory.position + self.memory.rate // 10)
            reading = self.source.read(self.memory.position, self.host_time)
            said += [] if reading is None else [reading]
        return said


def off_beats(reading: Reading, bpm: float, rate: int = RATE) -> float:
    """How far its beat is from that of a recording whose first sample is a downbeat."""
    return reading.beat - reading.sample / rate * bpm / 60


@pytest.mark.parametrize("level", [0.5, 0.4999, 0.3333, 0.1])
def test_beats_that_are_all_the_same_have_no_first_one(level: float) -> None:
    """Rounding alone sets them apart, and says nothing about the bar."""
    time_s = np.arange(RATE // 2) / RATE
    beat = np.sin(2 * np.pi * 330 * time_s) * np.exp(-time_s / 0.1)
    sound = level * np.tile(beat, 48)
    said = Room(sound.astype(np.float32), 120).read(20)
    assert said
    assert {reading.lock for reading in said} == {"beat"}
    assert len({round(off_beats(reading, 120)) for reading in said}) == 1


@pytest.mark.parametrize(("bpm", "set_to", "beats"), [(120, 124, 4), (93, 90, 4), (140, 140, 3)])
def test_beats_and_bars_of_a_drummer_are_found(bpm: float, set_to: float, beats: int) -> None:
    room = Room(drums(bpm, 12, beats, swing_s=0.004), set_to, beats)
    assert room.read(3.5) == []
    said = room.read(12)[-40:]
    off = np.array([off_beats(reading, bpm) for reading in said])
    assert np.abs((off + 0.5) % 1 - 0.5).max() * 60 / bpm < 0.015
    assert {round(each) % beats for each in off} == {0}
    assert [reading.bpm for reading in said] == pytest.approx([bpm] * len(said), rel=0.01)
    assert said[-1].confidence > 0.7


def test_noise_and_silence_are_not_followed() -> None:
    noise = 0.1 * np.random.default_rng(1).standard_normal(RATE * 14)
    assert max(reading.confidence for reading in Room(noise.astype(np.float32), 120).read(14)) < 0.3
    assert Room(np.zeros(RATE * 8, np.float32), 120).read(8) == []


def test_a_player_who_drifts_is_followed() -> None:
    slow, fast = drums(118, 8), drums(121, 10)
    bar_s = 8 * 4 * 60 / 118
    sound = np.concatenate([slow[: round(bar_s * RATE)], fast])
    room = Room(sound, 118)
    room.read(bar_s)
    last = room.read(14)[-1]
    assert last.bpm == pytest.approx(121, rel=0.008)
    beat = 32 + (last.sample / RATE - bar_s) * 121 / 60
    assert abs((last.beat - beat + 0.5) % 1 - 0.5) * 60 / 121 < 0.03


def test_who_has_not_listened_for_long_begins_anew() -> None:
    room = Room(drums(120, 40), 120)
    room.read(10)
    room.stream.advance(room.memory.position + 30 * RATE)
    assert abs((off_beats(room.read(6)[-1], 120) + 0.5) % 1 - 0.5) < 0.05
    room.source.close()
    room.source.close()


def test_a_rock_recording_is_followed_to_its_bars() -> None:
    sound, rate = soundfile.read(ROOT / "tests/data/real/rock-095.ogg", dtype="float32")
    room = Room(sound if sound.ndim == 1 else sound.mean(axis=1), 98, rate=rate)
    room.read(10)
    off = np.array([off_beats(reading, 95, rate) for reading in room.read(15)])
    assert np.percentile(np.abs((off + 0.5) % 1 - 0.5), 95) * 60 / 95 < 0.02
    assert np.mean([round(each) % 4 == 0 for each in off]) > 0.9
