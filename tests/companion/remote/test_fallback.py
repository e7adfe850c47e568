"""A box that goes and comes back: by turns of the test's clock, and in whole sessions offline."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from companion.generate.inline import InlineWorker
from companion.generate.loading import loading
from companion.generate.protocol import Ready
from companion.generate.stem_worker import Finished, Pace, StemWorker
from companion.generate.worker import Worker
from companion.remote.fallback import TRIAL, TRY_AGAIN_S, RemoteFirst
from companion.remote.link import Box
from companion.remote.place import ServedAt
from companion.session.rig import run_recording
from companion.soak.generator import RESTART_S, TroubledGenerator
from companion.system.errors import CompanionError
from model.request import StemRequest, StemResult
from tests.companion.studio import RATE, Played, music, play, solo


class Maker:
    """A worker that the test plays: what it was asked, and what it says has ended."""

    def __init__(self, ready: Ready) -> None:
        self.ready, self.present = ready, None
        self.asked: list[int] = []
        self.told: list[tuple[str, int]] = []
        self.ended: list[Finished] = []
        self.restarts, self.lost_reason, self.closed = 0, "", 0

    def wait_ready(self, timeout_s: float = 0.0) -> Ready:
        if self.present is None:
            raise CompanionError("not yet")
        return self.present

    def submit(self, plan: int, requests: Sequence[StemRequest], patience_s: float = 10.0) -> None:
        self.asked.append(plan)

    def finish(self, plan: int) -> None:
        self.told.append(("finish", plan))

    def cancel(self, plan: int) -> None:
        self.told.append(("cancel", plan))

    def pace(self, plan: int) -> Pace | None:
        return Pace(float(plan))

    def poll(self, timeout_s: float = 0.0) -> list[Finished]:
        ended, self.ended = self.ended, []
        return ended

    def close(self) -> None:
        self.closed += 1

    def end(self, plan: int, outcome: Any = "done", stems: tuple = (), reason: str = "") -> None:
        self.ended.append(Finished(plan, outcome, stems, reason, 0.0, 0.1))


class Rig:
    """A worker with a box that the test has come and go."""

    def __init__(self) -> None:
        maker = InlineWorker(loading("standin"))
        ready = maker.wait_ready()
        self.now_s = 0.0
        self.here, self.there = Maker(ready), Maker(ready)
        self.here.present = ready
        self.box = Box(ServedAt("box", 1), None, "standin")
        self.stem: StemResult
        self.makers: list[Ready] = []
        self.worker = RemoteFirst(self.box, self.here, self.there, self.clock)  # type: ignore[arg-type]
        self.worker.made_by = self.makers.append

    def clock(self) -> float:
        self.now_s += 0.01
        return self.now_s

    def box_comes(self, stem: StemResult, carried_s: float = 0.0) -> None:
        self.there.present = Ready(512, "cuda", 0.1, 0, self.here.ready.silence)
        self.worker.poll()
        assert self.there.asked[-1] == TRIAL
        self.now_s += carried_s
        self.there.end(TRIAL, stems=(stem,))
        self.worker.poll()

    def box_goes(self, reason: str = "nothing was heard of it") -> None:
        self.there.present, self.there.lost_reason = None, reason


@pytest.fixture
def stem(make_request) -> StemResult:
    decoding = loading("standin").load().start(make_request())
    while decoding.step():
        pass
    return decoding.result()


@pytest.fixture
def rig() -> Rig:
    return Rig()


def test_plans_are_made_here_until_the_box_has_made_one_for_trial(
    rig: Rig, stem: StemResult, make_request
) -> None:
    rig.worker.wait_ready()
    rig.worker.submit(1, [make_request()])
    assert (rig.here.asked, rig.there.asked) == ([1], [])
    assert rig.worker.trouble.endswith(": plans are made on this machine meanwhile")
    rig.box_comes(stem, carried_s=0.7)
    rig.worker.submit(2, [make_request()])
    assert (rig.here.asked, rig.there.asked) == ([1], [TRIAL, 2])
    assert rig.worker.trouble == ""
    (made_by,) = rig.makers
    assert made_by.device == "cuda" and 0.5 < made_by.timings["carried"] < 0.9


def test_a_plan_that_is_lost_with_the_box_is_begun_here_at_once(
    rig: Rig, stem: StemResult, make_request
) -> None:
    rig.worker.wait_ready()
    rig.box_comes(stem)
    rig.worker.submit(7, [make_request()])
    rig.box_goes()
    rig.there.end(7, "failed")
    assert rig.worker.poll() == []
    assert rig.here.asked == [7] and rig.makers[-1] is rig.here.ready
    assert rig.worker.trouble.startswith("nothing was heard of it: ")
    rig.here.end(7)
    (ended,) = rig.worker.poll()
    assert (ended.plan, ended.outcome) == (7, "done") and ended.waited_s > 0.0
    rig.worker.submit(8, [make_request()])
    assert rig.here.asked == [7, 8]


def test_a_box_that_went_and_came_back_unseen_is_tried_again(
    rig: Rig, stem: StemResult, make_request
) -> None:
    rig.worker.wait_ready()
    rig.box_comes(stem)
    rig.worker.submit(7, [make_request()])
    rig.box_goes()
    rig.there.end(7, "failed")
    rig.there.present = Ready(512, "cuda", 0.1, 0, rig.here.ready.silence)
    assert rig.worker.poll() == [] and rig.here.asked == [7]
    assert rig.makers[-1] is rig.here.ready and rig.worker.trouble
    rig.there.end(TRIAL, stems=(stem,))
    rig.worker.poll()
    assert rig.worker.trouble == "" and rig.makers[-1].device == "cuda"


def test_a_plan_that_waits_for_a_box_which_is_gone_is_taken_back(
    rig: Rig, stem: StemResult, make_request
) -> None:
    rig.worker.wait_ready()
    rig.box_comes(stem)
    rig.worker.submit(7, [make_request()])
    rig.box_goes()
    rig.worker.poll()
    assert ("cancel", 7) in rig.there.told
    rig.there.end(7, "cancelled")
    assert rig.worker.poll() == [] and rig.here.asked == [7]


def test_a_plan_that_the_box_fails_at_is_made_here_and_told_of(
    rig: Rig, stem: StemResult, make_request
) -> None:
    told: list[str] = []
    rig.worker.failed = told.append
    rig.worker.wait_ready()
    rig.box_comes(stem)
    rig.worker.submit(7, [make_request()])
    rig.there.end(7, "failed", reason="out of memory")
    assert rig.worker.poll() == [] and rig.here.asked == [7]
    assert told == ["the generator at box:1 failed (out of memory): the plan is made here"]
    rig.worker.submit(8, [make_request()])
    assert rig.there.asked == [TRIAL, 7, 8]


def test_a_plan_that_was_given_up_is_not_begun_again(
    rig: Rig, stem: StemResult, make_request
) -> None:
    rig.worker.wait_ready()
    rig.box_comes(stem)
    rig.worker.submit(7, [make_request()])
    rig.worker.cancel(7)
    rig.there.end(7, "cancelled")
    assert [each.outcome for each in rig.worker.poll()] == ["cancelled"]
    assert rig.here.asked == []


def test_what_is_said_about_a_plan_goes_to_who_makes_it(
    rig: Rig, stem: StemResult, make_request
) -> None:
    rig.worker.wait_ready()
    rig.worker.submit(1, [make_request()])
    rig.worker.finish(1)
    rig.box_comes(stem)
    rig.worker.submit(2, [make_request()])
    rig.worker.finish(2)
    assert (rig.here.told, rig.there.told) == ([("finish", 1)], [("finish", 2)])
    assert rig.worker.pace(2) == Pace(2.0)


def test_a_box_that_fails_its_trial_does_not_make_the_plans(
    rig: Rig, stem: StemResult, make_request
) -> None:
    rig.worker.wait_ready()
    rig.there.present = rig.here.ready
    rig.worker.poll()
    rig.there.end(TRIAL, "failed", reason="no memory")
    rig.worker.poll()
    rig.worker.submit(1, [make_request()])
    assert rig.here.asked == [1] and rig.makers == []
    assert rig.worker.trouble.startswith("the generator at box:1 failed (no memory): ")
    rig.now_s += TRY_AGAIN_S
    rig.worker.poll()
    rig.there.end(TRIAL, stems=(stem,))
    rig.worker.poll()
    rig.worker.submit(2, [make_request()])
    assert rig.there.asked == [TRIAL, TRIAL, 2] and rig.worker.trouble == ""


def test_what_is_told_is_why_it_went_not_how_it_is_called_again(rig: Rig, stem: StemResult) -> None:
    rig.worker.wait_ready()
    rig.box_comes(stem)
    rig.box_goes("nothing was heard of it")
    rig.worker.poll()
    told = rig.worker.trouble
    rig.box_goes("it cannot be reached")
    rig.worker.poll()
    assert rig.worker.trouble == told
    rig.box.refusal = "the box has other weights"
    rig.worker.poll()
    assert rig.worker.trouble.startswith("the box has other weights: ")


def test_a_set_does_not_begin_with_a_box_that_does_not_want_to(rig: Rig) -> None:
    rig.box.refusal = "this rig speaks version 1"
    with pytest.raises(CompanionError, match=r"^this rig speaks version 1$"):
        rig.worker.wait_ready()


def test_both_are_let_go_of(rig: Rig) -> None:
    rig.worker.close()
    assert (rig.here.closed, rig.there.closed) == (1, 1)


class TwoRooms(RemoteFirst):
    """Box and machine on the offline clock: a plan takes .3 s there and .9 s here."""

    def __init__(self, now: Any) -> None:
        maker = InlineWorker(loading("standin"))
        maker.wait_ready()
        self.far = TroubledGenerator(maker, RATE, now, lambda _: 0.3)
        self.near = TroubledGenerator(maker, RATE, now, lambda _: 0.9)
        clock = lambda: now() / RATE  # noqa: E731
        here: StemWorker = Worker(self.near.open, clock=clock, threaded=False)  # type: ignore[assignment]
        there = Worker(self.far.open, clock=clock, threaded=False, backoff_s=(0.25,), persists=True)
        super().__init__(Box(ServedAt("box", 1), None, "standin"), here, there, clock)

    def poll(self, timeout_s: float = 0.0) -> list[Finished]:
        self.far.tick()
        self.near.tick()
        return super().poll(timeout_s)


def play_in_two_rooms(folder: Path, bars: int, moves: dict[float, Any]) -> Played:
    preset = solo("bass", "drums", bars=bars)
    rig = run_recording(2, music(bars), RATE, "signal")
    worker = TwoRooms(lambda: rig.memory.position)

    def wire(session: Any) -> None:
        worker.made_by = session.made_by
        session.troubles.watch("generator", lambda: worker.trouble, "remote")

    does = {bar: (lambda _, move=move: move(worker)) for bar, move in moves.items()}
    return play(folder, preset, music(bars), worker, {0.0: wire, **does}, rig=rig)


@pytest.mark.parametrize("kind", ["die", "hang"])
def test_no_bar_is_silent_while_the_box_is_away_and_the_performer_is_told(
    tmp_path: Path, kind: str
) -> None:
    bars = 20
    played = play_in_two_rooms(tmp_path, bars, {7.6: lambda worker: getattr(worker.far, kind)()})
    for player in ("bass", "drums"):
        sounding = played.sounding(player)
        first = sounding.index("plan")
        assert "silence" not in sounding[first:]
    troubles = [event for event in played.of("trouble") if event["kind"] == "generator"]
    assert [event["over"] for event in troubles] == [False, True]
    assert "plans are made on this machine meanwhile" in troubles[0]["detail"]
    away_s = troubles[1]["time_s"] - troubles[0]["time_s"]
    assert away_s < RESTART_S + 3.0  # which is when the box is there again, a trial and the telling
    assert played.session.tally.isr == 1.0


def test_the_next_plan_is_this_machine_s_and_is_there_within_a_bar(tmp_path: Path) -> None:
    lost: list[float] = []

    def die(worker: TwoRooms) -> None:
        worker.far.die()
        lost.append(worker._clock())

    played = play_in_two_rooms(tmp_path, 16, {7.1: die})
    (lost_s,) = lost
    after = [event["actual_s"] for event in played.of("plan") if event["actual_s"] > lost_s]
    assert min(after) - lost_s < 2.0
