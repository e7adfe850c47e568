"""Warming a generator up before it says it is ready: first plans are slow, and threads a gamble.

All threads wait for the slowest, so where another program has one of the processors two can be
several times slower than one. So the number is measured, and no more are taken than are needed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from companion.generate.effort import Effort
from companion.generate.generator import StemGenerator
from companion.generate.latency import Latency, Work
from companion.generate.protocol import Ready
from model.abilities import Abilities
from model.grid import FRAME_RATE, HOP, SAMPLE_RATE
from model.request import DecodeSettings, StemRequest, StemResult

BAR_FRAMES = 2 * FRAME_RATE
"""The typical plan is made at 120 BPM, where a bar of four beats takes 2 s."""
PREFIX_BARS = 2
GUIDANCE = {"audio": 3.0, "instrument": 1.0, "clock": 3.0}
QUICK = (2, 1, 1, 1)
"""Steps enough to tell what a step takes: the performer waits for this."""


def warm_up(
    generator: StemGenerator,
    set_threads: Callable[[int], None] | None,
    clock: Callable[[], float] = time.perf_counter,
    threads: int = 0,
    recordings: Sequence[Path] = (),
    enough_s: float = 0.0,
) -> Ready:
    """Run the generator until it is as fast as it gets; leaves the threads set that suit it best.

    Args:
        generator: to run.
        set_threads: sets the number of processor threads it computes with; None leaves it alone.
        clock: seconds.
        threads: the number that is known to be best: then none is tried, because the music waits.
        recordings: whose sounds it is to tell.
        enough_s: the fewest threads are taken with which a typical plan takes no longer; the
            fastest number where none is as fast.
    """
    typical = typical_request(generator)
    steps = typical.decode.steps
    quick = replace(typical, decode=DecodeSettings(QUICK[: len(steps)]))
    longer = sum(steps) / sum(quick.decode.steps)

    def timed() -> tuple[float, dict[str, float]]:
        """Seconds that the typical plan would take, and its stages."""
        started = clock()
        timings_s = dict(decode(generator, quick).timings)
        whole_s = clock() - started
        tokens_s = timings_s.get("decode_tokens", whole_s)
        if timings_s:
            timings_s["decode_tokens"] = longer * tokens_s
        return whole_s + (longer - 1.0) * tokens_s, timings_s

    if threads:
        if set_threads is not None:
            set_threads(threads)
        return ready_of(generator, *timed(), threads, recordings)
    timed()  # allocates and compiles
    if set_threads is None:
        return ready_of(generator, *timed(), threads, recordings)
    tried: dict[int, tuple[float, dict[str, float]]] = {}
    for candidate in thread_candidates(os.cpu_count() or 1):
        set_threads(candidate)
        tried[candidate] = timed()
        if tried[candidate][0] <= enough_s:
            break
    threads = min(tried, key=lambda count: tried[count][0])
    set_threads(threads)
    return ready_of(generator, *tried[threads], threads, recordings)


def ready_of(
    generator: StemGenerator,
    plan_s: float,
    timings_s: Mapping[str, float],
    threads: int,
    recordings: Sequence[Path] = (),
) -> Ready:
    """What a generator can do, with what was measured, as `Ready` has it.

    Raises:
        CompanionError: a recording cannot be read.
    """
    return Ready(
        max_frames=generator.max_frames,
        device=str(generator.device),
        plan_s=plan_s,
        threads=threads,
        silence=generator.silence(generator.max_frames),
        timings=dict(timings_s),
        abilities=generator.abilities,
        recorded=_recorded(generator, recordings),
    )


def thread_candidates(processors: int) -> list[int]:
    """1, 2, 4, ... up to the number of processors, at most 8."""
    return [n for n in (1, 2, 4, 8) if n <= max(1, processors)]


class Described(Protocol):
    """What is to be known of a generator to ask it for something; see `StemGenerator`."""

    @property
    def max_frames(self) -> int:
        """Longest window it can fill."""
        ...

    @property
    def abilities(self) -> Abilities:
        """What it may be told."""
        ...

    def silence(self, frames: int) -> NDArray[np.int16]:
        """Tokens int16 [4, frames] that sound like nothing."""
        ...


def typical_request(generator: Described) -> StemRequest:
    """A full window with two bars of prefix, guided and decoded as the knobs start."""
    frames = generator.max_frames
    typical = typical_effort(generator.abilities)
    work = Work.of(frames, frames - _typical_prefix(frames), typical)
    time_s = np.arange(frames * HOP) / SAMPLE_RATE
    bars = np.arange(frames)[:, None] / BAR_FRAMES * np.array([4.0, 4.0, 1.0, 1.0])
    phase = np.where([True, False, True, False], np.sin(2 * np.pi * bars), np.cos(2 * np.pi * bars))
    return StemRequest(
        context=(0.1 * np.sin(2 * np.pi * 220.0 * time_s)).astype(np.float32),
        context_known=np.ones(frames, np.bool_),
        phase=phase.astype(np.float32),
        prefix=generator.silence(frames - work.new_frames),
        frames=frames,
        instrument=0,
        guidance=typical.guidance,
        form=typical.form,
        decode=DecodeSettings(typical.steps),
    )


def typical_effort(abilities: Abilities) -> Effort:
    """What the knobs start with, of a generator of such abilities."""
    steps = DecodeSettings().steps[: 1 if abilities.in_depth else None]
    return Effort(steps, GUIDANCE, "distilled" if abilities.guided else "contrast")


def typical_work(ready: Ready) -> Work:
    """What the typical plan is that a generator was timed with."""
    frames, effort = ready.max_frames, typical_effort(ready.abilities)
    return Work.of(frames, frames - _typical_prefix(frames), effort)


def latency_of(ready: Ready, now_s: float) -> Latency:
    """How long a generator's plans take, by what it says itself; `now_s` as for `Latency`."""
    return Latency(typical_work(ready), {"made": ready.plan_s, **ready.timings}, now_s)


def _recorded(generator: StemGenerator, recordings: Sequence[Path]) -> NDArray[np.float32]:
    """What the instruments of recordings sound like: float32 [recordings, width]."""
    if not recordings:
        return np.zeros((0, 0), np.float32)
    # What hardly a set needs is not waited for by every other.
    import soxr

    from companion.audio.recording import read_sound

    sounds = []
    for path in recordings:
        read = read_sound(path)
        mono = soxr.resample(read.heard, read.rate, SAMPLE_RATE, quality="HQ")
        sounds.append(generator.sound_of(mono))
    return np.stack(sounds)


def _typical_prefix(frames: int) -> int:
    return min(PREFIX_BARS * BAR_FRAMES, frames - 1)


def decode(generator: StemGenerator, request: StemRequest) -> StemResult:
    """Make a stem in one go."""
    decoding = generator.start(request)
    while decoding.step():
        pass
    return decoding.result()
