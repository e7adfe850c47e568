"""Small human errors in time and touch."""

from __future__ import annotations

import random
from dataclasses import dataclass

from training.band.parts import Part


@dataclass(frozen=True, slots=True)
class Strike:
    """A note in seconds from bar 0: start, end, MIDI pitch, velocity."""

    start_s: float
    end_s: float
    pitch: int
    velocity: int


def humanise(rng: random.Random, part: Part, tempo: float) -> tuple[Strike, ...]:
    """Notes in seconds, with the player's own lag, jitter and touch.

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
        start_s = max(0.0, note.beat * beat_s + lag_s + errors[note.beat])
        velocity = max(1, min(127, round(note.velocity + rng.gauss(0.0, 5.0))))
        length_s = max(0.03, note.beats * beat_s)
        strikes.append(Strike(start_s, start_s + length_s, note.pitch, velocity))
    strikes.sort(key=lambda strike: (strike.start_s, strike.pitch))
    return tuple(strikes)
