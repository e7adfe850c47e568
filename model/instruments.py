"""The instrument classes that the model is conditioned on.

Eighteen classes: the sixteen families of General MIDI in program order, then drums, then
everything else. Index `NULL` stands for "no instrument given".
"""

from __future__ import annotations

import difflib

INSTRUMENTS: tuple[str, ...] = (
    "piano",
    "chromatic percussion",
    "organ",
    "guitar",
    "bass",
    "strings",
    "ensemble",
    "brass",
    "reed",
    "pipe",
    "synth lead",
    "synth pad",
    "synth effects",
    "ethnic",
    "percussive",
    "sound effects",
    "drums",
    "other",
)
NULL = len(INSTRUMENTS)


def instrument_index(name: str) -> int:
    """Index of an instrument class in `INSTRUMENTS`.

    Raises ValueError that lists the valid names, the closest one first.
    """
    if name in INSTRUMENTS:
        return INSTRUMENTS.index(name)
    close = difflib.get_close_matches(name.lower(), INSTRUMENTS, n=1)
    hint = f" (did you mean {close[0]!r}?)" if close else ""
    raise ValueError(f"unknown instrument {name!r}{hint}: valid are {', '.join(INSTRUMENTS)}")


def instrument_of_program(program: int, drums: bool) -> int:
    """Class index of a General MIDI program (0..127), or of the drum channel.

    A program outside 0..127 is 'other'.
    """
    if drums:
        return INSTRUMENTS.index("drums")
    if 0 <= program <= 127:
        return program // 8
    return INSTRUMENTS.index("other")
