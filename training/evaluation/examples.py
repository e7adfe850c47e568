"""The examples of a report: bar-aligned windows, some stems to hear and one to make.

Each is laid out for a live session: bars that are only heard, one cycle of them, and the bars that
are measured. Half of a report's windows repeat their chords after a cycle, half do not.
"""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from model.grid import FRAME_RATE, SAMPLE_RATE
from model.sound import sounding_frames
from training.errors import TrainingError
from training.evaluation.held_out import BarGrid, HeldOutSong
from training.loop import step_seed

CYCLE = 4
"""Bars after which the music is taken to repeat: the rig's default."""
MEASURED_BARS = 4
"""Bars that are measured, or as many as fit into the network's window."""
SOUNDING_SHARE = 0.5
"""Share of the frames in which target and context have to sound, as in training."""
TRIES = 12
"""Windows of one song that are looked at before the next song is."""
OTHERS = 2
"""Stems of other songs for each example: the anchor, and one to check the anchor with."""


@dataclass(frozen=True, slots=True)
class OtherStem:
    """A stem of another song, from one of its bar lines on."""

    song: str
    stem: str
    first_bar: int


@dataclass(frozen=True, slots=True)
class Example:
    """One window.

    Attributes:
        song: name of its song.
        digest: of the song.
        first_bar: the bar of the song at which the session starts.
        bars: bars that are measured; they follow `CYCLE` bars that are only heard.
        context: stems that are heard.
        target: the stem that is made, or rather its true twin.
        instrument: class of the target.
        tempo, beats_per_bar: of the song.
        others: stems of the same class in other songs, those of the nearest tempo.
    """

    song: str
    digest: str
    first_bar: int
    bars: int
    context: tuple[str, ...]
    target: str
    instrument: str
    tempo: float
    beats_per_bar: int
    others: tuple[OtherStem, ...]

    @property
    def name(self) -> str:
        """One word for it."""
        return f"{self.song}-{self.first_bar:02}-{self.target.split('.')[0]}"

    @property
    def grid(self) -> BarGrid:
        """The bars of the session, of which bar 0 is the first that is heard."""
        return BarGrid(self.tempo, self.beats_per_bar)

    @property
    def measured_bar(self) -> int:
        """The bar of the song at which the measured bars start."""
        return self.first_bar + CYCLE

    @property
    def samples(self) -> int:
        """Length of the measured bars."""
        return self.grid.start_samples(self.bars)


def group_of(instrument: str) -> str:
    """The group of an instrument class: drums, bass or other."""
    return instrument if instrument in ("drums", "bass") else "other"


def bars_that_fit(grid: BarGrid, max_frames: int) -> int:
    """Bars that are measured at a tempo: `MEASURED_BARS`, or what fits into so many frames."""
    return min(MEASURED_BARS, math.floor(max_frames / grid.bar_frames))


def repeats(song: HeldOutSong, first_bar: int, bars: int) -> bool:
    """Whether every measured bar has the chords of the same bar one cycle earlier."""
    measured = range(first_bar + CYCLE, first_bar + CYCLE + bars)
    return all(song.bar_chords(bar) == song.bar_chords(bar - CYCLE) for bar in measured)


def draw_examples(
    songs: Sequence[HeldOutSong], count: int, seed: int, max_frames: int, repeating: bool
) -> tuple[Example, ...]:
    """Examples spread over songs and instrument classes: same seed, same examples.

    Songs take turns. A song's target is of the group (drums, bass, other) and then of the class
    that has been drawn least; its context is all of its other stems in half of the cases, else
    some of them, as in training.

    Args:
        songs: at least two.
        count: how many examples.
        seed: of the dice.
        max_frames: longest window of the network.
        repeating: whether the chords of the measured bars repeat after a cycle.

    Raises:
        TrainingError: the songs do not have so many.
    """
    rng = random.Random(step_seed(seed, int(repeating)))
    examples: dict[str, Example] = {}
    drawn: Counter[str] = Counter()
    order = rng.sample(list(songs), len(songs))
    barren = 0  # rounds in a row that found nothing new
    while len(examples) < count:
        before = len(examples)
        for song in order:
            example = _draw(song, songs, drawn, max_frames, repeating, rng)
            if example is not None and example.name not in examples and len(examples) < count:
                examples[example.name] = example
                drawn.update([example.instrument, f"group {group_of(example.instrument)}"])
        barren = barren + 1 if len(examples) == before else 0
        if barren == TRIES:
            kind = "repeat" if repeating else "change"
            raise TrainingError(
                f"{before} examples whose chords {kind} after {CYCLE} bars were found in "
                f"{len(songs)} songs; valid: at most so many examples, or more songs"
            )
    return tuple(examples.values())


def _draw(
    song: HeldOutSong,
    songs: Sequence[HeldOutSong],
    drawn: Counter[str],
    max_frames: int,
    repeating: bool,
    rng: random.Random,
) -> Example | None:
    """One example of a song, None if a few tries give none."""
    bars = bars_that_fit(song.grid, max_frames)
    starts = [
        bar
        for bar in range(song.song.bars - CYCLE - bars + 1)
        if repeats(song, bar, bars) == repeating
    ]
    if bars < 1 or not starts or len(song.song.stems) < 2:
        return None
    for _ in range(TRIES):
        first_bar = rng.choice(starts)
        target = _target(song, drawn, rng)
        others = [name for name in song.song.stems if name != target]
        size = len(others) if rng.random() < 0.5 else rng.randint(1, len(others))
        context = tuple(sorted(rng.sample(others, size)))
        if not _sounds(song, (target,), first_bar + CYCLE, bars):
            continue
        if not _sounds(song, context, first_bar, CYCLE):
            continue
        if not _sounds(song, context, first_bar + CYCLE, bars):
            continue
        instrument = song.song.stems[target]
        elsewhere = _other_stems(song, songs, instrument, bars, rng)
        if not elsewhere:
            continue
        return Example(
            song.name,
            song.digest,
            first_bar,
            bars,
            context,
            target,
            instrument,
            song.song.tempo,
            song.song.beats_per_bar,
            elsewhere,
        )
    return None


def _target(song: HeldOutSong, drawn: Counter[str], rng: random.Random) -> str:
    """A stem of the group, and in it of the class, that was drawn least."""

    def rarity(name: str) -> tuple[float, float]:
        instrument = song.song.stems[name]
        # A little chance, so that a song whose rarest stem never sounds gives another one.
        return (
            drawn[f"group {group_of(instrument)}"] + rng.uniform(0, 2),
            drawn[instrument] + rng.uniform(0, 2),
        )

    return min(song.song.stems, key=rarity)


def _other_stems(
    song: HeldOutSong,
    songs: Sequence[HeldOutSong],
    instrument: str,
    bars: int,
    rng: random.Random,
) -> tuple[OtherStem, ...]:
    """Stems of a class in other songs, the nearest tempi first; empty if none is found."""
    found: list[OtherStem] = []
    near = sorted(
        (other for other in songs if other.name != song.name),
        key=lambda other: (abs(math.log(other.song.tempo / song.song.tempo)), other.name),
    )
    for other in near:
        stems = [name for name, kind in other.song.stems.items() if kind == instrument]
        starts = range(other.song.bars - bars + 1)
        if not stems or not starts:
            continue
        for _ in range(TRIES):
            stem, first_bar = rng.choice(stems), rng.choice(starts)
            if _sounds(other, (stem,), first_bar, bars):
                found.append(OtherStem(other.name, stem, first_bar))
                break
        if len(found) == OTHERS:
            break
    # A class that only one other song has checks the anchor with itself.
    return tuple(found + found[-1:] * (OTHERS - len(found))) if found else ()


def _sounds(song: HeldOutSong, stems: Sequence[str], first_bar: int, bars: int) -> bool:
    sound = song.mix(stems, first_bar, round(bars * song.grid.bar_s * SAMPLE_RATE))
    return bool(sounding_frames(sound).mean() >= SOUNDING_SHARE)


def frames_of(example: Example) -> int:
    """Frames that hold the measured bars."""
    return math.ceil(example.samples * FRAME_RATE / SAMPLE_RATE)
