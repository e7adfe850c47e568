"""Loops played by recorded drum kits: what a sound font's drums lack.

A kit is a folder of single hits, as drum machines have them. Each loop takes a few of its hits,
gives each a pattern of its own and plays them late and early, loud and soft.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from model.grid import SAMPLE_RATE
from training.codec.data import AUDIO_SUFFIXES, read_crop
from training.errors import TrainingError

LOOP_S = 6.0
RING_S = 4.0
"""A hit is heard no longer than this."""
LEVEL_DB, SOFTER_DB = 15.0, 8.0
"""How far apart the hits of a loop may be, and the strokes of one hit."""
LATE_S = 0.004
"""Spread of a stroke about its place."""


def read_kit(folder: Path) -> list[np.ndarray]:
    """The hits of a kit, mono 32 kHz float32 [samples], each with peak 1; silent files left out.

    Raises:
        TrainingError: there are none.
    """
    if not folder.is_dir():
        raise TrainingError(f"{folder} is no folder; valid: one with the hits of a drum kit")
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in AUDIO_SUFFIXES)
    hits = []
    for path in files:
        hit = read_crop(path, 0.0, round(RING_S * SAMPLE_RATE))
        peak = float(np.abs(hit).max())
        if peak > 1e-3:
            hits.append(hit / np.float32(peak))
    if not hits:
        raise TrainingError(f"no hits in {folder}; valid: {', '.join(sorted(AUDIO_SUFFIXES))}")
    return hits


def play_loop(hits: Sequence[np.ndarray], rng: random.Random) -> np.ndarray:
    """A loop of LOOP_S seconds, float32 [samples], peak 0.7."""
    samples = round(LOOP_S * SAMPLE_RATE)
    loop = np.zeros(samples, np.float32)
    # 75 to 175 BPM in halves, thirds or fourths of a beat.
    step = 60 / rng.uniform(75, 175) / rng.choice([2, 3, 4]) * SAMPLE_RATE
    for hit in rng.sample(list(hits), min(len(hits), rng.randint(2, 6))):
        often = rng.choice([0.1, 0.2, 0.35, 1.0])
        pattern = [rng.random() < often for _ in range(rng.choice([8, 12, 16]))]
        level_db = rng.uniform(-LEVEL_DB, 0)
        for number in range(int(samples / step)):
            if not pattern[number % len(pattern)]:
                continue
            at = max(0, round(number * step + rng.gauss(0, LATE_S) * SAMPLE_RATE))
            stroke = hit[: max(0, samples - at)]
            gain = 10 ** ((level_db + rng.uniform(-SOFTER_DB, 0)) / 20)
            loop[at : at + len(stroke)] += np.float32(gain) * stroke
    return loop * np.float32(0.7 / max(1e-3, float(np.abs(loop).max())))


def write_loops(kits: Sequence[Path], out: Path, loops: int, seed: int) -> list[Path]:
    """Write one file of `loops` loops for each kit; returns the files.

    Raises:
        TrainingError: a folder holds no hits.
    """
    written = []
    out.mkdir(parents=True, exist_ok=True)
    for kit in kits:
        hits, rng = read_kit(kit), random.Random(f"{seed} {kit.name}")
        audio = np.concatenate([play_loop(hits, rng) for _ in range(loops)])
        path = out / f"{kit.name}.flac"
        soundfile.write(path, audio, SAMPLE_RATE, subtype="PCM_16")
        written.append(path)
    return written
