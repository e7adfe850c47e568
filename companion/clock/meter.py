"""How many beats a bar has, and what a beat is.

A beat is what is felt and what the tempo counts: a quarter note, but in 6/8 a dotted one, of which
a bar has two. MIDI clock and Ableton Link count quarter notes.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class Meter:
    """A time signature.

    Attributes:
        name: as it is written, "3/4".
        beats_per_bar: beats that are felt.
        clicks_per_beat: of the count-in and the metronome.
        quarters_per_beat: quarter notes in a beat.
    """

    name: str
    beats_per_bar: int
    clicks_per_beat: int = 1
    quarters_per_beat: Fraction = Fraction(1)


METERS = {
    meter.name: meter
    for meter in (
        *(Meter(f"{beats}/4", beats) for beats in range(2, 8)),
        Meter("6/8", 2, clicks_per_beat=3, quarters_per_beat=Fraction(3, 2)),
    )
}
FOUR_FOUR = METERS["4/4"]
