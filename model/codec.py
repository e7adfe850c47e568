"""What every codec offers: audio to tokens and back, at a fixed frame rate."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class Codec(Protocol):
    """Mono audio <-> residual vector quantiser tokens.

    `frames = ceil(samples / hop)` for any input; decoding gives exactly `frames * hop` samples.
    """

    sample_rate: int
    frame_rate: int
    levels: int
    vocabulary: int

    @property
    def reach_frames(self) -> int | None:
        """Frames on either side that a frame's tokens depend on; None: all there are."""
        ...

    def encode(self, audio: Tensor) -> Tensor:
        """Audio [B, samples], float, -1..1 -> tokens [B, levels, frames], int64."""
        ...

    def decode(self, tokens: Tensor, lead: Tensor | None = None) -> Tensor:
        """Tokens [B, levels, frames] -> audio [B, frames * hop], float32.

        `lead` [B, k * hop] is what the first k frames sounded like before, to go on from.
        """
        ...

    def codebooks(self) -> Tensor:
        """The entries of every level: [levels, vocabulary, code_width], float32."""
        ...
