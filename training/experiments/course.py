"""What small networks learn from, and how large they are; in a rehearsal, songs of made tokens."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from model.checkpoint import BUNDLED, CODEC_FILE, fingerprint, load_grid_codec
from model.grid import LEVELS, VOCABULARY
from model.network import NetworkConfig
from model.pitch import PITCHES
from model.request import SOURCES
from training.errors import TrainingError
from training.experiments.learner import Course
from training.experiments.settings import Settings
from training.stemgen.shards import EncodedSong, draw_mixes, read_shards

SMALL = NetworkConfig(
    width=128, layers=4, heads=4, frames=256, context="features", sources=SOURCES, fine="depth"
)
"""The network that all others of the experiments are like, but for what is asked about."""
FRAMES_A_STEP = 1024
MILESTONES = (200, 400, 800, 1600, 3200, 6400)
"""Steps after which learners are measured."""
TOY = replace(SMALL, width=16, layers=1, heads=2, frames=32)
TOY_FRAMES_A_STEP = 128
TOY_MILESTONES = (1, 2)
TOY_SONGS = 8


def course_of(settings: Settings) -> Course:
    """The songs and sizes of a run.

    Raises:
        TrainingError: there are no shards of the codec.
    """
    if settings.quick:
        songs = [made_song(number) for number in range(TOY_SONGS)]
        books = torch.randn(
            LEVELS, VOCABULARY, SMALL.code_width, generator=torch.Generator().manual_seed(1)
        )
        return Course(
            settings.out, songs[2:], songs[:2], books, TOY_FRAMES_A_STEP, settings.seed, "", ""
        )
    codec = load_grid_codec((settings.weights or BUNDLED) / CODEC_FILE.name)
    name = fingerprint(codec)
    train, valid = (read_split(settings.shards, name, split) for split in ("train", "valid"))
    return Course(
        settings.out,
        train,
        valid,
        codec.codebooks(),
        FRAMES_A_STEP,
        settings.seed,
        named(train),
        name,
    )


def read_split(shards: Path, codec: str, split: str) -> list[EncodedSong]:
    """The songs of a split; TrainingError if there are none of this codec."""
    folder = shards / codec / split
    if not folder.is_dir():
        raise TrainingError(
            f"shards {shards} has no {split} songs of codec {codec}; valid: what `python -m "
            "training prepare` or `stemgen` wrote, and the --weights whose codec it was"
        )
    return read_shards(folder)


def named(songs: Sequence[EncodedSong]) -> str:
    """A few letters that songs are known by."""
    text = " ".join(f"{song.name}:{song.frames}" for song in songs)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def small(settings: Settings) -> NetworkConfig:
    """The network of a run, see `SMALL`."""
    return TOY if settings.quick else SMALL


def milestones(settings: Settings, most: int) -> tuple[int, ...]:
    """Steps after which learners are measured, the last one last.

    Args:
        most: the last one, where the settings do not say otherwise.
    """
    last = settings.steps or (TOY_MILESTONES[-1] if settings.quick else most)
    before = TOY_MILESTONES if settings.quick else MILESTONES
    return (*(step for step in before if step < last), last)


def made_song(number: int, frames: int = 320) -> EncodedSong:
    """A song whose bars come round again, of tokens that mean nothing."""
    rng = np.random.default_rng(number)
    stems = 3
    members = tuple(draw_mixes(stems, 2, random.Random(number)))
    bar = rng.integers(0, 64, (stems + len(members), LEVELS, 100), dtype=np.int16)
    tokens = np.tile(bar, frames // 100 + 1)[..., :frames]
    return EncodedSong(
        name=f"made-{number:02}",
        tempo=120.0,
        beats_per_bar=4,
        chart=tuple((bar, 0, (5 * bar) % 12, "") for bar in range(frames // 100 + 1)),
        instruments=tuple((number + stem) % 18 for stem in range(stems)),
        sounds=tuple((stem, "made") for stem in range(stems)),
        members=members,
        stems=tokens[:stems],
        mixes=tokens[stems:],
        stem_pitches=np.zeros((stems, frames, PITCHES), np.int8),
        mix_pitches=np.zeros((len(members), frames, PITCHES), np.int8),
        sounding=np.ones((stems, frames), np.bool_),
        mix_sounding=np.ones((len(members), frames), np.bool_),
    )
