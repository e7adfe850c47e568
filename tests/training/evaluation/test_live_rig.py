"""Live stems are asked for as the rig asks: its planner and its ears give the same requests."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from companion.clock.transport import Transport
from companion.generate.effort import Effort
from companion.listen.window import context_window
from companion.players.planner import Planner
from companion.players.request import stem_requests
from model.grid import HOP, SAMPLE_RATE
from model.request import StemRequest, StemResult
from tests.companion.studio import solo
from training.evaluation.examples import CYCLE
from training.evaluation.held_out import BarGrid
from training.evaluation.live import PLAN_S, Session, horizon_bar, plan_request, play_live
from training.evaluation.scenarios import CYCLE as LIVE
from training.evaluation.scenarios import SHIPPED

EFFORT = Effort(SHIPPED.decode.steps, SHIPPED.guidance, SHIPPED.form)
KNOBS = solo().store().snapshot("bass")
MAX_FRAMES = 512
BARS = 16


class Input:
    """The input up to a sample."""

    def __init__(self, audio: np.ndarray, position: int) -> None:
        self._audio, self.position = audio, position

    def capture(self, start: int, n: int) -> np.ndarray:
        assert start >= 0 and start + n <= self.position, "the future was asked for"
        return self._audio[start : start + n]


def made(request: StemRequest, number: int) -> StemResult:
    """A plan whose tokens and sound are its number."""
    tokens = np.full((4, request.frames), number, np.int16)
    tokens[:, : request.prefix_frames] = request.prefix
    return StemResult(tokens, np.full(request.frames * HOP, number / 100, np.float32))


def rig_requests(audio: np.ndarray, bpm: Fraction, bars: range) -> list[StemRequest]:
    transport = Transport(SAMPLE_RATE, bpm, 0)
    silence = np.zeros((4, 1), np.int16)
    planner = Planner(transport, 0, 1, MAX_FRAMES, silence, cycle=CYCLE)
    requests = []
    for bar in bars:
        now = transport.bar_start_samples(horizon_bar(BarGrid(float(bpm)), bar))
        ready = now + math.ceil(PLAN_S * SAMPLE_RATE)
        window = planner.window(now, planner.bars.first_bar(ready))
        assert window is not None and window.layout.first_bar == bar
        layout = window.layout
        heard = context_window(
            Input(audio, now), transport.grid(), layout.first_frame, layout.frames, CYCLE
        )
        given = planner.prefix(layout)
        (request,) = stem_requests(planner.stem, window, given, heard, KNOBS, EFFORT)
        requests.append(request)
        arrival = planner.arrive(window, made(request, len(requests)), window.deadline_samples)
        assert arrival.placement is not None
        planner.placed(arrival.placement)
    return requests


def own_requests(audio: np.ndarray, grid: BarGrid, bars: range) -> list[StemRequest]:
    requests: list[StemRequest] = []

    class Generator:
        max_frames = MAX_FRAMES

        def silence(self, frames: int) -> np.ndarray:
            return np.zeros((4, frames), np.int16)

        def start(self, request: StemRequest) -> Generator:
            requests.append(request)
            return self

        def result(self) -> StemResult:
            return made(requests[-1], len(requests))

    # A long session, so that no window is cut short by its end.
    session = Session(audio, grid, 4, CYCLE, bars.stop + 4, seed=1)
    play_live(Generator(), session, LIVE, SHIPPED)
    return requests[: len(bars)]


@pytest.mark.parametrize("bpm", [83, 100, Fraction("112.6"), 120, Fraction("133.9"), 160])
def test_requests_are_those_of_the_rig(bpm):
    bpm, bars = Fraction(bpm), range(CYCLE, CYCLE + 5)
    grid = BarGrid(float(bpm))
    rng = np.random.default_rng(0)
    audio = rng.normal(0, 0.1, grid.start_samples(BARS)).astype(np.float32)
    pairs = zip(rig_requests(audio, bpm, bars), own_requests(audio, grid, bars), strict=True)
    for theirs, ours in pairs:
        assert theirs.frames == ours.frames
        assert np.array_equal(theirs.prefix, ours.prefix)
        assert np.array_equal(theirs.lead, ours.lead)
        assert np.array_equal(theirs.context_known, ours.context_known)
        assert np.allclose(theirs.context, ours.context, atol=1e-6)
        assert np.allclose(theirs.phase, ours.phase, atol=1e-5)


def test_the_function_that_asks_is_the_one_that_is_compared():
    session = Session(np.zeros(16 * 64_000, np.float32), BarGrid(120.0), 4, CYCLE, 12, seed=1)
    tokens, sound = np.zeros((4, 1200), np.int16), np.zeros(1200 * HOP, np.float32)
    request, first_frame = plan_request(session, 6, tokens, sound, LIVE, SHIPPED, MAX_FRAMES)
    assert (first_frame, request.frames) == (400, 500)
