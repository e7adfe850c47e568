"""The chords that sound in a window of a band song, in seconds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from training.band.harmony import Chord


@dataclass(frozen=True, slots=True)
class TimedChord:
    """A chord and when it sounds, in seconds from the start of the window."""

    start_s: float
    end_s: float
    chord: Chord


def chords_between(
    chart: Sequence[Sequence[int | str]],
    bpm: float,
    beats_per_bar: int,
    first_bar: int,
    duration_s: float,
) -> tuple[TimedChord, ...]:
    """Chords of a window that starts on a bar line; together they fill it, without a gap.

    Args:
        chart: `chords` of a song's `meta.json`, in order: bar, beat, root 0..11 (0 = C), quality.
        bpm: beats a minute.
        beats_per_bar: beats in every bar.
        first_bar: the bar the window starts with, 0 for the start of the song.
        duration_s: length of the window; the last chord of the chart goes on for ever.

    Raises:
        ValueError: no chord sounds yet where the window starts.
    """
    beat_s = 60.0 / bpm
    starts = [((int(e[0]) - first_bar) * beats_per_bar + int(e[1])) * beat_s for e in chart]
    if not starts or starts[0] > 1e-9:
        raise ValueError(
            f"the chart has no chord at bar {first_bar}; valid: one that starts there or before"
        )
    chords = []
    for entry, start_s, end_s in zip(chart, starts, [*starts[1:], float("inf")], strict=True):
        start_s, end_s = max(0.0, start_s), min(duration_s, end_s)
        if end_s - start_s > 1e-9:
            chords.append(TimedChord(start_s, end_s, Chord(int(entry[2]), str(entry[3]))))
    return tuple(chords)
