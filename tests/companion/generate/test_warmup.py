from __future__ import annotations

import pytest

from companion.control.preset import load_preset
from companion.generate.standin import StandInDecoding, StandInGenerator
from companion.generate.warmup import thread_candidates, typical_request, warm_up
from companion.players.settings import decode_settings, form_of, guidance_of
from model.request import StemRequest


class Machine:
    """A machine on which each number of threads has its speed; its clock counts."""

    def __init__(self, seconds_a_step: dict[int, float]) -> None:
        self.seconds_a_step = seconds_a_step
        self.threads = 1
        self.now_s = 0.0

    def clock(self) -> float:
        return self.now_s

    def set_threads(self, threads: int) -> None:
        self.threads = threads

    def generator(self) -> StandInGenerator:
        machine = self

        class Decoding(StandInDecoding):
            def step(self) -> bool:
                machine.now_s += machine.seconds_a_step[machine.threads]
                return super().step()

        class Generator(StandInGenerator):
            def start(self, request: StemRequest) -> StandInDecoding:
                return Decoding(request)

        return Generator()


@pytest.mark.parametrize(("speeds", "best"), [((0.1, 0.06), 2), ((0.1, 0.4), 1)])
def test_the_fastest_number_of_threads_stays_set(
    speeds: tuple[float, float], best: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    machine = Machine(dict(zip((1, 2), speeds, strict=True)))
    warm = warm_up(machine.generator(), machine.set_threads, machine.clock)
    assert warm.threads == machine.threads == best
    assert warm.plan_s == pytest.approx(22 * speeds[best - 1])  # 8 + 8 + 4 + 2 steps


@pytest.mark.parametrize(("enough_s", "threads"), [(1.0, 2), (2.3, 1), (0.0, 2)])
def test_no_more_threads_are_taken_than_are_needed(
    enough_s: float, threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    machine = Machine({1: 0.1, 2: 0.06})
    warm = warm_up(machine.generator(), machine.set_threads, machine.clock, enough_s=enough_s)
    assert warm.threads == machine.threads == threads


def test_a_number_of_threads_that_is_known_is_taken_at_once() -> None:
    machine = Machine({1: 0.1, 2: 0.06})
    warm = warm_up(machine.generator(), machine.set_threads, machine.clock, threads=1)
    assert warm.threads == machine.threads == 1
    assert machine.now_s == pytest.approx(5 * 0.1), "one short plan"


def test_without_threads_to_set_only_the_plan_is_timed() -> None:
    machine = Machine({1: 0.5})
    warm = warm_up(machine.generator(), None, machine.clock)
    assert (warm.threads, warm.plan_s) == (0, pytest.approx(11.0))


def test_threads_are_tried_up_to_the_processors() -> None:
    assert [thread_candidates(n) for n in (0, 1, 2, 6, 64)] == [
        [1],
        [1],
        [1, 2],
        [1, 2, 4],
        [1, 2, 4, 8],
    ]


def test_the_typical_plan_fills_the_window_and_is_guided_as_knobs_start() -> None:
    request = typical_request(StandInGenerator())
    assert (request.frames, request.prefix_frames) == (512, 200)
    knobs = load_preset("bass").store().snapshot("bass")
    assert request.guidance == guidance_of(knobs)
    assert request.decode == decode_settings(knobs) and request.form == form_of(knobs)
    assert request.context_known.all() and request.context.any()
