"""Made songs, an untrained generator and a made report: an experiment rehearsed in seconds."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import soundfile
import torch

from model.checkpoint import CODEC_FILE, STEMGEN_FILE, fingerprint, save_codec, save_network
from model.frame_codec import FrameCodec, FrameCodecConfig
from model.grid import SAMPLE_RATE
from model.network import NetworkConfig, StemNetwork
from training.codec.train import revive_dead_codes
from training.evaluation.fit import Audio
from training.experiments.settings import Settings
from training.experiments.toy_report import write_toy_report

CODEC = FrameCodecConfig(
    width=16,
    encoder_blocks=1,
    decoder_blocks=1,
    decoder_width=24,
    single_bins=480,
    attack=True,
    decoder_floor=-14.0,
)
NETWORK = NetworkConfig(width=32, layers=1, heads=2, frames=256, context="features")
CHORDS = ((0, ""), (9, "m"), (5, ""), (7, ""))
PARTS = {
    "drums.flac": ("drums", ()),
    "bass.flac": ("bass", (0,)),
    "keys.flac": ("piano", (12, 16, 19)),
}
"""Instrument class of each stem, and what it plays above the root of the chord."""
TEMPI = (120.0, 126.0, 132.0, 140.0)
BARS = 11
EXAMPLES = 2


def toy_settings(out: Path, seed: int) -> Settings:
    """Everything that an experiment needs, in `out`; what is there is taken as it is."""
    held_out, weights, report = out / "toy-songs", out / "toy-weights", out / "toy-report.json"
    for split in ("train", "test"):
        for number, tempo in enumerate(TEMPI):
            folder = held_out / split / f"{number:05}"
            if not (folder / "meta.json").exists():
                write_song(folder, tempo)
    if not (weights / STEMGEN_FILE.name).exists():
        write_weights(weights, held_out / "train" / "00000")
    if not report.exists():
        write_toy_report(report)
    return Settings(
        out,
        out / "pages",
        held_out,
        held_out,
        weights,
        report,
        EXAMPLES,
        seed,
        quick=True,
    )


def write_song(folder: Path, tempo: float) -> None:
    """Drums, bass and piano; four chords come round again, then the last of them stays."""
    folder.mkdir(parents=True, exist_ok=True)
    bar_s = 240 / tempo
    chords = [CHORDS[bar % 4] if bar < 8 else CHORDS[3] for bar in range(BARS)]
    for name, (_, steps) in PARTS.items():
        pieces = [_bar(bar_s, [36 + root + step for step in steps]) for root, _ in chords]
        soundfile.write(folder / name, np.concatenate(pieces), SAMPLE_RATE, subtype="PCM_16")
    meta = {
        "tempo": tempo,
        "beats_per_bar": 4,
        "bars": BARS,
        "key": "C",
        "mode": "major",
        "feel": "straight",
        "chords": [[bar, 0, root, quality] for bar, (root, quality) in enumerate(chords)],
        "stems": {
            name: {"instrument": kind, "program": 1, "font": "made"}
            for name, (kind, _) in PARTS.items()
        },
    }
    (folder / "meta.json").write_text(json.dumps(meta), encoding="utf-8")


def _bar(bar_s: float, pitches: list[int]) -> Audio:
    """A bar of a chord [samples], or of strokes on the eighths where there are no pitches."""
    time_s = np.arange(round(bar_s * SAMPLE_RATE)) / SAMPLE_RATE
    if not pitches:
        strokes = 0.02 + np.exp(-30 * (time_s % (bar_s / 8)))
        return (0.2 * strokes * np.random.default_rng(1).standard_normal(len(time_s))).astype("f4")
    tones = [np.sin(2 * math.pi * 440 * 2 ** ((pitch - 69) / 12) * time_s) for pitch in pitches]
    return (0.1 * np.sum(tones, axis=0)).astype(np.float32)


def write_weights(folder: Path, song: Path) -> None:
    """An untrained codec, whose entries lie on what a song sounds like, and a network for it."""
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    codec = FrameCodec(CODEC)
    stems = np.stack([soundfile.read(file, dtype="float32")[0] for file in song.glob("*.flac")])
    with torch.no_grad():
        revive_dead_codes(codec, codec.latent(torch.from_numpy(stems)), threshold=math.inf)
    save_codec(folder / CODEC_FILE.name, codec)
    network = StemNetwork(NETWORK)
    # As they begin, all tokens are as likely whatever is told, and all ways to decode alike.
    torch.nn.init.normal_(network.heads, std=1.0)
    save_network(folder / STEMGEN_FILE.name, network, fingerprint(codec))
