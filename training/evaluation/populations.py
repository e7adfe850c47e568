"""What only many stems together show: divergence, collapse, copying."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from rich.progress import track
from safetensors import safe_open
from safetensors.numpy import save_file

from training.evaluation.collapse import token_entropy, variety
from training.evaluation.copying import Library, copied_share
from training.evaluation.descriptors import Descriptors
from training.evaluation.fingerprint import Fingerprints, fingerprint
from training.evaluation.generation import each
from training.evaluation.mirdd import mirdd
from training.songs import read_song, song_folders

LIBRARY_SONGS = 150
"""Songs of the training set in which copies are looked for."""


def mirdd_figures(
    described: Mapping[str, Sequence[Descriptors]], true: Sequence[Descriptors], seed: int
) -> dict[str, dict[str, float]]:
    """MIRDD of each population from the true one, and the floor.

    The true examples are dealt into two hands. Ours are those of the examples in one hand, held
    against the true ones in the other; so is the floor, the true ones of that first hand. All
    have equally many examples, and none meets its own twin.
    """
    order = np.random.default_rng(seed).permutation(len(true))
    hands = order[: len(order) // 2], order[len(order) // 2 : len(order) // 2 * 2]
    if not len(hands[0]):
        return {}
    reference = [true[n] for n in hands[1]]
    found = {}
    for name, side in {**described, "floor": true}.items():
        figure = mirdd([side[n] for n in hands[0]], reference, seed)
        found[name] = {"mean": figure.mean, "examples": figure.examples, **figure.by_descriptor}
    return found


def entropies(tokens: Sequence[np.ndarray]) -> list[float]:
    """Entropy in bits of each level over all stems, tokens int16 [4, frames] each."""
    whole = np.concatenate(tokens, axis=1)[None].astype(np.int64)
    return [float(bits) for bits in token_entropy(whole)]


def mean_variety(takes: Sequence[Sequence[Fingerprints]]) -> float:
    """Mean over examples of how unlike their takes [bars, n] are: 0 the same, 1 as if by chance."""
    return float(np.nanmean([variety(side) for side in takes]))


@dataclass(frozen=True, slots=True)
class Copying:
    """Likeness to the nearest passage of the training songs.

    Attributes:
        copied: share of our stems that are nearer than 99 % of the held-out stems.
        ours, held_out: mean likeness.
        stems: how many of ours were looked up.
        songs: training songs in the library.
    """

    copied: float
    ours: float
    held_out: float
    stems: int
    songs: int


def copying_figures(
    library: Library, songs: int, ours: Sequence[Fingerprints], held_out: Sequence[Fingerprints]
) -> Copying | None:
    """How near our stems and held-out ones, [bars, n] each, come; None if all are too short."""

    def likenesses(stems: Sequence[Fingerprints]) -> list[float]:
        near = [library.nearest(stem) for stem in stems]
        return [found.likeness for found in near if found is not None]

    own, others = likenesses(ours), likenesses(held_out)
    if not own or not others:
        return None
    means = float(np.mean(own)), float(np.mean(others))
    return Copying(copied_share(own, others), *means, stems=len(own), songs=songs)


def read_library(band: Path, folder: Path, workers: int) -> tuple[Library, int]:
    """Fingerprints of up to `LIBRARY_SONGS` training songs, and how many songs these are.

    They are kept in `folder`, a file a song.
    """
    folder.mkdir(parents=True, exist_ok=True)
    songs = song_folders(band, "train")
    chosen = songs[:: max(1, len(songs) // LIBRARY_SONGS)][:LIBRARY_SONGS]
    files = [folder / f"{_digest(song)}.safetensors" for song in chosen]
    jobs = [(song, file) for song, file in zip(chosen, files, strict=True) if not file.exists()]
    for _ in track(
        each(_fingerprint_song, jobs, workers), "training songs", len(jobs), disable=not jobs
    ):
        pass
    stems = []
    for song, file in zip(chosen, files, strict=True):
        with safe_open(file, "np") as kept:
            names = list(kept.keys())
            stems += [(f"{song.name}/{name}", kept.get_tensor(name)) for name in names]
    return Library(stems), len(chosen)


def _fingerprint_song(job: tuple[Path, Path]) -> None:
    folder, file = job
    song = read_song(folder)
    prints = {}
    for name in song.stems:
        audio, _ = soundfile.read(folder / name, dtype="float32")
        prints[name] = fingerprint(audio, song.tempo, song.beats_per_bar)
    part = file.with_suffix(".part")
    save_file(prints, part)
    part.replace(file)


def _digest(song: Path) -> str:
    return hashlib.sha256((song / "meta.json").read_bytes()).hexdigest()[:24]
