"""Sounds whose onsets and pitches are known, toy held-out songs, a toy generator."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from model.checkpoint import fingerprint, load_codec, save_network
from model.generator import StemGenerator, load_generator
from model.grid import SAMPLE_RATE
from model.network import NetworkConfig, StemNetwork

HELD_OUT_CHORDS = [(0, ""), (9, "m"), (5, ""), (7, "")]
HELD_OUT_PARTS = {
    "drums.flac": ("drums", ()),
    "bass.flac": ("bass", (0,)),
    "keys.flac": ("piano", (12, 16, 19)),
}


def clicks(times_s: Iterable[float], duration_s: float, seed: int = 0) -> np.ndarray:
    """Short decaying bursts of noise at the times given: float32 [samples]."""
    rng = np.random.default_rng(seed)
    audio = np.zeros(round(duration_s * SAMPLE_RATE), np.float32)
    burst_s = np.arange(round(0.04 * SAMPLE_RATE)) / SAMPLE_RATE
    for time_s in times_s:
        first = round(time_s * SAMPLE_RATE)
        burst = 0.5 * rng.standard_normal(len(burst_s)) * np.exp(-100 * burst_s)
        part = audio[first : first + len(burst)]
        part += burst[: len(part)].astype(np.float32)
    return audio


def notes(pitches: Iterable[int], duration_s: float = 2.0) -> np.ndarray:
    """MIDI pitches sounding together, with a few harmonics: float32 [samples]."""
    time_s = np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    audio = np.zeros(len(time_s))
    for pitch in pitches:
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        audio += sum(np.sin(2 * np.pi * h * hertz * time_s) / h**2 for h in (1, 2))
    return (0.1 * audio).astype(np.float32)


@pytest.fixture(scope="session")
def make_clicks() -> Callable[..., np.ndarray]:
    return clicks


@pytest.fixture(scope="session")
def make_notes() -> Callable[..., np.ndarray]:
    return notes


def write_held_out_song(folder: Path, tempo: float, bars: int = 11, feel: str = "straight") -> None:
    """Drums, bass and piano; the four chords come twice, then the last of them stays."""
    folder.mkdir(parents=True)
    bar_s = 240 / tempo
    chords = [HELD_OUT_CHORDS[bar % 4] if bar < 8 else HELD_OUT_CHORDS[3] for bar in range(bars)]
    for name, (_, steps) in HELD_OUT_PARTS.items():
        if steps:
            pieces = [notes([36 + root + step for step in steps], bar_s) for root, _ in chords]
            audio = np.concatenate(pieces)
        else:
            audio = clicks(np.arange(0, bars * bar_s - 0.1, bar_s / 8), bars * bar_s)
            # A little hiss, or between two strokes they would count as silent.
            audio += 0.005 * np.random.default_rng(1).standard_normal(len(audio))
        soundfile.write(folder / name, audio, SAMPLE_RATE, subtype="PCM_16")
    meta = {
        "tempo": tempo,
        "beats_per_bar": 4,
        "bars": bars,
        "key": "C",
        "mode": "major",
        "feel": feel,
        "chords": [[bar, 0, root, quality] for bar, (root, quality) in enumerate(chords)],
        "stems": {
            name: {"instrument": kind, "program": 1, "font": "fluid"}
            for name, (kind, _) in HELD_OUT_PARTS.items()
        },
    }
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")


@pytest.fixture(scope="session")
def held_out(tmp_path_factory) -> Path:
    """Three songs of eleven bars."""
    folder = tmp_path_factory.mktemp("held-out")
    for number, tempo in enumerate((120.0, 126.3, 140.0)):
        write_held_out_song(folder / "test" / f"{number:05}", tempo)
    return folder


@pytest.fixture(scope="session")
def toy_weights(codec_weights, tmp_path_factory) -> Path:
    """A folder with an untrained generator whose windows hold two bars."""
    folder = tmp_path_factory.mktemp("weights")
    shutil.copy(codec_weights, folder / "codec.safetensors")
    torch.manual_seed(0)
    network = StemNetwork(NetworkConfig(width=32, layers=1, heads=2, frames=256))
    codec = load_codec(codec_weights)
    save_network(folder / "stemgen.safetensors", network, fingerprint(codec))
    return folder


@pytest.fixture(scope="session")
def toy_generator(toy_weights) -> StemGenerator:
    return load_generator("cpu", toy_weights)


@pytest.fixture(scope="session")
def make_song() -> Callable[..., None]:
    return write_held_out_song
