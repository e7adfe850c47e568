"""A soak finds what must not happen, and the same seed brings the same evening."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from functools import partial

import numpy as np
import pytest

from companion.audio.memory import AudioMemory
from companion.device.event import Losable
from companion.generate.inline import InlineWorker
from companion.generate.loading import loading
from companion.generate.standin import StandInGenerator
from companion.generate.warmup import typical_request
from companion.generate.worker import Worker
from companion.soak.faults import KINDS, faults
from companion.soak.generator import RESTART_S, TroubledGenerator
from companion.soak.memory_slope import resident_mb, slope_mb_per_hour
from companion.soak.run import soak
from companion.soak.stream import LoopStream
from companion.system.errors import CompanionError
from model.request import StemRequest


def test_a_minute_with_faults_loses_nothing_that_it_must_not() -> None:
    said: list[str] = []
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    soaked = soak(1 / 60, seed=3, say=said.append)
    assert soaked.broken == []
    assert soaked.music_s >= 60.0
    assert soaked.bars >= 23
    assert sum(soaked.faults.values()) >= 2
    assert soaked.tally.due > 30
    assert 0.1 < soaked.peak <= 1.0
    assert len(said) >= 1
    assert resource.getrlimit(resource.RLIMIT_FSIZE) == limit


def test_the_same_seed_brings_the_same_evening() -> None:
    evenings = [soak(20 / 3600, seed=seed) for seed in (5, 5)]
    first, second = ((e.bars, e.tally, e.peak, e.faults) for e in evenings)
    assert first == second


def test_every_kind_of_fault_comes_in_order_and_by_the_seed_alone() -> None:
    evening = list(faults(7, 4_000))
    assert {fault.kind for fault in evening} == set(KINDS)
    assert [fault.bar for fault in evening] == sorted(fault.bar for fault in evening)
    assert evening == list(faults(7, 4_000))
    assert evening != list(faults(8, 4_000))
    assert 4_000 / len(evening) == pytest.approx(6.0, rel=0.15)
    assert evening[0].bar > 4.0


@dataclass
class Generator:
    """One in trouble, its worker, and their time."""

    seconds: float = 0.0

    def __post_init__(self) -> None:
        inner = InlineWorker(loading("standin"))
        self.troubled = TroubledGenerator(inner, 1_000, self.now, lambda _: 0.5)
        clock = lambda: self.seconds  # noqa: E731
        self.worker = Worker(self.troubled.open, clock=clock, threaded=False)
        self.worker.wait_ready(0.0)
        self.plans = 0

    def now(self) -> int:
        return round(1_000 * self.seconds)

    def plan(self, request: StemRequest, seconds: float) -> list[tuple[str, float]]:
        """Have one made, and wait so long; how plans ended meanwhile, and after how long."""
        self.plans += 1
        self.worker.submit(self.plans, [request], patience_s=3.0)
        started_s, ended = self.seconds, []
        while self.seconds < started_s + seconds:
            ended += [(end.outcome, self.seconds - started_s) for end in self.worker.poll()]
            self.seconds += 0.05
            self.troubled.tick()
        return ended


def test_a_generator_in_trouble_is_late_refused_or_replaced() -> None:
    generator, request = Generator(), typical_request(StandInGenerator())
    near = partial(pytest.approx, abs=0.11)
    assert generator.plan(request, 2.0) == [("done", near(0.5))]
    generator.troubled.slow(3.0, until=generator.now() + 1)
    assert generator.plan(request, 2.0) == [("done", near(1.5))]
    generator.troubled.spoil(1)
    assert generator.plan(request, 2.0) == [("failed", near(0.5))]
    assert generator.plan(request, 2.0) == [("done", near(0.5))]
    assert generator.worker.restarts == 0
    generator.troubled.hang()
    assert generator.plan(request, 10.0) == [("failed", near(3.0))]
    assert generator.plan(request, 2.0) == [("done", near(0.5))]
    assert generator.worker.restarts == 1
    generator.troubled.die()
    assert generator.plan(request, 8.0) == [("done", near(RESTART_S + 0.5))]
    assert generator.worker.restarts == 2


def test_a_recording_goes_round_and_falls_silent_when_told() -> None:
    signal = np.arange(1, 1_001, dtype=np.float32) / 2_000
    memory = AudioMemory(8_000, 1)
    stream = LoopStream(memory, signal, before=300)
    stream.advance(2_800)
    heard = memory.capture(0, 2_800)
    assert not heard[:300].any()
    assert np.array_equal(heard[300:], np.resize(signal, 2_500))
    stream.be_silent(3_500)
    stream.advance(4_000)
    assert not memory.capture(2_800, 700).any()
    assert np.array_equal(memory.capture(3_500, 500), np.resize(signal, 3_700)[3_200:])


def test_a_device_is_lost_and_comes_back_where_it_would_have_been() -> None:
    signal = np.full(1_000, 0.5, np.float32)
    memory = AudioMemory(8_000, 1)
    stream = LoopStream(memory, signal, before=0)
    assert isinstance(stream, Losable)
    stream.advance(1_000)
    stream.lose(4_000)
    assert [news.what for news in stream.drain()] == ["lost"] and stream.away
    stream.advance(6_000)
    (back,) = stream.drain()
    assert (back.what, stream.away) == ("back", False)
    assert 4_000 <= back.position < 4_000 + stream.blocksize
    assert back.seconds == pytest.approx((back.position - 1_000) / 8_000)
    assert not memory.capture(1_000, 3_000).any()
    assert memory.capture(back.position, 6_000 - back.position).all()


def test_growth_is_told_from_what_settles() -> None:
    hours = [n / 100 for n in range(101)]
    warming = [100 - 50 * np.exp(-at / 0.03) for at in hours]
    assert slope_mb_per_hour(hours, warming) == pytest.approx(0.0, abs=0.5)
    leaking = [size + 30 * at for size, at in zip(warming, hours, strict=True)]
    assert slope_mb_per_hour(hours, leaking) == pytest.approx(30.0, abs=0.5)
    assert slope_mb_per_hour([], []) is None
    assert slope_mb_per_hour(hours[:20], leaking[:20]) is None
    assert 20 < resident_mb() < 50_000


@pytest.mark.parametrize("hours", [0.0, -1.0, float("nan")])
def test_no_music_is_no_soak(hours: float) -> None:
    with pytest.raises(CompanionError, match="hours"):
        soak(hours)
