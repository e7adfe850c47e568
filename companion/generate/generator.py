"""What every stem generator offers: the model's, and the stand-in's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from model.abilities import Abilities
from model.request import StemRequest, StemResult


class Steps(Protocol):
    """Work that is done one decode step at a time."""

    @property
    def progress(self) -> float:
        """Share of the work done, 0..1."""
        ...

    def step(self) -> bool:
        """Do one step; True while there is more to do."""
        ...

    def finish(self) -> None:
        """Fill what is left in one pass a level: the next `step` is the last."""
        ...

    def cancel(self) -> None:
        """Give up: `step` returns False and there is no result."""
        ...


class Decoding(Steps, Protocol):
    """A stem that is being made."""

    def result(self) -> StemResult:
        """The filled window, once `step` has returned False."""
        ...


class BatchDecoding(Steps, Protocol):
    """Several stems that are being made together: a step is one of each that has any left."""

    def finish(self, only: int | None = None) -> None:
        """As for one stem, for all of them, or for one of them `only`."""
        ...

    def cancel(self, only: int | None = None) -> None:
        """Likewise."""
        ...

    def finished(self, index: int) -> bool:
        """Whether one of them has no more steps to take."""
        ...

    def result(self, index: int) -> StemResult:
        """The filled window of one of them; raises what went wrong with it alone."""
        ...


class StemGenerator(Protocol):
    """Fills windows with stems; the same request gives the same stem."""

    @property
    def max_frames(self) -> int:
        """Longest window it can fill."""
        ...

    @property
    def device(self) -> object:
        """What it computes on; prints as "cpu", "cuda", ..."""
        ...

    @property
    def abilities(self) -> Abilities:
        """How it works, and what it may be told; the same for as long as it lives."""
        ...

    def sound_of(self, recording: NDArray[np.float32]) -> NDArray[np.float32]:
        """What an instrument sounds like [width] in a recording of it alone [samples], 32 kHz mono.

        It is what `StemRequest.sound` takes; [0] where that is not told.
        """
        ...

    def silence(self, frames: int) -> NDArray[np.int16]:
        """Tokens int16 [4, frames] that sound like nothing."""
        ...

    def start(self, request: StemRequest) -> Decoding:
        """Begin a stem of at most `max_frames` frames."""
        ...

    def start_together(self, requests: Sequence[StemRequest]) -> BatchDecoding:
        """Begin several such stems."""
        ...
