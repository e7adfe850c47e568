from __future__ import annotations

from typing import Any

import pytest

from companion.control.parameters import PARAMETERS
from companion.players.metrics import FALLBACKS, Metrics
from companion.take.events import BarSounded, PlanMade

KNOBS = {knob.name: knob.default for knob in PARAMETERS if knob.scope == "player"}
WISHED = 8 + 8 + 4 + 2


def plan(player: str = "bass", epoch: int = 0, **changes: Any) -> PlanMade:
    given = dict(
        bar=2, time_s=4.0, player=player, epoch=epoch, first_bar=4, bars=4, desired_s=7.0,
        actual_s=6.0, seed=1, instrument="bass", knobs=KNOBS, steps=(8, 8, 4, 2), passes=2,
        steps_done=WISHED,
    )  # fmt: skip
    return PlanMade(**{**given, **changes})


def sounded(
    bar: int, sounding: str = "plan", player: str = "bass", late_s: float = -1.0, **changes: Any
) -> BarSounded:
    given = dict(bar=bar, time_s=2.0 * bar, player=player, sounding=sounding, epoch=0)
    given |= dict(desired_s=2.0 * bar - 1.0, actual_s=2.0 * bar - 1.0 + late_s, staleness_bars=0)
    return BarSounded(**{**given, **changes})


def heard(*events: Any) -> Metrics:
    metrics = Metrics()
    for event in events:
        metrics.hear(event)
    return metrics


def test_a_bar_of_a_plan_in_time() -> None:
    bar = heard(plan(), sounded(4)).bar(4, ["bass"])
    player = bar.players["bass"]
    assert (player.sounding, player.slack_s, player.staleness_bars) == ("plan", 1.0, 0)
    assert (player.isr, player.steps, player.fallback) == (1.0, WISHED, "none")
    rig = bar.rig
    assert (rig.slack_s, rig.staleness_bars) == (1.0, 0)
    assert (rig.isr, rig.steps, rig.fallback, rig.severity) == (1.0, WISHED, "none", 0)


@pytest.mark.parametrize(
    ("made", "bar", "fallback"),
    [
        ({}, {}, "none"),
        ({"steps": (6, 6, 3, 2), "steps_done": 17}, {}, "fewer steps"),
        ({"passes": 1}, {}, "fewer steps"),
        ({"steps_done": 9}, {}, "finished at once"),
        ({}, {"sounding": "older plan"}, "older plan"),
        ({}, {"sounding": "repeat"}, "repeat"),
        ({}, {"sounding": "silence", "epoch": None}, "silence"),
        ({}, {"sounding": "repeat", "expected": False}, "none"),  # on hold
        ({"steps_done": 9}, {"sounding": "repeat"}, "repeat"),
    ],
)
def test_what_a_bar_had_to_do_without(made: dict, bar: dict, fallback: str) -> None:
    metrics = heard(plan(**made), sounded(4, **{"sounding": "plan", **bar}))
    assert metrics.bar(4, ["bass"]).players["bass"].fallback == fallback


def test_where_none_is_due_nothing_is_measured() -> None:
    for metrics in (heard(), heard(sounded(4, "silence", expected=False))):
        bar = metrics.bar(4, ["bass"])
        player = bar.players["bass"]
        assert player.sounding is player.slack_s is player.steps is player.isr is None
        rig = bar.rig
        assert rig.slack_s is rig.staleness_bars is rig.steps is rig.isr is None
        assert rig.fallback == player.fallback == "none"


def test_isr_is_the_share_of_bars_due_that_had_a_stem_ready() -> None:
    soundings = ["plan", "older plan", "repeat", "silence"]
    metrics = heard(
        sounded(3, "silence", expected=False),
        *(sounded(4 + n, each) for n, each in enumerate(soundings)),
    )
    assert metrics.bar(7, ["bass"]).players["bass"].isr == 0.5


def test_the_rig_is_as_good_as_its_worst_player() -> None:
    metrics = heard(
        plan("bass"),
        plan("drums", steps=(4, 4, 2, 1), steps_done=11),
        sounded(4, player="bass", late_s=-2.0),
        sounded(4, player="drums", late_s=0.25, staleness_bars=3),
        sounded(5, "repeat", player="drums"),
    )
    bar = metrics.bar(4, ["bass", "drums", "keys"])
    rig = bar.rig
    assert (rig.slack_s, rig.staleness_bars, rig.steps) == (-0.25, 3, 11)
    assert rig.fallback == "fewer steps"
    assert rig.isr == pytest.approx(2 / 3)
    assert list(bar.players) == ["bass", "drums", "keys"]


def test_each_bar_begins_once() -> None:
    metrics = Metrics()
    assert list(metrics.begun(-2)) == []
    assert list(metrics.begun(0)) == [0]
    assert list(metrics.begun(0)) == []
    assert list(metrics.begun(3)) == [1, 2, 3]


def test_an_evening_takes_no_more_memory_than_an_hour() -> None:
    metrics = Metrics()
    for bar in range(10_000):
        metrics.hear(plan(epoch=bar))
        metrics.hear(sounded(bar, epoch=bar))
    assert metrics.bar(9_999, ["bass"]).players["bass"].steps == WISHED
    assert len(metrics._plans["bass"]) <= 64
    assert len(metrics._bars["bass"]) <= 64


def test_fallbacks_are_in_the_order_of_their_gravity() -> None:
    assert FALLBACKS[0] == "none"
    assert FALLBACKS.index("fewer steps") < FALLBACKS.index("repeat") < FALLBACKS.index("silence")


def test_what_is_counted_of_a_player_and_of_all() -> None:
    late = plan(epoch=1, desired_s=7.0, actual_s=7.5)
    bars = [sounded(4), sounded(5, "repeat"), sounded(6, "silence", expected=False)]
    metrics = heard(plan(), late, *bars, sounded(4, player="keys"))
    bass, keys = metrics.tally("bass"), metrics.tally("keys")
    assert (bass.due, bass.ready, bass.repeated, bass.isr) == (2, 1, 1, 0.5)
    assert (bass.plans, bass.late, bass.slack_s, bass.least_slack_s) == (2, 1, -0.5, -0.5)
    assert keys.least_slack_s is None and keys.isr == 1.0
    both = bass + keys
    assert (both.due, both.ready, both.plans, both.least_slack_s) == (3, 2, 2, -0.5)
    assert metrics.bar(4, ["bass", "keys"]).rig.isr == 2 / 3
    assert metrics.figures(["bass", "keys", "drums"]) == {
        "bass.plans": 2, "bass.late_plans": 1, "bass.repeated_bars": 1, "bass.isr": 0.5,
        "bass.least_slack_s": -0.5,
        "keys.plans": 0, "keys.late_plans": 0, "keys.repeated_bars": 0, "keys.isr": 1.0,
        "drums.plans": 0, "drums.late_plans": 0, "drums.repeated_bars": 0,
    }  # fmt: skip
