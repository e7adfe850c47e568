"""What a stem is made from: all that the network may be told, and how one source is withheld."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, fields, replace

import torch
from torch import Tensor

from model.grid import VOCABULARY
from model.instruments import NULL
from model.request import SOURCES

UNKNOWN = VOCABULARY + 1
"""Token of a context position that is dropped or not known yet (the paper's NULL)."""


@dataclass(frozen=True, slots=True)
class Sources:
    """The sources of a batch of B windows of T frames; what is not known counts for nothing.

    Attributes:
        context: tokens of the live mix, int64 [B, Q, T]; UNKNOWN where not heard.
        guessed: bool [B, T], where the context was not played yet and something stands in for it.
        pitches: of the live mix [B, T, PITCHES], see `model.pitch`.
        instrument: class [B]; `model.instruments.NULL` where it is not told.
        phase: sin and cos of beat and of bar phase [B, T, 4].
        clock_known: bool [B].
        harmony: pitch classes and bass of the chord [B, T, 24].
        harmony_known: bool [B, T].
        sound: what `model.sound` makes of a recording of the instrument [B, SOUND_WIDTH].
        sound_known: bool [B].
    """

    context: Tensor
    guessed: Tensor
    pitches: Tensor
    instrument: Tensor
    phase: Tensor
    clock_known: Tensor
    harmony: Tensor
    harmony_known: Tensor
    sound: Tensor
    sound_known: Tensor

    def only(self, told: Set[str]) -> Sources:
        """The same with every source withheld that is not in `told`."""
        return self.keep({name: torch.tensor(name in told) for name in SOURCES})

    def keep(self, told: dict[str, Tensor]) -> Sources:
        """The same with each source withheld where `told` (bool [B] or []) is False for it."""
        device = self.context.device

        def kept(name: str, ndim: int) -> Tensor:
            flag = told[name].to(device)
            return flag.reshape(-1, *[1] * (ndim - 1)) if flag.ndim else flag

        return replace(
            self,
            context=torch.where(kept("audio", 3), self.context, UNKNOWN),
            instrument=torch.where(kept("instrument", 1), self.instrument, NULL),
            clock_known=self.clock_known & kept("clock", 1),
            harmony_known=self.harmony_known & kept("harmony", 2),
            sound_known=self.sound_known & kept("sound", 1),
        )

    def of_another(self) -> Sources:
        """The same with each window hearing the mix of the one before it in the batch."""
        return replace(
            self,
            context=self.context.roll(1, 0),
            guessed=self.guessed.roll(1, 0),
            pitches=self.pitches.roll(1, 0),
        )

    def told(self) -> frozenset[str]:
        """The sources of which anything is told in any window."""
        flags = {
            "audio": (self.context != UNKNOWN).any(),
            "instrument": (self.instrument != NULL).any(),
            "clock": self.clock_known.any(),
            "harmony": self.harmony_known.any(),
            "sound": self.sound_known.any(),
        }
        return frozenset(name for name, flag in flags.items() if bool(flag))

    def to(self, device: torch.device) -> Sources:
        """The same on another device."""
        return Sources(*(getattr(self, field.name).to(device) for field in fields(self)))
