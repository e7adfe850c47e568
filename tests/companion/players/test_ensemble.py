"""A band plans together, hears itself, keeps up on a slow machine, and does as it is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from companion.generate.inline import InlineWorker
from companion.generate.loading import Loading
from companion.generate.stem_worker import PATIENCE_S
from model.request import StemRequest
from tests.companion.studio import BAR, RATE, Notes, Played, music, play, play_delayed, solo, turn

INNER = slice(RATE // 20, BAR - RATE // 20)  # a bar but for its joins
LEVEL = 0.1  # of a steady stem before its plan's share


class Batches(InlineWorker):
    """Steady notes, another level in each stem, remembering the batches."""

    def __init__(self) -> None:
        super().__init__(Loading(Notes))
        self.batches: list[tuple[StemRequest, ...]] = []

    def submit(
        self, plan: int, requests: Sequence[StemRequest], patience_s: float = PATIENCE_S
    ) -> None:
        self.batches.append(tuple(requests))
        super().submit(plan, requests)


def band(tmp_path: Path, order: str, bars: int = 9, **changes) -> tuple[Played, Batches]:
    worker = Batches()
    preset = solo("bass", "drums", bars=bars)
    moves = {0.0: turn("order", order, None), **changes.pop("moves", {})}
    return play(tmp_path, preset, music(bars), worker, moves), worker


def difference(batch: Sequence[StemRequest], bar: int) -> float:
    """How much more the first hears than the second in a bar of their windows, in the middle."""
    at = BAR * bar + BAR // 2
    return float(batch[0].context[at] - batch[1].context[at])


# --- planning together -------------------------------------------------------------------------


def test_players_are_planned_in_one_batch_for_the_same_bars(tmp_path: Path) -> None:
    played, worker = band(tmp_path, "together")
    assert [len(batch) for batch in worker.batches] == [2] * 6
    plans = played.of("plan")
    for bass, drums in zip(plans[::2], plans[1::2], strict=True):
        assert (bass["player"], drums["player"]) == ("bass", "drums")
        for name in ("round", "first_bar", "asked_s", "actual_s"):
            assert bass[name] == drums[name]
        assert bass["seed"] != drums["seed"]


def test_together_each_hears_what_the_other_has_played_and_would_play(tmp_path: Path) -> None:
    _, worker = band(tmp_path, "together")
    assert difference(worker.batches[0], 1) == 0.0  # nobody has played
    last = worker.batches[-1]  # for bar 8: stems 7 and 8 are in bars 7 to 9 so far
    assert np.isclose(difference(last, 2), 0.01, atol=1e-6)  # drums' stem 8 less bass's stem 7
    apart = [request.context - last[0].context for request in last]
    assert not apart[0].any() and apart[1].any()


def test_apart_all_hear_the_mix_alone(tmp_path: Path) -> None:
    _, worker = band(tmp_path, "apart")
    for batch in worker.batches:
        assert np.array_equal(batch[0].context, batch[1].context)


def test_a_player_is_heard_as_loud_as_it_is_and_not_at_all_when_muted(tmp_path: Path) -> None:
    moves = {0.1: turn("mute", True, "drums"), 0.2: turn("level", -20.0, "bass")}
    _, worker = band(tmp_path, "together", moves=moves)
    _, loud = band(tmp_path, "apart")
    heard, mix = worker.batches[-1], loud.batches[-1]
    assert np.array_equal(heard[0].context, mix[0].context)  # bass: no drums
    bass = heard[1].context - mix[1].context
    assert 0.1 * LEVEL < bass[2 * BAR + BAR // 2] < 0.1 * (LEVEL + 0.2)


def test_in_turn_each_hears_the_new_bars_of_those_before_it(tmp_path: Path) -> None:
    played, worker = band(tmp_path, "in turn")
    _, alone = band(tmp_path, "apart")
    assert {len(batch) for batch in worker.batches} == {1}
    assert [plan["player"] for plan in played.of("plan")] == ["bass", "drums"] * 6
    assert {plan["slack_s"] >= 0.0 for plan in played.of("plan")} == {True}
    (drums,) = worker.batches[-1]
    mix = alone.batches[-1][1]
    planned = (drums.context - mix.context)[2 * BAR + BAR // 2]
    assert np.isclose(planned, LEVEL + 0.01 * 11, atol=1e-6)  # bass's stem of this round


# --- in time -----------------------------------------------------------------------------------


def test_a_band_on_a_machine_that_slows_down_takes_turns_and_is_never_without(
    tmp_path: Path,
) -> None:
    played, worker = play_delayed(
        tmp_path,
        solo("bass", "drums", "keys", bars=36),
        music(36),
        0.4,
        lambda plan: 1.6 if 8 <= plan < 14 else 0.4,
    )
    figures = played.events[-1]["figures"]
    assert {figures[f"{name}.isr"] for name in ("bass", "drums", "keys")} == {1.0}
    assert figures["bass.repeated_bars"] == 0
    sizes = [len(batch) for batch in worker.asked]
    assert set(sizes[:8]) == {3} and min(sizes[9:14]) < 3 and sizes[-1] == 3
    late = {plan["round"] for plan in played.of("plan") if plan["slack_s"] < 0.0}
    assert late <= {8}


def test_a_machine_too_slow_for_the_band_renews_one_player_after_the_other(tmp_path: Path) -> None:
    """A plan takes nearly a bar for each player: none goes without a new one for four bars."""
    names = "bass", "drums", "keys"
    played, worker = play_delayed(
        tmp_path, solo(*names, bars=36), music(36), 1.5, lambda plan: 1.5 + 0.1 * (plan % 3)
    )
    assert {len(batch) for batch in worker.asked[1:]} == {1}
    for name in names:
        sounded = [bar["epoch"] for bar in played.of("bar", player=name, sounding="plan")]
        firsts = [plan["first_bar"] for plan in played.of("plan", player=name)]
        assert np.diff(firsts).max() <= 4, name
        assert len(set(sounded)) >= 8
    figures = played.events[-1]["figures"]
    assert {figures[f"{name}.isr"] for name in names} == {1.0}


def test_a_machine_far_too_slow_does_with_fewer_steps(tmp_path: Path) -> None:
    played, _ = play_delayed(tmp_path, solo("bass", bars=24), music(24), 9.0, lambda _: 9.0)
    taken = {sum(plan["steps"]) for plan in played.of("plan")}
    assert max(taken) < 22
    assert played.events[-1]["figures"]["bass.isr"] == 1.0


def test_a_plan_tells_what_there_was_time_for(tmp_path: Path) -> None:
    played, worker = play_delayed(tmp_path, solo(bars=8), music(8), 8.0, lambda plan: 8.0)
    for plan, (request,) in zip(played.of("plan"), worker.asked, strict=False):
        assert tuple(plan["steps"]) == request.decode.steps
        assert plan["knobs"]["steps"] == 8 > plan["steps"][0]
        assert plan["guidance"] == dict(request.guidance) and plan["form"] == request.form
        assert plan["passes"] in (1, 2)
        assert plan["asked_s"] < plan["actual_s"]


# --- what a performer pulls --------------------------------------------------------------------


def steady(tmp_path: Path, moves: dict, bars: int = 16) -> Played:
    return play(tmp_path, solo(bars=bars), music(bars), InlineWorker(Loading(Notes)), moves)


def test_a_knob_that_shapes_plans_has_one_made_at_once(tmp_path: Path) -> None:
    played = steady(tmp_path, {6.4: turn("temperature", 0.5)}, bars=9)
    in_bar = played.of("plan", bar=6)
    assert [plan["knobs"]["temperature"] for plan in in_bar] == [1.0, 0.5]
    assert in_bar[1]["time_s"] < 2.0 * 6.45
    assert len(played.of("plan", bar=7)) == 1


def test_again_plays_the_bar_once_more_and_then_goes_on(tmp_path: Path) -> None:
    played = steady(tmp_path, {8.25: turn("again", True)}, bars=12)
    plain = steady(tmp_path, {}, bars=12)
    assert np.array_equal(played.bar(9)[INNER], played.bar(8)[INNER])
    assert not np.array_equal(plain.bar(9)[INNER], plain.bar(8)[INNER])
    assert not np.array_equal(played.bar(10)[INNER], played.bar(8)[INNER])
    assert played.sounding()[4:] == ["plan"] * 5 + ["older plan"] + ["plan"] * 2


def test_again_twice_plays_it_twice(tmp_path: Path) -> None:
    played = steady(tmp_path, {n + 0.25: turn("again", True) for n in (8, 9)}, bars=12)
    for bar in (9, 10):
        assert np.array_equal(played.bar(bar)[INNER], played.bar(8)[INNER])


def test_undo_holds_the_cycle_before_the_plan_that_sounds(tmp_path: Path) -> None:
    played = steady(tmp_path, {8.25: turn("undo", True), 14.25: turn("hold", False)}, bars=18)
    assert played.session.store.snapshot("bass")["hold"] is False
    for bar, source in ((9, 5), (10, 6), (11, 7), (12, 4), (13, 5), (14, 6)):
        assert np.array_equal(played.bar(bar)[INNER], played.bar(source)[INNER]), bar
    assert played.sounding()[16:] == ["plan"] * 2
    moved = [(e["name"], e["value"], e["moved_by"]) for e in played.of("knob")]
    assert moved[:2] == [("undo", True, "test"), ("hold", True, "undo")]


def test_undo_again_goes_one_plan_further_back(tmp_path: Path) -> None:
    moves = {8.25: turn("undo", True), 8.3: turn("undo", True)}
    played = steady(tmp_path, moves, bars=13)
    for bar, source in ((9, 5), (10, 6), (11, 3), (12, 4)):
        if source >= 4:  # bar 7 is undone too; in its place comes what is in phase before it
            assert np.array_equal(played.bar(bar)[INNER], played.bar(source)[INNER]), bar


def test_with_nothing_before_it_undo_does_nothing(tmp_path: Path) -> None:
    played = steady(tmp_path, {2.0: turn("undo", True), 4.25: turn("undo", True)}, bars=8)
    assert played.sounding()[4:] == ["plan"] * 4
    assert played.session.store.snapshot("bass")["hold"] is False


def test_two_takes_are_made_of_each_plan_and_switched_on_the_bar_line(tmp_path: Path) -> None:
    moves = {6.25: turn("take", "a"), 9.25: turn("take", "b"), 9.75: turn("take", "a")}
    worker = Batches()
    played = play(tmp_path, solo(bars=12), music(12), worker, moves)
    sizes = [len(batch) for batch in worker.batches]
    assert set(sizes[:3]) == {1} and sizes[-1] == 2
    one, other = worker.batches[-1]
    assert one.seed != other.seed and np.array_equal(one.context, other.context)
    placed = {plan["first_bar"]: plan["seed"] for plan in played.of("plan")}
    # Bar 10 was planned in bar 9, before the switch; its other stem has one level more.
    made = sum(sizes[: next(n for n, b in enumerate(worker.batches) if b[0].seed == placed[10])])
    middle = played.bar(10)[BAR // 2]
    assert np.isclose(middle, LEVEL + 0.01 * (made + 2), atol=1e-6)


def test_the_lock_keeps_the_band_as_it_is_and_says_so(tmp_path: Path) -> None:
    moves = {
        5.0: turn("lock", True, None),
        6.0: turn("instrument", "organ"),
        6.1: turn("hold", True),
        6.2: turn("level", -6.0),
    }
    played = steady(tmp_path, moves, bars=9)
    assert {plan["instrument"] for plan in played.of("plan")} == {"bass"}
    assert played.sounding()[4:] == ["plan"] * 5
    assert played.bar(8)[BAR // 2] < 0.1
    assert "locked: hold of bass stays as it is" in {status.trouble for status in played.statuses}
