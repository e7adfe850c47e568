"""Plans are measured as a session asks for them, and with all that the knobs wish for."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest

from companion.bench.rehearsal import Timed, TimedWorker, rehearse, stages_s
from companion.clock.grid import Grid
from companion.control.preset import Preset, load_preset
from companion.generate.inline import InlineWorker
from companion.generate.loading import Loading, loading
from companion.generate.standin import StandInGenerator
from companion.players.layout import lay_out
from companion.players.settings import decode_settings, guidance_of
from companion.system.errors import CompanionError
from model.request import StemRequest


def rehearsed(preset: Preset, players: int, plans: int = 4) -> list[Timed]:
    worker = InlineWorker(loading("standin"))
    return rehearse(preset, worker, players, plans, plans, 60.0)


@pytest.mark.parametrize("players", [1, 3])
def test_each_plan_is_of_all_players(players: int) -> None:
    made = rehearsed(load_preset("band"), players)
    assert [len(plan.requests) for plan in made] == [players] * 4
    assert all(plan.took_s > 0 and len(plan.stems) == players for plan in made)


@pytest.mark.parametrize("bpm", [60, 120, 200])
def test_plans_are_laid_on_the_bars_that_follow_each_other(bpm: int) -> None:
    preset = replace(load_preset("bass"), bpm=Fraction(bpm))
    made = rehearsed(preset, 1)
    grid, longest = Grid(48_000, Fraction(bpm), 0), StandInGenerator.max_frames
    bars = [next(b for b in range(40) if is_laid(plan.requests[0], grid, b)) for plan in made]
    assert bars[0] == 4  # once a cycle was heard; then a plan a bar
    assert bars[1:] == list(range(bars[1], bars[1] + 3))
    layout = lay_out(grid, bars[-1], longest)
    assert made[-1].requests[0].prefix_frames == layout.prefix_frames  # it has played before


def is_laid(request: StemRequest, grid: Grid, bar: int) -> bool:
    layout = lay_out(grid, bar, StandInGenerator.max_frames)
    return (request.first_frame, request.frames) == (layout.first_frame, layout.frames)


def test_they_have_all_the_steps_and_guidance_of_the_knobs() -> None:
    preset = load_preset("bass")
    knobs = preset.store().snapshot("bass")
    for plan in rehearsed(preset, 1):
        assert plan.requests[0].decode == decode_settings(knobs)
        assert plan.requests[0].guidance == guidance_of(knobs)


def test_no_more_than_the_least_once_the_time_is_over() -> None:
    worker = InlineWorker(loading("standin"))
    assert len(rehearse(load_preset("bass"), worker, 1, 2, 9, 0.0)) == 2


def test_the_worker_stays_open() -> None:
    worker = InlineWorker(loading("standin"))
    TimedWorker(worker).close()
    ready = worker.wait_ready()
    assert TimedWorker(worker).wait_ready().plan_s == 0.0
    assert rehearse(load_preset("bass"), worker, 1, 1, 1, 0.0)
    assert worker.wait_ready() is ready


def test_a_preset_that_holds_has_nothing_to_measure() -> None:
    preset = load_preset("bass")
    held = replace(preset.players[0], knobs={**preset.players[0].knobs, "hold": True})
    with pytest.raises(CompanionError, match="nothing planned; valid: hold off"):
        rehearsed(replace(preset, players=(held,)), 1)


def test_a_plan_that_fails_ends_it_with_the_reason() -> None:
    class Broken(StandInGenerator):
        def start(self, request: StemRequest) -> None:  # type: ignore[override]
            raise ValueError("the network gave NaN")

    with pytest.raises(CompanionError, match="a plan failed: the network gave NaN"):
        rehearse(load_preset("bass"), InlineWorker(Loading(Broken)), 1, 1, 1, 0.0)


def test_a_generator_that_tells_no_stages_is_named() -> None:
    with pytest.raises(CompanionError, match="stages"):
        stages_s({})
