"""Audio crops to train the codec on: stems and mixes of the band, and folders of other music."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
import soxr
import torch
from torch.utils.data import DataLoader, Dataset

from model.grid import SAMPLE_RATE
from training.errors import TrainingError
from training.loop import step_seed

AUDIO_SUFFIXES = {".flac", ".wav", ".ogg", ".mp3", ".aiff"}


def music_files(folders: list[Path]) -> list[Path]:
    """Every audio file below the folders, sorted.

    Raises:
        TrainingError: a folder holds none.
    """
    files: list[Path] = []
    for folder in folders:
        found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in AUDIO_SUFFIXES)
        if not found:
            raise TrainingError(f"no audio in {folder}; valid: {', '.join(sorted(AUDIO_SUFFIXES))}")
        files += found
    return files


def read_crop(path: Path, start_s: float, samples: int) -> np.ndarray:
    """Mono 32 kHz audio of a file from `start_s` seconds on: float32 [samples], zero-padded."""
    with soundfile.SoundFile(path) as file:
        rate = file.samplerate
        wanted = -(-samples * rate // SAMPLE_RATE)
        file.seek(min(int(start_s * rate), max(0, file.frames - wanted)))
        audio = file.read(wanted, dtype="float32", always_2d=True).mean(1)
    if rate != SAMPLE_RATE:
        audio = soxr.resample(audio, rate, SAMPLE_RATE)
    crop = np.zeros(samples, np.float32)
    crop[: min(samples, len(audio))] = audio[:samples]
    return crop


class CodecCrops(Dataset[torch.Tensor]):
    """Crop number i is a function of the seed and i alone: float32 [samples], peak below 1.

    Band crops are one stem (half of them) or a random mix of stems; with music folders given,
    `music_share` of the crops come from there.
    """

    def __init__(
        self, songs: list[Path], music: list[Path], samples: int, seed: int, music_share: float
    ):
        self.songs = [(song, sorted(song.glob("*.flac"))) for song in songs]
        self.durations = [soundfile.info(stems[0]).duration for _, stems in self.songs]
        self.music = [(path, soundfile.info(path).duration) for path in music]
        self.samples, self.seed, self.music_share = samples, seed, music_share

    def __len__(self) -> int:
        return 2**31

    def __getitem__(self, index: int) -> torch.Tensor:
        rng = random.Random(step_seed(self.seed, index))
        length_s = self.samples / SAMPLE_RATE
        audio = np.zeros(self.samples, np.float32)
        for _ in range(4):  # a few tries for a crop that sounds
            if self.music and rng.random() < self.music_share:
                path, duration = rng.choice(self.music)
                chosen = [path]
            else:
                number = rng.randrange(len(self.songs))
                stems, duration = self.songs[number][1], self.durations[number]
                count = 1 if rng.random() < 0.5 else rng.randint(1, len(stems))
                chosen = rng.sample(stems, count)
            start_s = rng.uniform(0.0, max(0.0, duration - length_s))
            audio = sum(
                (read_crop(path, start_s, self.samples) for path in chosen),
                np.zeros(self.samples, np.float32),
            )
            if np.abs(audio).max() > 1e-2:
                break
        gain = 10 ** (rng.uniform(-20.0, -1.0) / 20) / max(float(np.abs(audio).max()), 1e-2)
        return torch.from_numpy(audio * np.float32(gain))


def batches(data: Dataset[torch.Tensor], first: int, batch: int) -> Iterator[torch.Tensor]:
    """Batches [batch, ...] from batch number `first` on, made by one process in the background."""
    order = range(first * batch, len(data))  # type: ignore[arg-type]
    loader = DataLoader(
        data, batch, sampler=order, num_workers=1, prefetch_factor=4, drop_last=True
    )
    return iter(loader)
