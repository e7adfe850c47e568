"""Pairs to learn from: stems and contexts at one tempo, bars on bars, and how they differ.

Every song of a batch has nearly the same tempo and is stretched to exactly the same one, so that
each stem with each other context is a wrong pair of the right tempo and the right bar phase. The
stretch is a resampling of the bands over time, and the true pairs have it too: nothing it leaves
behind tells them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.grid import SAMPLE_RATE
from training.coherence.augment import recolour, shift_semitones
from training.coherence.bands import MEL_HOP, SEMITONE_HOP, Bands, power_of
from training.coherence.features import CODED_S, BandSong
from training.loop import step_seed

SEMITONE_FRAMES = 128
MEL_FRAMES = SEMITONE_FRAMES * SEMITONE_HOP // MEL_HOP
WINDOW_S = SEMITONE_FRAMES * SEMITONE_HOP / SAMPLE_RATE
"""Length of a window: 10.24 s."""
NEIGHBOURS = 3
"""The songs of a batch are drawn from so many times as many, the nearest in tempo."""
TEMPO_SPREAD = 0.06
"""How far the common tempo may be from theirs, as a logarithm."""
OTHER_CHORD = 0.4
"""Share of the beats that must have another chord where a stem is shifted by bars."""
QUIET = 80
"""A mel code below this, -60 dB, is silence."""
TRIES = 12

ROLES: tuple[tuple[str, ...], ...] = (
    ("drums",),
    ("bass",),
    ("piano", "organ", "chromatic percussion"),
    ("guitar",),
    (),
)
"""Instrument classes that stand for one another; a batch has targets of one role, or of any."""
ROLE_CHANCES = (0.22, 0.24, 0.18, 0.14, 0.22)


class Kind(IntEnum):
    """What a stem is to a context."""

    TRUE = 0
    OTHER_SONG = 1
    OTHER_BARS = 2
    TRANSPOSED = 3
    OFF_BEAT = 4


@dataclass(frozen=True, slots=True)
class CoherenceBatch:
    """Stems and contexts, and what each stem is to each context.

    Attributes:
        stem_semitones: powers [S, 84, 128]; the first C of the S stems are the contexts' own.
        stem_mel: powers [S, 24, 1024].
        context_semitones: powers [C, 84, 128].
        context_mel: powers [C, 24, 1024].
        kinds: a `Kind` for each pair [C, S].
        pitched: whether a stem has chords to hear [S].
    """

    stem_semitones: Tensor
    stem_mel: Tensor
    context_semitones: Tensor
    context_mel: Tensor
    kinds: Tensor
    pitched: Tensor


@dataclass(frozen=True, slots=True)
class _Window:
    """A stretch of a song at the batch's tempo."""

    song: BandSong
    start_s: float
    stretch: float
    """Seconds of the song for each second of the window."""
    semitones_up: int

    @property
    def end_s(self) -> float:
        return self.start_s + WINDOW_S * self.stretch


Powers = tuple[NDArray[np.float32], NDArray[np.float32]]


def draw_batch(songs: list[BandSong], size: int, seed: int, step: int) -> CoherenceBatch:
    """A batch of `size` songs: the same for the same seed and step.

    To each context: its own stem; the stem moved by a part of a bar; a pitched stem also from
    other bars of the song with other chords, or transposed; and all of this of the other songs.
    Stem and context are each heard through an equaliser, a room and a floor of noise of their own,
    and through the codec or not, where the song has been through it.
    """
    rng = np.random.default_rng(step_seed(seed, step))
    chosen, tempo = _neighbours(songs, size, rng)
    role = ROLES[rng.choice(len(ROLES), p=ROLE_CHANCES)]
    phase = rng.random()
    one_key = rng.random() < 0.5
    key = int(rng.integers(12))
    own: list[Powers] = []
    extras: list[Powers] = []
    contexts: list[Powers] = []
    extra_kinds: list[tuple[int, Kind]] = []
    pitched: list[bool] = []
    extra_pitched: list[bool] = []
    for index, song in enumerate(chosen):
        target = _target(song, role, rng)
        up = (key - int(song.roots[0]) if one_key else int(rng.integers(12))) % 12 - 5
        window, members = _draw_window(song, target, tempo / song.tempo, phase, up, rng)
        is_pitched = song.instruments[target] != "drums"
        own.append(_heard(window, (target,), rng))
        contexts.append(_heard(window, members, rng))
        pitched.append(is_pitched)
        for other, kind in _wrong_windows(window, is_pitched, rng):
            extras.append(_heard(other, (target,), rng))
            extra_kinds.append((index, kind))
            extra_pitched.append(is_pitched)
    kinds = np.full((len(own), len(own) + len(extras)), Kind.OTHER_SONG)
    np.fill_diagonal(kinds, Kind.TRUE)
    for column, (index, kind) in enumerate(extra_kinds, len(own)):
        kinds[index, column] = kind
    return CoherenceBatch(
        *_stacked(own + extras),
        *_stacked(contexts),
        torch.from_numpy(kinds),
        torch.tensor(pitched + extra_pitched),
    )


def _neighbours(
    songs: list[BandSong], size: int, rng: np.random.Generator
) -> tuple[list[BandSong], float]:
    """Songs of nearly one tempo and one metre, and the tempo they will have."""
    pivot = songs[int(rng.integers(len(songs)))]
    fitting = [song for song in songs if song.beats_per_bar == pivot.beats_per_bar]
    fitting.sort(key=lambda song: abs(np.log(song.tempo / pivot.tempo)))
    near = fitting[: NEIGHBOURS * size]
    chosen = [near[i] for i in rng.permutation(len(near))[:size]]
    return chosen, pivot.tempo * float(np.exp(rng.uniform(-TEMPO_SPREAD, TEMPO_SPREAD)))


def _target(song: BandSong, role: tuple[str, ...], rng: np.random.Generator) -> int:
    of_role = [i for i, name in enumerate(song.instruments) if name in role]
    return int(rng.choice(of_role or len(song.instruments)))


def _draw_window(
    song: BandSong,
    target: int,
    stretch: float,
    phase: float,
    semitones_up: int,
    rng: np.random.Generator,
) -> tuple[_Window, tuple[int, ...]]:
    """A window in which target and context sound, and the stems of the context."""
    last_s = song.bars * song.bar_s - WINDOW_S * stretch
    bars = max(1, int(last_s / song.bar_s - phase) + 1)
    if song.coded is not None and rng.random() < 0.5:  # prefer where the codec may be heard
        bars = max(1, min(bars, int((CODED_S - WINDOW_S * stretch) / song.bar_s - phase) + 1))
    others = [i for i in range(len(song.instruments)) if i != target]
    for _ in range(TRIES):
        window = _Window(
            song, (int(rng.integers(bars)) + phase) * song.bar_s, stretch, semitones_up
        )
        full = rng.random() < 0.5
        count = len(others) if full else int(rng.integers(1, len(others) + 1))
        members = tuple(int(i) for i in rng.permutation(others)[:count])
        if _sounds(window, (target,)) and _sounds(window, members):
            break
    return window, members


def _sounds(window: _Window, members: tuple[int, ...]) -> bool:
    """Whether half of the half-seconds of a window sound."""
    rate = SAMPLE_RATE / MEL_HOP
    first, last = int(window.start_s * rate), int(window.end_s * rate)
    codes = window.song.stems.mel[list(members), :, first:last].max((0, 1))
    blocks = codes[: len(codes) // 50 * 50].reshape(-1, 50).max(1)
    return bool(len(blocks)) and bool((blocks > QUIET).mean() > 0.5)


def _wrong_windows(
    window: _Window, pitched: bool, rng: np.random.Generator
) -> list[tuple[_Window, Kind]]:
    """Two windows of a stem that do not belong to the context of this one."""
    wrong = [(_off_beat(window, rng), Kind.OFF_BEAT)]
    other = _other_bars(window, rng) if pitched and rng.random() < 0.6 else None
    if other is not None:
        wrong.append((other, Kind.OTHER_BARS))
    elif pitched:
        up = window.semitones_up + int(rng.choice([-6, -5, -4, -3, -2, -1, 1, 2, 3, 4, 5, 6]))
        moved = _Window(window.song, window.start_s, window.stretch, up)
        wrong.append((moved, Kind.TRANSPOSED))
    else:
        wrong.append((_off_beat(window, rng), Kind.OFF_BEAT))
    return wrong


def _off_beat(window: _Window, rng: np.random.Generator) -> _Window:
    """Moved by eighths, or by any part of a beat from an eighth of it on; never by whole bars."""
    song = window.song
    eighths = 2 * song.beats_per_bar
    beats = int(rng.integers(1, eighths)) / 2
    if rng.random() < 0.4:
        beats = int(rng.integers(song.beats_per_bar)) + float(rng.uniform(0.125, 0.875))
    # Backwards where the song would end.
    moved_s = beats * 60.0 / song.tempo
    if window.end_s + moved_s > song.bars * song.bar_s and window.start_s >= moved_s:
        moved_s = -moved_s
    return _Window(song, window.start_s + moved_s, window.stretch, window.semitones_up)


def _other_bars(window: _Window, rng: np.random.Generator) -> _Window | None:
    """The same bar phase elsewhere in the song, with other chords; None if there is no such."""
    song = window.song
    beat_s = 60.0 / song.tempo
    count = int((window.end_s - window.start_s) / beat_s)
    first = int(window.start_s / beat_s)
    heard = song.roots[first : first + count]
    found = []
    for bars in range(-song.bars, song.bars):
        start = first + bars * song.beats_per_bar
        if start >= 0 and start + count <= song.bars * song.beats_per_bar:
            other = song.roots[start : start + count]
            if len(heard) == count and (heard != other).mean() > OTHER_CHORD:
                found.append(bars)
    if not found:
        return None
    start_s = window.start_s + int(rng.choice(found)) * song.bar_s
    return _Window(song, start_s, window.stretch, window.semitones_up)


def _heard(window: _Window, members: tuple[int, ...], rng: np.random.Generator) -> Powers:
    """Powers of a mix, [84, 128] and [24, 1024]; powers add, as those of unrelated sounds do."""
    song = window.song
    bands = song.stems
    if song.coded is not None and window.end_s < CODED_S and rng.random() < 0.5:
        bands = song.coded
    gains = 10 ** (rng.uniform(-6, 6, len(members)) / 10)
    semitones, mel = _mixed(bands, members, gains, window)
    semitones = shift_semitones(semitones, window.semitones_up)
    return recolour(semitones, mel, rng)


def _mixed(
    bands: Bands, members: tuple[int, ...], gains: NDArray[np.float64], window: _Window
) -> Powers:
    halves = []
    for codes, hop, frames in (
        (bands.semitones, SEMITONE_HOP, SEMITONE_FRAMES),
        (bands.mel, MEL_HOP, MEL_FRAMES),
    ):
        rate = SAMPLE_RATE / hop
        place = window.start_s * rate + np.arange(frames) * window.stretch
        place = np.clip(place, 0, codes.shape[-1] - 1.001)
        before = place.astype(int)
        after = (place - before).astype(np.float32)
        total = np.zeros((codes.shape[1], frames), np.float32)
        for member, gain in zip(members, gains, strict=True):
            stem = codes[member]
            power = power_of(stem[:, before]) * (1 - after) + power_of(stem[:, before + 1]) * after
            total += np.float32(gain) * power
        halves.append(total)
    return halves[0], halves[1]


def _stacked(powers: list[Powers]) -> tuple[Tensor, Tensor]:
    return (
        torch.from_numpy(np.stack([semitones for semitones, _ in powers])),
        torch.from_numpy(np.stack([mel for _, mel in powers])),
    )
