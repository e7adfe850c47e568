"""What an experiment is run with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Settings:
    """Of one run.

    Attributes:
        out: folder of everything that is kept; experiments may share it, and then no stem that two
            of them want is made twice.
        pages: folder of the page and its figure.
        held_out: folder of held-out songs.
        band: folder of the songs that the network was trained on.
        weights: folder of the generator; None: the bundled one.
        report: the `report.json` of an evaluation.
        examples: how many windows each figure stands on.
        seed: same seed, same windows.
        quick: whether this is a rehearsal at toy size: fewer cells, and figures that mean nothing.
        shards: token shards that small networks learn from, as `prepare` or `stemgen` wrote them.
        steps: how many steps small networks learn; None: what the experiment asks for.
    """

    out: Path
    pages: Path
    held_out: Path
    band: Path
    weights: Path | None
    report: Path
    examples: int
    seed: int
    quick: bool = False
    shards: Path = Path("runs/stemgen/shards")
    steps: int | None = None
