"""A small folder of contexts, and a study of it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import soundfile
import yaml

RATE = 48_000
BPM = 240  # a bar is a second
SECONDS = 1.2


def tune(seed: int, seconds: float = 4.0) -> np.ndarray:
    """Something with beats and tones in it, [samples]."""
    dice = np.random.default_rng(seed)
    time_s = np.arange(round(seconds * RATE)) / RATE
    beats = np.exp(-20 * (time_s % (60 / BPM))) * dice.normal(0, 0.1, len(time_s))
    chord = sum(np.sin(2 * np.pi * hz * time_s) for hz in dice.uniform(200, 800, 3))
    return (0.05 * chord + beats).astype(np.float32)


def contexts(folder: Path, count: int = 3, human: bool = True) -> Path:
    """Contexts named a, b, c, ..."""
    folder.mkdir()
    names = "abcdefgh"[:count]
    for seed, name in enumerate(names):
        soundfile.write(folder / f"{name}.wav", np.stack([tune(seed), tune(seed + 9)], 1), RATE)
        if human:
            soundfile.write(folder / f"{name}.stem.wav", 0.5 * tune(seed + 20), RATE)
    told = {name: {"bpm": BPM, "instrument": "bass", "cycle": 1} for name in names}
    (folder / "contexts.yaml").write_text(yaml.safe_dump(told))
    return folder
