"""How well the beat of real recordings, and of rendered songs, is followed.

    python -m benchmarks.follow [FOLDER OF HELD-OUT SONGS] [HOW MANY]

The recordings are those of the tests; a folder is one that `python -m training band --held-out`
wrote. The tempo that is set at first is 4 % off. A beat counts from 10 s on.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import numpy as np
import soundfile
import soxr

from companion.clock.follow import FollowSource
from companion.clock.host_time import HostTime

ROOT = Path(__file__).parents[1]
RATE = 48_000
SETTLE_S = 10.0
OFF = 1.04
MOST_S = 60.0


class Recording:
    """Sound that is heard up to a position."""

    def __init__(self, sound: np.ndarray) -> None:
        """At its start."""
        self.sound, self.position = sound, 0

    def capture(self, start: int, n: int) -> np.ndarray:
        """See `Capture`."""
        return self.sound[start : start + n]


def follow(sound: np.ndarray, bpm: float, beats_per_bar: int) -> dict[str, float]:
    """Figures of one recording whose bar 0 starts at its first sample."""
    heard = Recording(sound)
    source = FollowSource(heard, RATE, lambda: bpm * OFF, beats_per_bar)
    host_time = HostTime(RATE)
    claimed: list[bool] = []
    off, bars, sure, tempo, spent_s, first_s = [], [], [], [], 0.0, np.nan
    for position in range(0, len(sound), RATE // 100):
        heard.position = position
        began_s = time.thread_time()
        reading = source.read(position, host_time)
        spent_s += time.thread_time() - began_s
        if reading is None:
            continue
        if np.isnan(first_s) and reading.confidence > 0.3:
            first_s = position / RATE
        if position < SETTLE_S * RATE:
            continue
        ahead = reading.beat_at(position, RATE) - position / RATE * bpm / 60
        off.append(((ahead + 0.5) % 1 - 0.5) * 60 / bpm * 1e3)
        claimed.append(reading.lock == "bar")
        if reading.lock == "bar":
            bars.append(round(ahead) % beats_per_bar == 0)
        sure.append(reading.confidence)
        tempo.append(reading.bpm / bpm - 1)
    apart = np.abs(off)
    return {
        "beat p50 ms": float(np.median(apart)),
        "p95 ms": float(np.percentile(apart, 95)),
        "bias ms": float(np.median(off)),
        "bar said": float(np.mean(claimed)),
        "then right": float(np.mean(bars)) if bars else 1.0,
        "tempo p95 %": float(np.percentile(np.abs(tempo), 95) * 100),
        "confidence": float(np.mean(sure)),
        "core %": 100 * spent_s / (len(sound) / RATE),
    }


def at_rate(sound: np.ndarray, rate: int) -> np.ndarray:
    """Mono at 48 kHz, a minute at most."""
    mono = sound.mean(axis=1) if sound.ndim > 1 else sound
    return soxr.resample(mono[: round(MOST_S * rate)], rate, RATE).astype(np.float32)


def line(name: str, figures: dict[str, float]) -> None:
    """Print the figures of one."""
    print(f"{name:20}" + "".join(f"{key} {value:7.2f}   " for key, value in figures.items()))


def main() -> None:
    """Print the figures."""
    real = ROOT / "tests" / "data" / "real"
    for each in json.loads((real / "index.json").read_text()):
        sound, rate = soundfile.read(real / each["file"], dtype="float32")
        line(each["file"], follow(at_rate(sound, rate), float(each["bpm"]), 4))
    noise = np.random.default_rng(0).standard_normal(RATE * 30).astype(np.float32) * 0.1
    line("noise", follow(noise, 120.0, 4))
    if len(sys.argv) < 2:
        return
    songs = sorted(path.parent for path in Path(sys.argv[1]).rglob("meta.json"))
    songs = songs[: int(sys.argv[2])] if len(sys.argv) > 2 else songs
    found = []
    for song in songs:
        meta = json.loads((song / "meta.json").read_text())
        names = [
            name for name in ("drums.flac", "keys.flac", "guitar.flac") if (song / name).exists()
        ]
        stems = [soundfile.read(song / name, dtype="float32") for name in names]
        length = min(len(sound) for sound, _ in stems)
        mix = sum(sound[:length] for sound, _ in stems)
        figures = follow(at_rate(mix, stems[0][1]), meta["tempo"], meta["beats_per_bar"])
        line(f"{song.name} {meta['tempo']:g}", figures)
        found.append(figures)
    for key in found[0]:
        values = [figures[key] for figures in found]
        p10, p50, p90 = np.percentile(values, [10, 50, 90])
        print(f"{key:14} p10 {p10:.2f}  p50 {p50:.2f}  p90 {p90:.2f}  mean {np.mean(values):.2f}")


if __name__ == "__main__":
    main()
