"""Sound moved from one set of beat lines to another: a stem or a mix at another tempo.

Up to `RESAMPLED` it is resampled, 5 cents at most, which nobody hears; beyond that it is stretched
by Signalsmith Stretch, which keeps the pitch and puts onsets within about a millisecond.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import soxr
from numpy.typing import NDArray

Samples = NDArray[np.float32]
Lines = Sequence[int]

RESAMPLED = 0.003
"""Change of tempo up to which the pitch may change with it."""
ALIKE_SAMPLES = 1
"""Bars of exact fractions differ by so many samples as they are rounded: nothing is moved then."""
MARGIN_S = 0.150
"""Sound on both sides of a stretch of beats, for filters, for the join, and to settle in."""
JOIN_S = 0.010
"""Where the change of tempo changes, both sides are cross-faded over so long before the line."""
STEADY = 0.0005
"""Beats whose changes of tempo differ by less are moved in one go: no join between them."""
SEED = 1
"""Beyond a factor of about 2 the stretch draws phases at random. From a seed, so that the same
sound comes out each time: a take is replayed by it."""


def alike(lines: Lines, others: Lines) -> bool:
    """Whether sound on one set of lines is on the other as it is, but for rounding."""
    return abs((lines[-1] - lines[0]) - (others[-1] - others[0])) <= ALIKE_SAMPLES and all(
        abs((line - lines[0]) - (other - others[0])) <= ALIKE_SAMPLES
        for line, other in zip(lines, others, strict=True)
    )


def warped(sound: Samples, lines: Lines, others: Lines, rate: int) -> Samples:
    """The sound between the first and the last of its lines, with each line on its other one.

    Args:
        sound: float32 [n]; what lies before the first line and behind the last is used as margin.
        lines: samples of `sound`, ascending, at least two.
        others: where they have to be; ascending, as many.
        rate: samples a second.

    Returns:
        float32 [others[-1] - others[0]]; the very samples where the lines are alike.
    """
    made = np.zeros(others[-1] - others[0], np.float32)
    if alike(lines, others):
        kept = sound[lines[0] : lines[0] + len(made)]
        made[: len(kept)] = kept
        made[len(kept) :] = kept[-1:]  # a sample longer: no step down to 0
        return made
    for first, last in _steady(lines, others):
        lead, piece = _moved(sound, lines[first], lines[last], others[last] - others[first], rate)
        at = others[first] - others[0]
        made[at : at + len(piece)] = piece
        if first:
            lead = lead[max(0, len(lead) - at) :]
            rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(len(lead)) + 0.5) / max(1, len(lead)))
            before = made[at - len(lead) : at]
            before += rise.astype(np.float32) * (lead - before)
    return made


def _steady(lines: Lines, others: Lines) -> Iterator[tuple[int, int]]:
    """First and last line of each stretch in which the tempo changes by one factor."""
    factors = [
        (others[n + 1] - others[n]) / (lines[n + 1] - lines[n]) for n in range(len(lines) - 1)
    ]
    first = 0
    for n in range(1, len(factors) + 1):
        if n == len(factors) or abs(factors[n] / factors[first] - 1) > STEADY:
            yield first, n
            first = n


def _moved(sound: Samples, start: int, end: int, length: int, rate: int) -> tuple[Samples, Samples]:
    """Sound from `start` to `end` made `length` long, and the 10 ms that lead into it."""
    factor = length / (end - start)
    margin = round(MARGIN_S * rate)
    first, last = max(0, start - margin), min(len(sound), end + margin)
    changed = stretched(sound[first:last], factor, rate)
    at = round((start - first) * factor)
    piece = np.zeros(length, np.float32)
    kept = changed[at : at + length]
    piece[: len(kept)] = kept
    return changed[max(0, at - round(JOIN_S * rate)) : at], piece


def stretched(sound: Samples, factor: float, rate: int) -> Samples:
    """Sound [n] made `factor` times as long, float32 [round(n * factor)]."""
    wanted = round(len(sound) * factor)
    if wanted == len(sound) or not len(sound):
        return sound
    factor = wanted / len(sound)
    if abs(factor - 1) <= RESAMPLED:
        changed, at = soxr.resample(sound, 1.0, factor, quality="HQ"), 0
    else:
        # At both ends a stretch takes a while to settle: there it gets the sound mirrored.
        margin = min(round(MARGIN_S * rate), len(sound) - 1)
        changed = _stretch(np.pad(sound, margin, mode="reflect"), factor, rate)
        at = round(margin * factor)
    made = np.zeros(wanted, np.float32)
    kept = np.asarray(changed, np.float32)[at : at + wanted]
    made[: len(kept)] = kept
    return made


def _stretch(sound: Samples, factor: float, rate: int) -> Samples:
    from python_stretch.Signalsmith import Stretch

    stretch = Stretch(SEED)
    stretch.preset(1, rate)
    stretch.setTimeFactor(1 / factor)
    made: Samples = np.asarray(stretch.process(np.ascontiguousarray(sound[None], np.float32)))[0]
    return made
