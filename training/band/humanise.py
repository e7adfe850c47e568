"""Small human errors in time and touch: a player's own, and the slow drift of all together."""

from __future__ import annotations

import random
from dataclasses import dataclass

from training.band.form import BEATS_PER_BAR
from training.band.parts import Part


@dataclass(frozen=True, slots=True)
class Strike:
    """A note in seconds from bar 0: start, end, MIDI pitch, velocity."""

    start_s: float
    end_s: float
    pitch: int
    velocity: int


WANDER_S = 0.006
"""Largest deviation of a song's common time from its grid; how large is drawn for each song."""
WANDER_LIMIT_S = 0.015
"""Never further than this from the grid: a tenth of a sixteenth at 100 BPM."""
WANDER_KEPT = 0.85
"""Correlation from bar to bar: half of a deviation is gone after four bars."""


@dataclass(frozen=True, slots=True)
class Wander:
    """How far the players' common time is from the grid at each bar line, in seconds.

    A rig that follows the tempo moves what it hears onto a grid: this is what it leaves.
    """

    lines_s: tuple[float, ...] = ()

    def at(self, beat: float) -> float:
        """Seconds by which all players are late at a beat; from bar line to bar line a ramp."""
        if not self.lines_s:
            return 0.0
        bar = beat / BEATS_PER_BAR
        before = min(int(bar), len(self.lines_s) - 1)
        after = min(before + 1, len(self.lines_s) - 1)
        share = min(1.0, bar - before)
        return (1 - share) * self.lines_s[before] + share * self.lines_s[after]


STEADY = Wander()
"""Players who keep to the grid."""


def draw_wander(rng: random.Random, bars: int) -> Wander:
    """A slow wander over a song of `bars` bars; between songs it differs in size, down to none."""
    deviation_s = rng.uniform(0.0, WANDER_S)
    fresh_s = deviation_s * (1 - WANDER_KEPT**2) ** 0.5
    late_s = rng.gauss(0.0, deviation_s)
    lines_s = []
    for _ in range(bars + 1):
        lines_s.append(max(-WANDER_LIMIT_S, min(WANDER_LIMIT_S, late_s)))
        late_s = WANDER_KEPT * late_s + rng.gauss(0.0, fresh_s)
    return Wander(tuple(lines_s))


def humanise(
    rng: random.Random, part: Part, tempo: float, wander: Wander = STEADY
) -> tuple[Strike, ...]:
    """Notes in seconds, with the player's own lag, jitter and touch, and the common `wander`.

    The lag is constant for a part (within 10 ms, 4 ms for drums, which the others follow),
    jitter has a deviation of 1 to 4 ms, velocity of 5. Nothing starts before bar 0. Notes
    of one chord share their jitter. Sorted by start.
    """
    limit = 0.004 if part.drums else 0.010
    lag_s = rng.uniform(-limit, limit)
    jitter_s = rng.uniform(0.001, 0.004)
    beat_s = 60.0 / tempo
    strikes = []
    errors: dict[float, float] = {}
    for note in part.notes:
        if note.beat not in errors:
            errors[note.beat] = max(-0.012, min(0.012, rng.gauss(0.0, jitter_s)))
        played_s = note.beat * beat_s + lag_s + errors[note.beat]
        start_s = max(0.0, played_s + wander.at(note.beat))
        velocity = max(1, min(127, round(note.velocity + rng.gauss(0.0, 5.0))))
        length_s = max(0.03, note.beats * beat_s)
        strikes.append(Strike(start_s, start_s + length_s, note.pitch, velocity))
    strikes.sort(key=lambda strike: (strike.start_s, strike.pitch))
    return tuple(strikes)
