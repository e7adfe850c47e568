"""Which sound of its instrument a player has, so that a bass stays the same bass for the set.

The knob `sound` chooses among those that the generator brings along. At 0 it is what the recording
sounds like that the preset names, or where it names none, one that chance drew for the set.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from companion.control.store import Snapshot
from model.abilities import Abilities
from model.instruments import INSTRUMENTS

Sound = NDArray[np.float32]
"""What an instrument sounds like [width], see `model.sound`; [0] for any."""
NO_SOUND: Sound = np.zeros(0, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Sounds:
    """One player's."""

    abilities: Abilities  # of the generator
    seed: int  # of the session
    player: str  # its name
    recording: Sound = field(default_factory=lambda: NO_SOUND)  # of the one that is named, if any

    def told(self, knobs: Snapshot) -> Sound:
        """What the generator is told for these knobs."""
        number = int(knobs["sound"])
        if number == 0 and self.recording.size:
            return self.recording
        instrument = INSTRUMENTS.index(str(knobs["instrument"]))
        return self.abilities.sound(instrument, number - 1 if number else self._drawn())

    def _drawn(self) -> int:
        text = f"{self.seed}/{self.player}/sound".encode()
        return int.from_bytes(hashlib.blake2b(text, digest_size=4).digest(), "big")
