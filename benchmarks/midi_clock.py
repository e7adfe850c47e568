"""How exactly bars of a jittering MIDI clock are known, beside isobar's filter on the same ticks.

    python -m benchmarks.midi_clock

isobar is not needed for the companion; where it is installed (pip install isobar==0.2.1) its
estimate of the tempo is printed too. It has no estimate of where a bar lies: its timeline moves on
each tick as it comes.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from types import SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from companion.clock.midi_clock import START, TICK, MidiClock
from tests.companion.clock.master import (
    BAR_TICKS,
    JACK_PERIOD_S,
    RATE,
    START_S,
    Times,
    constant,
    exact_host_time,
    jittered,
    ramp,
    tick_times,
)
from tests.companion.session.test_conductor import follow_ticks

SEEDS = range(12)
LED_SEEDS = range(4)
AHEAD_S = 0.1
"""A bar line is foretold so long before it: by then the transport must have been steered."""
BEAT = BAR_TICKS // 4
HOST_TIME = exact_host_time()


def foretold_ms(due: Times, arrive: Times) -> NDArray[np.float64]:
    """For each tick, how far off its time was foretold 0.1 s before; NaN where nothing was."""
    now_s = 0.0
    clock = MidiClock(clock=lambda: now_s)
    clock.receive([START], arrive[0] - 1e-3)
    errors, heard = [], 0
    for tick, due_s in enumerate(due):
        now_s = due_s - AHEAD_S
        while heard < len(arrive) and arrive[heard] <= now_s:
            clock.receive([TICK], arrive[heard])
            heard += 1
        reading = clock.read(round(now_s * RATE), HOST_TIME)
        if reading is None:
            errors.append(np.nan)
            continue
        ahead = (tick / 24 - reading.beat) * 60 / reading.bpm
        errors.append((reading.sample / RATE + ahead - due_s) * 1e3)
    return np.array(errors)


def isobar_filter() -> Any:
    """isobar's MIDI input without a port, and the clock it looks at; None if not installed."""
    try:
        import isobar.io.midi.input as module
    except ImportError:
        return None
    device = module.MidiInputDevice.__new__(module.MidiInputDevice)
    device.estimated_tempo = device.last_clock_time = device.clock_target = None
    device.callback = lambda message: None
    module.time = SimpleNamespace(time=lambda: device.now_s)
    return device


def isobar_bpm(arrive: Times) -> NDArray[np.float64]:
    """Its tempo after each tick."""
    device = isobar_filter()
    bpm = []
    for now_s in arrive:
        device.now_s = max(now_s, (getattr(device, "now_s", 0.0) or 0.0) + 1e-6)
        device._mido_callback(SimpleNamespace(type="clock"))
        bpm.append(device.estimated_tempo or np.nan)
    return np.array(bpm)


def our_bpm(arrive: Times) -> NDArray[np.float64]:
    """Ours after each tick."""
    now_s = 0.0
    clock = MidiClock(clock=lambda: now_s)
    bpm = []
    for now_s in arrive:
        clock.receive([TICK], now_s)
        reading = clock.read(round(now_s * RATE), HOST_TIME)
        bpm.append(reading.bpm if reading else np.nan)
    return np.array(bpm)


def figures(errors: Iterable[NDArray[np.float64]]) -> str:
    """Percentiles of what they are off by."""
    off = np.abs(np.concatenate(list(errors)))
    p50, p95, most = np.nanpercentile(off, [50, 95, 100])
    return f"p50 {p50:.2f}  p95 {p95:.2f}  max {most:.2f}"


def main() -> None:
    """Print the figures."""
    steady = tick_times(constant(120, 64))
    step = tick_times(constant(120, 16), constant(126, 8))
    slope = tick_times(constant(120, 8), ramp(120, 140, 8), constant(140, 4))
    at_step, at_ramp = 16 * BAR_TICKS, 8 * BAR_TICKS
    for name, period_s in (("jitter 2 ms", 0.0), ("jitter 2 ms, in JACK periods", JACK_PERIOD_S)):
        print(name)
        came = [
            [jittered(due, seed, period_s=period_s) for seed in SEEDS]
            for due in (steady, step, slope)
        ]
        told = [
            [foretold_ms(due, arrive) for arrive in each]
            for due, each in zip((steady, step, slope), came, strict=True)
        ]
        print("  bar lines foretold 0.1 s before, error in ms")
        print(f"    steady 120        {figures(e[4 * BAR_TICKS :: BAR_TICKS] for e in told[0])}")
        raw = [(a - steady)[4 * BAR_TICKS :: BAR_TICKS] * 1e3 for a in came[0]]
        print(f"    the ticks alone   {figures(raw)}   (isobar's timeline)")
        for beats in (1, 2, 4):
            after = [e[at_step + beats * BEAT, None] for e in told[1]]
            print(f"    {beats} beats after 126 {figures(after)}")
        ramping = slice(at_ramp, at_ramp + 8 * BAR_TICKS)
        print(f"    ramp 120 to 140   {figures(e[ramping] for e in told[2])}")
        print("  tempo, error in BPM                 ours                      isobar")
        for label, due, each, first, last in (
            ("steady 120", steady, came[0], 4 * BAR_TICKS, None),
            ("2 to 4 beats after", step, came[1], at_step + 2 * BEAT, at_step + 4 * BEAT),
            ("ramp", slope, came[2], at_ramp, at_ramp + 8 * BAR_TICKS),
        ):
            true = 60 / 24 / np.diff(due, prepend=2 * due[0] - due[1])
            cut = slice(first, last)
            ours = figures([(our_bpm(a) - true)[cut] for a in each])
            theirs = "not installed"
            if isobar_filter() is not None:
                theirs = figures([(isobar_bpm(a) - true)[cut] for a in each])
            print(f"    {label:20}  {ours}   {theirs}")
        print("  beat lines of a transport that is led by it while stems sound, error in ms")
        for label, tempi, first in (
            ("steady 120", [constant(120, 24)], 16),
            ("2 beats after 126", [constant(120, 12), constant(126, 8)], 50),
            ("ramp 120 to 140", [constant(120, 6), ramp(120, 140, 12)], 24),
        ):
            lines = []
            for seed in LED_SEEDS:
                led = tick_times(*tempi, start_s=START_S + 0.3)
                arrive = jittered(led, seed, period_s=period_s)
                late = follow_ticks(led, arrive, sounding=True)[first - 16 :]
                lines.append(np.array([off_s for _, off_s in late]) * 1e3)
            print(f"    {label:18} {figures(lines)}")
    began_s = time.perf_counter()
    our_bpm(came[0][0])
    print(f"{(time.perf_counter() - began_s) / len(steady) * 1e6:.0f} us a tick")


if __name__ == "__main__":
    main()
