"""A session keeps what it promises a musician, sample by sample, on a clock that waits for it."""

from __future__ import annotations

import signal as signals
import threading
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from companion.audio.aligned_input import AlignedInput
from companion.audio.click import tick
from companion.audio.memory import AudioMemory
from companion.audio.timebase import Timebase
from companion.control.osc import OscKnobs
from companion.control.preset import PlayerPreset, Preset
from companion.generate.inline import InlineWorker
from companion.generate.loading import Loading
from companion.session.rig import Rig, run_recording
from companion.session.session import Session
from companion.system.errors import CompanionError
from companion.take.events import EVENTS_FILE
from tests.companion.control.fakes import FakeOscSender
from tests.companion.lines import read_lines
from tests.companion.studio import (
    BAR,
    RATE,
    Delayed,
    Notes,
    Played,
    Requests,
    failing,
    music,
    new_take,
    play,
    play_delayed,
    solo,
    standin,
    turn,
)


def onsets(audio: np.ndarray, quiet: int = RATE // 10) -> list[int]:
    """Samples at which sound begins after at least so many without."""
    loud = np.flatnonzero(np.abs(audio) > 1e-6)
    return [int(at) for before, at in pairwise([-quiet, *loud]) if at - before >= quiet]


class Asked(InlineWorker):
    """Calls back whenever a plan is asked for."""

    def __init__(self, when: Callable[[], None]) -> None:
        super().__init__(Loading(Notes))
        self._when = when

    def submit(self, *asked: Any) -> None:
        self._when()
        super().submit(*asked)


def test_a_bar_is_told_before_anything_is_made_in_it() -> None:
    preset, rig, sender = solo(bars=8), run_recording(1, music(8), RATE, "signal"), FakeOscSender()
    told, begun = [], []

    def note() -> None:
        told.append(sum(b"/companion/bar\0" in packet for packet in sender.packets))
        begun.append(1 + session.transport.bar_at(rig.memory.position))

    session = Session(preset, rig, Asked(note), preset.store(), None, 0, 0, osc=sender)
    session.run()
    assert told == begun == [3, 4, 5, 6, 7]


# --- where stems lie -------------------------------------------------------------------------


def test_every_bar_after_the_first_cycle_has_a_stem_that_starts_on_its_bar_line(
    tmp_path: Path,
) -> None:
    played = play(tmp_path, solo(bars=9), music(9))
    assert onsets(played.output) == [bar * BAR for bar in range(4, 9)]
    assert played.sounding() == ["silence"] * 4 + ["plan"] * 5


@pytest.mark.parametrize(("rate", "bpm"), [(44_100, 95), (48_000, 113), (96_000, 174)])
def test_bar_lines_between_samples_are_met_at_every_rate(
    tmp_path: Path, rate: int, bpm: int
) -> None:
    preset = solo(bars=8, bpm=Fraction(bpm))
    rig = run_recording(1, music(8, rate, bpm), rate, "signal")
    played = play(tmp_path, preset, music(0), rig=rig)
    starts = [played.session.transport.bar_start_samples(bar) for bar in range(4, 8)]
    slack = rate // 1000  # 1 ms; the resampler rings a little before the marker
    for at in starts:
        assert np.abs(played.output[at - rate // 10 : at - slack]).max() < 0.01
        assert np.abs(played.output[at : at + slack]).max() > 0.3


def test_nothing_sounds_behind_the_last_bar(tmp_path: Path) -> None:
    played = play(tmp_path, solo(bars=6), music(12), InlineWorker(Loading(Notes)))
    assert len(played.output) == len(played.file()) == 6 * BAR
    assert played.bar(5)[100] > 0.1
    assert abs(played.bar(5)[-1]) < 1e-3  # faded out, not cut off
    assert {event["bar"] for event in played.of("bar")} == set(range(6))
    assert max(event["first_bar"] for event in played.of("plan")) == 5


def test_joins_between_plans_neither_gap_nor_click(tmp_path: Path) -> None:
    played = play(tmp_path, solo(bars=10), music(10), InlineWorker(Loading(Notes)))
    body = played.output[4 * BAR + RATE // 100 : 10 * BAR - RATE // 50]
    assert body.min() > 0.1
    assert np.abs(np.diff(body)).max() < 1e-3
    assert len(np.unique(body.round(4))) > 5  # each bar is of another plan


def test_the_count_in_clicks_on_every_beat_and_is_in_the_output_alone(tmp_path: Path) -> None:
    preset = solo(bars=1, count_in_bars=2)
    played = play(tmp_path, preset, np.zeros(4 * BAR, np.float32))
    session = played.session
    beats = [session.transport.beat_start_samples(beat) for beat in range(-8, 0)]
    assert onsets(played.output) == beats
    accented = tick(RATE, accent=True)
    assert np.array_equal(played.output[beats[4] : beats[4] + len(accented)], accented)
    assert session.transport.origin_samples - beats[0] == 2 * BAR
    assert not played.file().any()
    assert len(played.file()) == 3 * BAR


def test_a_long_slow_count_in_is_whole(tmp_path: Path) -> None:
    preset = solo(bars=1, count_in_bars=4, bpm=Fraction(40))
    played = play(tmp_path, preset, np.zeros(RATE, np.float32))
    beats = [played.session.transport.beat_start_samples(beat) for beat in range(-16, 0)]
    assert onsets(played.output) == beats


# --- the take ----------------------------------------------------------------------------------


def test_files_of_a_take_line_up_with_what_was_played(tmp_path: Path) -> None:
    preset = solo("bass", "drums", bars=6, count_in_bars=1)
    heard = music(9)
    played = play(tmp_path, preset, heard)
    (start,) = played.of("take")
    first = played.session.transport.origin_samples - BAR
    assert (start["first_bar_s"], start["bar_s"]) == (2.0, 2.0)
    assert np.abs(played.file("input") - heard[first : first + 7 * BAR]).max() < 1e-6
    for name in ("bass", "drums"):
        assert len(played.file(name)) == 7 * BAR
        assert onsets(played.file(name)) == [5 * BAR, 6 * BAR]


@pytest.mark.parametrize("trip", [0, 777])
def test_both_channels_are_in_the_take_as_they_were_played(tmp_path: Path, trip: int) -> None:
    left, right = music(9), np.roll(music(9), RATE // 3) * np.float32(0.5)
    both = np.stack([left, right], axis=1)
    mean = both.mean(axis=1, dtype=np.float32)
    rig = run_recording(1, mean, RATE, "signal", both)
    rig = replace(rig, performed=AlignedInput(rig.memory, trip))
    played = play(tmp_path, solo(bars=6, count_in_bars=1), mean, rig=rig)
    kept, heard = played.file("input-stereo"), played.file("input")
    assert kept.shape == (len(heard), 2)
    assert len(heard) == len(played.file())
    assert np.array_equal(kept.mean(axis=1, dtype=np.float32), heard)
    first = played.session.transport.origin_samples - BAR + trip
    assert np.array_equal(kept[: 6 * BAR], both[first : first + 6 * BAR])
    assert heard.any()


def test_one_channel_is_in_the_take_once(tmp_path: Path) -> None:
    played = play(tmp_path, solo(bars=2), music(2))
    assert not (played.take / "input-stereo.wav").exists()


def test_events_tell_every_plan_as_it_was_asked_for(tmp_path: Path) -> None:
    worker = Requests()
    knobs = {"instrument": "organ", "guidance_audio": 3.5, "steps": 9, "temperature": 0.8}
    preset = solo(bars=8, players=(PlayerPreset("keys", knobs),))
    played = play(tmp_path, preset, music(8), worker)
    plans = played.of("plan")
    assert len(plans) == len(worker.asked) == 5
    for plan, request in zip(plans, worker.asked, strict=True):
        assert plan["player"] == "keys"
        assert plan["seed"] == request.seed
        assert plan["instrument"] == "organ"
        knobs_then = plan["knobs"]
        assert request.guidance == {
            source: knobs_then[f"guidance_{source}"] for source in ("audio", "instrument", "clock")
        }
        assert request.guidance["audio"] == 3.5
        assert knobs_then["steps"] == request.decode.steps[0] == 9
        assert knobs_then["temperature"] == request.decode.temperature == 0.8
        assert plan["desired_s"] == 2.0 * plan["first_bar"] - 1.0
        assert plan["slack_s"] == pytest.approx(plan["desired_s"] - plan["actual_s"])
        assert plan["slack_s"] >= 0.0
        assert plan["reason"] == "in time"
        assert set(plan["timings_s"]) >= {"made", "waited"}


def test_events_tell_of_every_bar_when_its_sound_was_due_and_there(tmp_path: Path) -> None:
    played = play(tmp_path, solo(bars=6), music(6))
    for event in played.of("bar"):
        assert event["time_s"] == 2.0 * event["bar"]
        assert event["desired_s"] == event["time_s"] - 1.0
        assert event["slack_s"] == pytest.approx(event["desired_s"] - event["actual_s"])
    assert [event["reason"] for event in played.of("bar")][3:5] == [
        "first cycle",
        "bar 0 of plan 1",
    ]


def test_events_tell_every_move_of_a_knob_in_order(tmp_path: Path) -> None:
    moves = {
        0.25: turn("guidance_clock", 2.5),
        1.5: turn("cycle", 2, None),
        2.5: turn("mute", True),
        2.75: turn("regenerate", True),
    }
    played = play(tmp_path, solo(bars=4), music(4), moves=moves)
    told = [(e["bar"], e["name"], e["player"], e["value"]) for e in played.of("knob")]
    assert told == [
        (0, "guidance_clock", "bass", 2.5),
        (1, "cycle", None, 2),
        (1, "find_cycle", None, False),
        (2, "mute", "bass", True),
        (2, "regenerate", "bass", True),
    ]
    assert [e["moved_by"] for e in played.of("knob")] == ["test", "test", "found", "test", "test"]
    times = [event["time_s"] for event in played.of("knob")]
    assert np.allclose(times, [0.5, 3.0, 3.0, 5.0, 5.5], atol=0.03)


def test_a_knob_moved_while_the_generator_loads_is_told_too(tmp_path: Path) -> None:
    preset = solo(bars=1)
    take = new_take(tmp_path, preset)
    rig = run_recording(1, music(1), RATE, "signal")
    store = preset.store()
    session = Session(preset, rig, standin(), store, take, origin_samples=0)
    session.prepare()
    store.set("level", -12.0, "bass", "osc")
    session.run()
    events = read_lines(take.folder / EVENTS_FILE)
    assert events[0]["type"] == "take"
    assert [(e["name"], e["value"]) for e in events if e["type"] == "knob"] == [("level", -12.0)]


def test_the_take_ends_with_its_figures(tmp_path: Path) -> None:
    played = play(tmp_path, solo(bars=8), music(8))
    last = played.events[-1]
    assert (last["type"], last["bar"], last["time_s"], last["reason"]) == (
        "end",
        8,
        16.0,
        "last bar",
    )
    assert last["figures"]["bass.isr"] == 1.0
    assert last["figures"]["bass.plans"] == 5
    assert last["figures"]["xruns"] == 0
    assert last["figures"]["bass.least_slack_s"] >= 0.0


def test_same_seed_same_bytes(tmp_path: Path) -> None:
    preset = solo("bass", "drums", bars=8)
    first, again, other = (play(tmp_path, preset, music(8), seed=seed) for seed in (5, 5, 6))
    for name in ("bass", "drums"):
        assert (first.take / f"{name}.wav").read_bytes() == (
            again.take / f"{name}.wav"
        ).read_bytes()
    seeds = [{event["seed"] for event in played.of("plan")} for played in (first, again, other)]
    assert seeds[0] == seeds[1]
    assert not seeds[0] & seeds[2]
    assert len(seeds[0]) == 10  # a plan a bar, and each player's are its own


# --- knobs -------------------------------------------------------------------------------------


def steady(tmp_path: Path, moves: dict, bars: int = 8) -> Played:
    return play(tmp_path, solo(bars=bars), music(bars), InlineWorker(Loading(Notes)), moves)


def test_level_acts_now(tmp_path: Path) -> None:
    played = steady(tmp_path, {5.5: turn("level", -6.0)})
    before = played.file()[int(5.5 * BAR) - 100]
    after = played.file()[int(5.5 * BAR) + RATE // 25]
    assert after / before == pytest.approx(10 ** (-6 / 20), rel=1e-3)


def test_the_bottom_of_the_level_knob_is_silence(tmp_path: Path) -> None:
    played = steady(tmp_path, {0.0: turn("level", -60.0)})
    assert not played.file().any()


def test_mute_acts_now_and_planning_goes_on(tmp_path: Path) -> None:
    played = steady(tmp_path, {5.25: turn("mute", True), 6.5: turn("mute", False)})
    stem = played.file()
    assert not stem[int(5.25 * BAR) + RATE // 25 : int(6.5 * BAR)].any()
    assert stem[int(5.25 * BAR) - 1] > 0.1
    assert stem[int(6.5 * BAR) + RATE // 25] > 0.1
    assert len(played.of("plan")) == 5


def test_monitor_acts_now(tmp_path: Path) -> None:
    heard = music(2)
    played = play(tmp_path, solo(bars=2), heard, moves={1.0: turn("monitor", 0.0, None)})
    assert not played.output[:BAR].any()
    late = slice(BAR + RATE // 10, 2 * BAR)
    assert np.allclose(played.output[late], heard[late], atol=1e-6)
    assert not played.file().any()  # the input is in its own file


def test_hold_repeats_the_last_cycle_from_the_next_bar_on(tmp_path: Path) -> None:
    moves = {8.25: turn("hold", True), 13.25: turn("hold", False)}
    played = steady(tmp_path, moves, bars=16)
    assert played.sounding()[8:14] == ["plan"] + ["repeat"] * 5
    assert played.sounding()[15] == "plan"
    inner = slice(RATE // 20, BAR - RATE // 20)  # but for the joins
    for bar in range(9, 13):
        assert np.array_equal(played.bar(bar)[inner], played.bar(bar - 4)[inner])
    held = {event["bar"] for event in played.of("plan")} & set(range(9, 13))
    assert not held


def test_regenerate_plans_again_at_once_with_other_dice(tmp_path: Path) -> None:
    moves = {6.25: turn("regenerate", True)}
    plain, again = (play(tmp_path, solo(bars=9), music(9), moves=m) for m in ({}, moves))
    in_bar = [[e["seed"] for e in played.of("plan", bar=6)] for played in (plain, again)]
    assert len(in_bar[0]) == 1
    assert len(in_bar[1]) == 2
    assert in_bar[1][0] == in_bar[0][0]
    later = [{e["seed"] for e in played.of("plan") if e["bar"] > 6} for played in (plain, again)]
    assert not later[0] & later[1]
    assert len(again.of("knob", name="regenerate")) == 1


def test_what_shapes_a_plan_acts_on_the_next_one(tmp_path: Path) -> None:
    worker = Requests()
    changed = {
        "guidance_audio": 4.0,
        "guidance_form": "product",
        "causal_bias": 0.4,
        "confidence": 0.3,
        "randomness": 0.5,
        "temperature": 1.2,
        "steps": 30,
        "instrument": "organ",
    }
    moves = {5.5 + 0.001 * n: turn(*item) for n, item in enumerate(changed.items())}
    played = play(tmp_path, solo(bars=8), music(8), worker, moves)
    before, after = (
        next(p for p in plans if (p["bar"] > 5) == late)
        for plans, late in ((played.of("plan"), False), (played.of("plan"), True))
    )
    assert {name: after["knobs"][name] for name in changed} == changed
    assert all(before["knobs"][name] != value for name, value in changed.items())
    request = next(asked for asked in worker.asked if asked.seed == after["seed"])
    assert (request.guidance["audio"], request.form) == (4.0, "product")
    assert request.decode.steps == (30, 30, 15, 7)
    assert (request.decode.causal_bias, request.decode.confidence) == (0.4, 0.3)
    assert (request.decode.randomness, request.decode.temperature) == (0.5, 1.2)


def test_cycle_says_which_bars_stand_in_from_the_next_plan_on(tmp_path: Path) -> None:
    worker = Requests()
    levels = np.arange(1, 11, dtype=np.float32) / 20
    heard = np.repeat(levels, BAR)  # each bar at its own
    played = play(tmp_path, solo(bars=10), heard, worker, {5.5: turn("cycle", 2, None)})
    for plan, asked in zip(played.of("plan"), worker.asked, strict=True):
        middle = asked.context[BAR // 2 - plan["bars"] * BAR]  # of the first planned bar
        cycle = 2 if plan["bar"] > 5 else 4
        assert middle == pytest.approx(levels[plan["first_bar"] - cycle])


# --- what may go wrong -------------------------------------------------------------------------


def test_silence_in_gives_no_stem(tmp_path: Path) -> None:
    worker = Requests()
    played = play(tmp_path, solo(bars=8), np.zeros(8 * BAR, np.float32), worker)
    assert not played.output.any()
    assert not worker.asked
    assert not played.of("plan")
    assert set(played.sounding()) == {"silence"}
    assert played.session.figures()["bass.repeated_bars"] == 0


def test_a_musician_who_stops_is_not_played_over_for_long(tmp_path: Path) -> None:
    heard = music(24)
    heard[8 * BAR : 16 * BAR] = 0
    played = play(tmp_path, solo(bars=24), heard)
    assert played.sounding()[14:18] == ["silence"] * 4
    assert played.sounding()[18:] == ["plan"] * 6


def test_plans_that_fail_are_bridged_in_phase_and_then_it_recovers(tmp_path: Path) -> None:
    played = play(tmp_path, solo(bars=18), music(18), failing(range(6, 11)))
    sounding = played.sounding()
    repeats = [bar for bar, what in enumerate(sounding) if what == "repeat"]
    assert len(repeats) >= 3
    for bar in repeats:
        assert np.array_equal(played.bar(bar)[RATE // 500 :], played.bar(bar - 4)[RATE // 500 :])
    assert onsets(played.output) == [bar * BAR for bar in range(4, 18)]  # never a gap
    assert set(sounding[repeats[-1] + 1 :]) == {"plan"}
    lost = played.of("plan failed")
    assert [event["epoch"] for event in lost] == [6, 7, 8, 9, 10]
    assert {event["reason"] for event in lost} == {"RuntimeError: out of memory while decoding"}
    during, after = (next(s for s in played.statuses if s.bar == bar) for bar in (repeats[0], 17))
    assert during.players[0].sounding == "repeat"
    assert during.trouble == "bass: RuntimeError: out of memory while decoding"
    assert after.trouble == ""


def test_a_generator_that_always_fails_gives_silence_and_says_why(tmp_path: Path) -> None:
    played = play(tmp_path, solo(bars=8), music(8), failing(range(99)))
    assert not played.output.any()
    assert played.events[-1]["figures"]["bass.isr"] == 0.0
    assert len(played.of("plan failed")) == 5


def test_a_late_plan_sounds_from_the_first_bar_it_is_in_time_for(tmp_path: Path) -> None:
    # The third plan would take 3 s where 0.5 s were expected; it is hurried.
    played, worker = play_delayed(
        tmp_path, solo(bars=12), music(12), 0.5, lambda plan: 3.0 if plan == 3 else 0.5
    )
    assert "too late" in {e["reason"][:8] for e in played.of("plan")}
    assert "older plan" in played.sounding()
    assert onsets(played.output) == [bar * BAR for bar in range(4, 12)]
    late = [event for event in played.of("plan") if event["slack_s"] < 0]
    assert late[0]["epoch"] == 2
    assert worker.hurried
    assert min(s.players[0].slack_s for s in played.statuses if s.players[0].slack_s) < 0


@pytest.mark.parametrize("tells", [True, False])
def test_a_plan_on_a_machine_that_has_just_slowed_down_is_hurried_in_time_if_it_is_known(
    tmp_path: Path, tells: bool
) -> None:
    # Told to finish it needs 4 of 22 steps: for the third plan a second and a half.
    played, _ = play_delayed(
        tmp_path, solo(bars=12), music(12), 1.0, lambda plan: 8.0 if plan == 3 else 1.0, tells
    )
    late = [event["epoch"] for event in played.of("plan") if event["slack_s"] < 0]
    assert late == ([] if tells else [2])


def test_after_a_plan_that_never_came_the_next_is_for_the_first_bar_it_can_be_ready_for(
    tmp_path: Path,
) -> None:
    preset, signal = solo(bars=16, bpm=Fraction(90)), music(16, RATE, 90)
    played, _ = play_delayed(tmp_path, preset, signal, 1.5, lambda plan: 60.0 if plan == 3 else 1.5)
    repeated = [bar for bar, what in enumerate(played.sounding()) if what == "repeat"]
    assert repeated == [6, 7]
    next_plan = next(plan for plan in played.of("plan") if plan["epoch"] > 2)
    assert next_plan["first_bar"] == 8 and next_plan["slack_s"] < 2 * 60 / 90 * 4


def test_a_plan_that_is_about_to_be_late_is_told_to_hurry_until_it_is_there(
    tmp_path: Path,
) -> None:
    _, worker = play_delayed(tmp_path, solo(bars=9), music(9), 0.3, lambda plan: 4.0)
    assert len(worker.hurried) > 3
    assert min(np.diff(worker.hurried)) >= 0.25 * RATE


@pytest.mark.parametrize("bpm", [40, 120, 240])
def test_a_generator_far_too_slow_never_ends_the_jam(tmp_path: Path, bpm: int) -> None:
    bars = bpm // 3  # 80 s
    preset = solo(bars=bars, bpm=Fraction(bpm), knobs={"cycle": 2})
    signal = music(bars, RATE, bpm)
    played, _ = play_delayed(tmp_path, preset, signal, 150.0, lambda plan: 150.0)
    assert played.events[-1]["reason"] == "last bar"
    sounding = played.sounding()
    first = next(bar for bar, what in enumerate(sounding) if what != "silence")
    assert first * 240 / bpm < 50
    assert "plan" in sounding
    assert "repeat" in sounding


def test_a_cycle_longer_than_the_input_that_is_kept_leaves_nobody_silent(tmp_path: Path) -> None:
    preset = solo(bars=20, bpm=Fraction(60), knobs={"cycle": 16})
    played = play(tmp_path, preset, music(20, RATE, 60))
    assert set(played.sounding()[16:]) == {"plan"}


def test_plans_ready_far_sooner_than_expected_wait_for_the_timeline(tmp_path: Path) -> None:
    # Even the least is thought to take 33 s: the bars it is for lie beyond what it reaches.
    expected_s = 33.0 * 6
    played, _ = play_delayed(tmp_path, solo(bars=40), music(40), expected_s, lambda plan: 0.1)
    assert not played.of("incident")
    plans = played.of("plan")
    assert 2.0 * plans[0]["first_bar"] > plans[0]["time_s"] + 32.8
    sounding = played.sounding()
    start = min(plan["first_bar"] for plan in plans)
    assert set(sounding[start:]) == {"plan"}
    assert onsets(played.output) == [bar * BAR for bar in range(start, 40)]


class Stalled(Timebase):
    """The offline clock of a session that is held up for a while at a sample."""

    def __init__(self, rig: Rig, at: int, samples: int) -> None:
        super().__init__(rig.memory)
        self._inner, self._at, self._samples = rig.timebase, at, samples

    def _pass(self, samples: int) -> None:
        held_up = self.now_samples() == self._at
        self._inner.wait_until(self.now_samples() + (self._samples if held_up else samples))


def test_a_session_that_is_held_up_says_so_and_goes_on(tmp_path: Path) -> None:
    rig = run_recording(1, music(19), RATE, "signal")
    rig = replace(rig, timebase=Stalled(rig, 10 * BAR, 2 * BAR))
    played = play(tmp_path, solo(bars=19), music(0), moves={7.0: turn("hold", True)}, rig=rig)
    incidents = played.of("incident")
    assert [event["what"] for event in incidents] == ["placement too late"] * 2
    assert [event["detail"] for event in incidents] == ["bass, bar 11", "bass, bar 12"]
    assert "bass: a stem came too late" in {status.trouble for status in played.statuses}
    assert played.statuses[-1].trouble == ""
    assert onsets(played.file())[-6:] == [bar * BAR for bar in range(13, 19)]


def test_a_plan_still_being_made_at_the_end_is_told(tmp_path: Path) -> None:
    played, worker = play_delayed(tmp_path, solo(bars=5), music(5), 0.1, lambda plan: 60.0)
    assert worker.closed == 1
    reasons = [event["reason"] for event in played.of("plan failed")]
    assert reasons[-1] == "the worker was closed"
    assert played.events[-1]["type"] == "end"


class Roused(Timebase):
    """The offline clock of a session whose knobs are turned in mid-wait, at a sample."""

    def __init__(self, rig: Rig, at: int, turned: Callable[[], object]) -> None:
        super().__init__(rig.memory)
        self._inner, self._at, self._turned = rig.timebase, at, turned

    def wait_until(self, sample: int, roused: threading.Event | None = None) -> int:
        before = self.now_samples() < self._at
        if roused is None or not before or sample <= self._at:
            return self._inner.wait_until(sample)
        self._inner.wait_until(self._at)
        self._turned()
        assert roused.is_set()
        return self.now_samples()

    def _pass(self, samples: int) -> None:
        raise NotImplementedError


@pytest.mark.parametrize(("name", "value"), [("level", -60.0), ("mute", True)])
def test_level_and_mute_do_not_wait_for_the_next_look_at_the_clock(name: str, value: Any) -> None:
    at = 6 * BAR + 100  # a look is due on the bar line, and 320 samples after it
    rig = run_recording(1, music(8), RATE, "signal")
    preset = solo(bars=8)
    store = preset.store()
    seen: list[float] = []
    roused = Roused(rig, at, lambda: store.set(name, value, "bass", "test"))
    session = Session(preset, replace(rig, timebase=roused), standin(), store, origin_samples=0)
    session.run(lambda _: seen.append(session.players[0].gain))
    assert set(seen) == {0.0, 1.0}
    gain, since = rig.memory.taken_gain(1)
    assert (gain, since) == (0.0, at)


class Unplugged(Timebase):
    """The offline clock of a device that is lost at a sample."""

    def __init__(self, rig: Rig, at: int) -> None:
        super().__init__(rig.memory)
        self._inner, self._at = rig.timebase, at

    def _pass(self, samples: int) -> None:
        if self.now_samples() >= self._at:
            raise CompanionError("the audio stream stands still")
        self._inner.wait_until(min(self.now_samples() + samples, self._at))


class Stream:
    """A stream that counts how often it was closed, and may refuse to start."""

    def __init__(self, refuses: bool = False) -> None:
        self.closed, self._refuses = 0, refuses

    def start(self) -> None:
        if self._refuses:
            raise CompanionError("cannot start 'usb'")

    def close(self) -> None:
        self.closed += 1


def test_a_lost_device_ends_the_jam_with_a_whole_take(tmp_path: Path) -> None:
    preset, worker, stream = solo(bars=32), Delayed(0.1, lambda plan: 0.1), Stream()
    rig = run_recording(1, music(32), RATE, "usb")
    worker.now = lambda: rig.memory.position
    lost = replace(rig, timebase=Unplugged(rig, 6 * BAR + 777), stream=stream)
    take = new_take(tmp_path, preset)
    session = Session(preset, lost, worker, preset.store(), take, origin_samples=0)
    with pytest.raises(CompanionError, match="stands still"):
        session.run()
    played = Played(session, take.folder, np.zeros(0), [])
    assert len(played.file("input")) == len(played.file()) == 6 * BAR + 777
    assert onsets(played.file()) == [4 * BAR, 5 * BAR, 6 * BAR]
    assert played.events[-1]["reason"] == "the audio stream stands still"
    assert (worker.closed, stream.closed) == (1, 1)


@pytest.mark.parametrize("what", ["stream", "take", "generator"])
def test_what_cannot_begin_is_closed_and_leaves_no_take(tmp_path: Path, what: str) -> None:
    preset = solo(bars=2)
    rig = replace(run_recording(1, music(2), RATE, "usb"), stream=Stream(what == "stream"))
    take = new_take(tmp_path, preset)
    if what == "take":
        (take.folder / "input.wav").mkdir()

    def nothing() -> Notes:
        raise ValueError("weights file x is missing")

    worker = InlineWorker(Loading(nothing)) if what == "generator" else standin()
    session = Session(preset, rig, worker, preset.store(), take, origin_samples=0)
    wanted = {"stream": "cannot start 'usb'", "take": r"input\.wav", "generator": "weights file x"}
    with pytest.raises(CompanionError, match=wanted[what]):
        session.run()
    assert rig.stream.closed == 1
    assert not (take.folder / EVENTS_FILE).exists()
    assert take.folder.exists() == (what == "take")  # it holds what it held before


def test_a_fault_of_our_own_still_ends_the_take_and_names_itself(tmp_path: Path) -> None:
    def fault(session: Session) -> None:
        raise KeyError("oops")

    preset = solo(bars=8)
    with pytest.raises(KeyError):
        play(tmp_path, preset, music(8), moves={2.0: fault})
    events = read_lines(tmp_path / "take0" / EVENTS_FILE)
    assert events[-1]["type"] == "end"
    assert events[-1]["reason"] == "KeyError: 'oops'"


def test_stop_ends_the_session_at_the_next_tick(tmp_path: Path) -> None:
    played = play(tmp_path, solo(bars=8), music(8), moves={5.5: Session.stop})
    assert played.events[-1]["reason"] == "stopped"
    assert len(played.file()) == int(5.5 * BAR)
    assert len(played.file("input")) == len(played.file())


def test_stop_may_be_called_from_a_signal_handler_and_any_thread(tmp_path: Path) -> None:
    def interrupt(session: Session) -> None:
        signals.raise_signal(signals.SIGUSR1)

    def from_thread(session: Session) -> None:
        thread = threading.Thread(target=session.stop)
        thread.start()
        thread.join()

    kept = signals.getsignal(signals.SIGUSR1)
    sessions: list[Session] = []
    signals.signal(signals.SIGUSR1, lambda *_: sessions[0].stop())
    try:
        moves: dict[float, Callable] = {1.0: sessions.append, 1.5: interrupt}
        assert len(play(tmp_path, solo(), music(4), moves=moves).file()) < 2 * BAR
    finally:
        signals.signal(signals.SIGUSR1, kept)
    assert len(play(tmp_path, solo(), music(4), moves={1.5: from_thread}).file()) < 2 * BAR


def test_a_tempo_too_slow_for_the_generator_is_named(tmp_path: Path) -> None:
    class Short(Notes):
        max_frames = 100

    rig = run_recording(1, music(1), RATE, "signal")
    preset = solo(bars=1, bpm=Fraction(60))
    worker = InlineWorker(Loading(Short))
    session = Session(preset, rig, worker, preset.store(), origin_samples=0)
    with pytest.raises(CompanionError, match="60 BPM"):
        session.run()


# --- the status --------------------------------------------------------------------------------


def test_the_status_tells_bar_levels_and_each_player(tmp_path: Path) -> None:
    preset = solo("bass", "drums", bars=6, count_in_bars=1)
    played = play(tmp_path, preset, music(8))
    bars = sorted({status.bar for status in played.statuses})
    assert bars == list(range(-2, 6))  # the count-in, and half a second before it
    listening = [s for s in played.statuses if s.bar < 4]
    assert {player.sounding for status in listening for player in status.players} == {None}
    last = played.statuses[-1]
    assert (last.bar, last.bars, last.xruns, last.trouble) == (5, 6, 0, "")
    assert [player.name for player in last.players] == ["bass", "drums"]
    assert {player.sounding for player in last.players} == {"plan"}
    assert {player.isr for player in last.players} == {1.0}
    assert all(player.slack_s is not None and player.slack_s >= 0 for player in last.players)
    assert last.input_level > 0.1
    loudest = max(max(p.level for p in s.players) for s in played.statuses)
    assert 0.4 < loudest < 0.6


def test_a_disk_that_fails_is_in_the_status_until_the_end(tmp_path: Path) -> None:
    def unlink(session: Session) -> None:
        (tmp_path / "take0" / "input.wav").unlink()

    played = play(tmp_path, solo(bars=4), music(4), moves={1.0: unlink})
    assert "recording has stopped" in played.statuses[-1].trouble
    assert played.events[-1]["reason"] == "last bar"  # the music went on


def test_a_flood_of_foreign_messages_hides_no_other(tmp_path: Path) -> None:
    seen: list[list[str]] = []

    def send(session: Session) -> None:
        knobs = OscKnobs(session.store)
        knobs.receive("/companion/bass/kazoo", 1.0)
        for _ in range(1000):
            knobs.receive("/accxyz", 1.0, 2.0, 3.0)

    def look(session: Session) -> None:
        send(session)
        seen.append([each.line for each in session.status.troubles])

    play(tmp_path, solo(bars=4), music(4), moves={2.0: send, 2.5: look})
    (lines,) = seen
    assert [("kazoo" in line, "/accxyz" in line) for line in lines].count((True, False)) == 1
    assert any("/accxyz" in line and line.endswith("(1000 times)") for line in lines)


def test_a_message_that_makes_no_sense_is_in_the_status_for_a_while(tmp_path: Path) -> None:
    def send(session: Session) -> None:
        OscKnobs(session.store).receive("/companion/bass/kazoo", 1.0)

    played = play(tmp_path, solo(bars=12), music(12), moves={2.0: send})
    named = {status.trouble for status in played.statuses}
    assert len(named) == 2 and any("kazoo" in what for what in named)
    assert played.statuses[-1].trouble == ""
    figures = played.events[-1]["figures"]
    assert (figures["refused_messages"], figures["unrecorded_samples"]) == (1, 0)


def test_a_session_without_a_take_keeps_none(tmp_path: Path) -> None:
    preset: Preset = solo(bars=5)
    rig = run_recording(1, music(5), RATE, "signal")
    Session(preset, rig, standin(), preset.store(), origin_samples=0).run()
    assert isinstance(rig.memory, AudioMemory)
    assert rig.memory.played(1, 4 * BAR, BAR).any()
    assert not list(tmp_path.iterdir())
