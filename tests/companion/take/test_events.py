"""The event log survives what happens on stage, and reads back what was written."""

from __future__ import annotations

import json
import threading
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.system.errors import CompanionError
from companion.take import event_log
from companion.take.event_log import EventLog
from companion.take.events import (
    EVENTS_FILE,
    BarSounded,
    ClipPlaced,
    Incident,
    KnobMoved,
    PlanMade,
    TakeEnded,
    decode,
    encode,
    read_events,
)
from tests.companion.lines import read_lines


def plan(**changes: object) -> PlanMade:
    fields: dict[str, object] = {
        "bar": 3,
        "time_s": 8.25,
        "player": "bass",
        "epoch": 7,
        "first_bar": 4,
        "bars": 4,
        "desired_s": 9.75,
        "actual_s": 8.25,
        "seed": 11,
        "instrument": "bass",
        "knobs": {"guidance_audio": 2.5, "steps": 12},
    }
    return PlanMade(**{**fields, **changes})  # type: ignore[arg-type]


def test_each_event_is_on_disk_as_soon_as_it_is_written(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.write(Incident(bar=0, time_s=2.0, what="test", detail="first"))
    first = read_lines(log.path)
    log.write(KnobMoved(bar=1, time_s=4.5, name="cycle", player=None, value=2, moved_by="osc"))
    assert [event["type"] for event in first] == ["incident"]
    assert read_lines(log.path) == [
        *first,
        {
            "type": "knob",
            "bar": 1,
            "time_s": 4.5,
            "name": "cycle",
            "player": None,
            "value": 2,
            "moved_by": "osc",
        },
    ]


def test_a_plan_carries_its_desired_and_actual_time_and_the_difference(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.write(plan())
    log.write(plan(actual_s=10.0))
    on_time, late = read_lines(log.path)
    assert (on_time["desired_s"], on_time["actual_s"], on_time["slack_s"]) == (9.75, 8.25, 1.5)
    assert late["slack_s"] == -0.25
    assert on_time["knobs"] == {"guidance_audio": 2.5, "steps": 12}
    assert on_time["seed"] == 11


def test_a_bar_carries_when_its_sound_was_due_and_there(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.write(
        BarSounded(
            bar=4, time_s=8.0, player="bass", sounding="plan", desired_s=7.0, actual_s=5.5, epoch=2
        )
    )
    (bar,) = read_lines(log.path)
    assert (bar["desired_s"], bar["actual_s"], bar["slack_s"]) == (7.0, 5.5, 1.5)
    assert (bar["sounding"], bar["epoch"]) == ("plan", 2)


def test_numbers_of_any_kind_become_json_that_every_reader_takes(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    figures = {
        "fraction": Fraction(1, 8),
        "single": np.float32(0.5),
        "whole": np.int64(3),
        "none": float("nan"),
        "never": float("inf"),
    }
    log.write(TakeEnded(bar=8, time_s=16.0, reason="done", figures=figures))  # type: ignore[arg-type]
    line = log.path.read_text()
    figures_read = json.loads(line, parse_constant=lambda name: pytest.fail(name))["figures"]
    assert figures_read == {
        "fraction": 0.125,
        "single": 0.5,
        "whole": 3,
        "none": None,
        "never": None,
    }


@settings(max_examples=30)
@given(details=st.lists(st.text(), min_size=1, max_size=5), data=st.data())
def test_a_log_cut_anywhere_reads_up_to_the_cut(
    tmp_path_factory: pytest.TempPathFactory, details: list[str], data: st.DataObject
) -> None:
    log = EventLog(tmp_path_factory.mktemp("take"))
    for number, detail in enumerate(details):
        log.write(Incident(bar=number, time_s=float(number), what="test", detail=detail))
    log.close()
    whole = read_events(log.path)
    assert [event.detail for event in whole if isinstance(event, Incident)] == details
    content = log.path.read_bytes()
    cut = data.draw(st.integers(0, len(content)))
    log.path.write_bytes(content[:cut])
    complete = content[:cut].count(b"\n")
    assert read_events(log.path) in (whole[:complete], whole[: complete + 1])


@pytest.mark.parametrize("bad", ["{", "3", '{"type": "bar"}', "", '{"type": "bar", "ba'])
def test_a_damaged_line_inside_is_named(tmp_path: Path, bad: str) -> None:
    path = tmp_path / EVENTS_FILE
    good = '{"type": "x", "bar": 0, "time_s": 0}'
    path.write_text(f"{good}\n{bad}\n{good}\n")
    with pytest.raises(CompanionError, match="line 2"):
        read_events(path)


@pytest.mark.parametrize(
    "bad",
    [
        '"player": "bass", "sample": 3',
        '"player": "bass", "sample": 3, "gain": "loud"',
        '"player": ["bass"], "sample": 3, "gain": 1.0',
        '"player": "bass", "sample": 3.5, "gain": 1.0',
        '"player": "bass", "sample": null, "gain": 1.0',
    ],
)
def test_an_event_that_lacks_a_field_or_has_nonsense_in_it_is_named(bad: str) -> None:
    with pytest.raises(CompanionError, match="line 4 is no 'gain' event") as told:
        decode('{"type": "gain", "bar": 0, "time_s": 0.0, ' + bad + "}", "line 4")
    assert "\n" not in str(told.value)


def test_what_takes_hold_that_were_recorded_before_or_after_is_read_as_far_as_it_is_known() -> None:
    placed = '"bar": 1, "time_s": 2.0, "player": "bass", "sample": 1, "start_samples": 2'
    before = decode(f'{{"type": "placed", {placed}, "samples": 3, "epoch": 4}}', "it")
    assert isinstance(before, ClipPlaced)
    assert (before.epoch, before.number, before.moved) == (4, None, False)
    after = decode(f'{{"type": "placed", {placed}, "samples": 3, "epoch": 4, "mood": 1}}', "it")
    assert after == before
    assert decode(f'{{"type": "applause", {placed}}}', "it") is None


def test_a_number_that_json_has_not_comes_back_as_not_a_number() -> None:
    ended = TakeEnded(reason="done", figures={"never": float("inf"), "xruns": 0})
    again = decode(encode(ended), "it")
    assert isinstance(again, TakeEnded)
    assert encode(again) == encode(ended)
    assert np.isnan(again.figures["never"])


def test_a_missing_log_is_named(tmp_path: Path) -> None:
    with pytest.raises(CompanionError, match="events"):
        read_events(tmp_path / EVENTS_FILE)


def test_a_full_disk_stops_the_log_and_nothing_else(tmp_path: Path, file_size_limit: None) -> None:
    log = EventLog(tmp_path)
    for number in range(500):
        log.write(Incident(bar=0, time_s=float(number), what="test", detail="x" * 100))
    log.close()
    log.close()
    assert log.error is not None
    assert "events are no longer kept" in log.error
    assert "\n" not in log.error
    assert 50 < len(read_events(log.path)) < 500


def test_writing_after_close_is_ignored(tmp_path: Path) -> None:
    log = EventLog(tmp_path)
    log.close()
    log.write(plan())
    assert read_events(log.path) == []


@pytest.mark.parametrize("threaded", [False, True])
def test_all_that_was_written_is_there_in_order_once_it_is_closed(
    tmp_path: Path, threaded: bool
) -> None:
    log = EventLog(tmp_path, threaded)
    for epoch in range(300):
        log.write(plan(epoch=epoch))
    log.close()
    log.close()
    log.write(plan(epoch=300))
    assert [event["epoch"] for event in read_lines(log.path)] == list(range(300))


def test_nobody_waits_for_a_slow_disk(tmp_path: Path) -> None:
    log = EventLog(tmp_path, threaded=True)
    answers = threading.Event()
    append = log._append

    def slow(line: bytes) -> None:
        answers.wait(60)
        append(line)

    log._append = slow  # type: ignore[method-assign]
    for epoch in range(3):
        log.write(plan(epoch=epoch))
    assert read_events(log.path) == []
    answers.set()
    log.close()
    assert [event["epoch"] for event in read_lines(log.path)] == [0, 1, 2]


def test_a_disk_that_never_answers_is_told_of_and_keeps_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(event_log, "CLOSE_LIMIT_S", 0.05)
    log = EventLog(tmp_path, threaded=True)
    answers = threading.Event()
    log._append = lambda line: answers.wait(60)  # type: ignore[method-assign,assignment]
    log.write(plan())
    log.close()
    assert log.error == "events.jsonl is not whole: the disk does not answer"
    answers.set()


def test_an_older_log_is_never_overwritten(tmp_path: Path) -> None:
    EventLog(tmp_path).close()
    with pytest.raises(CompanionError, match="events"):
        EventLog(tmp_path)


def test_lines_from_several_threads_stay_whole(tmp_path: Path) -> None:
    log = EventLog(tmp_path)

    def write(player: str) -> None:
        for epoch in range(200):
            log.write(plan(player=player, epoch=epoch))

    threads = [threading.Thread(target=write, args=(name,)) for name in ("bass", "drums", "keys")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    events = read_lines(log.path)
    for name in ("bass", "drums", "keys"):
        assert [e["epoch"] for e in events if e["player"] == name] == list(range(200))
