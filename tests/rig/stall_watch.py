"""Tells when the machine itself stood still: beside a jam, and knowing nothing of it.

On each processor a process does nothing but sleep for a millisecond at a time, above every other in
priority. Where it woke up late nobody else can have kept time.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Sequence
from multiprocessing.connection import Connection

import numpy as np

WATCH_S, WATCH_PRIORITY = 0.001, 90  # JACK's own is 70
HITCH_S = 0.0005
"""What is shorter than a stall may add up."""
SHARE = 0.5
"""A stall of this part of a period can cost all of it: JACK needs the rest for what it does."""
STRAIGHT = 1e-6
"""A tempo that differs by less than this part is not bent."""
SOON_S = 2.0
"""So soon after a stall its cost is known, and the tempo is bent to make it good."""


def _sleep_lightly(processor: int, hitches: Connection) -> None:
    """Wake every millisecond; when told to end, send which wake-ups were late, and by how much."""
    os.sched_setaffinity(0, {processor})
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(WATCH_PRIORITY))
    found = []
    due = time.monotonic()
    while not hitches.poll():
        due += WATCH_S
        time.sleep(max(0.0, due - time.monotonic()))
        late = time.monotonic() - due
        if late > HITCH_S:
            found.append((due, late))
            due = time.monotonic()
    hitches.send(found)


class StallWatch:
    """A process on each processor that only sleeps, above every other in priority."""

    def __init__(self) -> None:
        """Watch from now on."""
        context = multiprocessing.get_context("spawn")
        self._ends = []
        for processor in os.sched_getaffinity(0):
            here, there = context.Pipe()
            context.Process(target=_sleep_lightly, args=(processor, there), daemon=True).start()
            self._ends.append(here)

    def finish(self) -> np.ndarray:
        """[hitches, 2]: when each began, monotonic seconds, and how long it was."""
        for end in self._ends:
            end.send(None)
        found = [hitch for end in self._ends for hitch in end.recv()]
        return np.array(sorted(found)).reshape(-1, 2)


def why_again(
    hitches: np.ndarray, tempi_s: np.ndarray, tempi: Sequence[float], bpm: float, period_s: float
) -> str:
    """Why a jam is to be played again; empty if it is to be judged as it is.

    It tells nothing of the companion if the tempo was bent, each time soon after the machine had
    stood still. A tempo that was bent without that is a fault, whatever else the machine did.

    Args:
        hitches: [n, 2], as `StallWatch.finish` gives them.
        tempi_s: when the tempo was changed, monotonic seconds, in order.
        tempi: what it was changed to, beats a minute.
        bpm: what it is bent from.
        period_s: of the sound system.
    """
    before = np.array([bpm, *tempi])[: len(tempi)]
    bent_s = tempi_s[np.abs(before / bpm - 1) < STRAIGHT]
    stalls = hitches[hitches[:, 1] > SHARE * period_s]
    causes = [
        stalls[(stalls[:, 0] < at_s) & (stalls.sum(axis=1) > at_s - SOON_S)] for at_s in bent_s
    ]
    if not causes or not all(map(len, causes)):
        return ""
    longest = max(cause[:, 1].max() for cause in causes)
    return f"the tempo was bent {len(bent_s)} times after stalls of up to {1000 * longest:.1f} ms"
