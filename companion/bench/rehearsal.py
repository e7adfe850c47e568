"""Plans as a session asks for them, timed: the bundled recording on a clock that waits for them.

Everything is the rig's own, from the layout of the windows to the pipe to the generator's process;
but each plan has all the steps and passes that the knobs wish for, however long that takes.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from companion.bench.measured import Plans, Spread
from companion.clock.grid import Grid
from companion.control.parameters import Value
from companion.control.preset import Preset
from companion.demo import DEMO_FILE, read_demo
from companion.generate.latency import stages_of
from companion.generate.protocol import Ready
from companion.generate.stem_worker import PATIENCE_S, START_TIMEOUT_S, Finished, StemWorker
from companion.session.rig import run_recording, to_device_rate
from companion.session.session import Session
from companion.system.errors import CompanionError
from model.request import StemRequest, StemResult

LONGEST_S = 180.0
"""A plan that takes longer is not waited for."""


@dataclass(frozen=True, slots=True, eq=False)
class Timed:
    """A plan that was made."""

    requests: tuple[StemRequest, ...]
    stems: tuple[StemResult, ...]
    took_s: float  # from asking until it was there


class TimedWorker(StemWorker):
    """Waits for each plan and times it; the worker behind it stays open.

    Attributes:
        made: the last plans, no more than `kept`.
    """

    def __init__(self, worker: StemWorker, kept: int = 256) -> None:
        """Nothing asked for yet."""
        self._worker = worker
        self._finished: list[Finished] = []
        self.made: deque[Timed] = deque(maxlen=kept)

    def wait_ready(self, timeout_s: float = START_TIMEOUT_S) -> Ready:
        """As it is, but that plans take no time: then none is made with less than is wished for."""
        return replace(self._worker.wait_ready(timeout_s), plan_s=0.0)

    def submit(
        self, plan: int, requests: Sequence[StemRequest], patience_s: float = PATIENCE_S
    ) -> None:
        """Have it made, and wait; CompanionError if it fails."""
        started = time.perf_counter()
        self._worker.submit(plan, requests, LONGEST_S)
        while not (found := self._worker.poll(LONGEST_S)):
            if time.perf_counter() - started > LONGEST_S:
                raise CompanionError(f"a plan was not there after {LONGEST_S:g} s")
        took_s = time.perf_counter() - started
        stems = tuple(stem for stem in found[-1].stems if isinstance(stem, StemResult))
        if len(stems) < len(requests):
            why = next((stem for stem in found[-1].stems if isinstance(stem, str)), "")
            raise CompanionError(f"a plan failed: {why or found[-1].reason}")
        self._finished += found
        self.made.append(Timed(tuple(requests), stems, took_s))

    def poll(self, timeout_s: float = 0.0) -> list[Finished]:
        """Plans made since the last call."""
        found, self._finished = self._finished, []
        return found

    def close(self) -> None:
        """The worker is its owner's to close."""


def rehearse(
    preset: Preset, worker: StemWorker, players: int, least: int, most: int, limit_s: float
) -> list[Timed]:
    """The plans of a preset's first players over the bundled recording, one after the other.

    Args:
        preset: its knobs and tempo, to which the recording is not held; players plan together.
        worker: who makes them; it stays open.
        players: how many of the preset's.
        least, most: plans of all of them.
        limit_s: no more plans than the least once they have taken so long.

    Raises:
        CompanionError: a plan failed, or there was none to be made.
    """
    steady: dict[str, Value] = {"find_cycle": False, "clock": "internal", "order": "together"}
    preset = replace(
        preset,
        players=preset.players[:players],
        bars=None,
        count_in_bars=0,
        knobs={**preset.knobs, **steady},
    )
    timed = TimedWorker(worker)
    store = preset.store()
    bars = int(store.snapshot()["cycle"]) + most + 4
    recording, rate = to_device_rate(*read_demo())
    grid = Grid(rate, preset.bpm, 0, preset.meter.beats_per_bar)
    end = round(bars * grid.bar_samples)
    rig = run_recording(players, np.resize(recording, end), rate, DEMO_FILE)
    session = Session(preset, rig, timed, store, origin_samples=0)

    def enough(_: object) -> None:
        spent_s = sum(each.took_s for each in timed.made)
        if len(timed.made) >= (least if spent_s > limit_s else most):
            session.stop()

    session.run(enough, end_samples=end)
    if not timed.made:
        raise CompanionError(f"preset {preset.name!r} has nothing planned; valid: hold off")
    return list(timed.made)


def spreads(players: int, made: Sequence[Timed]) -> Plans:
    """What the plans of so many players took."""
    stems = [stages_s(stem.timings) for plan in made for stem in plan.stems]
    encode, tokens, audio = (
        Spread.of([stem[stage] for stem in stems]) for stage in ("encode", "tokens", "audio")
    )
    return Plans(players, Spread.of([plan.took_s for plan in made]), encode, tokens, audio)


def stages_s(timings_s: Mapping[str, float]) -> dict[str, float]:
    """Seconds of a stem's stages; CompanionError where its generator does not tell them."""
    if not (stages := stages_of(timings_s)):
        raise CompanionError("the generator does not tell how long its stages take; valid: model")
    return stages
