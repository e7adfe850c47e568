"""Stems stay on the beat while the tempo moves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from companion.generate.inline import InlineWorker
from companion.generate.loading import Loading
from companion.session.rig import run_recording
from companion.session.session import Session
from tests.companion.studio import BAR, RATE, Delayed, Move, Notes, Played, music, play, solo

WITHIN_S = 0.003


def tempo(bpm: float) -> Move:
    """A move: go on at another tempo."""

    def move(session: Session) -> None:
        session.store.set("bpm", bpm, None, "test")

    return move


def lateness_s(played: Played, bar: int) -> float:
    """Seconds from a bar line to the marker near it."""
    line = played.session.transport.bar_start_samples(bar)
    near = played.output[line - RATE // 5 : line + RATE // 5]
    return float(np.argmax(np.abs(near) > 0.02) / RATE - 0.2)


@pytest.mark.parametrize("bpm", [112, 119.9, 120.3, 126, 129])
def test_after_a_step_of_the_tempo_every_marker_is_on_its_bar_line(
    tmp_path: Path, bpm: float
) -> None:
    # In a bar that is not sounding yet, half a second before its line, and in the middle of bars.
    played = play(tmp_path, solo(bars=14), music(17), moves={6.3: tempo(bpm)})
    late = [lateness_s(played, bar) for bar in range(4, 14)]
    assert np.abs(late).max() < WITHIN_S, late
    assert played.sounding()[4:] == ["plan"] * 10
    assert len(played.output) == played.session.transport.bar_start_samples(14)


def test_a_tempo_that_drifts_is_followed_without_a_plan_less(tmp_path: Path) -> None:
    moves = {2 + n / 4: tempo(120 + n * 0.2) for n in range(48)}
    played = play(tmp_path, solo(bars=14), music(15), moves=moves)
    late = [lateness_s(played, bar) for bar in range(4, 14)]
    assert np.abs(late).max() < WITHIN_S, late
    assert played.sounding()[4:] == ["plan"] * 10


@pytest.mark.parametrize("bpm", [96, 150])
def test_beyond_eight_percent_it_is_planned_anew_at_the_new_tempo(
    tmp_path: Path, bpm: float
) -> None:
    played = play(tmp_path, solo(bars=16), music(22), moves={7.1: tempo(bpm)})
    late = [lateness_s(played, bar) for bar in range(4, 16)]
    assert np.abs(late).max() < WITHIN_S, late
    assert set(played.sounding()[4:]) == {"plan"}


def test_before_the_players_join_in_any_tempo_is_taken_exactly(tmp_path: Path) -> None:
    played = play(tmp_path, solo(bars=8), music(10), moves={0.2: tempo(117)})
    for bar in range(4, 8):
        assert abs(lateness_s(played, bar)) < 0.0002


@pytest.mark.parametrize("bpm", [96, 112, 119, 128])
@pytest.mark.parametrize("bar", [3.2, 3.4, 3.6])
def test_the_first_stem_leaves_nothing_where_it_would_have_begun(
    tmp_path: Path, bar: float, bpm: float
) -> None:
    played = play(tmp_path, solo(bars=8), music(10), moves={bar: tempo(bpm)})
    line = played.session.transport.bar_start_samples(4)
    assert not played.output[: line - 1].any()
    assert lateness_s(played, 4) == pytest.approx(0, abs=WITHIN_S)


@pytest.mark.parametrize("bar", [3.038, 3.042, 3.046])
def test_a_first_stem_that_is_planned_anew_as_its_bar_line_moves_leaves_nothing(
    tmp_path: Path, bar: float
) -> None:
    worker = Delayed(0.3, lambda _: 0.1)
    rig = run_recording(1, music(8), RATE, "signal")
    worker.now = lambda: rig.memory.position
    played = play(tmp_path, solo(bars=5), music(0), worker, {bar: tempo(112)}, rig=rig)
    again = [event["sample"] for event in played.of("placed", bar=4, moved=False)]
    assert len(again) == 2
    assert again[1] == pytest.approx((bar + 0.005) * BAR, abs=0.01 * BAR)
    line = played.session.transport.bar_start_samples(4)
    assert not played.output[: line - 1].any()


def test_what_is_moved_neither_gaps_nor_clicks(tmp_path: Path) -> None:
    worker = InlineWorker(Loading(Notes))
    moves = {6.3: tempo(126), 8.7: tempo(118)}
    played = play(tmp_path, solo(bars=12), music(13), worker, moves)
    transport = played.session.transport
    start, end = transport.bar_start_samples(4) + RATE // 100, len(played.output) - RATE // 50
    body = played.output[start:end]
    assert body.min() > 0.05
    assert np.abs(np.diff(body)).max() < 0.01  # of a level of 0.2, and levels change at lines
