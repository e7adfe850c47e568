"""What every worker promises, be it inline, with a thread or with a child process."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from companion.generate.inline import InlineWorker
from companion.generate.loading import loading
from companion.generate.stem_worker import Finished, StemWorker
from companion.generate.warmup import decode
from companion.generate.wire import ProcessLink, Receive, child_command
from companion.generate.worker import Worker, process_worker, thread_worker
from model.request import StemResult

WAIT_S = 60.0
MAKERS: dict[str, Callable[[], StemWorker]] = {
    "inline": lambda: InlineWorker(loading("standin")),
    "thread": lambda: thread_worker("standin"),
    "process": lambda: process_worker("standin"),
}


@pytest.fixture(scope="module", params=MAKERS)
def worker(request: pytest.FixtureRequest) -> Iterator[StemWorker]:
    made = MAKERS[request.param]()
    made.wait_ready(WAIT_S)
    yield made
    made.close()
    made.close()


def ends(worker: StemWorker, plans: int) -> list[Finished]:
    found: list[Finished] = []
    while len(found) < plans:
        more = worker.poll(WAIT_S)
        assert more, f"{len(found)} of {plans} plans ended in {WAIT_S} s"
        found += more
    return found


class TestContract:
    def test_it_tells_what_it_can_do(self, worker: StemWorker) -> None:
        ready = worker.wait_ready(WAIT_S)
        assert (ready.max_frames, ready.device) == (512, "cpu")
        assert ready.silence.shape == (4, 512) and ready.silence.dtype == np.int16

    def test_the_same_request_gives_the_same_bytes_everywhere(
        self, worker: StemWorker, make_request
    ) -> None:
        asked = [make_request(instrument=instrument) for instrument in range(3)]
        worker.submit(3, asked)
        (end,) = ends(worker, 1)
        assert (end.plan, end.outcome, end.reason) == (3, "done", "")
        assert end.made_s >= 0.0 and end.waited_s >= 0.0
        generator = loading("standin").load()
        for stem, request in zip(end.stems, asked, strict=True):
            truth = decode(generator, request)
            assert isinstance(stem, StemResult)
            assert stem.tokens.tobytes() == truth.tokens.tobytes()
            assert stem.audio.tobytes() == truth.audio.tobytes()
            assert (stem.steps, stem.passes) == (truth.steps, truth.passes) == (22, 66)

    def test_a_window_that_is_too_long_fails_in_one_line(
        self, worker: StemWorker, make_request
    ) -> None:
        worker.submit(1, [make_request(frames=600)])
        (end,) = ends(worker, 1)
        assert (end.outcome, end.stems) == ("failed", ())
        assert end.reason == "frames is 600; valid: 1 to 512"

    def test_nothing_happens_to_plans_that_are_over(self, worker: StemWorker) -> None:
        worker.finish(3)
        worker.cancel(3)
        assert worker.pace(3) is None
        assert worker.poll() == []


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="needs POSIX signals")
def test_a_child_killed_in_the_middle_of_a_plan_is_reported_and_replaced(make_request) -> None:
    links: list[ProcessLink] = []

    def open_link(receive: Receive, threads: int) -> ProcessLink:
        links.append(ProcessLink(child_command("standin"), receive))
        return links[-1]

    worker = Worker(open_link)
    worker.wait_ready(WAIT_S)
    os.kill(links[0].pid, signal.SIGSTOP)  # so that the plan is surely not done before the kill
    worker.submit(1, [make_request()])
    os.kill(links[0].pid, signal.SIGKILL)
    (end,) = ends(worker, 1)
    assert (end.plan, end.outcome) == (1, "failed")
    assert end.reason == "the generator's process ended with code -9"
    worker.submit(2, [make_request()])
    (end,) = ends(worker, 1)
    assert (end.plan, end.outcome) == (2, "done")
    assert worker.restarts == 1 and len(links) == 2
    worker.close()
    assert not any(alive(link.pid) for link in links)


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
