"""Less data, and less varied: some minutes of music, from few songs or from many."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, replace

from model.grid import FRAME_RATE
from training.errors import TrainingError
from training.songs import Chart
from training.stemgen.shards import EncodedSong


@dataclass(frozen=True, slots=True)
class Portion:
    """What is learnt from.

    Attributes:
        minutes: of music, all in all; None: everything there is.
        spread: from how many times as many songs as would have it if they were taken whole: of
            each song one stretch is taken, a `spread`th of its length.
    """

    minutes: float | None = None
    spread: int = 1


EVERYTHING = Portion()


def portion_of(
    songs: Sequence[EncodedSong], portion: Portion, shortest: int, seed: int
) -> list[EncodedSong]:
    """The songs of a portion, cut to their stretches, in an order drawn by the seed.

    With one seed the songs of a smaller portion are in the larger one as well.

    Args:
        shortest: frames that a stretch has at least.

    Raises:
        TrainingError: there are too few songs, or they are too short.
    """
    if portion.minutes is None:
        return list(songs)
    rng = random.Random(seed)
    wanted = round(portion.minutes * 60 * FRAME_RATE)
    found: list[EncodedSong] = []
    for song in rng.sample(list(songs), len(songs)):
        length = min(song.frames // portion.spread, wanted)
        where = rng.random()
        if length < shortest:
            continue
        found.append(stretch(song, round(where * (song.frames - length)), length))
        wanted -= length
        if wanted < shortest:
            return found
    raise TrainingError(
        f"{len(songs)} songs give {portion.minutes - wanted / 60 / FRAME_RATE:.1f} minutes in "
        f"stretches of 1/{portion.spread}; valid: {portion.minutes:g} minutes, so more songs"
    )


def stretch(song: EncodedSong, first: int, frames: int) -> EncodedSong:
    """A part of a song, from the last bar line before `first` on where the beats are known."""
    lead, chart = 0.0, song.chart
    if song.tempo is not None:
        bar_frames = FRAME_RATE * 60 / song.tempo * song.beats_per_bar
        bar = max(0, int((song.lead + first) / bar_frames))
        line = bar * bar_frames - song.lead
        first = max(0, round(line))
        lead = first - line
        chart = None if chart is None else _from_bar(chart, bar)
    there = slice(first, first + frames)
    return replace(
        song,
        lead=lead,
        chart=chart,
        stems=song.stems[..., there],
        stem_pitches=song.stem_pitches[:, there],
        mixes=song.mixes[..., there],
        mix_pitches=song.mix_pitches[:, there],
        sounding=song.sounding[:, there],
        mix_sounding=song.mix_sounding[:, there],
    )


def _from_bar(chart: Chart, bar: int) -> Chart:
    """A chart from the start of a bar on; the chord that sounds there already comes first."""
    before = [chord for chord in chart if (chord[0], chord[1]) <= (bar, 0)]
    after = [chord for chord in chart if (chord[0], chord[1]) > (bar, 0)]
    sounding = [(0, 0, *before[-1][2:])] if before else []
    return (*sounding, *((at - bar, beat, root, kind) for at, beat, root, kind in after))
