"""How the codec compares with Opus: log-mel distance on the same files.

Beside it two figures that a mel spectrogram is too coarse for: whether notes are still the same
(chroma), and whether noise is still noise (roughness).
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch

from model.checkpoint import LoadedCodec
from model.grid import SAMPLE_RATE
from training.codec.losses import log_mel_distance
from training.codec.noise import roughness
from training.errors import TrainingError
from training.evaluation.fit import chroma_cosine

OPUS_KBITS = (6, 8, 12)
"""Bit rates to compare with; the bundled codec takes 2.2 kbit/s."""


@dataclass(frozen=True, slots=True)
class CodecFigures:
    """What became of one file.

    Attributes:
        name: of the file.
        ours: log-mel distance through our codec, dB; lower is better.
        opus: the same through Opus, by kbit/s.
        chroma: mean cosine of the chromas before and after ours, 0..1.
        roughness: before and after ours, dB (`training.codec.noise`).
    """

    name: str
    ours: float
    opus: dict[int, float]
    chroma: float
    roughness: tuple[float, float]


def read_audio(path: Path) -> np.ndarray:
    """A file as mono audio at 32 kHz: float32 [samples]."""
    audio, rate = soundfile.read(path, dtype="float32", always_2d=True)
    mono = audio.mean(1)
    return mono if rate == SAMPLE_RATE else soxr.resample(mono, rate, SAMPLE_RATE)


def through_opus(audio: np.ndarray, kbits: int) -> np.ndarray:
    """Mono audio [samples] at 32 kHz through `opusenc` and `opusdec`.

    Raises:
        TrainingError: the tools are not installed.
    """
    if not (shutil.which("opusenc") and shutil.which("opusdec")):
        raise TrainingError("opusenc and opusdec are missing; valid: install opus-tools")
    with tempfile.TemporaryDirectory() as folder:
        source, packed, back = (Path(folder) / n for n in ("in.wav", "a.opus", "out.wav"))
        soundfile.write(source, audio, SAMPLE_RATE, subtype="FLOAT")
        encode = ["opusenc", "--quiet", "--bitrate", str(kbits), str(source), str(packed)]
        decode = ["opusdec", "--quiet", "--rate", "48000", str(packed), str(back)]
        for command in (encode, decode):
            subprocess.run(command, check=True, capture_output=True)
        decoded = read_audio(back)
    return np.pad(decoded, (0, max(0, len(audio) - len(decoded))))[: len(audio)]


def through_codec(codec: LoadedCodec, audio: np.ndarray) -> np.ndarray:
    """Mono audio [samples] at 32 kHz to tokens and back, the same length."""
    device = next(codec.parameters()).device
    tokens = codec.encode(torch.from_numpy(audio)[None].to(device))
    return codec.decode(tokens)[0, : len(audio)].cpu().numpy()


def measure(codec: LoadedCodec, name: str, audio: np.ndarray) -> CodecFigures:
    """Every figure for one piece of mono audio [samples] at 32 kHz."""

    def distance(decoded: np.ndarray) -> float:
        return log_mel_distance(torch.from_numpy(decoded)[None], torch.from_numpy(audio)[None])

    ours = through_codec(codec, audio)
    return CodecFigures(
        name,
        distance(ours),
        {kbits: distance(through_opus(audio, kbits)) for kbits in OPUS_KBITS},
        chroma_cosine(ours, audio),
        (roughness(audio), roughness(ours)),
    )


def held_out_stems(songs: Sequence[Path], seconds: float = 10.0) -> list[tuple[str, np.ndarray]]:
    """The loudest stretch [samples] of each stem of some songs, peak brought to 0.5."""
    pieces = []
    for song in songs:
        for stem in sorted(song.glob("*.flac")):
            audio = read_audio(stem)
            size = int(seconds * SAMPLE_RATE)
            starts = range(0, max(1, len(audio) - size + 1), size)
            start = max(starts, key=lambda s: float((audio[s : s + size] ** 2).sum()))
            piece = audio[start : start + size]
            peak = float(np.abs(piece).max())
            if peak > 0.01:
                pieces.append((f"{song.name}/{stem.stem}", piece * np.float32(0.5 / peak)))
    return pieces
