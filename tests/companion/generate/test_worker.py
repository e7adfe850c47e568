"""The worker's rules, with a generator played by the test and a clock that it sets."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import replace
from queue import SimpleQueue

import numpy as np
import pytest

from companion.generate.protocol import (
    NO_PLAN,
    VERSION,
    Cancel,
    Failed,
    Finish,
    Hello,
    Message,
    Plan,
    Progress,
    Ready,
    Result,
)
from companion.generate.stem_worker import Finished, Pace
from companion.generate.wire import Lost, Receive
from companion.generate.worker import BACKOFF_S, PACE_SIGNS, Worker
from companion.system.errors import CompanionError
from model.request import StemRequest, StemResult

WAIT_S = 10.0  # how long a test waits for another thread before it fails
READY = Ready(512, "cpu", 1.5, 1, np.zeros((4, 512), np.int16))
RESULT = StemResult(np.zeros((4, 1), np.int16), np.zeros(640, np.float32))


class FakeLink:
    def __init__(self, receive: Receive) -> None:
        self.receive = receive
        self.sent: SimpleQueue[Message] = SimpleQueue()
        self.closed: SimpleQueue[float] = SimpleQueue()

    def send(self, message: Message) -> None:
        self.sent.put(message)

    def close(self, grace_s: float = 1.0) -> None:
        self.closed.put(grace_s)

    def next_plan(self) -> Plan:
        message = self.sent.get(timeout=WAIT_S)
        assert isinstance(message, Plan)
        return message

    def answer(self, plan: Plan) -> None:
        self.receive(Result(plan.number, (RESULT,), 1.25))


class Rig:
    """A worker, the generators it opened, and its clock."""

    def __init__(self, request: StemRequest) -> None:
        self.request = request
        self.now_s = 0.0
        self.ended: deque[Finished] = deque()
        self.links: SimpleQueue[FakeLink] = SimpleQueue()
        self.worker = Worker(self.open, clock=lambda: self.now_s)

    def open(self, receive: Receive, threads: int) -> FakeLink:
        self.threads = threads
        link = FakeLink(receive)
        self.links.put(link)
        return link

    def next_link(self, ready: bool = True) -> FakeLink:
        link = self.links.get(timeout=WAIT_S)
        link.receive(Hello())
        if ready:
            link.receive(READY)
        return link

    def next_end(self) -> Finished:
        if not self.ended:
            self.ended.extend(self.worker.poll(WAIT_S))
        return self.ended.popleft()

    def settle(self) -> None:
        """Let the worker, which can begin nothing now, do all it was told and look at the clock."""
        self.worker.submit(9, [self.request])
        self.worker.cancel(9)
        assert self.next_end().outcome == "cancelled"


@pytest.fixture
def rig(make_request) -> Iterator[Rig]:
    made = Rig(make_request())
    yield made
    made.worker.close()


def test_a_plan_is_made_and_told_by_its_number(rig: Rig, make_request) -> None:
    link = rig.next_link()
    assert rig.worker.wait_ready(WAIT_S) is READY
    requests = (make_request(), make_request())
    rig.worker.submit(17, requests)
    plan = link.next_plan()
    assert plan.requests == requests
    link.answer(plan)
    end = rig.next_end()
    assert (end.plan, end.outcome, end.reason) == (17, "done", "")
    assert end.stems == (RESULT,) and (end.waited_s, end.made_s) == (0.0, 1.25)
    assert rig.worker.poll() == []


def test_the_latest_waiting_plan_wins_but_one_being_made_is_not_given_up(
    rig: Rig, make_request
) -> None:
    link = rig.next_link()
    rig.worker.submit(1, [make_request()])
    first = link.next_plan()
    rig.worker.submit(2, [make_request()])
    rig.worker.submit(3, [make_request()])
    end = rig.next_end()
    assert (end.plan, end.outcome, end.reason) == (2, "superseded", "plan 3 took its place")
    link.answer(first)
    assert rig.next_end().plan == 1
    link.answer(link.next_plan())
    assert rig.next_end().plan == 3


def test_what_is_said_about_a_plan_is_passed_on_if_it_is_being_made(rig: Rig, make_request) -> None:
    link = rig.next_link()
    rig.worker.submit(1, [make_request()])
    number = link.next_plan().number
    rig.worker.submit(2, [make_request()])
    for plan in (2, 1):
        rig.worker.finish(plan)
    rig.worker.cancel(1)
    assert [link.sent.get(timeout=WAIT_S) for _ in range(2)] == [Finish(number), Cancel(number)]
    link.receive(Failed(number, "cancelled"))
    assert rig.next_end().outcome == "cancelled"
    link.next_plan()


def test_how_a_plan_comes_along_is_what_was_last_heard_of_it(rig: Rig, make_request) -> None:
    link = rig.next_link()
    rig.worker.submit(1, [make_request()])
    plan = link.next_plan()
    assert rig.worker.pace(1) == Pace(0.0)
    for quarter in (1, 2):
        rig.now_s = float(quarter)
        link.receive(Progress(plan.number, quarter / 4))
        rig.settle()
    rig.now_s = 2.5
    assert rig.worker.pace(1) == Pace(2.5, ((1.0, 0.25), (2.0, 0.5)))
    assert rig.worker.pace(2) is None
    for _ in range(100):
        link.receive(Progress(plan.number, 0.75))
    rig.settle()
    pace = rig.worker.pace(1)
    assert pace is not None and pace.heard == ((2.5, 0.75),) * PACE_SIGNS
    link.answer(plan)
    rig.next_end()
    assert rig.worker.pace(1) is None


def test_a_waiting_plan_can_be_cancelled(rig: Rig, make_request) -> None:
    rig.next_link(ready=False)
    rig.worker.submit(1, [make_request()])
    rig.worker.cancel(1)
    assert rig.next_end().outcome == "cancelled"


def test_a_plan_that_fails_does_not_end_the_generator(rig: Rig, make_request) -> None:
    link = rig.next_link()
    rig.worker.submit(1, [make_request()])
    link.receive(Failed(link.next_plan().number, "MemoryError"))
    end = rig.next_end()
    assert (end.outcome, end.reason, end.stems) == ("failed", "MemoryError", ())
    rig.worker.submit(2, [make_request()])
    link.answer(link.next_plan())
    assert rig.next_end().outcome == "done"
    assert rig.worker.restarts == 0


def test_a_generator_that_dies_is_started_again_and_its_plan_reported(
    rig: Rig, make_request
) -> None:
    link = rig.next_link()
    rig.worker.submit(1, [make_request()])
    link.next_plan()
    rig.worker.submit(5, [make_request()])
    link.receive(Lost("the generator's process ended with code -9"))
    end = rig.next_end()
    assert (end.plan, end.outcome) == (1, "failed")
    assert end.reason == rig.worker.lost_reason == "the generator's process ended with code -9"
    again = rig.next_link()
    again.answer(again.next_plan())  # the one that waited
    assert rig.next_end().plan == 5
    assert rig.worker.restarts == 1


def test_restarts_come_ever_later_until_a_plan_is_made(rig: Rig, make_request) -> None:
    link = rig.next_link()
    for wait_s in (*BACKOFF_S, BACKOFF_S[-1]):
        link.receive(Lost("gone"))
        if wait_s:
            rig.settle()
            rig.now_s += wait_s - 0.01
            rig.settle()
            assert rig.links.empty()
            rig.now_s += 0.02
        link = rig.next_link()
    rig.worker.submit(1, [make_request()])
    link.answer(link.next_plan())
    assert rig.next_end().outcome == "done"
    link.receive(Lost("gone"))
    rig.next_link()


def test_a_generator_that_gives_no_sign_of_life_is_replaced(rig: Rig, make_request) -> None:
    link = rig.next_link()
    rig.worker.submit(1, [make_request()], patience_s=2.0)
    plan = link.next_plan()
    for _ in range(5):  # slow, but alive
        rig.now_s += 1.5
        link.receive(Progress(plan.number, 0.5))
        rig.settle()
    rig.now_s += 2.5
    end = rig.next_end()
    assert (end.outcome, end.reason) == ("failed", "the generator gave no sign for 2.0 s")
    assert link.closed.get(timeout=WAIT_S) == 0.0
    link.answer(plan)  # too late: it is not believed any more
    rig.next_link()
    assert rig.worker.poll() == []


def test_a_generator_that_fails_time_after_time_is_replaced(rig: Rig, make_request) -> None:
    link = rig.next_link()
    outcomes = []
    for plan in range(1, 3):
        rig.worker.submit(plan, [make_request()])
        number = link.next_plan().number
        if plan == 2:
            link.receive(Result(number, (RESULT, "audio holds NaN"), 1.0))
        else:
            link.receive(Failed(number, "MemoryError"))
        outcomes.append(rig.next_end().outcome)
    assert outcomes == ["failed", "done"]
    again = rig.next_link()
    assert rig.worker.lost_reason == "2 plans in a row failed: audio holds NaN"
    rig.worker.submit(5, [make_request()])
    again.answer(again.next_plan())
    assert rig.next_end().outcome == "done"
    assert rig.worker.restarts == 1


def test_a_restart_that_never_gets_ready_is_ended(rig: Rig) -> None:
    rig.next_link().receive(Lost("gone"))
    link = rig.next_link(ready=False)
    rig.worker.wait_ready(WAIT_S)
    rig.now_s += 181.0
    assert link.closed.get(timeout=WAIT_S) == 0.0
    rig.now_s += 1.0
    rig.next_link()


def test_a_first_start_that_fails_says_why_and_so_does_every_plan(rig: Rig, make_request) -> None:
    link = rig.next_link(ready=False)
    link.receive(Failed(NO_PLAN, "weights file x is missing; valid: y"))
    with pytest.raises(CompanionError, match=r"^weights file x is missing; valid: y$"):
        rig.worker.wait_ready(WAIT_S)
    rig.worker.submit(1, [make_request()])
    end = rig.next_end()
    assert (end.outcome, end.reason) == ("failed", "weights file x is missing; valid: y")


def test_one_that_persists_tries_again_at_its_own_pace_and_says_what_is_there(
    make_request,
) -> None:
    now_s, links = 0.0, list[FakeLink]()

    def open_link(receive: Receive, threads: int) -> FakeLink:
        links.append(FakeLink(receive))
        return links[-1]

    worker = Worker(
        open_link, clock=lambda: now_s, threaded=False, backoff_s=(0.25, 1.0), persists=True
    )
    for wait_s in (0.25, 1.0, 1.0):
        links[-1].receive(Lost("nobody answers"))
        assert worker.poll() == [] and worker.present is None
        opened, now_s = len(links), now_s + wait_s - 0.01
        worker.poll()
        assert len(links) == opened
        now_s += 0.01
        worker.poll()
        assert len(links) == opened + 1
    links[-1].receive(Hello())
    links[-1].receive(READY)
    worker.submit(1, [make_request()])
    worker.poll()
    assert worker.present is READY and links[-1].next_plan().number == 1
    worker.close()


def test_another_version_is_refused(rig: Rig) -> None:
    rig.links.get(timeout=WAIT_S).receive(Hello(version=99))
    with pytest.raises(CompanionError, match=f"speaks version 99; valid: {VERSION}"):
        rig.worker.wait_ready(WAIT_S)


def test_a_program_that_is_not_there_is_reported() -> None:
    def open_link(_: Receive, threads: int) -> FakeLink:
        raise FileNotFoundError("no such file: 'python9'")

    worker = Worker(open_link)
    with pytest.raises(CompanionError, match=r"cannot be started.*python9"):
        worker.wait_ready(WAIT_S)
    worker.close()


def test_waiting_for_a_generator_that_takes_its_time_ends(rig: Rig) -> None:
    with pytest.raises(CompanionError, match=r"not ready after 0\.01 s"):
        rig.worker.wait_ready(0.01)


def test_a_message_too_long_to_send_is_one_plan_lost(
    rig: Rig, make_request, monkeypatch: pytest.MonkeyPatch
) -> None:
    from companion.generate.protocol import ProtocolError

    link = rig.next_link()

    def refuse(message: Message) -> None:
        monkeypatch.undo()
        raise ProtocolError("message of 70000000 bytes")

    monkeypatch.setattr(link, "send", refuse)
    rig.worker.submit(1, [make_request()])
    assert rig.next_end().reason == "message of 70000000 bytes"
    rig.worker.submit(2, [make_request()])
    link.next_plan()


def test_closing_ends_the_generator_and_every_plan_and_can_be_repeated(
    rig: Rig, make_request
) -> None:
    link = rig.next_link()
    rig.worker.submit(1, [make_request()])
    link.next_plan()
    rig.worker.submit(2, [make_request()])
    rig.worker.close()
    rig.worker.close()
    assert link.closed.get(timeout=WAIT_S) > 0.0
    ended = rig.worker.poll()
    assert [(end.plan, end.outcome) for end in ended] == [(1, "cancelled"), (2, "cancelled")]


def test_a_generator_that_replaces_another_computes_with_the_threads_of_the_first(
    rig: Rig,
) -> None:
    link = rig.next_link(ready=False)
    told = [rig.threads]
    link.receive(replace(READY, threads=3))
    for _ in range(2):
        link.receive(Lost("gone"))
        while rig.links.empty():
            rig.now_s += 1.0
            time.sleep(0.01)
        link = rig.next_link(ready=False)
        told.append(rig.threads)
    assert told == [0, 3, 3]


def test_without_a_thread_what_is_due_is_done_where_it_is_polled(make_request) -> None:
    links: list[FakeLink] = []
    now_s = 0.0

    def open_link(receive: Receive, threads: int) -> FakeLink:
        receive(READY)
        links.append(FakeLink(receive))
        return links[-1]

    worker = Worker(open_link, clock=lambda: now_s, threaded=False)
    assert worker.wait_ready(0.0) is READY
    worker.submit(1, [make_request()], patience_s=3.0)
    assert worker.poll() == []
    plan = links[0].next_plan()
    now_s = 1.0
    links[0].answer(plan)
    assert [(end.plan, end.outcome) for end in worker.poll()] == [(1, "done")]
    worker.submit(2, [make_request()], patience_s=3.0)
    assert worker.poll() == []
    now_s = 4.1
    (lost,) = worker.poll()
    assert (lost.outcome, lost.reason) == ("failed", "the generator gave no sign for 3.0 s")
    worker.submit(3, [make_request()])
    assert worker.poll() == []
    assert (len(links), worker.restarts) == (2, 1)
    assert worker.poll() == []  # now it has heard that the new one is ready
    assert len(links[1].next_plan().requests) == 1
    worker.close()
    assert [(end.plan, end.outcome) for end in worker.poll()] == [(3, "cancelled")]
