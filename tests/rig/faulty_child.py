"""The generator's process with faults to order: `python -m tests.rig.faulty_child FILE`.

A word in the file, read when a plan begins, breaks this process for good; the file is removed, so
the next process is sound. `hang`: it computes for ever. `nan`: all it makes is NaN. `memory`: it
holds on to all the memory that its limit leaves it, and each plan needs some.
"""

from __future__ import annotations

import resource
import sys
from pathlib import Path

import numpy as np

from companion.generate.child import serve_parent
from companion.generate.loading import Loading
from companion.generate.standin import StandInDecoding, StandInGenerator
from model.request import StemRequest, StemResult

ROOM_BYTES = 256 << 20
"""How much more memory than at its start the process may have."""
PLAN_BYTES = 32 << 20
"""What a plan needs."""


class Faulty(StandInGenerator):
    def __init__(self, orders: Path) -> None:
        self._orders = orders
        self._fault = ""
        self._hoard: list[np.ndarray] = []

    def start(self, request: StemRequest) -> StandInDecoding:
        if not self._fault and self._orders.exists():
            self._fault = self._orders.read_text()
            self._orders.unlink()
        while self._fault == "hang":
            pass
        while self._fault == "memory":
            self._hoard.append(np.ones(PLAN_BYTES, np.uint8))
        return (Broken if self._fault == "nan" else StandInDecoding)(request)


class Broken(StandInDecoding):
    def result(self) -> StemResult:
        made = super().result()
        return StemResult(made.tokens, np.full_like(made.audio, np.nan))


def main() -> int:
    (size,) = (int(pages) for pages in Path("/proc/self/statm").read_text().split()[:1])
    limit = size * resource.getpagesize() + ROOM_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    orders = Path(sys.argv[1])
    return serve_parent(Loading(lambda: Faulty(orders)))


if __name__ == "__main__":
    raise SystemExit(main())
