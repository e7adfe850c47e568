"""What was measured, in lines, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

from companion.bench.capacity import SHARE
from companion.bench.measured import Bench, Spread


def whole(bench: Bench) -> str:
    """One JSON object: the fields of `Bench`, GFLOP of a plan, and its share of the peak."""
    content = asdict(bench)
    content["arithmetic"]["plan"] = bench.arithmetic.plan
    content["arithmetic"]["share"] = _plan_share(bench)
    content["carried_within_bars"] = SHARE
    return json.dumps(content, allow_nan=False)


def lines(bench: Bench) -> Iterable[str]:
    """For a person; the last says what the machine carries."""
    processor, counted = bench.processor, bench.arithmetic
    has = ", ".join(processor.features) or "none of AVX2, AVX512 and bfloat16"
    yield f"processor: {processor.name}, {processor.cores} core{'s' * (processor.cores > 1)}, {has}"
    threads = f", {bench.threads} thread{'s' * (bench.threads > 1)}" if bench.threads else ""
    yield f"generator: on {bench.device}{threads}"
    memory = "not told here" if bench.memory_mb is None else f"{bench.memory_mb:.0f} MB at most"
    yield f"start: ready after {bench.ready_s:.1f} s, first plan after {bench.first_plan_s:.1f} s"
    yield f"memory of the generator's process: {memory}"
    steps = "+".join(map(str, bench.steps))
    passes = "1 pass" if bench.passes == 1 else f"{bench.passes} passes"
    yield f"a plan at {bench.bpm:g} BPM in {bench.meter}: {steps} decode steps of {passes} each"
    yield _row("", "median", "95 %", "99 %", "measured")
    alone = bench.plans[0]
    for name, spread in (
        ("encode what is new", alone.encode_s),
        ("decode step", bench.step_s),
        ("tokens to sound", alone.audio_s),
    ):
        yield _spread(name, spread)
    for plans in bench.plans:
        yield _spread(f"plan of {_players(plans.players)}", plans.plan_s)
    peak = ", ".join(f"{value:.0f} in {kind}" for kind, value in counted.peak.items())
    step_share = counted.share(counted.steps / sum(bench.steps), bench.step_s.p50)
    yield (
        f"arithmetic: {counted.plan:.1f} GFLOP a plan of one player ({counted.begin:.1f} to begin, "
        f"{counted.steps:.1f} in decode steps, {counted.audio:.1f} for the sound)"
    )
    yield (
        f"matrix products reach {peak} GFLOP/s; a plan runs at {_plan_share(bench):.0%} of that, "
        f"its decode steps at {step_share:.0%}"
    )
    yield verdict(bench)


def verdict(bench: Bench) -> str:
    """What the machine carries, in one line, by the rule of `companion.bench.capacity`."""
    rule = f"plans of all players within {SHARE:g} of a bar in 95 of 100 cases"
    told = []
    for plans in reversed(bench.plans):
        carried = [
            f"up to {each.bpm} BPM with {each.steps} decode step{'s' * (each.steps > 1)}"
            for each in bench.carried
            if each.players == plans.players
        ]
        told.append(f"{_players(plans.players)} {' or '.join(carried) or 'at no tempo'}")
    return f"this machine carries {', '.join(told)} ({rule})"


def _players(number: int) -> str:
    return "1 player" if number == 1 else f"{number} players"


def _plan_share(bench: Bench) -> float:
    return bench.arithmetic.share(bench.arithmetic.plan, bench.plans[0].plan_s.p50)


def _row(name: str, *cells: str) -> str:
    return f"  {name:20}" + "".join(f"{cell:>11}" for cell in cells)


def _spread(name: str, spread: Spread) -> str:
    seconds = [f"{1000 * value:.1f} ms" for value in (spread.p50, spread.p95, spread.p99)]
    return _row(name, *seconds, str(spread.measured))
