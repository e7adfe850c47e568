"""Pairs to train on: a mix as context, a stem that is not in it as target.

On stage the rig hears the mix up to now only. So half of the windows end their context at a *now*
somewhere in them: what follows is unknown, or, as in a loop that comes round again, what was played
some bars before, which may be other music by then.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor

from model.grid import FRAME_RATE
from model.request import HARMONY_WIDTH, PHASE_WIDTH
from model.sound import REFERENCE_FRAMES
from model.sources import UNKNOWN
from training.errors import TrainingError
from training.loop import step_seed
from training.stemgen.chart import told_chart
from training.stemgen.shards import PITCH_STEPS, EncodedSong, clock_phase

TRIES = 10_000
"""Songs drawn before a set is given up."""
PREFIX_SHARE = 0.5
"""Share of windows with a visible prefix, a quarter to three quarters of the window."""
LIVE_SHARE = 0.5
"""Share of windows that hear the mix up to a *now* only."""
STAND_IN_SHARE = 0.6
"""Share of those in which earlier bars stand in for what follows; in the rest it is unknown."""
STAND_IN_BARS = (1, 2, 4, 8)
"""How many bars earlier they were."""
LATE_BARS = 1.25
"""How long before the end of the prefix *now* may be: bars are fixed before they are played."""
BAR_S = 2.0
"""Length that a bar is taken to have where nobody knows the beats."""
CHART_SHARES = {"all": 0.6, "to come": 0.2, "played": 0.2}
"""How much of the chart is told: everything, only from *now* on, or only up to it."""


@dataclass(frozen=True, slots=True)
class PairBatch:
    """A batch of windows.

    Attributes:
        context: tokens of the mixes, int64 [B, Q, T]; UNKNOWN where they are not heard.
        guessed: bool [B, T], where earlier bars stand in for what is not heard yet.
        context_pitches: pitches of the mixes, float32 [B, T, PITCHES].
        target: tokens of the stems, int64 [B, Q, T].
        target_pitches: pitches of the stems, float32 [B, T, PITCHES].
        instrument: class of each target, int64 [B].
        phase: clock phase, float32 [B, T, 4].
        clock_known: whether anybody knows the beats, bool [B].
        harmony: the chords, bool [B, T, 24].
        harmony_known: bool [B, T].
        reference: tokens of the same instrument elsewhere in its song, int64 [B, Q, R].
        reference_sounding: bool [B, R].
        prefix: frames of the stem that are given, int64 [B].
    """

    context: Tensor
    guessed: Tensor
    context_pitches: Tensor
    target: Tensor
    target_pitches: Tensor
    instrument: Tensor
    phase: Tensor
    clock_known: Tensor
    harmony: Tensor
    harmony_known: Tensor
    reference: Tensor
    reference_sounding: Tensor
    prefix: Tensor

    def rows(self, rows: slice) -> PairBatch:
        """Some of these windows."""
        return PairBatch(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class Share:
    """The windows of a step that one process learns from.

    Attributes:
        batch: these windows.
        first: place of the first of them among all windows of the step.
        prefix: of all windows of the step, frames of the stem that are given [W].
    """

    batch: PairBatch
    first: int
    prefix: Tensor


def draw_pair(
    songs: list[EncodedSong], frames: int, rng: random.Random
) -> tuple[EncodedSong, int, int, int]:
    """A song, a mix, a stem that is not in the mix and a first frame.

    Silent pairs are dropped: target and mix sound in at least half of the window. Where a song
    gives none in a few tries another one is drawn.

    Raises:
        TrainingError: no song is long enough, or none sounds.
    """
    for _ in range(TRIES):
        song = rng.choice(songs)
        if song.frames < frames:
            continue
        mix = rng.randrange(len(song.members))
        others = [m for m in range(len(song.instruments)) if m not in song.members[mix]]
        stem = rng.choice(others)
        for _ in range(4):
            first = rng.randint(0, song.frames - frames)
            window = slice(first, first + frames)
            sounds = song.sounding[stem, window].mean() >= 0.5
            if sounds and song.mix_sounding[mix, window].mean() >= 0.5:
                return song, mix, stem, first
    raise TrainingError(
        f"no pair of {frames} frames that sounds was found in {len(songs)} songs; "
        "valid: longer songs whose stems play"
    )


def draw_prefix(frames: int, rng: random.Random) -> int:
    """Frames of the visible prefix, often 0."""
    return int(frames * rng.uniform(0.25, 0.75)) if rng.random() < PREFIX_SHARE else 0


def draw_now(frames: int, prefix: int, bar_frames: float, rng: random.Random) -> int:
    """Up to where the mix has been heard; `frames` where all of it has."""
    if rng.random() >= LIVE_SHARE:
        return frames
    if prefix:
        return max(1, round(prefix - rng.uniform(0.0, LATE_BARS) * bar_frames))
    return rng.randrange(frames // 4, frames)


def heard_frames(
    first: int, frames: int, now: int, bar_frames: float | None, rng: random.Random
) -> np.ndarray:
    """Which frame of the song is heard in each frame of a window: int64 [frames], -1 for none.

    Up to `now` each is itself. Behind it, in some windows, it is the latest one that was heard a
    multiple of 1, 2, 4 or 8 bars before, if the length of a bar is known.
    """
    place = np.arange(frames)
    heard = np.where(place < now, first + place, -1)
    if bar_frames is not None and now < frames and rng.random() < STAND_IN_SHARE:
        bars = rng.choice(STAND_IN_BARS) * bar_frames
        cycles = np.floor((place - now) / bars) + 1
        source = np.round(first + place - cycles * bars).astype(np.int64)
        heard = np.where(place < now, heard, np.where(source >= 0, source, -1))
    return heard


def told_harmony(
    song: EncodedSong, first: int, frames: int, now: int, told: str
) -> tuple[np.ndarray, np.ndarray]:
    """The chords of a window and where they are told: bool [frames, 24] and bool [frames].

    Args:
        told: one of `CHART_SHARES`.
    """
    if song.chart is None or song.tempo is None:
        return np.zeros((frames, HARMONY_WIDTH), np.bool_), np.zeros(frames, np.bool_)
    chords, known = told_chart(song.chart, song.tempo, song.beats_per_bar, first, frames)
    place = np.arange(frames)
    if told != "all" and now < frames:
        known = known & ((place >= now) if told == "to come" else (place < now))
    return chords & known[:, None], known


def draw_reference(
    song: EncodedSong, stem: int, first: int, frames: int, rng: random.Random
) -> slice:
    """Where else in the song the instrument is listened to: the best of a few tries."""
    length = min(REFERENCE_FRAMES, song.frames)
    starts = [rng.randint(0, song.frames - length) for _ in range(4)]

    def worth(start: int) -> float:
        overlap = max(0, min(start + length, first + frames) - max(start, first))
        return float(song.sounding[stem, start : start + length].mean()) - overlap / length

    start = max(starts, key=worth)
    return slice(start, start + length)


@dataclass(frozen=True, slots=True)
class Window:
    """What one example is made of.

    Attributes:
        mix, stem: which of the song's.
        first, frames: where in the song.
        prefix: frames of the stem that are given.
        now: up to where the mix has been heard.
        heard: see `heard_frames`.
        harmony, harmony_known: see `told_harmony`.
        reference: see `draw_reference`.
    """

    song: EncodedSong
    mix: int
    stem: int
    first: int
    frames: int
    prefix: int
    now: int
    heard: np.ndarray
    harmony: np.ndarray
    harmony_known: np.ndarray
    reference: slice

    @property
    def phase(self) -> Tensor:
        """Its clock phase [T, 4], zeros where nobody knows the beats."""
        song = self.song
        if song.tempo is None:
            return torch.zeros(self.frames, PHASE_WIDTH)
        return clock_phase(song.tempo, song.beats_per_bar, song.lead + self.first, self.frames)

    def arrays(self) -> dict[str, np.ndarray]:
        """Its rows of a `PairBatch`, as the shard has them: [Q, T], [T, ...], [Q, R]."""
        song, window = self.song, slice(self.first, self.first + self.frames)
        # Of a song that is shorter than a reference what is missing does not sound.
        lacking = REFERENCE_FRAMES - (self.reference.stop - self.reference.start)
        return {
            "context": np.where(self.heard < 0, UNKNOWN, song.mixes[self.mix][:, self.heard]),
            "guessed": (self.heard >= 0) & (np.arange(self.frames) >= self.now),
            "context_pitches": song.mix_pitches[self.mix, self.heard],
            "target": song.stems[self.stem, :, window],
            "target_pitches": song.stem_pitches[self.stem, window],
            "harmony": self.harmony,
            "harmony_known": self.harmony_known,
            "reference": np.pad(song.stems[self.stem, :, self.reference], ((0, 0), (0, lacking))),
            "reference_sounding": np.pad(song.sounding[self.stem, self.reference], (0, lacking)),
        }


def draw_window(
    songs: list[EncodedSong], frames: int, rng: random.Random, live: bool = True
) -> Window:
    """One window.

    Args:
        live: draw a prefix and a *now*; otherwise all of the mix is heard, all of the chart told
            and nothing of the stem given.
    """
    song, mix, stem, first = draw_pair(songs, frames, rng)
    bar_s = BAR_S if song.tempo is None else 60 * song.beats_per_bar / song.tempo
    bar_frames = FRAME_RATE * bar_s
    reference = draw_reference(song, stem, first, frames, rng)
    prefix = draw_prefix(frames, rng) if live else 0
    now = draw_now(frames, prefix, bar_frames, rng) if live else frames
    # No bars stand in for what follows where nobody knows how long they are.
    heard = heard_frames(first, frames, now, bar_frames if song.tempo else None, rng)
    told = rng.choices(list(CHART_SHARES), list(CHART_SHARES.values()))[0] if live else "all"
    return Window(
        song,
        mix,
        stem,
        first,
        frames,
        prefix,
        now,
        heard,
        *told_harmony(song, first, frames, now, told),
        reference,
    )


def draw_batch(
    songs: list[EncodedSong], batch: int, frames: int, seed: int, step: int, live: bool = True
) -> PairBatch:
    """The windows of one step: a function of the seed and the step; see `draw_window`."""
    return draw_share(songs, batch, frames, seed, step, slice(0, batch), live).batch


def draw_share(
    songs: list[EncodedSong],
    batch: int,
    frames: int,
    seed: int,
    step: int,
    rows: slice,
    live: bool = True,
) -> Share:
    """Some rows of `draw_batch`."""
    rng = random.Random(step_seed(seed, step))
    every = [draw_window(songs, frames, rng, live) for _ in range(batch)]
    prefix = torch.tensor([window.prefix for window in every])
    return Share(_batch_of(every[rows]), rows.start, prefix)


def _batch_of(windows: list[Window]) -> PairBatch:
    arrays = [window.arrays() for window in windows]
    stacked = {
        name: torch.from_numpy(np.stack([row[name] for row in arrays])) for name in arrays[0]
    }
    return PairBatch(
        context=stacked["context"].long(),
        guessed=stacked["guessed"],
        context_pitches=stacked["context_pitches"].float() / PITCH_STEPS,
        target=stacked["target"].long(),
        target_pitches=stacked["target_pitches"].float() / PITCH_STEPS,
        instrument=torch.tensor([w.song.instruments[w.stem] for w in windows]),
        phase=torch.stack([window.phase for window in windows]),
        clock_known=torch.tensor([window.song.tempo is not None for window in windows]),
        harmony=stacked["harmony"],
        harmony_known=stacked["harmony_known"],
        reference=stacked["reference"].long(),
        reference_sounding=stacked["reference_sounding"],
        prefix=torch.tensor([window.prefix for window in windows]),
    )
