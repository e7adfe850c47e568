"""How far learners have come: the bits of held-out stems after so many steps, kept on disk.

All learners take the steps up to one milestone before any goes on to the next, so that whenever a
run ends they can be compared at the last milestone they all reached.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from model.network import StemNetwork
from training.experiments.bits import Bits, Filling, stem_bits
from training.experiments.frequencies import frequency_bits
from training.experiments.learner import Course, Learner, learn, network_of, songs_of, told
from training.experiments.ledger import Ledger
from training.stemgen.pairs import PairBatch, draw_batch
from training.stemgen.shards import EncodedSong
from training.stemgen.sources import sources_of

FILLED_IN = 8
"""Passes that held-out stems are filled in as learners go, in the order they were trained in."""
TOGETHER = 12
"""Windows measured at once."""
WINDOWS_SEED = 10_007
DICE_SEED = 3


@dataclass(frozen=True, slots=True, eq=False)
class Progress:
    """Of one learner.

    Attributes:
        steps: the milestones.
        bits: at each, of the held-out windows.
        own: at each, of windows of the songs it learns from.
        cpu_s: seconds of one core that it had taken until each.
        parameters: numbers in its trunk, and in all of it.
    """

    steps: tuple[int, ...]
    bits: tuple[Bits, ...]
    own: tuple[Bits, ...]
    cpu_s: tuple[float, ...]
    parameters: tuple[int, int]

    def totals(self, at: int = -1) -> NDArray[np.float64]:
        """Bits a frame of each held-out window, of all levels, at a milestone [N]."""
        total: NDArray[np.float64] = self.bits[at].sum(1)
        return total


def ledger_of(course: Course) -> Ledger:
    """Where everything that is measured of learners is kept."""
    return Ledger(course.out / "learners" / "figures.jsonl")


def follow(
    course: Course, learners: Sequence[Learner], milestones: Sequence[int], windows: int
) -> dict[str, Progress]:
    """Have all learners take the steps that are left, and measure what is not measured.

    Args:
        windows: held-out windows to measure on.

    Raises:
        Stopped: it was interrupted; the same call goes on from there.
    """
    ledger = ledger_of(course)
    found: dict[str, list[Mapping[str, Any]]] = {learner.name: [] for learner in learners}
    for steps in milestones:
        for learner in learners:
            cell = {"learner": told(course, learner), "steps": steps, "windows": windows}

            def work(learner: Learner = learner, steps: int = steps) -> Mapping[str, Any]:
                return _learnt(course, learner, steps, windows)

            found[learner.name].append(ledger.measure(cell, work))
    return {name: _progress(tuple(milestones), each) for name, each in found.items()}


def filled(course: Course, learner: Learner, steps: int, windows: int, filling: Filling) -> Bits:
    """Bits of the held-out windows of a learner after so many steps, filled in another way."""
    cell = {
        "learner": told(course, learner),
        "steps": steps,
        "windows": windows,
        "filling": asdict(filling),
    }

    def work() -> Mapping[str, Any]:
        network = network_of(course, learner, steps)
        batch = windows_of(course.valid, learner, windows)
        return {"bits": measure(network, batch, filling).tolist()}

    return np.array(ledger_of(course).measure(cell, work)["bits"])


def known_by_frequency(course: Course, learner: Learner, windows: int) -> Bits:
    """Bits of the held-out windows for who knows token frequencies only, see `frequency_bits`."""
    cell = {"songs": course.songs, "frames": learner.config.frames, "windows": windows}

    def work() -> Mapping[str, Any]:
        batch = windows_of(course.valid, learner, windows)
        return {"bits": frequency_bits(course.train, batch).tolist()}

    return np.array(ledger_of(course).measure({"frequencies": cell}, work)["bits"])


def measure(network: StemNetwork, batch: PairBatch, filling: Filling) -> Bits:
    """Bits a frame of each window, everything told; see `stem_bits`."""
    parts = []
    for first in range(0, len(batch.instrument), TOGETHER):
        rows = batch.rows(slice(first, first + TOGETHER))
        sources = sources_of(network, rows)
        parts.append(stem_bits(network, sources, rows.target, filling, DICE_SEED + first))
    found: Bits = torch.cat(parts).numpy()
    return found


def _learnt(course: Course, learner: Learner, steps: int, windows: int) -> Mapping[str, Any]:
    step_cpu_s = learn(course, learner, steps)
    network = network_of(course, learner, steps)
    filling = Filling(FILLED_IN, learner.order)
    held_out = windows_of(course.valid, learner, windows)
    own = windows_of(songs_of(course, learner), learner, max(2, windows // 4))
    return {
        "step_cpu_s": step_cpu_s,
        "bits": measure(network, held_out, filling).tolist(),
        "own": measure(network, own, filling).tolist(),
        "parameters": [
            sum(p.numel() for p in network.trunk.parameters()),
            sum(p.numel() for p in network.parameters()),
        ],
    }


def windows_of(songs: Sequence[EncodedSong], learner: Learner, count: int) -> PairBatch:
    """Windows to measure on, all of their mix heard; the same for all learners."""
    return draw_batch(list(songs), count, learner.config.frames, WINDOWS_SEED, 0, live=False)


def _progress(milestones: tuple[int, ...], found: Sequence[Mapping[str, Any]]) -> Progress:
    taken = np.diff((0, *milestones))
    cpu = np.cumsum([each["step_cpu_s"] * count for each, count in zip(found, taken, strict=True)])
    return Progress(
        milestones,
        tuple(np.array(each["bits"]) for each in found),
        tuple(np.array(each["own"]) for each in found),
        tuple(float(s) for s in cpu),
        tuple(found[-1]["parameters"]),
    )
