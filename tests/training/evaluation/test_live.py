"""Live stems: what a plan hears, what it goes on from, what sounds; and that nothing leaks."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.grid import HOP
from model.request import StemRequest, StemResult
from tests.model.conftest import random_sources
from training.evaluation.held_out import BarGrid
from training.evaluation.live import (
    Session,
    heard_by,
    horizon_bar,
    lay_out,
    plan_request,
    play_live,
    play_whole,
    without_clock,
)
from training.evaluation.scenarios import CYCLE, NO_CYCLE, SHIPPED, WHOLE

GRID = BarGrid(120.0)
BAR = GRID.start_samples(1)


class Notebook:
    """A generator whose stems are the number of the plan, and which keeps what it was asked."""

    max_frames = 512

    def __init__(self) -> None:
        self.requests: list[StemRequest] = []

    def silence(self, frames: int) -> np.ndarray:
        return np.zeros((4, frames), np.int16)

    def start(self, request: StemRequest) -> Notebook:
        self.requests.append(request)
        return self

    def result(self) -> StemResult:
        request = self.requests[-1]
        number = len(self.requests)
        tokens = np.full((4, request.frames), number, np.int16)
        tokens[:, : request.prefix_frames] = request.prefix
        return StemResult(tokens, np.full(request.frames * HOP, number, np.float32))


def mix(bars: int, grid: BarGrid = GRID) -> np.ndarray:
    """Each bar holds its own number, from 1 up."""
    lines = [grid.start_samples(bar) for bar in range(bars + 1)]
    return np.repeat(np.arange(1.0, bars + 1), np.diff(lines)).astype(np.float32)


def session(context: np.ndarray, grid: BarGrid = GRID, end_bar: int = 8) -> Session:
    return Session(context, grid, 4, 4, end_bar, seed=1)


def middles(audio: np.ndarray, bars: int) -> list[float]:
    return [float(audio[bar * BAR + BAR // 2]) for bar in range(bars)]


# -- what is heard -------------------------------------------------------------------------------


def test_what_was_played_is_heard_as_it_was_and_the_rest_a_cycle_earlier():
    audio, known = heard_by(mix(8), GRID, 6, 1000, cycle=4)
    assert middles(audio, 10) == [1, 2, 3, 4, 5, 6, 3, 4, 5, 6]
    assert known.all()


def test_a_bar_whose_twin_is_not_over_is_heard_two_cycles_earlier():
    audio, _ = heard_by(mix(8), GRID, 5, 1000, cycle=4)
    assert middles(audio, 10) == [1, 2, 3, 4, 5, 2, 3, 4, 5, 2]


def test_what_nothing_stands_in_for_is_unknown():
    audio, known = heard_by(mix(8), GRID, 2, 500, cycle=4)
    assert middles(audio, 5) == [1, 2, 0, 0, 1]
    assert [bool(known[100 * bar + 50]) for bar in range(5)] == [True, True, False, False, True]


def test_without_a_cycle_the_future_is_unknown():
    audio, known = heard_by(mix(8), GRID, 3, 600, cycle=None)
    assert not audio[3 * BAR :].any()
    assert known[:300].all() and not known[300:].any()


@settings(max_examples=30, deadline=None)
@given(
    tempo=st.floats(70, 180),
    horizon=st.integers(1, 7),
    cycle=st.sampled_from([None, 2, 4]),
    seed=st.integers(0, 99),
)
def test_nothing_after_the_horizon_is_heard(tempo, horizon, cycle, seed):
    grid = BarGrid(tempo)
    context = mix(8, grid)
    changed = context.copy()
    changed[grid.start_samples(horizon) :] = np.random.default_rng(seed).normal()
    frames = math.ceil(grid.start_frames(8))
    for one, other in zip(
        heard_by(context, grid, horizon, frames, cycle),
        heard_by(changed, grid, horizon, frames, cycle),
        strict=True,
    ):
        assert np.array_equal(one, other)


@pytest.mark.parametrize(("tempo", "bars"), [(100.0, 1), (120.0, 2), (180.0, 2)])
def test_a_plan_is_begun_in_time(tempo, bars):
    grid = BarGrid(tempo)
    assert horizon_bar(grid, 6) == 6 - bars
    assert bars * grid.bar_s >= 2.1 > (bars - 1) * grid.bar_s


# -- plans ---------------------------------------------------------------------------------------


def test_windows_are_the_rigs():
    """Two bars before and as many planned as fit; none after the end of the session."""
    assert lay_out(BarGrid(160.0), 5, 20, 512) == (225, 675)
    assert lay_out(GRID, 5, 20, 512) == (300, 800)
    assert lay_out(GRID, 7, 8, 512) == (500, 800)
    assert lay_out(BarGrid(60.0), 5, 20, 512) == (800, 1200)
    with pytest.raises(ValueError, match="valid: up to 300"):
        lay_out(BarGrid(60.0), 5, 20, 300)


def test_the_first_plan_has_no_prefix_and_the_others_go_on_from_their_own():
    notebook = Notebook()
    play_live(notebook, session(mix(8)), CYCLE, SHIPPED)
    first, *others = notebook.requests
    assert (len(notebook.requests), first.prefix_frames, first.lead.size) == (4, 0, 0)
    for number, request in enumerate(others, 1):
        assert request.prefix_frames == 200
        # Of each plan before it the first bar; before the first one silence.
        before = [0, *range(1, number + 1)][-2:]
        assert [int(v) for v in request.prefix[0, [50, 150]]] == before
        assert [float(v) for v in request.lead[[BAR // 2, BAR // 2 + BAR]]] == before


def test_the_first_bar_of_each_plan_sounds():
    stem = play_live(Notebook(), session(mix(8)), CYCLE, SHIPPED)
    assert middles(stem.audio, 4) == [1, 2, 3, 4]
    assert [int(stem.tokens[0, 100 * bar + 50]) for bar in range(4)] == [1, 2, 3, 4]
    assert len(stem.audio) == 4 * BAR and stem.tokens.shape == (4, 400)


def test_one_plan_fades_into_the_next_before_the_bar_line():
    audio = play_live(Notebook(), session(mix(8)), CYCLE, SHIPPED).audio
    join = audio[BAR - 960 : BAR]
    assert audio[BAR - 961] == 1 and audio[BAR] == 2
    assert (np.diff(join) >= 0).all() and 1 < join[480] < 2
    assert audio[0] < 0.1 and audio[40] == 1


@pytest.mark.parametrize("tempo", [83.0, 101.3, 120.0, 153.7])
def test_a_stem_is_as_long_as_its_bars_at_any_tempo(tempo):
    grid = BarGrid(tempo)
    for play, scenario in ((play_live, CYCLE), (play_whole, WHOLE)):
        stem = play(Notebook(), session(mix(8, grid), grid), scenario, SHIPPED)
        assert len(stem.audio) == grid.start_samples(4)
        assert stem.tokens.shape[1] in (
            math.ceil(grid.start_frames(4)),
            math.ceil(grid.start_frames(4)) + 1,
        )


def test_the_whole_window_is_heard_and_nothing_is_given():
    notebook = Notebook()
    play_whole(notebook, session(mix(8)), WHOLE, SHIPPED)
    (request,) = notebook.requests
    assert request.prefix_frames == 0 and request.context_known.all()
    assert middles(request.context, 4) == [5, 6, 7, 8]


# -- nothing leaks -------------------------------------------------------------------------------


@pytest.mark.parametrize("scenario", [CYCLE, NO_CYCLE])
@pytest.mark.parametrize("bar", [4, 5, 6, 7])
def test_a_request_holds_nothing_of_what_was_not_played_yet(scenario, bar):
    context, changed = mix(8), mix(8)
    changed[GRID.start_samples(horizon_bar(GRID, bar)) :] = -1.0
    tokens, sound = np.ones((4, 800), np.int16), np.ones(800 * HOP, np.float32)
    requests = [
        plan_request(session(audio), bar, tokens, sound, scenario, SHIPPED, 512)[0]
        for audio in (context, changed)
    ]
    for field in ("context", "context_known", "phase", "prefix", "lead"):
        one, other = (getattr(request, field) for request in requests)
        assert np.array_equal(one, other)
    assert not (requests[1].context == -1.0).any()


def test_a_stem_does_not_depend_on_what_came_after_its_last_plan(toy_generator):
    grid = BarGrid(120.0)
    rng = np.random.default_rng(0)
    context = rng.normal(0, 0.1, GRID.start_samples(6)).astype(np.float32)
    changed = context.copy()
    changed[grid.start_samples(horizon_bar(grid, 5)) :] *= -3
    stems = [
        play_live(toy_generator, session(audio, end_bar=6), CYCLE, SHIPPED)
        for audio in (context, changed)
    ]
    assert np.array_equal(stems[0].tokens, stems[1].tokens)
    assert np.array_equal(stems[0].audio, stems[1].audio)


# -- without a clock -----------------------------------------------------------------------------


def test_a_generator_without_a_clock_does_not_tell_one_phase_from_another(toy_generator):
    sources = random_sources(1, 8)
    others = replace(sources, phase=sources.phase + 1.0)

    def heard(generator):
        with torch.no_grad():
            return [generator.network.condition(told) for told in (sources, others)]

    one, other = heard(without_clock(toy_generator))
    assert torch.equal(one, other)
    one, other = heard(toy_generator)
    assert not torch.equal(one, other)


# -- what is told --------------------------------------------------------------------------------


def test_what_stands_in_for_bars_to_come_is_told_as_a_guess():
    tokens, sound = np.zeros((4, 2000), np.int16), np.zeros(2000 * HOP, np.float32)
    request, first = plan_request(session(mix(8)), 6, tokens, sound, CYCLE, SHIPPED, 512)
    horizon = horizon_bar(GRID, 6)
    frames = first + np.arange(request.frames)
    later = frames >= float(GRID.start_frames(horizon))
    assert later.any()
    assert (request.context_guessed == (later & request.context_known)).all()
    deaf, _ = plan_request(session(mix(8)), 6, tokens, sound, NO_CYCLE, SHIPPED, 512)
    assert not deaf.context_guessed.any()


def test_a_chart_is_told_as_far_as_the_window_goes():
    chords = np.zeros((2000, 24), np.float32)
    chords[np.arange(2000), np.arange(2000) % 24] = 1.0
    tokens, sound = np.zeros((4, 2000), np.int16), np.zeros(2000 * HOP, np.float32)
    charted = replace(session(mix(8)), harmony=chords)
    request, first = plan_request(charted, 6, tokens, sound, CYCLE, SHIPPED, 512)
    assert (request.harmony == chords[first : first + request.frames]).all()
    plain, _ = plan_request(session(mix(8)), 6, tokens, sound, CYCLE, SHIPPED, 512)
    assert len(plain.harmony) == 0


def test_a_sound_is_told_to_every_plan():
    tokens, sound = np.zeros((4, 2000), np.int16), np.zeros(2000 * HOP, np.float32)
    told = np.arange(8, dtype=np.float32)
    for bar in (4, 6):
        request, _ = plan_request(
            replace(session(mix(8)), sound=told), bar, tokens, sound, CYCLE, SHIPPED, 512
        )
        assert (request.sound == told).all()
