"""Token shards: every stem and some mixes of every song, encoded once.

A mix is encoded as a mix, never made up from the stems' tokens: the codec is not linear.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import soundfile
import torch
from rich.progress import track
from safetensors import safe_open
from safetensors.numpy import load_file, save_file
from torch import Tensor

from model.checkpoint import load_codec
from model.device import autocast
from model.generator import level_context
from model.grid import FRAME_RATE, HOP
from model.instruments import instrument_index
from training.errors import TrainingError
from training.loop import step_seed
from training.songs import read_song, song_folders

MIXES = 4
"""Context mixes encoded for each song."""
SOUNDING = 10 ** (-50 / 20)
"""RMS above which a frame counts as sounding (-50 dBFS)."""


@dataclass(frozen=True, slots=True)
class EncodedSong:
    """The tokens of one song.

    Attributes:
        tempo: beats a minute.
        instruments: class of each stem [M].
        members: which stems are in each mix, K tuples.
        stems: int16 [M, Q, T].
        mixes: int16 [K, Q, T].
        sounding: bool [M, T].
        mix_sounding: bool [K, T].
    """

    name: str
    tempo: float
    beats_per_bar: int
    instruments: tuple[int, ...]
    members: tuple[tuple[int, ...], ...]
    stems: np.ndarray
    mixes: np.ndarray
    sounding: np.ndarray
    mix_sounding: np.ndarray

    @property
    def frames(self) -> int:
        """Length of the song."""
        return int(self.stems.shape[-1])


def draw_mixes(stems: int, count: int, rng: random.Random) -> list[tuple[int, ...]]:
    """Random subsets of the stems, each without at least one stem; distinct while there are any."""
    subsets = [tuple(i for i in range(stems) if bits >> i & 1) for bits in range(1, 2**stems - 1)]
    # A full backing is what a player meets most often: half of the mixes lack one stem only.
    backings = [s for s in subsets if len(s) == stems - 1]
    chosen = rng.sample(backings, min(len(backings), (count + 1) // 2))
    rest = [s for s in subsets if s not in chosen]
    return sorted(chosen + rng.sample(rest, min(len(rest), count - len(chosen))))


def frame_sounding(audio: np.ndarray) -> np.ndarray:
    """Which frames of audio [..., samples] sound: bool [..., samples // 640]."""
    frames = audio.shape[-1] // HOP
    blocks = audio[..., : frames * HOP].reshape(*audio.shape[:-1], frames, HOP)
    return np.sqrt((blocks**2).mean(-1)) > SOUNDING


@torch.no_grad()
def _encode_song(job: tuple[Path, Path, int, int]) -> tuple[str, dict[str, np.ndarray]] | None:
    folder, weights, index, seed = job
    torch.set_num_threads(1)
    song = read_song(folder)
    if len(song.stems) < 2:
        return None
    rng = random.Random(step_seed(seed, index))
    audio = np.stack([soundfile.read(folder / name, dtype="float32")[0] for name in song.stems])
    audio = audio[:, : audio.shape[1] // HOP * HOP]
    members = draw_mixes(len(audio), MIXES, rng)
    mixes = []
    for member in members:
        gains = [10 ** (rng.uniform(-4, 4) / 20) for _ in member]
        mixes.append(sum(g * audio[m] for g, m in zip(gains, member, strict=True)))
    leveled = level_context(torch.from_numpy(np.stack(mixes).astype(np.float32)))
    spread = torch.tensor([10 ** (rng.uniform(-4, 4) / 20) for _ in members])
    codec = load_codec(weights)
    batch = torch.cat([torch.from_numpy(audio), leveled * spread[:, None]])
    with autocast(torch.device("cpu")):
        tokens = torch.cat([codec.encode(row[None]) for row in batch]).numpy().astype(np.int16)
    header = {
        "name": folder.name,
        "tempo": song.tempo,
        "beats_per_bar": song.beats_per_bar,
        "instruments": [instrument_index(name) for name in song.stems.values()],
        "members": members,
    }
    arrays = {
        "stems": tokens[: len(audio)],
        "mixes": tokens[len(audio) :],
        "sounding": frame_sounding(audio),
        "mix_sounding": frame_sounding(leveled.numpy()),
    }
    return json.dumps(header), arrays


def write_shard(band: Path, split: str, out: Path, weights: Path, seed: int, workers: int) -> Path:
    """Encode one split of a band set to `out/<split>.safetensors`; an existing one is kept.

    Args:
        weights: the codec.
    """
    path = out / f"{split}.safetensors"
    if path.exists():
        return path
    folders = song_folders(band, split)
    jobs = [(folder, weights, index, seed) for index, folder in enumerate(folders)]
    headers: list[str] = []
    tensors: dict[str, np.ndarray] = {}
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        results = pool.map(_encode_song, jobs, chunksize=2)
        for result in track(results, f"encoding {split}", total=len(jobs)):
            if result is None:
                continue
            header, arrays = result
            tensors |= {f"{len(headers)}/{name}": array for name, array in arrays.items()}
            headers.append(header)
    out.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(".part")
    save_file(tensors, part, {"songs": json.dumps([json.loads(h) for h in headers])})
    part.replace(path)
    return path


def read_shard(path: Path) -> list[EncodedSong]:
    """Every song of a shard.

    Raises:
        TrainingError: no such file.
    """
    if not path.exists():
        raise TrainingError(
            f"shard {path} is missing; it is written by `python -m training stemgen`"
        )
    with safe_open(path, "np") as file:
        headers = json.loads(file.metadata()["songs"])
    tensors = load_file(path)
    return list(_songs(headers, tensors))


def _songs(headers: list[dict], tensors: dict[str, np.ndarray]) -> Iterator[EncodedSong]:
    for index, header in enumerate(headers):
        yield EncodedSong(
            name=header["name"],
            tempo=header["tempo"],
            beats_per_bar=header["beats_per_bar"],
            instruments=tuple(header["instruments"]),
            members=tuple(tuple(m) for m in header["members"]),
            stems=tensors[f"{index}/stems"],
            mixes=tensors[f"{index}/mixes"],
            sounding=tensors[f"{index}/sounding"],
            mix_sounding=tensors[f"{index}/mix_sounding"],
        )


def clock_phase(tempo: float, beats_per_bar: int, first_frame: int, frames: int) -> Tensor:
    """Sin and cos of beat and of bar phase at frame starts: float32 [frames, 4]."""
    beat = (torch.arange(frames, dtype=torch.float64) + first_frame) / FRAME_RATE * tempo / 60
    beat, bar = 2 * torch.pi * beat, 2 * torch.pi * beat / beats_per_bar
    return torch.stack([beat.sin(), beat.cos(), bar.sin(), bar.cos()], -1).float()
