"""What a whole session tells: metrics in the take, and bundles to other programs."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from companion.control.osc_packet import read_packet
from companion.control.preset import Preset
from companion.session.rig import run_recording
from companion.session.session import Session
from companion.take.events import EVENTS_FILE
from tests.companion.control.fakes import FakeOscSender
from tests.companion.lines import read_lines
from tests.companion.listen.notes import song
from tests.companion.studio import (
    RATE,
    Delayed,
    Event,
    Requests,
    music,
    new_take,
    play,
    solo,
    standin,
)

EIGHT = ["C", "Am", "F", "G", "Eb", "Bb", "Dm", "E"]


def told(folder: Path, preset: Preset, signal: np.ndarray, sender: FakeOscSender) -> list[Event]:
    """Play with a sender; the take's events."""
    rig = run_recording(len(preset.players), signal, RATE, "signal")
    take = new_take(folder, preset)
    Session(preset, rig, standin(), preset.store(), take, 0, 0, osc=sender).run()
    return read_lines(take.folder / EVENTS_FILE)


def test_each_bar_is_measured_once_in_the_take(tmp_path: Path) -> None:
    played = play(tmp_path, solo("bass", "drums", bars=8), music(8))
    bars = played.of("metrics")
    assert [event["bar"] for event in bars] == list(range(8))
    assert [event["time_s"] for event in bars] == [2.0 * bar for bar in range(8)]
    first, last = bars[0], bars[-1]
    assert first["isr"] is first["slack_s"] is first["steps"] is None
    assert (last["isr"], last["fallback"], last["staleness_bars"]) == (1.0, "none", 0)
    assert last["slack_s"] >= 0.0
    assert set(last["players"]) == {"bass", "drums"}
    for event in bars:
        for player, values in event["players"].items():
            (bar,) = played.of("bar", player=player, bar=event["bar"])
            if bar["expected"]:
                assert values["sounding"] == bar["sounding"]
                assert values["slack_s"] == pytest.approx(bar["slack_s"], abs=1e-5)
                assert values["staleness_bars"] == bar["staleness_bars"]
            else:
                assert values["sounding"] is None


def test_a_plan_that_is_late_shows_in_the_next_bars(tmp_path: Path) -> None:
    worker = Delayed(1.0, lambda plan: 60.0 if plan > 2 else 0.5)
    rig = run_recording(1, music(16), RATE, "signal")
    worker.now = lambda: rig.memory.position
    played = play(tmp_path, solo(bars=16), music(16), worker, rig=rig)
    fallbacks = [event["fallback"] for event in played.of("metrics")]
    assert "repeat" in fallbacks
    assert played.of("metrics")[-1]["isr"] < 1.0
    stale = [
        event["staleness_bars"]
        for event in played.of("metrics")
        if event["fallback"] in ("older plan", "repeat")
    ]
    assert stale == sorted(stale)


def test_the_status_shows_the_metrics_of_the_present_bar(tmp_path: Path) -> None:
    played = play(tmp_path, solo(bars=8), music(8))
    measured = {event["bar"]: event["players"]["bass"] for event in played.of("metrics")}
    for status in played.statuses:
        metrics = status.players[0].metrics
        assert metrics is not None
        assert metrics.steps == measured[status.bar]["steps"]
        assert metrics.fallback == measured[status.bar]["fallback"]


def test_the_cycle_found_is_a_move_of_its_knob_and_plans_follow_it(tmp_path: Path) -> None:
    played = play(tmp_path, solo(bars=20), song(EIGHT * 3)[: 20 * 2 * RATE])
    (moved,) = played.of("knob", name="cycle")
    assert (moved["value"], moved["moved_by"], moved["player"]) == (8, "found", None)
    assert moved["bar"] < 16
    cycles = [event["cycle"] for event in played.of("metrics")]
    assert cycles == sorted(cycles)
    assert (cycles[0], cycles[-1]) == (4, 8)
    assert played.sounding()[4:] == ["plan"] * 16  # joining after four bars was not undone
    assert played.statuses[-1].cycle == 8


def test_a_session_tells_beats_bars_meters_and_knobs(tmp_path: Path) -> None:
    sender = FakeOscSender()
    events = told(tmp_path, solo(bars=6), music(6), sender)
    messages = [message for packet in sender.packets for message in read_packet(packet)]
    assert [v[0] for a, v in messages if a == "/companion/bar"] == [1, 2, 3, 4, 5, 6]
    assert len([a for a, _ in messages if a == "/companion/beat"]) == 24
    assert 200 <= len([a for a, _ in messages if a == "/companion/bass/meter"]) <= 241
    isr = [v[0] for a, v in messages if a == "/companion/bass/metrics/isr"]
    measured = [event["isr"] for event in events if event["type"] == "metrics"]
    assert isr == [pytest.approx(value) for value in measured if value is not None]
    assert ("/companion/bass/instrument", ("bass",)) in messages


def test_how_each_plan_comes_along_is_told_from_0_to_1(tmp_path: Path) -> None:
    sender, worker = FakeOscSender(), Delayed(1.0, lambda _: 1.0, tells=True)
    preset = solo(bars=8)
    rig = run_recording(1, music(8), RATE, "signal")
    worker.now = lambda: rig.memory.position
    Session(preset, rig, worker, preset.store(), None, 0, 0, osc=sender).run()
    told = [message for _, messages in sender.more for message in messages]
    shares = [value for address, (value,) in told if address == "/companion/bass/plan"]
    assert all(0.0 <= share <= 1.0 for share in shares)
    assert len(set(shares)) > 5
    rising = [a <= b for a, b in pairwise(shares) if b]  # but where one is ready: then 0
    assert rising.count(False) <= 8  # the next began between two looks


def test_with_and_without_a_listener_the_same_is_played(tmp_path: Path) -> None:
    preset, signal = solo(bars=6), music(6)
    with_osc = told(tmp_path, preset, signal, FakeOscSender())
    without = play(tmp_path, preset, signal).events
    for event in (*with_osc, *without):
        event.pop("timings_s", None)  # of the machine
    assert with_osc == without


def test_a_knob_moved_by_hand_over_midi_is_told_to_other_screens(tmp_path: Path) -> None:
    sender = FakeOscSender()
    preset = solo(bars=4)
    rig = run_recording(1, music(4), RATE, "signal")
    session = Session(preset, rig, standin(), preset.store(), None, 0, 0, osc=sender)

    def move(status: object) -> None:
        if rig.memory.position > 2 * RATE:
            session.store.set("level", -6.0, "bass", "midi")

    session.run(move)
    levels = [
        values
        for packet in sender.packets
        for address, values in read_packet(packet)
        if address == "/companion/bass/level"
    ]
    assert levels == [(0.0,), (-6.0,)]


@pytest.mark.parametrize("knob", ["keep", "forget", "by key"])
def test_when_the_chords_leave_the_cycle_old_bars_stand_in_or_are_forgotten(
    tmp_path: Path, knob: str
) -> None:
    chords = [*EIGHT[:4] * 2, "F#", "B", "E", "Ab", "F#", "B", "E", "Ab"]
    worker = Requests()
    preset = solo(bars=16, knobs={"cycle": 4, "broken_cycle": knob})
    played = play(tmp_path, preset, song(chords), worker)
    holds = {event["bar"]: event["cycle_holds"] for event in played.of("metrics")}
    assert [bar for bar, held in holds.items() if not held] == [9, 10, 11, 12]
    unknown = {
        plan["bar"]: bool((~asked.context_known).any())
        for plan, asked in zip(played.of("plan"), worker.asked, strict=True)
    }
    later = [value for bar, value in unknown.items() if bar > 5]  # the first cycle is over
    assert (True in later) is (knob != "keep")
    assert not later[0] and not later[-1]
    assert all(asked.context_known.any() for asked in worker.asked)
    assert played.sounding()[4:] == ["plan"] * 12
    assert {status.cycle_holds for status in played.statuses} == {True, False}


class Unreachable(FakeOscSender):
    """Cannot send while the network is gone, from the third second to the sixth."""

    clock = staticmethod(lambda: 0.0)

    @property
    def trouble(self) -> str:
        return "OSC cannot be sent to 192.0.2.1:9001 (gone)" if 3 <= self.clock() < 6 else ""

    @trouble.setter
    def trouble(self, _: str) -> None: ...


def test_trouble_is_told_over_osc_and_in_the_take_when_it_begins_and_when_it_is_over(
    tmp_path: Path,
) -> None:
    sender, preset = Unreachable(), solo(bars=6)
    rig = run_recording(1, music(6), RATE, "signal")
    sender.clock = lambda: rig.memory.position / RATE
    take = new_take(tmp_path, preset)
    session = Session(preset, rig, standin(), preset.store(), take, 0, 0, osc=sender)
    session.run()
    text = "OSC cannot be sent to 192.0.2.1:9001 (gone)"
    messages = [message for packet in sender.packets for message in read_packet(packet)]
    assert [m[1] for m in messages if m[0] == "/companion/trouble"] == [(2, text, 1), (2, text, 0)]
    began, over = (e for e in read_lines(take.folder / EVENTS_FILE) if e["type"] == "trouble")
    assert (began["kind"], began["severity"], began["detail"]) == ("osc", 2, text)
    assert (began["over"], over["over"]) == (False, True)
    assert began["time_s"] == pytest.approx(3.0, abs=0.03)
    assert over["time_s"] == pytest.approx(6.0, abs=0.03)
    (summed,) = session.troubles.summary()
    assert (summed.text, summed.times) == (text, 1)


def test_a_clock_that_is_not_to_be_had_is_told_of_until_another_leads(tmp_path: Path) -> None:
    preset = solo(bars=12, knobs={"clock": "midi"})
    named: list[str] = []
    rig = run_recording(1, music(12), RATE, "signal")
    session = Session(preset, rig, standin(), preset.store(), new_take(tmp_path, preset), 0, 0)
    session.run(lambda status: named.append(status.trouble))
    assert set(named) == {"clock midi is not available here; internal leads on"}
