"""What a generator says of itself: how it works, and what it may be told. Arrays, no torch."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from model.instruments import INSTRUMENTS
from model.request import ALWAYS_GUIDED, SOURCES


@dataclass(frozen=True, slots=True, eq=False)
class Abilities:
    """Of one generator; the defaults are those of one that decodes the paper's way.

    Attributes:
        in_depth: whether it fills whole frames, so that only steps of the first level are taken.
        guided: whether it has learnt to be guided, so that guidance takes no pass but the one.
        guesses: whether it may be told where the context is only guessed.
        sources: what it may be told, of `model.request.SOURCES`.
        sounds: sounds to choose from, float32 [18, any number, width], those of each instrument
            class; all zeros where a class has fewer; [18, 0, 0] without any.

    Raises:
        ValueError: one line that names the field, its value and what would be valid.
    """

    in_depth: bool = False
    guided: bool = False
    guesses: bool = False
    sources: tuple[str, ...] = ALWAYS_GUIDED
    sounds: NDArray[np.float32] = field(
        default_factory=lambda: np.zeros((len(INSTRUMENTS), 0, 0), np.float32)
    )

    def __post_init__(self) -> None:
        """Check names, shape and type."""
        if not set(self.sources) <= set(SOURCES):
            raise ValueError(f"sources are {self.sources!r}; valid: of {', '.join(SOURCES)}")
        shape, kind = self.sounds.shape, self.sounds.dtype
        if len(shape) != 3 or shape[0] != len(INSTRUMENTS) or kind != np.float32:
            raise ValueError(
                f"sounds is {kind} {list(shape)}; valid: float32 [{len(INSTRUMENTS)}, any, width]"
            )
        if not np.isfinite(self.sounds).all():
            raise ValueError("sounds holds NaN or infinity; valid: finite numbers")

    def sound(self, instrument: int, number: int) -> NDArray[np.float32]:
        """One of an instrument class's sounds [width], [0] where it has none.

        Args:
            instrument: index of the class.
            number: which, from 0 on; after the last comes the first again.
        """
        choices = self.sounds[instrument]
        choices = choices[choices.any(-1)] if choices.size else choices
        chosen = choices[number % len(choices)] if len(choices) else np.zeros(0, np.float32)
        return np.asarray(chosen, np.float32)
