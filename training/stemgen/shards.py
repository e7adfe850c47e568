"""Token shards: every stem and some mixes of every song, encoded once.

A mix is encoded as a mix, never made up from the stems' tokens: the codec is not linear.
"""

from __future__ import annotations

import json
import random
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import torch
from rich.progress import track
from safetensors import safe_open
from safetensors.numpy import save_file
from torch import Tensor

from model.checkpoint import LoadedCodec, load_grid_codec
from model.context import context_gain
from model.device import autocast
from model.grid import FRAME_RATE, HOP
from model.instruments import instrument_index
from model.pitch import pitches
from model.sound import sounding_frames
from training.errors import TrainingError
from training.loop import prepare_process, step_seed
from training.songs import Chart, Sound, read_song, song_folders
from training.stemgen.colour import coloured

MIXES = 4
"""Context mixes encoded for each song."""
PITCH_STEPS = 21
"""Steps in which the pitches of `model.pitch` are kept: they fill a byte."""
LISTED = 16
"""Stems up to which all mixes that there are fit into a list to draw from."""


@dataclass(frozen=True, slots=True)
class EncodedSong:
    """The tokens of one song.

    Attributes:
        tempo: beats a minute, None where nobody knows the beats.
        lead: frames from the last bar line before it to its first frame, need not be whole.
        chart: its chords, None where nobody knows them.
        instruments: class of each stem [M].
        sounds: what each stem was played with, program and font, [M].
        members: which stems are in each mix, K tuples.
        stems: int16 [M, Q, T].
        stem_pitches: int8 [M, T, PITCHES], in steps of 1 / PITCH_STEPS.
        mixes: int16 [K, Q, T].
        mix_pitches: int8 [K, T, PITCHES], in steps of 1 / PITCH_STEPS.
        sounding: bool [M, T].
        mix_sounding: bool [K, T].
    """

    name: str
    tempo: float | None
    beats_per_bar: int
    chart: Chart | None
    instruments: tuple[int, ...]
    sounds: tuple[Sound, ...]
    members: tuple[tuple[int, ...], ...]
    stems: np.ndarray
    stem_pitches: np.ndarray
    mixes: np.ndarray
    mix_pitches: np.ndarray
    sounding: np.ndarray
    mix_sounding: np.ndarray
    lead: float = 0.0

    @property
    def frames(self) -> int:
        """Length of the song."""
        return int(self.stems.shape[-1])


def draw_mixes(stems: int, count: int, rng: random.Random) -> list[tuple[int, ...]]:
    """Random subsets of the stems, each without at least one stem; distinct while there are any."""
    if stems > LISTED:
        return _many_stems(stems, count, rng)
    subsets = [tuple(i for i in range(stems) if bits >> i & 1) for bits in range(1, 2**stems - 1)]
    # A full backing is what a player meets most often: half of the mixes lack one stem only.
    backings = [s for s in subsets if len(s) == stems - 1]
    chosen = rng.sample(backings, min(len(backings), (count + 1) // 2))
    rest = [s for s in subsets if s not in chosen]
    return sorted(chosen + rng.sample(rest, min(len(rest), count - len(chosen))))


def _many_stems(stems: int, count: int, rng: random.Random) -> list[tuple[int, ...]]:
    """`draw_mixes` of so many stems that a draw hardly ever comes twice."""
    lacking = rng.sample(range(stems), (count + 1) // 2)
    drawn = {2**stems - 1 - (1 << stem) for stem in lacking}
    while len(drawn) < count:
        drawn.add(rng.randrange(1, 2**stems - 1))
    return sorted(tuple(i for i in range(stems) if bits >> i & 1) for bits in drawn)


def packed_pitches(audio: Tensor) -> np.ndarray:
    """Pitches of audio [B, samples] as bytes: int8 [B, frames, PITCHES]."""
    rows = [pitches(row[None])[0] for row in audio]
    return (torch.stack(rows) * PITCH_STEPS).round().to(torch.int8).numpy()


@dataclass(frozen=True, slots=True)
class _Job:
    """One song to encode."""

    folder: Path
    weights: Path
    out: Path
    index: int
    seed: int


def _encode_song(job: _Job) -> None:
    """Write one song's shard; a song of fewer than two stems gives none."""
    prepare_process(1)
    song = read_song(job.folder)
    if len(song.stems) < 2:
        return
    rng = random.Random(step_seed(job.seed, job.index))
    audio = np.stack([soundfile.read(song.folder / n, dtype="float32")[0] for n in song.stems])
    codec = load_grid_codec(job.weights)
    members, arrays = encode_stems(audio, codec, rng, torch.device("cpu"))
    header = {
        "name": song.folder.name,
        "tempo": song.tempo,
        "beats_per_bar": song.beats_per_bar,
        "chart": song.chart,
        "sounds": song.sounds,
        "instruments": [instrument_index(name) for name in song.stems.values()],
        "members": members,
    }
    store_shard(job.out, header, arrays, job.seed)


@torch.no_grad()
def encode_stems(
    audio: np.ndarray, codec: LoadedCodec, rng: random.Random, device: torch.device
) -> tuple[list[tuple[int, ...]], dict[str, np.ndarray]]:
    """The tokens, pitches and sounding frames of stems and of some mixes of them.

    Args:
        audio: at least two stems, float32 [M, samples], 32 kHz; what is no whole frame is dropped.
        codec: on `device`.

    Returns:
        which stems are in each mix, and the arrays of an `EncodedSong` by name.
    """
    audio = audio[:, : audio.shape[1] // HOP * HOP]
    members = draw_mixes(len(audio), MIXES, rng)
    dry, mixes = [], []
    for member in members:
        faders = [10 ** (rng.uniform(-4, 4) / 20) for _ in member]
        mix = np.zeros_like(audio[0])
        for fader, stem in zip(faders, member, strict=True):
            mix += np.float32(fader) * audio[stem]
        dry.append(mix)
        mixes.append(coloured(mix, rng))
    heard = torch.from_numpy(np.stack(mixes))
    gains = torch.tensor([context_gain(row) for row in heard])
    leveled = heard * gains[:, None]
    spread = torch.tensor([10 ** (rng.uniform(-4, 4) / 20) for _ in members])
    batch = torch.cat([torch.from_numpy(audio), leveled * spread[:, None]])
    with autocast(device):
        rows = [codec.encode(row[None].to(device)).cpu() for row in batch]
    tokens = torch.cat(rows).numpy().astype(np.int16)
    return members, {
        "stems": tokens[: len(audio)],
        "mixes": tokens[len(audio) :],
        "stem_pitches": packed_pitches(torch.from_numpy(audio)),
        "mix_pitches": packed_pitches(leveled),
        "sounding": sounding_frames(audio),
        # Of the band alone: a room's tail and a floor of noise are no music to follow.
        "mix_sounding": sounding_frames(np.stack(dry) * gains.numpy()[:, None]),
    }


def store_shard(
    path: Path, header: dict[str, Any], arrays: dict[str, np.ndarray], seed: int
) -> None:
    """Write a shard; it appears whole or not at all.

    Args:
        header: of an `EncodedSong` what is no array.
        arrays: the others by name, [M, ...] of stems and [K, ...] of mixes.
    """
    part = path.with_suffix(".part")
    save_file(arrays, part, {"song": json.dumps(header), "drawn": drawn_with(seed)})
    part.replace(path)


def check_drawn(path: Path, seed: int) -> None:
    """TrainingError: a shard that is there was drawn with another seed, or in another way."""
    with safe_open(path, "np") as file:
        drawn = file.metadata().get("drawn")
    if drawn != drawn_with(seed):
        raise TrainingError(
            f"shard {path} was drawn with {drawn}, this run has {drawn_with(seed)}; "
            "use the same, or another --out"
        )


def drawn_with(seed: int) -> str:
    """What decides a song's mixes: shards drawn in another way are not taken for these."""
    return f"seed {seed}, {MIXES} mixes in rooms, through desks"


def write_shards(band: Path, split: str, out: Path, weights: Path, seed: int, workers: int) -> Path:
    """Encode one split of a band set, a file a song; songs that are there already are kept.

    An interruption loses the songs in progress only.

    Args:
        out: folder of all splits.
        weights: the codec.
        workers: processes, one core each.

    Returns:
        the folder of this split's shards.

    Raises:
        TrainingError: shards that are there were drawn with another seed.
    """
    shards = out / split
    shards.mkdir(parents=True, exist_ok=True)
    jobs = [
        _Job(folder, weights, shards / f"{folder.name}.safetensors", index, seed)
        for index, folder in enumerate(song_folders(band, split))
    ]
    for job in jobs:
        if job.out.exists():
            check_drawn(job.out, seed)
    missing = [job for job in jobs if not job.out.exists()]
    with ProcessPoolExecutor(workers, get_context("spawn")) as pool:
        done = pool.map(_encode_song, missing)
        for _ in track(done, f"encoding {split}", total=len(missing), disable=not missing):
            pass
    return shards


def read_shards(folder: Path) -> list[EncodedSong]:
    """Every song of a split, in the order of their names.

    Raises:
        TrainingError: there is none.
    """
    songs = [_read_song(path) for path in sorted(folder.glob("*.safetensors"))]
    if not songs:
        raise TrainingError(f"no shards in {folder}; valid: songs of at least two stems")
    return songs


def _read_song(path: Path) -> EncodedSong:
    # As torch tensors the arrays stay on disk until they are looked at, one by one.
    with safe_open(path, "pt") as file:
        header = json.loads(file.metadata()["song"])
        arrays = {name: file.get_tensor(name).numpy() for name in file.keys()}  # noqa: SIM118
    return EncodedSong(
        name=header["name"],
        tempo=header["tempo"],
        beats_per_bar=header["beats_per_bar"],
        chart=None if header["chart"] is None else tuple(map(tuple, header["chart"])),
        sounds=tuple((program, font) for program, font in header["sounds"]),
        instruments=tuple(header["instruments"]),
        members=tuple(tuple(m) for m in header["members"]),
        lead=header.get("lead", 0.0),
        **arrays,
    )


def clock_phase(tempo: float, beats_per_bar: int, first_frame: float, frames: int) -> Tensor:
    """Sin and cos of beat and of bar phase at frame starts: float32 [frames, 4]."""
    beat = (torch.arange(frames, dtype=torch.float64) + first_frame) / FRAME_RATE * tempo / 60
    beat, bar = 2 * torch.pi * beat, 2 * torch.pi * beat / beats_per_bar
    return torch.stack([beat.sin(), beat.cos(), bar.sin(), bar.cos()], -1).float()
