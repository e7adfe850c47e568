"""A tiny band set on disk, toy sizes, and no signal handler or thread count left behind."""

from __future__ import annotations

import json
import math
import signal
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from model.checkpoint import save_codec
from model.frame_codec import FrameCodec, FrameCodecConfig
from model.grid import SAMPLE_RATE
from model.network import NetworkConfig
from model.request import SOURCES
from training.codec.train import revive_dead_codes

TOY_CODEC = FrameCodecConfig(
    width=16,
    encoder_blocks=1,
    decoder_blocks=1,
    decoder_width=24,
    single_bins=480,
    attack=True,
    decoder_floor=-14.0,
)
TOY_NETWORK = NetworkConfig(
    width=32, layers=2, heads=2, frames=64, context="features", sources=SOURCES
)

PARTS = {"drums": "drums", "bass": "bass", "keys": "piano", "lead": "synth lead"}
"""Instrument class of each part."""


@pytest.fixture(scope="session")
def toy_codec_config() -> FrameCodecConfig:
    return TOY_CODEC


@pytest.fixture(scope="session")
def toy_network_config() -> NetworkConfig:
    return TOY_NETWORK


@pytest.fixture(scope="session")
def deep_config() -> NetworkConfig:
    return replace(TOY_NETWORK, fine="depth")


@pytest.fixture(scope="session", params=["levels", "depth"])
def fine_config(request) -> NetworkConfig:
    """A toy network of each way to tell finer levels."""
    return replace(TOY_NETWORK, fine=request.param)


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(autouse=True)
def _signals_restored() -> Iterator[None]:
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(kind) for kind in kinds]
    yield
    for kind, handler in zip(kinds, before, strict=True):
        signal.signal(kind, handler)


def part_audio(part: str, tempo: float, samples: int, rng: np.random.Generator) -> np.ndarray:
    """Noise bursts on the eighths for drums; a tone, or a chord, for the others."""
    time_s = np.arange(samples) / SAMPLE_RATE
    if part == "drums":
        burst = np.exp(-8 * (time_s % (30 / tempo)))
        return 0.3 * burst * rng.standard_normal(samples)
    pitches = {"bass": (65.4,), "keys": (261.6, 329.6, 392.0), "lead": (523.3,)}[part]
    return 0.1 * np.sum([np.sin(2 * np.pi * pitch * time_s) for pitch in pitches], axis=0)


def write_song(folder: Path, parts: list[str], tempo: float, bars: int = 2) -> None:
    """A song of whole bars in 4/4 and a second of tail."""
    folder.mkdir(parents=True)
    samples = round(bars * 240 / tempo * SAMPLE_RATE) + SAMPLE_RATE
    rng = np.random.default_rng(0)
    for part in parts:
        audio = part_audio(part, tempo, samples, rng)
        soundfile.write(folder / f"{part}.flac", audio, SAMPLE_RATE, subtype="PCM_16")
    meta = {
        "tempo": tempo,
        "beats_per_bar": 4,
        "bars": bars,
        "samples": samples,
        "sample_rate": SAMPLE_RATE,
        "stems": {
            f"{part}.flac": {"instrument": PARTS[part], "part": part, "program": 1, "font": "fluid"}
            for part in parts
        },
    }
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")


@pytest.fixture(scope="session")
def band(tmp_path_factory) -> Path:
    """Two songs to train on, one to measure, one to test."""
    band = tmp_path_factory.mktemp("band")
    write_song(band / "train" / "00001", ["drums", "bass", "keys"], 120.0)
    write_song(band / "train" / "00002", ["drums", "bass", "keys", "lead"], 100.0)
    write_song(band / "valid" / "00000", ["drums", "bass", "keys"], 110.0)
    write_song(band / "test" / "00010", ["drums", "bass"], 120.0)
    return band


@pytest.fixture(scope="session")
def codec_weights(band, tmp_path_factory) -> Path:
    """Weights of an untrained toy codec whose codebooks lie on what the band sounds like."""
    torch.manual_seed(0)
    codec = FrameCodec(TOY_CODEC)
    stems = sorted((band / "train" / "00001").glob("*.flac"))
    audio = np.stack([soundfile.read(stem, dtype="float32")[0] for stem in stems])
    with torch.no_grad():
        revive_dead_codes(codec, codec.latent(torch.from_numpy(audio)), threshold=math.inf)
    path = tmp_path_factory.mktemp("codec") / "codec.safetensors"
    save_codec(path, codec)
    return path
