"""A set as on stage: JACK in real time, a real recording coming in, the bundled band joining in.

    python -m benchmarks.live --minutes 30
    python -m benchmarks.live --minutes 30 --busy       # one core held by another process
    python -m benchmarks.live --minutes 5 --generator standin

Prints, beside the machine's own floor (how late it wakes a thread that has nothing else to do,
before the set and all through it): what the companion lost, the share of bars that had a stem ready
(ISR), the steps that were chosen, how its memory grew, and how far the clicks that came out lay
from where its beats are. The clicks come out of a channel of their own, and another process records
them as the speakers would have them, and when: someone who plays along goes by real time, and a
sound system that stood still does not make that good by itself. A stem's beats are its bar lines:
see the stand-in's markers in the same table.

An xrun in the same moment as a stall of the machine is the machine's: then a thread of the highest
priority, which only sleeps, was late as well.

Needs an idle machine, `jackd2` and `rt-tests`.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import re
import subprocess
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import yaml

from tests.rig.feeder import Feeder, Recording
from tests.rig.jack import ROOT, JackServer
from tests.rig.jam_run import Jam, TakeRead
from tests.rig.stall_watch import StallWatch
from tests.rig.test_jam import bar_samples, real_recording

RATE, PERIOD, BPM, CYCLE = 48_000, 256, 95, 4
FLOOR_S = 60
START_S = 90
"""The generator may take so long to load and warm up while the recorder runs already."""
SETTLED_S = 180.0
"""What is loaded and warmed up in the first minutes is not growth."""
SAMPLE_S = 15.0
STALL_S = 0.002
"""JACK has a period of 5.3 ms for all that happens in it."""
AFTER_S = 0.2
"""JACK tells of an xrun when its cycle is over, in a thread that has to wait for a processor."""
CLICK, MARKER = 0.2, 0.05
PAUSE_S, REACH_S = 0.1, 0.05
PLAYERS = ("bass", "drums", "keys")


def floor(seconds: int) -> str:
    """How late the machine wakes an idle real-time thread, by `cyclictest`."""
    period_us = round(PERIOD / RATE * 1e6)
    command = ["cyclictest", "-m", "-q", "-p", "80", "-i", str(period_us), "-D", str(seconds)]
    try:
        result = subprocess.run([*command, "-h", "60000"], capture_output=True, text=True)
    except OSError as error:
        return f"not measured ({error})"
    late, most = 0, 0
    for line in result.stdout.splitlines():
        cells = line.split()
        if len(cells) == 2 and cells[0].isdigit() and int(cells[1]):
            late_us, count = int(cells[0]), int(cells[1])
            most = max(most, late_us)
            late += count if late_us > period_us else 0
    return (
        f"{late} wake-ups more than a period late in {seconds} s, the latest {most / 1000:.1f} ms"
    )


def tree(pid: int) -> list[int]:
    """A process and all its children."""
    found, waiting = [], [pid]
    while waiting:
        one = waiting.pop()
        found.append(one)
        with contextlib.suppress(OSError):
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting += map(int, (task / "children").read_text().split())
    return found


def memory_mb(pid: int) -> float:
    """Memory that a process holds, MB; what it shares counts by its share."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
    return float("nan")


class MemoryWatch:
    """Looks at the memory of a process and its children, in a thread of its own."""

    def __init__(self, pid: int) -> None:
        """Watch from now on."""
        self._pid, self._stop = pid, threading.Event()
        self.seen: dict[int, list[tuple[float, float]]] = {}
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _watch(self) -> None:
        started = time.monotonic()
        while not self._stop.wait(SAMPLE_S):
            for pid in tree(self._pid):
                mark = (time.monotonic() - started, memory_mb(pid))
                self.seen.setdefault(pid, []).append(mark)

    def finish(self) -> list[str]:
        """What was seen of each: from, to, and the slope after the first minutes."""
        self._stop.set()
        self._thread.join()
        return [self._say(seen) for seen in self.seen.values() if len(seen) > 6]

    @staticmethod
    def _say(seen: list[tuple[float, float]]) -> str:
        marks = [mark for mark in seen[:-1] if np.isfinite(mark[1])]
        settled = [mark for mark in marks if mark[0] > SETTLED_S] or marks
        at, mb = np.array(settled).T
        slope = np.polyfit(at / 3600, mb, 1)[0]
        sixths = " ".join(f"{np.median(part):.0f}" for part in np.array_split(mb, 6))
        return f"{sixths} MB by sixths of the time, {slope:+.1f} MB an hour"


def in_a_stall(at_s: np.ndarray, stalls: np.ndarray) -> np.ndarray:
    """Whether each moment is within a stall, or so shortly after that it is of its making."""
    begun, ended = stalls[:, 0], stalls.sum(axis=1)
    return ((at_s[:, None] >= begun) & (at_s[:, None] <= ended + AFTER_S)).any(axis=1)


def burn() -> None:
    """Hold a core."""
    while True:
        sum(range(10**7))


def onsets(samples: np.ndarray, level: float) -> np.ndarray:
    """Frames at which a sound above a level begins after a pause."""
    loud = np.flatnonzero(np.abs(samples) > level)
    return loud[np.diff(loud, prepend=-RATE) > PAUSE_S * RATE]


def errors_ms(at_s: np.ndarray, lines_s: np.ndarray) -> np.ndarray:
    """How far from each line the nearest of the sounds is, ms; NaN where none is near."""
    if not len(at_s):
        return np.full(len(lines_s), np.nan)
    after = np.clip(np.searchsorted(at_s, lines_s), 1, len(at_s) - 1)
    off = np.stack([at_s[after - 1], at_s[after]]) - lines_s
    nearest = off[np.abs(off).argmin(axis=0), np.arange(len(lines_s))]
    return np.where(np.abs(nearest) < REACH_S, nearest * 1000, np.nan)


def say_errors(what: str, errors_ms: np.ndarray) -> None:
    """One line of a distribution."""
    heard = np.abs(errors_ms[np.isfinite(errors_ms)])
    if not len(heard):
        print(f"{what}: none heard")
        return
    quantiles = " / ".join(f"{np.quantile(heard, q):.3f}" for q in (0.5, 0.95, 1.0))
    missing = len(errors_ms) - len(heard)
    print(f"{what}: {quantiles} ms (median / p95 / most) of {len(heard)}, {missing} not heard")


def report_xruns(recorded: Recording, hitches: np.ndarray, since_s: float, log: str) -> None:
    """Print whose the xruns were, and what the machine did before those that no stall explains."""
    stalls = hitches[hitches[:, 1] > STALL_S]
    long = stalls[stalls[:, 1] > PERIOD / RATE]
    theirs = in_a_stall(recorded.xruns_s, stalls)
    print(
        f"the machine stalled {len(stalls)} times for over {STALL_S * 1000:g} ms, {len(long)} "
        f"times for over a period, {1000 * stalls[:, 1].max(initial=0.0):.1f} ms at most; JACK "
        f"told of {len(theirs)} xruns, {np.count_nonzero(~theirs)} of them outside these, at "
        f"{(recorded.xruns_s[~theirs] - since_s).round(1).tolist()} s; the recorder itself missed "
        f"{recorded.lost} frames"
    )
    for at_s in recorded.xruns_s[~theirs]:
        before = hitches[(hitches[:, 0] < at_s) & (hitches.sum(axis=1) > at_s - AFTER_S)]
        late_ms = (1000 * before[:, 1]).round(1).tolist()
        print(f"  within {AFTER_S:g} s before {at_s - since_s:.1f} s it was late by {late_ms} ms")
    late = Counter(re.findall(r"client = (\S+) was not finished", log))
    print(f"who had not finished, by JACK's log: {dict(late)}")


def report(take: TakeRead, recorded: Recording, bars: int, standin: bool) -> None:
    """Print what the take and the recording say."""
    (end,) = take.of("end")
    figures = end["figures"]
    lost = {k: v for k, v in figures.items() if "." not in k}
    print(f"the companion's own count: {lost}")
    for name in PLAYERS:
        due = [e for e in take.of("bar", player=name) if e["bar"] >= CYCLE]
        sounding = Counter(event["sounding"] for event in due)
        ready = sounding["plan"] + sounding["older plan"]
        expected = (
            ready
            + sounding["repeat"]
            + sum(e["sounding"] == "silence" and "no plan" in e["reason"] for e in due)
        )
        plans = take.of("plan", player=name)
        slack = np.array([plan["slack_s"] for plan in plans])
        steps = Counter(str(plan.get("steps")) for plan in plans).most_common(4)
        passes = Counter(str(plan.get("passes")) for plan in plans).most_common(3)
        print(
            f"{name}: ISR {ready / max(1, expected):.4f} of {expected} bars {dict(sounding)}, "
            f"{len(plans)} plans, slack {np.quantile(slack, [0.01, 0.5]).round(2).tolist()} s "
            f"(p1, median), {len(take.of('plan failed', player=name))} failed; "
            f"steps {steps}, passes {passes}"
        )
    assert recorded.heard_at is not None
    first_s = recorded.real_s(np.array([recorded.heard_at]), RATE)[0]
    beats_s = np.arange(4 * bars) * bar_samples(BPM) / 4 / RATE
    clicks = onsets(recorded.output[:, 1], CLICK)
    say_errors("clicks, real time", errors_ms(recorded.real_s(clicks, RATE), first_s + beats_s))
    counted = errors_ms(clicks / RATE, recorded.heard_at / RATE + beats_s)
    say_errors("clicks, by the server's frames", counted)
    bent = take.of("tempo")
    print(f"the tempo was bent {len(bent)} times to make good what the device had lost")
    if standin:
        markers = recorded.real_s(onsets(recorded.output[:, 0], MARKER), RATE)
        say_errors("bar lines of the stems", errors_ms(markers, first_s + beats_s[4 * CYCLE :: 4]))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--generator", choices=("model", "standin"), default="model")
    parser.add_argument("--busy", action="store_true", help="hold one core")
    parser.add_argument("--keep", type=Path, help="folder to leave the take in")
    arguments = parser.parse_args()

    print(f"the floor: {floor(FLOOR_S)}", flush=True)
    bars = max(CYCLE + 4, round(arguments.minutes * 60 * RATE / bar_samples(BPM)))
    signal = real_recording("rock-095.ogg", BPM, 16, BPM, bars)
    preset = yaml.safe_load((ROOT / "presets" / "band.yaml").read_text()) | {
        "bpm": BPM,
        "bars": bars,
        "cycle": CYCLE,
        "metronome": True,
        "osc": {"port": 0},
        "audio": {"block": PERIOD, "click_channel": 2},
        "generator": {"name": arguments.generator},
    }
    hog = multiprocessing.get_context("spawn").Process(target=burn, daemon=True)
    with tempfile.TemporaryDirectory() as temporary:
        folder = arguments.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / "stage.yaml"
        path.write_text(yaml.safe_dump(preset))
        with JackServer(folder, real_time=True, rate=RATE, period=PERIOD) as server:
            frames = len(signal) + START_S * RATE
            feeder = Feeder(server, signal, frames, CLICK, round(bar_samples(BPM)))
            if arguments.busy:
                hog.start()
            with Jam(server, str(path)) as jam:
                jam.wait_event("take", limit_s=300.0)
                feeder.wait_connected()
                since_s = time.monotonic()
                memory, machine = MemoryWatch(jam.pid), StallWatch()
                jam.wait_event("end", limit_s=1.2 * len(signal) / RATE + 60)
                grown, hitches = memory.finish(), machine.finish()
                code = jam.wait()
                recorded = feeder.finish()
            if hog.is_alive():
                hog.kill()
            print(f"{bars} bars, {len(signal) / RATE / 60:.1f} minutes, exit code {code}")
            print("memory:", *grown, sep="\n  ")
            report_xruns(recorded, hitches, since_s, server.log)
            report(jam.take(), recorded, bars, arguments.generator == "standin")


if __name__ == "__main__":
    main()
