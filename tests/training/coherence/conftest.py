"""Songs of made-up bands whose chords and onsets are known, and a small band with charts."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from model.grid import SAMPLE_RATE
from tests.training.conftest import write_song
from training.coherence.bands import LOWEST_PITCH, MEL_HOP, SEMITONE_HOP, SEMITONES, Bands
from training.coherence.features import BandSong

LOUD, SILENT = 160, 0
INSTRUMENTS = ("bass", "drums", "guitar", "piano")


def band_song(number: int, tempo: float = 120.0, bars: int = 12, coded: bool = False) -> BandSong:
    """Four bars a chord; each beat a click in the lowest mel band, each bar one in the highest."""
    seconds = bars * 240.0 / tempo
    frames = [int(seconds * SAMPLE_RATE / hop) + 1 for hop in (SEMITONE_HOP, MEL_HOP)]
    semitones = np.full((len(INSTRUMENTS), SEMITONES, frames[0]), SILENT, np.uint8)
    mel = np.full((len(INSTRUMENTS), 24, frames[1]), SILENT, np.uint8)
    roots = np.repeat((np.arange(bars) // 4 * 5 + number) % 12, 4)
    times_s = np.arange(frames[0]) * SEMITONE_HOP / SAMPLE_RATE
    heard = roots[np.minimum((times_s * tempo / 60).astype(int), len(roots) - 1)]
    for stem, name in enumerate(INSTRUMENTS):
        if name != "drums":
            pitch = 48 - LOWEST_PITCH + heard + 12 * (stem % 2)
            semitones[stem, pitch, np.arange(frames[0])] = LOUD
    for beat in range(4 * bars):
        at = round(beat * 60.0 / tempo * SAMPLE_RATE / MEL_HOP)
        mel[:, 0, at : at + 3] = LOUD
        if beat % 4 == 0:
            mel[:, 23, at : at + 3] = LOUD
    bands = Bands(semitones, mel)
    return BandSong(f"{number:05d}", tempo, 4, INSTRUMENTS, roots, bands, bands if coded else None)


@pytest.fixture(scope="session")
def make_band_song() -> Callable[..., BandSong]:
    return band_song


@pytest.fixture(scope="session")
def band_songs() -> list[BandSong]:
    return [band_song(number, 110.0 + 4 * number, coded=number == 0) for number in range(5)]


@pytest.fixture(scope="session")
def charted_band(tmp_path_factory) -> Path:
    """A band whose songs have a chart and are long enough for a window."""
    band = tmp_path_factory.mktemp("charted")
    for split, number, tempo in (
        ("train", 1, 118.0),
        ("train", 2, 122.0),
        ("valid", 0, 120.0),
        ("test", 3, 124.0),
        ("test", 4, 121.0),
    ):
        folder = band / split / f"{number:05d}"
        write_song(folder, ["drums", "bass", "keys"], tempo, bars=8)
        meta = json.loads((folder / "meta.json").read_text())
        meta["chords"] = [[0, 0, 0, ""], [4, 0, 5, "m7"]]
        (folder / "meta.json").write_text(json.dumps(meta))
    return band
