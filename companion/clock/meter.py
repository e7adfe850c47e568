"""How many beats a bar has, and what a beat is.

A beat is what is felt and what the tempo counts:

- in x/4 a quarter note;
- in 6/8, 9/8 and 12/8 a dotted quarter, of which a bar has two, three and four;
- in 5/8 and 7/8 an eighth, because their longer beats are not all alike.

MIDI clock, MIDI's song position, Ableton Link and the files of a workstation count quarter notes
whatever the meter is. `Meter.beats` and `Meter.quarters` are the only places where one is turned
into the other.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TypeVar

Number = TypeVar("Number", float, Fraction)


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

    @property
    def quarters_per_bar(self) -> Fraction:
        """Quarter notes in a bar, not always whole: 7/2 in 7/8."""
        return self.beats_per_bar * self.quarters_per_beat

    def beats(self, quarters: Number) -> Number:
        """So many quarter notes in beats; a tempo as well as a place."""
        return quarters / self.quarters_per_beat

    def quarters(self, beats: Number) -> Number:
        """So many beats in quarter notes; a tempo as well as a place."""
        return beats * self.quarters_per_beat


DOTTED_QUARTER, EIGHTH = Fraction(3, 2), Fraction(1, 2)

METERS = {
    meter.name: meter
    for meter in (
        *(Meter(f"{beats}/4", beats) for beats in range(2, 8)),
        *(Meter(f"{3 * beats}/8", beats, 3, DOTTED_QUARTER) for beats in (2, 3, 4)),
        *(Meter(f"{eighths}/8", eighths, quarters_per_beat=EIGHTH) for eighths in (5, 7)),
    )
}
FOUR_FOUR = METERS["4/4"]


def in_quarter_notes(beats_per_bar: int) -> Meter:
    """A bar of so many quarter notes, for whoever knows no more than that."""
    return Meter(f"{beats_per_bar}/4", beats_per_bar)
