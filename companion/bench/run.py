"""`companion bench`: measure what this machine can do, in about a minute.

First as on stage, through the generator's process; then in this one, where single steps can be
seen and counted, with as many threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, cast

from companion.bench.arithmetic import arithmetic, step_seconds
from companion.bench.capacity import Capacity
from companion.bench.measured import Bench, Spread
from companion.bench.memory import peak_mb, peak_of_children_mb
from companion.bench.processor import processor
from companion.bench.rehearsal import rehearse, spreads
from companion.control.preset import Preset
from companion.generate.loading import loading
from companion.generate.wire import Link, ProcessLink, child_command
from companion.generate.worker import Worker
from companion.system.errors import CompanionError, one_line

if TYPE_CHECKING:
    from model.generator import StemGenerator

ALONE_S, TOGETHER_S, STEPS_S = 10.0, 15.0, 5.0
"""How long plans of one player, plans of all, and single steps are measured for."""
LEAST, MOST = 2, 40
"""Plans of each kind: the least on a machine that is slow, the most on one that is not. The first
hears all of its window anew, those after it only what is new."""


def bench(
    preset: Preset,
    weights: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
) -> tuple[Bench, Capacity]:
    """Measure this machine with a preset's tempo, players and knobs.

    Args:
        preset: with the model as its generator.
        weights: folder of the model's weights, if not the bundled ones.
        say: told what is being measured.

    Returns:
        what was measured, and what to reckon other tempi, players and steps from.

    Raises:
        CompanionError: the preset's generator is no model, or cannot be loaded, or plans nothing.
    """
    generator = preset.generator
    if generator.name != "model":
        raise CompanionError(f"generator is {generator.name!r}; valid: model, the stand-in is free")
    links: list[ProcessLink] = []

    def open_link(receive: Callable, threads: int) -> Link:
        command = child_command(generator.name, generator.device, weights, threads)
        links.append(ProcessLink(command, receive))
        return links[-1]

    say("starting the generator")
    started = time.perf_counter()
    with closing(Worker(open_link)) as worker:
        ready = worker.wait_ready()
        ready_s = time.perf_counter() - started
        say("plans of one player")
        made = {1: rehearse(preset, worker, 1, LEAST, MOST, ALONE_S)}
        if (players := len(preset.players)) > 1:
            say(f"plans of {players} players")
            made[players] = rehearse(preset, worker, players, LEAST, MOST, TOGETHER_S)
        memory_mb = peak_mb(links[-1].pid)
    if memory_mb is None:
        memory_mb = peak_of_children_mb()
    say("decode steps and arithmetic")
    source = loading(generator.name, generator.device, weights)
    try:
        here = cast("StemGenerator", source.load())
    except ValueError as error:
        raise CompanionError(one_line(error)) from error
    if ready.threads and source.set_threads is not None:
        source.set_threads(ready.threads)
    before, last = made[1][-2:]
    counted = arithmetic(here, before.requests, last.requests)
    steps_s = step_seconds(here, last.requests, STEPS_S)
    first = last.requests[0]
    knobs = preset.store().snapshot(preset.players[0].name)
    plans = tuple(spreads(number, each) for number, each in made.items())
    capacity = Capacity(
        ready,
        preset.meter,
        preset.bpm,
        knobs,
        dict(last.stems[0].timings),
        {each.players: each.plan_s.p95 for each in plans},
    )
    measured = Bench(
        processor=processor(),
        device=ready.device,
        threads=ready.threads,
        bpm=float(preset.bpm),
        meter=preset.meter.name,
        steps=first.decode.steps,
        passes=last.stems[0].passes // max(1, last.stems[0].steps),
        ready_s=ready_s,
        first_plan_s=ready_s + made[1][0].took_s,
        memory_mb=memory_mb,
        step_s=Spread.of(steps_s),
        plans=plans,
        arithmetic=counted,
        carried=sum((capacity.carried(each.players) for each in plans), ()),
    )
    return measured, capacity
