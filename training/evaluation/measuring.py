"""Every measure of one stem beside its context. A measure is added to `MEASURES` in one line."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.numpy import save_file

from model.grid import SAMPLE_RATE
from training.evaluation.anchors import context_of
from training.evaluation.chart import TimedChord, chords_between
from training.evaluation.coherence import SHORTEST_S, Coherence
from training.evaluation.collapse import is_silent
from training.evaluation.descriptors import Descriptors, describe
from training.evaluation.examples import Example
from training.evaluation.fad import Vectors
from training.evaluation.fingerprint import Fingerprints, fingerprint
from training.evaluation.fit import Audio
from training.evaluation.generation import read_stem
from training.evaluation.harmony import chroma_agreement, share_in_chord
from training.evaluation.held_out import HeldOutSong, find_song
from training.evaluation.key import estimate_key, key_agreement, pitch_class_times
from training.evaluation.musicnn import EMBEDDINGS, embed
from training.evaluation.notes import PitchedNote, find_notes
from training.evaluation.rhythm import (
    beat_agreement,
    context_agreement,
    grid_agreement,
)

REVISION = 2
"""To be raised when a measure of the same name gives another figure than before, or the files of
what was measured hold something else."""
NOTHING = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class Heard:
    """A stem and all that it is measured against.

    Attributes:
        stem, context: [samples], 32 kHz, from a bar line on.
        pitched: the context without drums [samples]; None if there is nothing else.
        bpm, divisions: of the grid.
        chords: of the chart.
        key: of the song, 0..23.
        notes: of the stem; None for drums, which have no pitch.
    """

    stem: Audio
    context: Audio
    pitched: Audio | None
    bpm: float
    divisions: int
    chords: tuple[TimedChord, ...]
    key: int
    notes: tuple[PitchedNote, ...] | None


def _in_chord(heard: Heard) -> float:
    return NOTHING if heard.notes is None else share_in_chord(heard.notes, heard.chords)


def _chroma(heard: Heard) -> float:
    if heard.notes is None or heard.pitched is None:
        return NOTHING
    return chroma_agreement(heard.stem, heard.pitched, heard.bpm)


def _key(heard: Heard) -> float:
    key = None if heard.notes is None else estimate_key(pitch_class_times(heard.notes))
    return NOTHING if key is None else key_agreement(key, heard.key)


@lru_cache(maxsize=1)
def _network() -> Coherence:
    return Coherence.load()


def _learned(stem: Audio, context: Audio) -> float:
    if min(len(stem), len(context)) < SHORTEST_S * SAMPLE_RATE:
        return NOTHING
    return _network().score(stem, context)


def _heard_by(score: Callable[[Audio, Audio], float], heard: Heard) -> float:
    return score(heard.stem, heard.context)


LEARNED: dict[str, Callable[[Audio, Audio], float]] = {"learned coherence": _learned}
"""Coherence of a stem [samples] with a context [samples] by name, as a network has learnt it."""

MEASURES: dict[str, Callable[[Heard], float]] = {
    "grid onsets": lambda h: grid_agreement(h.stem, h.bpm, h.divisions).precision,
    "grid onsets, F1": lambda h: grid_agreement(h.stem, h.bpm, h.divisions).f1,
    "onsets with the context's": lambda h: context_agreement(h.stem, h.context).precision,
    "onsets with the context's, F1": lambda h: context_agreement(h.stem, h.context).f1,
    "beats of stem and context": lambda h: beat_agreement(h.stem + h.context, h.bpm).f1,
    "beats of the stem alone": lambda h: beat_agreement(h.stem, h.bpm).f1,
    "notes in the chord": _in_chord,
    "chroma with the context's": _chroma,
    "key": _key,
    **{name: partial(_heard_by, score) for name, score in LEARNED.items()},
}
"""Figures of one stem by name, more is better in all; NaN where there is nothing to judge."""
RHYTHM = frozenset(
    {
        "grid onsets",
        "grid onsets, F1",
        "onsets with the context's",
        "onsets with the context's, F1",
        "beats of stem and context",
        "beats of the stem alone",
    }
)
"""Those that ask whether a stem is in time. A stem of any song that is laid bar on bar is, so their
random anchor begins anywhere in a beat."""


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """What is kept of a stem.

    Attributes:
        figures: those of `MEASURES`.
        vectors: [windows, 200] by embedding; empty where they are not wanted.
        descriptors: of stem and context together; None where they are not wanted.
        prints: its fingerprint [bars, 64].
        silent: whether it is.
    """

    figures: dict[str, float]
    vectors: Mapping[str, Vectors]
    descriptors: Descriptors | None
    prints: Fingerprints
    silent: bool


@dataclass(frozen=True, slots=True)
class MeasuringJob:
    """Stems of one example to be measured.

    Attributes:
        held_out: folder of the songs.
        example: which.
        stems: file of each stem by the name of its condition.
        described: conditions that descriptors are wanted of.
        embedded: conditions that embeddings are wanted of.
        kept: folder of what was measured before.
    """

    held_out: Path
    example: Example
    stems: tuple[tuple[str, Path], ...]
    described: frozenset[str]
    embedded: frozenset[str]
    kept: Path


def measure(job: MeasuringJob) -> dict[str, Measured]:
    """Everything about the stems of one example, by condition.

    What was measured of a stem is kept in a file, named by the stem and by what is measured.
    """
    found = {}
    surroundings: _Surroundings | None = None
    for name, path in job.stems:
        wanted = (sorted(MEASURES), name in job.described, name in job.embedded, REVISION)
        digest = hashlib.sha256(json.dumps(wanted).encode()).hexdigest()[:8]
        file = job.kept / f"{path.stem}-{digest}.safetensors"
        if not file.exists():
            surroundings = surroundings or _surroundings(job)
            _keep(file, _measure(job, name, read_stem(path).audio, surroundings))
        found[name] = _kept(file)
    return found


@dataclass(frozen=True, slots=True, eq=False)
class _Surroundings:
    """What all stems of an example are measured against; see `Heard`."""

    song: HeldOutSong
    context: Audio
    pitched: Audio | None
    chords: tuple[TimedChord, ...]


def _surroundings(job: MeasuringJob) -> _Surroundings:
    example, song = job.example, find_song(job.held_out, job.example.song)
    context = context_of(song, example)
    assert context is not None
    duration_s = example.samples / SAMPLE_RATE
    chords = chords_between(
        song.chart, example.tempo, example.beats_per_bar, example.measured_bar, duration_s
    )
    return _Surroundings(song, context, context_of(song, example, drums=False), chords)


def _measure(job: MeasuringJob, name: str, stem: Audio, among: _Surroundings) -> Measured:
    example, song = job.example, among.song
    notes = None if example.instrument == "drums" else find_notes(stem)
    heard = Heard(
        stem,
        among.context,
        among.pitched,
        example.tempo,
        song.divisions,
        among.chords,
        song.key,
        notes,
    )
    return Measured(
        figures={label: function(heard) for label, function in MEASURES.items()},
        vectors=embed(stem) if name in job.embedded else {},
        descriptors=describe(stem + among.context) if name in job.described else None,
        prints=fingerprint(stem, example.tempo, example.beats_per_bar),
        silent=is_silent(stem),
    )


def _keep(file: Path, measured: Measured) -> None:
    told = [measured.figures, measured.descriptors, measured.silent]
    arrays = {**measured.vectors, "prints": measured.prints}
    part = file.with_suffix(".part")
    save_file(arrays, part, {"told": json.dumps(told)})
    part.replace(file)


def _kept(file: Path) -> Measured:
    with safe_open(file, "np") as kept:
        figures, descriptors, silent = json.loads(kept.metadata()["told"])
        arrays = {name: kept.get_tensor(name) for name in kept.keys()}  # noqa: SIM118
    vectors = {name: arrays[name] for name in EMBEDDINGS if name in arrays}
    prints = arrays["prints"]
    return Measured(figures, vectors, descriptors, prints, silent)


def column(measured: Sequence[Measured], label: str) -> NDArray[np.float64]:
    """One figure of many stems: [stems]."""
    return np.array([m.figures[label] for m in measured], np.float64)
