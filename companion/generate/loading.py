"""Which generator, and how to get it; torch comes in with the model only."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from companion.generate.generator import StemGenerator

GeneratorName = Literal["model", "standin"]
GENERATORS: tuple[GeneratorName, ...] = ("model", "standin")


@dataclass(frozen=True, slots=True)
class Loading:
    """A generator to come.

    Attributes:
        load: makes it; slow for the model. ValueError for what it cannot be made from.
        set_threads: sets the processor threads it computes with; None if it has no use for them.
    """

    load: Callable[[], StemGenerator]
    set_threads: Callable[[int], None] | None = None


def loading(generator: GeneratorName, device: str = "auto", weights: Path | None = None) -> Loading:
    """How to get "model", from the bundled weights or a folder of them, or "standin"."""
    if generator == "standin":
        return Loading(_standin)

    def load() -> StemGenerator:
        from model.generator import load_generator

        return load_generator(device, weights)

    return Loading(load, _set_torch_threads)


def _standin() -> StemGenerator:
    from companion.generate.standin import StandInGenerator

    return StandInGenerator()


def _set_torch_threads(threads: int) -> None:
    import torch

    torch.set_num_threads(threads)
