"""What a plan computes, beside what the machine reaches in a product of large matrices.

It is torch that counts: matrix products and convolutions, which is nearly all there is.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import torch
from torch.utils.flop_counter import FlopCounterMode

from companion.bench.measured import Arithmetic
from model.device import has_bfloat16
from model.request import StemRequest

if TYPE_CHECKING:
    from model.generator import StemGenerator

ROWS, INNER, COLUMNS = 1200, 1024, 1024
"""Of the product that is timed; the network's are of this kind, and larger ones no faster."""
PRODUCTS, TIMES = 4, 5


def arithmetic(
    generator: StemGenerator, before: Sequence[StemRequest], requests: Sequence[StemRequest]
) -> Arithmetic:
    """Count the plan of one player, and time the peak.

    Args:
        generator: on the device, and with the threads, that it plays with.
        before: the plan before it: what was heard then is not encoded again.
        requests: of the plan.
    """
    begin, steps, audio = count(generator, before, requests)
    device = generator.torch_device
    kinds = {"float32": torch.float32}
    if has_bfloat16(device):
        kinds["bfloat16"] = torch.bfloat16
    return Arithmetic(
        begin=begin,
        steps=steps,
        audio=audio,
        peak={name: peak_gflops(device, kind) for name, kind in kinds.items()},
        precision=list(kinds)[-1],
    )


def count(
    generator: StemGenerator, before: Sequence[StemRequest], requests: Sequence[StemRequest]
) -> tuple[float, float, float]:
    """GFLOP of a plan, as `Arithmetic` has them: to begin, of all steps, for the sound."""
    generator.start_together(before)
    with FlopCounterMode(display=False) as counter:
        decoding = generator.start_together(requests)
        begun = counter.get_total_flops()
        while decoding.step():
            pass
        decoded = counter.get_total_flops()
        for index in range(len(requests)):
            decoding.result(index)
        ended = counter.get_total_flops()
    return begun / 1e9, (decoded - begun) / 1e9, (ended - decoded) / 1e9


def peak_gflops(device: torch.device, kind: torch.dtype) -> float:
    """GFLOP a second of a large matrix product, with the threads that are set."""
    one = torch.randn(ROWS, INNER, device=device, dtype=kind)
    other = torch.randn(INNER, COLUMNS, device=device, dtype=kind)

    def multiply() -> None:
        for _ in range(PRODUCTS):
            product = torch.mm(one, other)
        float(product[0, 0])  # waits for the device

    multiply()
    best_s = min(_seconds(multiply) for _ in range(TIMES))
    return PRODUCTS * 2 * ROWS * INNER * COLUMNS / best_s / 1e9


def step_seconds(
    generator: StemGenerator, requests: Sequence[StemRequest], limit_s: float, most: int = 200
) -> list[float]:
    """Seconds of single decode steps, of the same plan again and again.

    No more than `most`, and none is begun after `limit_s`, but two.
    """
    taken: list[float] = []
    began = time.perf_counter()
    decoding, more = generator.start_together(requests), True
    while len(taken) < most and (len(taken) < 2 or time.perf_counter() - began < limit_s):
        if not more:
            decoding = generator.start_together(requests)
        started = time.perf_counter()
        more = decoding.step()
        taken.append(time.perf_counter() - started)
    return taken[1:]  # the first allocates


def _seconds(call: Callable[[], None]) -> float:
    started = time.perf_counter()
    call()
    return time.perf_counter() - started
