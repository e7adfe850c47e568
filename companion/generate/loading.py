"""Which generator, and how to get it; torch comes in with the model only."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from companion.generate.generator import StemGenerator
from companion.generate.standin import StandInGenerator

GeneratorName = Literal["model", "standin"]
GENERATORS: tuple[GeneratorName, ...] = ("model", "standin")


@dataclass(frozen=True, slots=True)
class Loading:
    """A generator to come."""

    # makes it; slow for the model. ValueError for what it cannot be made from.
    load: Callable[[], StemGenerator]
    # sets the processor threads it computes with; None if it has no use for them
    set_threads: Callable[[int], None] | None = None
    # how many these are now; None likewise. The last bits of a stem may depend on them.
    threads: Callable[[], int] | None = None
    # whose sounds it is to tell, see `StemGenerator.sound_of`
    recordings: tuple[Path, ...] = ()
    # as for `warm_up`
    enough_s: float = 0.0


def loading(
    generator: GeneratorName,
    device: str = "auto",
    weights: Path | None = None,
    recordings: Sequence[Path] = (),
    enough_s: float = 0.0,
) -> Loading:
    """How to get "model", from the bundled weights or a folder of them, or "standin"."""
    if generator == "standin":
        return Loading(StandInGenerator, recordings=tuple(recordings), enough_s=enough_s)

    def load() -> StemGenerator:
        from model.generator import load_generator

        return load_generator(device, weights)

    def set_threads(threads: int) -> None:
        import torch

        torch.set_num_threads(threads)

    def threads() -> int:
        import torch

        return torch.get_num_threads()

    return Loading(load, set_threads, threads, tuple(recordings), enough_s)


def weights_digest(generator: GeneratorName, weights: Path | None = None) -> str:
    """16 characters that name the weights a generator loads.

    Empty for a generator without, and where a file cannot be read: loading it says why.
    """
    if generator == "standin":
        return ""
    from model.checkpoint import CODEC_FILE, STEMGEN_FILE

    hashed = hashlib.blake2b(digest_size=8)
    for file in (CODEC_FILE, STEMGEN_FILE):
        path = file if weights is None else weights / file.name
        try:
            with path.open("rb") as opened:
                hashed.update(hashlib.file_digest(opened, hashlib.blake2b).digest())
        except OSError:
            return ""
    return hashed.hexdigest()
