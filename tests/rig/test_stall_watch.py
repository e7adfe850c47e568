"""Whether a jam is judged, by when the machine stood still and the tempo was bent."""

from __future__ import annotations

import time

import numpy as np
import pytest

from tests.rig.stall_watch import StallWatch, why_again

BPM, PERIOD_S = 120.0, 256 / 48_000
NEVER = np.zeros((0, 2))


def why(hitches: list[tuple[float, float]], tempi: list[tuple[float, float]]) -> str:
    """By hitches, begin and length, and changes of tempo: when, and to what."""
    times_s, bpms = np.array([at for at, _ in tempi]), [bpm for _, bpm in tempi]
    return why_again(np.array(hitches or NEVER), times_s, bpms, BPM, PERIOD_S)


BENT = [(11.0, 124.8), (11.3, 121.0), (11.8, BPM + 2e-9)]


def test_a_tempo_that_was_bent_after_a_stall_is_the_machines() -> None:
    assert why([(5.0, 0.001), (10.0, 0.03)], BENT) == (
        "the tempo was bent 1 times after stalls of up to 30.0 ms"
    )


@pytest.mark.parametrize(
    "hitches",
    [
        [],
        [(10.5, 0.002)],  # too short
        [(8.0, 0.03)],  # over and made good
        [(11.1, 0.03)],  # when it was bent already
    ],
)
def test_a_tempo_that_was_bent_without_a_stall_is_judged(
    hitches: list[tuple[float, float]],
) -> None:
    assert why(hitches, BENT) == ""


def test_stalls_that_cost_nothing_leave_a_jam_as_it_is() -> None:
    assert why([(10.0, 0.03)], []) == ""


def test_each_bend_needs_a_stall_of_its_own() -> None:
    twice = [*BENT, (20.0, 118.0), (20.5, BPM)]
    assert why([(10.0, 0.03)], twice) == ""
    assert "bent 2 times" in why([(10.0, 0.03), (19.4, 0.006)], twice)


def test_the_watch_tells_when_the_machine_was_late_by_the_clock_of_the_host() -> None:
    began_s, watch = time.monotonic(), StallWatch()
    time.sleep(1.0)
    hitches = watch.finish()
    assert hitches.shape[1] == 2
    assert ((hitches[:, 0] > began_s) & (hitches.sum(axis=1) < time.monotonic())).all()
