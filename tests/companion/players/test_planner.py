from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

from companion.clock.transport import Transport
from companion.generate.effort import Effort
from companion.listen.window import ContextWindow
from companion.players.decision import Arrival, BarDecision, PlanWindow
from companion.players.planner import Planner
from companion.players.request import plan_seed, stem_requests
from companion.players.stem import LEAD_IN_S
from companion.system.errors import CompanionError
from model.request import DecodeSettings, StemResult
from tests.companion.studio import solo

TRANSPORT = Transport(48000, Fraction(120), 96000)  # 2 s a bar, 100 frames
LEAD_IN = round(LEAD_IN_S * 48000)
BAR = 96000
LEAD, LAST_LEAD = 48000, 24000
SILENCE = np.full((4, 1), 9, np.int16)
GUIDANCE = {"audio": 2.0, "instrument": 1.5, "clock": 1.0}
KNOBS = solo().store().snapshot("bass")


def line(bar: float) -> int:
    """The stream sample of a bar line, or of a place between two."""
    return 96000 + round(bar * BAR)


def stem(window: PlanWindow) -> StemResult:
    """A stem that tells its plan: audio of 0.01 * (epoch + 1), tokens of 100 + epoch."""
    frames = window.layout.frames
    tokens = np.full((4, frames), 100 + window.epoch, np.int16)
    return StemResult(tokens, np.full(frames * 640, 0.01 * (window.epoch + 1), np.float32))


class Player:
    """A planner with a writer that takes everything."""

    def __init__(self, cycle: int = 4, transport: Transport = TRANSPORT) -> None:
        self.transport = transport
        seconds = lambda sample: sample / transport.rate  # noqa: E731
        self.planner = Planner(transport, 0, 1, 512, SILENCE, cycle, seconds=seconds)
        self.decisions: dict[int, BarDecision] = {}
        self.now = 0

    def due(self, now: int) -> None:
        """Let the time come to `now`, looking often enough to decide one bar at a time."""
        while self.now < now:
            self.now = min(self.now + BAR // 2, now)
            for decision in self.planner.bars.due(self.now):
                self.decisions[decision.event.bar] = decision
                if decision.placement is not None:
                    self.planner.placed(decision.placement)

    def begin(self, now: int, expected_s: float = 1.2) -> PlanWindow:
        self.due(now)
        window = self.window(now, expected_s)
        assert window is not None
        return window

    def window(self, now: int, expected_s: float) -> PlanWindow | None:
        """A plan for the first bar that it can be ready for, if it takes so long."""
        first_bar = self.planner.bars.first_bar(now + math.ceil(expected_s * 48000))
        return self.planner.window(now, first_bar)

    def arrive(self, window: PlanWindow, now: int) -> Arrival:
        self.due(now)
        arrival = self.planner.arrive(window, stem(window), now)
        if arrival.placement is not None:
            self.planner.placed(arrival.placement)
        return arrival

    def plan(self, now: int, takes_s: float = 1.0) -> Arrival:
        return self.arrive(self.begin(now), now + round(takes_s * 48000))

    def plan_bars(self, first: int, end: int) -> None:
        """One plan at each bar line, for the bar after next."""
        for bar in range(first, end):
            self.plan(line(bar))

    def prefix(self, window: PlanWindow) -> np.ndarray:
        frames = window.layout.frames
        context = ContextWindow(
            window.layout.first_frame,
            np.zeros(frames * 640, np.float32),
            np.ones(frames, np.bool_),
            np.zeros(frames, np.bool_),
            window.made_samples,
        )
        given = self.planner.prefix(window.layout)
        effort = Effort(DecodeSettings().steps, GUIDANCE, "joint")
        (request,) = stem_requests(self.planner.stem, window, given, context, KNOBS, effort)
        np.testing.assert_array_equal(
            request.phase, window.grid.phase(window.layout.first_frame, frames)
        )
        assert (request.seed, request.frames) == (window.seed, frames)
        self.lead = request.lead
        return request.prefix


@pytest.fixture
def player() -> Player:
    return Player()


# --- when a plan is begun ------------------------------------------------------------------------


def test_the_first_plan_is_for_the_first_bar_after_the_cycle_and_not_before_it_is_time(
    player: Player,
) -> None:
    window = player.window
    assert window(0, 1.0) is None
    assert window(line(1), 1.2) is None  # could be ready for bar 3
    assert window(line(1.9) - 1, 1.2) is None
    plan = window(line(1.9) + 1, 1.2)  # 1.2 s to make it, 1 s to be ahead: not for bar 3
    assert plan is not None
    layout = plan.layout
    assert (layout.first_bar, layout.bars, layout.first_frame, layout.frames) == (4, 3, 200, 500)
    assert layout.prefix_frames == 200
    assert plan.grid.bar_start_samples(2) == line(2)
    assert plan.deadline_samples == line(4) - LEAD == line(3.5)
    assert plan.made_samples == line(1.9) + 1
    assert plan.useless_samples == line(6) - LAST_LEAD


def test_a_plan_for_a_bar_whose_stand_in_has_not_been_heard_has_to_wait(player: Player) -> None:
    window = player.window
    assert window(line(1), 11.0) is None  # ready for bar 7, in whose place bar 3 is heard
    plan = window(line(1) + 1, 11.0)
    assert plan is not None and plan.layout.first_bar == 8  # bar 0 is over


def test_what_has_been_played_but_not_heard_yet_stands_in_for_nothing(player: Player) -> None:
    now, round_trip = line(1) + 100, 1024
    assert player.planner.window(now, 4, now - round_trip) is None
    assert player.planner.window(now + round_trip, 4, now) is not None


def test_one_plan_is_begun_in_each_bar(player: Player) -> None:
    firsts = []
    for step in range(2 * 20, 8 * 20):
        if (plan := player.window(line(step / 20), 1.2)) is not None:
            firsts.append((step / 20, plan.layout.first_bar))
    assert firsts == [(2, 4), (3, 5), (4, 6), (5, 7), (6, 8), (7, 9)]


def test_the_slower_the_plans_the_further_ahead(player: Player) -> None:
    firsts = [player.begin(line(8 + n), n).layout.first_bar for n in range(6)]
    for n, first in enumerate(firsts):
        assert line(first) - LEAD >= line(8 + n) + n * 48000
        assert line(first - 1) - LEAD < line(8 + n) + n * 48000


def test_every_plan_has_dice_of_its_own_that_come_up_the_same_again() -> None:
    seeds = {plan_seed(s, p, e, x) for s in (1, 2) for p in (0, 1) for e in (0, 1) for x in (0, 1)}
    assert len(seeds) == 16 and all(0 <= seed < 2**63 for seed in seeds)
    assert plan_seed(1, 0, 0, 0) == plan_seed(1, 0, 0, 0)
    assert Player().begin(line(2)).seed == Player().begin(line(2)).seed == plan_seed(1, 0, 0, 0)


def test_regenerate_plans_again_at_once_with_other_dice(player: Player) -> None:
    first = player.begin(line(2))
    assert player.window(line(2.1), 1.0) is None
    player.planner.regenerate()
    again = player.begin(line(2))
    assert again.layout == first.layout
    assert again.seed == plan_seed(1, 0, 1, 1) != plan_seed(1, 0, 1, 0)


def test_a_cycle_outside_its_range_and_a_bar_too_long_are_refused() -> None:
    with pytest.raises(CompanionError, match="cycle is 17 bars; valid: 1 to 16"):
        Player(cycle=17)
    with pytest.raises(CompanionError, match="generator plans up to"):
        Player(transport=Transport(48000, Fraction(40), 96000, 7))


# --- what is committed ---------------------------------------------------------------------------


def test_before_the_first_stem_there_is_no_prefix(player: Player) -> None:
    """Silent tokens would only make the generator go on with silence."""
    assert player.prefix(player.begin(line(2))).shape == (4, 0)
    assert not player.lead.size


def test_the_prefix_is_what_was_placed_last_on_each_frame(player: Player) -> None:
    player.plan_bars(2, 5)  # plan 0 from bar 4, 1 from bar 5, 2 from bar 6
    window = player.begin(line(5))
    prefix = player.prefix(window)  # bars 5 and 6
    assert (prefix[:, :100] == 101).all() and (prefix[:, 100:] == 102).all()
    sound = player.lead.reshape(200, 640)
    np.testing.assert_array_equal(sound[:100], np.float32(0.02))
    np.testing.assert_array_equal(sound[100:], np.float32(0.03))


def test_the_frame_that_a_bar_line_cuts_is_the_new_plans() -> None:
    transport = Transport(48000, Fraction(97), 96000)
    player = Player(transport=transport)
    at = [transport.bar_start_samples(bar) for bar in range(10)]
    first = player.begin(at[2], 2.0)
    player.arrive(first, at[2])
    later = player.begin(at[3], 2.0)
    assert (first.layout.first_bar, later.layout.first_bar) == (4, 5)
    arrival = player.arrive(later, at[3])
    assert arrival.placement is not None
    cut = transport.grid().bar_start_frames(later.layout.first_bar)
    assert cut.denominator > 1 and arrival.placement.first_frame == math.floor(cut)
    last = player.begin(at[4], 2.0)
    prefix = player.prefix(last)[0, math.floor(cut) - last.layout.first_frame - 1 :]
    assert prefix[:2].tolist() == [100, 101]


def test_a_plan_that_was_not_placed_is_not_committed(player: Player) -> None:
    window = player.begin(line(2))
    player.planner.arrive(window, stem(window), line(3))
    assert player.prefix(player.begin(line(3))).shape == (4, 0)


def test_a_bar_that_will_be_repeated_is_in_the_prefix_already(player: Player) -> None:
    player.plan(line(2))  # bars 4, 5, 6
    for bar in (3, 4, 5):
        player.begin(line(bar))  # these are lost
    window = player.begin(line(6))  # bar 8; bar 7 has no plan yet and will be bar 6 again
    assert window.layout.first_bar == 8
    assert (player.prefix(window) == 100).all()
    np.testing.assert_array_equal(player.lead, np.float32(0.01))


# --- what is placed ------------------------------------------------------------------------------


def test_a_plan_in_time_is_placed_from_its_bar_line_with_what_leads_into_it(
    player: Player,
) -> None:
    window = player.begin(line(2))
    arrival = player.arrive(window, line(2.75))
    placement = arrival.placement
    assert placement is not None
    assert (placement.first_bar, placement.end_bar, placement.start_samples) == (4, 7, line(4))
    assert len(placement.clip) == 3 * BAR and len(placement.lead_in) == LEAD_IN
    np.testing.assert_allclose(placement.clip[: 2 * BAR], 0.01, atol=1e-5)
    np.testing.assert_allclose(placement.lead_in, 0.01, atol=1e-5)
    assert window.deadline_samples == line(3.5)
    assert window.slack_s(line(2.75)) == 1.5 and arrival.reason == "in time"


def test_a_plan_too_late_for_its_first_bar_is_placed_from_the_next(player: Player) -> None:
    window, late = player.begin(line(2)), line(2) + round(3.8 * 48000)
    arrival = player.arrive(window, late)
    placement = arrival.placement
    assert placement is not None and window.slack_s(late) == pytest.approx(-0.8)
    assert (placement.first_bar, placement.end_bar) == (5, 7)
    assert placement.bar_clips[5].plan_bar == 1
    assert placement.start_samples == line(5) and len(placement.clip) == 2 * BAR
    assert (placement.first_frame, placement.tokens.shape) == (500, (4, 200))
    assert arrival.reason == "too late for 1 of its bars"


def test_a_plan_too_late_for_all_its_bars_is_not_placed(player: Player) -> None:
    arrival = player.plan(line(2), takes_s=20.0)
    assert arrival.placement is None and arrival.reason == "not placed: too late for all its bars"


def test_an_older_plan_does_not_replace_a_newer_one(player: Player) -> None:
    older = player.begin(line(2))
    newer = player.begin(line(3))
    player.arrive(newer, line(3.2))
    arrival = player.arrive(older, line(3.3))
    assert arrival.placement is None and arrival.reason == "not placed: plan 1 is newer"


# --- what sounds ---------------------------------------------------------------------------------


def test_each_bar_is_decided_once_at_its_deadline(player: Player) -> None:
    due = player.planner.bars.due
    assert due(line(-0.5) - 1) == []
    assert [d.event.bar for d in due(line(-0.5))] == [0]
    assert due(line(-0.5)) == []
    assert [d.event.bar for d in due(line(2.5))] == [1, 2, 3]


def test_the_first_cycle_is_for_listening(player: Player) -> None:
    player.due(line(2.5))
    for bar in range(4):
        decision = player.decisions[bar]
        assert (decision.event.sounding, decision.event.reason) == ("silence", "first cycle")
        assert not decision.event.expected and decision.placement is None


def test_plans_in_time_sound_each_in_its_first_bar(player: Player) -> None:
    player.plan_bars(2, 10)
    player.due(line(10.5))
    for bar in range(4, 12):
        decision = player.decisions[bar]
        assert (decision.event.sounding, decision.event.epoch) == ("plan", bar - 4)
        assert decision.event.staleness_bars == 0 and decision.placement is None
        assert decision.event.slack_s == 2.0


def test_fallbacks_in_their_order(player: Player) -> None:
    """One plan (bars 4, 5, 6), then nothing more: its later bars, then repeats, then a fade."""
    player.plan(line(2))
    player.due(line(30))
    heard = {bar: (d.event.sounding, d.event.staleness_bars) for bar, d in player.decisions.items()}
    assert heard[4] == ("plan", 0)
    assert heard[5] == ("older plan", 1)
    assert heard[6] == ("older plan", 2)
    assert heard[7] == ("repeat", 3)  # nothing in phase: the last bar again
    assert heard[8] == ("repeat", 4)
    assert [player.decisions[bar].event.reason for bar in (7, 8, 9)] == [
        "no plan in time: bar 6 again",
        "no plan in time: bar 4 again",
        "no plan in time: bar 5 again",
    ]
    assert [player.decisions[bar].event.sounding for bar in range(7, 16)] == ["repeat"] * 9
    assert player.decisions[15].event.reason == "no plan in time: bar 11 again, fading out"
    assert heard[16] == ("silence", None)
    assert player.decisions[16].event.reason == "no plan for 8 bars"


def test_a_repeat_is_the_bar_as_it_sounded_on_its_own_bar_line(player: Player) -> None:
    player.plan(line(2))
    player.due(line(7.5))
    placement = player.decisions[8].placement
    assert placement is not None
    assert (placement.start_samples, len(placement.clip)) == (line(8), BAR)
    np.testing.assert_allclose(placement.clip, 0.01, atol=1e-5)
    assert len(placement.lead_in) == LEAD_IN
    assert (placement.first_frame, placement.tokens.shape) == (800, (4, 100))
    assert (placement.tokens == 100).all()


def test_the_fade_ends_in_silence(player: Player) -> None:
    player.plan(line(2))
    player.due(line(30))
    placement = player.decisions[15].placement
    assert placement is not None
    assert placement.clip[0] == pytest.approx(0.01, abs=1e-4) and placement.clip[-1] == 0.0
    assert (np.diff(placement.clip) <= 1e-6).all()


def test_after_a_fallback_the_next_plan_plays(player: Player) -> None:
    player.plan(line(2))
    player.due(line(30))
    player.plan(line(31))
    player.due(line(32.5))
    assert player.decisions[33].event.sounding == "plan"


@pytest.mark.parametrize("before_s", [0.9, 0.5])
def test_where_there_is_nothing_to_repeat_a_late_plan_is_better_than_silence(
    player: Player, before_s: float
) -> None:
    window = player.begin(line(2))
    assert window.layout.first_bar == 4
    late = line(4) - round(before_s * 48000)
    assert late > window.deadline_samples
    arrival = player.arrive(window, late)
    assert window.slack_s(late) < 0.0 and arrival.placement is not None
    assert (arrival.placement.first_bar, arrival.reason) == (4, "in time")
    player.due(line(4))
    assert player.decisions[4].event.sounding == "plan"


def test_at_the_very_last_it_is_silence_after_all(player: Player) -> None:
    window = player.begin(line(2))
    arrival = player.arrive(window, line(4) - 48000 // 3)
    assert arrival.reason == "too late for 1 of its bars"
    assert player.decisions[4].event.reason == "no plan in time, nothing to repeat"


def test_where_there_is_something_to_repeat_nothing_is_waited_for(player: Player) -> None:
    player.plan(line(2))  # for bars 4 to 6
    player.due(line(6.5))
    assert player.decisions[7].event.sounding == "repeat"


@pytest.mark.parametrize("late_s", [0.1, 0.5])
def test_a_plan_that_is_under_way_is_waited_for_before_a_bar_is_repeated(
    player: Player, late_s: float
) -> None:
    player.plan(line(2))  # for bars 4 to 6
    window = player.begin(line(5.4))
    assert window.layout.first_bar == 7
    late = window.deadline_samples + round(late_s * 48000)
    player.due(window.deadline_samples)
    arrival = player.arrive(window, late)
    assert (arrival.reason, window.slack_s(late)) == ("in time", pytest.approx(-late_s))
    player.due(line(7))
    assert player.decisions[7].event.sounding == "plan"


def test_at_the_very_last_a_bar_is_repeated_after_all(player: Player) -> None:
    player.plan(line(2))
    window = player.begin(line(5.4))
    arrival = player.arrive(window, line(7) - 48000 // 3)
    assert arrival.reason == "too late for 1 of its bars"
    player.due(line(7))
    assert player.decisions[7].event.sounding == "repeat"


def test_a_plan_that_failed_is_not_waited_for(player: Player) -> None:
    player.plan(line(2))
    window = player.begin(line(5.4))
    player.planner.over(window)
    player.due(window.deadline_samples)
    assert player.decisions[7].event.sounding == "repeat"


def test_without_any_stem_there_is_nothing_to_repeat(player: Player) -> None:
    player.due(line(4))
    decision = player.decisions[4]
    assert (decision.event.sounding, decision.event.expected) == ("silence", True)
    assert decision.event.reason == "no plan in time, nothing to repeat"


# --- hold ----------------------------------------------------------------------------------------


def test_hold_repeats_the_last_cycle_in_phase_and_makes_no_plan(player: Player) -> None:
    player.plan_bars(2, 8)  # placed up to bar 11; at bar 8 the bars up to 8 are decided
    player.planner.bars.hold = True
    assert player.window(line(8), 1.0) is None
    player.due(line(20))
    reasons = [player.decisions[bar].event.reason for bar in range(9, 17)]
    assert reasons == [f"on hold: bar {bar} again" for bar in range(5, 13)]
    assert all(not player.decisions[bar].event.expected for bar in range(9, 17))
    epochs = [player.decisions[bar].event.epoch for bar in range(9, 17)]
    assert epochs == [1, 2, 3, 4] * 2  # the plans of bars 5, 6, 7, 8
    player.planner.bars.hold = False
    assert player.window(line(20), 1.0) is not None


def test_a_plan_that_comes_during_hold_is_not_placed(player: Player) -> None:
    window = player.begin(line(2))
    player.planner.bars.hold = True
    arrival = player.arrive(window, line(2.2))
    assert arrival.placement is None and arrival.reason == "not placed: on hold"
    player.due(line(4))
    assert player.decisions[4].event.reason == "on hold, nothing to repeat"
    assert not player.decisions[4].event.expected


# --- silence in ----------------------------------------------------------------------------------


def test_silent_input_gives_no_stem_and_is_not_held_against_it(player: Player) -> None:
    for bar in range(2, 8):
        assert player.planner.mute(player.begin(line(bar)), line(bar)) is None
    player.due(line(9))
    for bar in range(4, 10):
        decision = player.decisions[bar]
        assert (decision.event.sounding, decision.event.reason) == ("silence", "silent input")
        assert not decision.event.expected


def test_when_the_input_falls_silent_older_plans_are_silenced_on_a_bar_line(
    player: Player,
) -> None:
    player.plan_bars(2, 6)  # up to bar 9
    placement = player.planner.mute(player.begin(line(6)), line(6))
    assert placement is not None and placement.epoch is None
    assert (placement.first_bar, placement.end_bar) == (8, 11)
    assert placement.start_samples == line(8) and len(placement.clip) == 3 * BAR
    assert not placement.clip.any() and len(placement.lead_in) == LEAD_IN
    assert (placement.tokens == 9).all()
    player.planner.placed(placement)
    player.due(line(12))
    assert player.decisions[7].event.sounding == "plan"
    assert [player.decisions[bar].event.reason for bar in (8, 9, 10, 11)] == ["silent input"] * 4


def test_a_plan_begun_before_the_silence_is_not_placed_after_it(player: Player) -> None:
    player.plan_bars(2, 6)
    before = player.begin(line(6))
    player.planner.mute(player.begin(line(7)), line(7))
    assert player.arrive(before, line(7.1)).placement is None


def test_when_the_music_goes_on_so_does_the_stem(player: Player) -> None:
    player.plan_bars(2, 6)
    for bar in range(6, 10):
        placement = player.planner.mute(player.begin(line(bar)), line(bar))
        if placement is not None:
            player.planner.placed(placement)
    player.plan(line(10))
    player.due(line(12))
    assert player.decisions[11].event.reason == "silent input"
    assert player.decisions[12].event.sounding == "plan"


def test_after_a_silence_the_generator_is_not_given_it_to_go_on_from(player: Player) -> None:
    player.plan_bars(2, 6)
    assert player.planner.prefix(player.begin(line(6)).layout).frames > 0
    placement = player.planner.mute(player.begin(line(7)), line(7))
    assert placement is not None
    player.planner.placed(placement)
    assert player.planner.prefix(player.begin(line(10)).layout).frames == 0
    player.arrive(player.begin(line(11)), line(11.5))
    assert player.planner.prefix(player.begin(line(12.2)).layout).frames > 0


# --- for long ------------------------------------------------------------------------------------


def test_what_was_undone_to_is_repeated_in_phase_however_long(player: Player) -> None:
    player.plan_bars(2, 10)
    player.due(line(12))
    player.planner.bars.hold = True
    assert player.planner.bars.undo(line(12))
    player.due(line(120))
    for bar in range(20, 120):
        player.planner.bars.due(line(bar))
        clip = player.planner.stem.clips.get(bar)
        earlier = player.planner.stem.clips.get(bar - 4)
        if clip is not None and earlier is not None:
            assert clip.epoch == earlier.epoch and clip.plan_bar == earlier.plan_bar + 4, bar


def test_again_is_a_cycle_at_most(player: Player) -> None:
    player.plan(line(2))
    player.due(line(30))  # one plan, repeated for long
    again = player.planner.again(line(14))
    assert len(again) == 4
    assert [placement.source for placement in again] == [11, 12, 13, 14]


def test_a_tempo_too_slow_to_plan_at_does_not_end_the_set() -> None:
    slow = Transport(48000, Fraction(45), 96000, 7)
    player = Player(transport=slow)
    player.begin(slow.bar_start_samples(3))
    slow.steer(slow.bar_start_samples(4), Fraction(40))
    assert player.window(slow.bar_start_samples(5), 1.2) is not None
