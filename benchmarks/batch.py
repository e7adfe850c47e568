"""How long three players' plans take one after the other, and as one batch; and are they the same?

    python -m benchmarks.batch [--players 3] [--threads N] [--repeats 5] [--weights FOLDER]

Every player hears music of its own, as in a band whose players hear each other. Times are medians;
run it on an idle machine, or with one thread, where processor seconds tell the same.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np
import torch

from companion.generate.warmup import typical_request
from model.generator import StemGenerator, load_generator
from model.request import StemRequest, StemResult

Kind = TypeVar("Kind")


def main() -> None:
    """Print the times, the stages and the agreement."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.batch")
    parser.add_argument("--players", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--weights", type=Path, default=None)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    generator = load_generator(options.device, options.weights)
    print(f"{generator.device}, {torch.get_num_threads()} threads, {options.players} players")
    asked = [requests(generator, options.players, turn) for turn in range(options.repeats + 1)]
    alone, together = [], []
    for turn, batch in enumerate(asked):
        one = timed(lambda batch=batch: [generator.start(each).result() for each in batch])
        # Elsewhere on the grid, or what was heard a moment ago would be heard already.
        moved = [replace(each, first_frame=each.first_frame + 10**6) for each in batch]
        both = timed(lambda moved=moved: decode_together(generator, moved))
        if turn:  # the first warms up
            alone.append(one)
            together.append(both)
    for name, runs in (("one after the other", alone), ("one batch", together)):
        wall_s, cpu_s = (median(each) for each in list(zip(*runs, strict=True))[:2])
        print(f"{name}: {wall_s:.2f} s a round, {cpu_s:.2f} processor s; {stages(runs)}")
    ratio = median(cpu for _, cpu, _ in alone) / median(cpu for _, cpu, _ in together)
    same = [
        float((one.tokens == both.tokens).mean())
        for (*_, singles), (*_, batch) in zip(alone, together, strict=True)
        for one, both in zip(singles, batch, strict=True)
    ]
    print(f"by processor seconds the batch is {ratio:.2f} times as fast")
    print(f"{np.mean(same):.1%} of tokens are the same")


def requests(generator: StemGenerator, players: int, turn: int) -> list[StemRequest]:
    """The typical plan of each player, with music and dice of its own."""
    typical = typical_request(generator)
    noise = np.random.default_rng(turn)
    return [
        replace(
            typical,
            context=typical.context
            + (0.05 * noise.standard_normal(len(typical.context))).astype(np.float32),
            instrument=player,
            seed=players * turn + player,
            first_frame=1000 * turn,  # nothing that was heard before is heard again
        )
        for player in range(players)
    ]


def decode_together(generator: StemGenerator, batch: list[StemRequest]) -> list[StemResult]:
    """All stems as one batch."""
    decoding = generator.start_together(batch)
    while decoding.step():
        pass
    return [decoding.result(index) for index in range(len(batch))]


def stages(runs: list[tuple[float, float, list[StemResult]]]) -> str:
    """Median seconds of each stage, all players together."""
    names = runs[0][2][0].timings
    return ", ".join(
        f"{name} {median(sum(stem.timings[name] for stem in stems) for *_, stems in runs):.2f}"
        for name in names
    )


def timed(call: Callable[[], Kind]) -> tuple[float, float, Kind]:
    """Seconds, processor seconds, and what came of it."""
    started, started_cpu = time.perf_counter(), time.process_time()
    value = call()
    return time.perf_counter() - started, time.process_time() - started_cpu, value


if __name__ == "__main__":
    main()
