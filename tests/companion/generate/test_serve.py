from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from companion.generate.loading import Loading, loading
from companion.generate.protocol import (
    NO_PLAN,
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
from companion.generate.serve import Inbox, serve
from companion.generate.standin import StandInDecoding, StandInGenerator
from companion.system.errors import CompanionError, one_line
from model.request import StemRequest, StemResult


class Watched(StandInGenerator):
    """The stand-in, but something happens at its third step, and all it is told is kept."""

    def __init__(self, at_third_step: Callable[[], None]) -> None:
        self.at_third_step = at_third_step
        self.told: list[tuple[int, object]] = []

    def start(self, request: StemRequest) -> StandInDecoding:
        outer = self

        class Decoding(StandInDecoding):
            steps = 0

            def step(self) -> bool:
                self.steps += 1
                if self.steps == 3 and request.seed != 0:  # 0 is the warm-up
                    outer.at_third_step()
                return super().step()

            def finish(self) -> None:
                outer.told.append((self.steps, "finish"))
                super().finish()

            def cancel(self) -> None:
                outer.told.append((self.steps, "cancel"))

        return Decoding(request)


def serve_until_answered(source: Loading, inbox: Inbox, plans: int) -> list[Message]:
    """All that is said until so many plans are answered, but for signs of life."""
    said: list[Message] = []

    def send(message: Message) -> None:
        if isinstance(message, Progress):
            return
        said.append(message)
        if sum(isinstance(m, (Result, Failed)) for m in said) == plans:
            inbox.put(None)

    if not plans:
        inbox.put(None)
    serve(source, inbox, send)
    return said


def serve_watched(
    request: StemRequest, *messages: Message | None
) -> tuple[list[Message], list[tuple[int, object]]]:
    """What is said after "ready" about plan 1, if `messages` come in during its third step."""
    inbox = Inbox()
    inbox.put(Plan(1, (request,)))
    generator = Watched(lambda: [inbox.put(message) for message in messages] and None)
    plans = 1 + sum(isinstance(message, Plan) for message in messages)
    said = serve_until_answered(Loading(lambda: generator), inbox, plans)
    return said[2:], generator.told


def serve_all(source: Loading, *plans: Plan) -> list[Message]:
    inbox = Inbox()
    for plan in plans:
        inbox.put(plan)
    return serve_until_answered(source, inbox, len(plans))


def test_it_says_hello_then_what_it_can_do_then_the_stem(make_request) -> None:
    hello, ready = serve_all(loading("standin"))
    assert isinstance(hello, Hello)
    assert isinstance(ready, Ready)
    assert (ready.max_frames, ready.device, ready.threads) == (512, "cpu", 0)
    assert ready.silence.shape == (4, 512) and ready.plan_s >= 0.0
    said, _ = serve_watched(make_request())
    assert isinstance(said[0], Result) and said[0].number == 1
    (made,) = said[0].stems
    assert isinstance(made, StemResult) and made.tokens.shape == (4, 200)


def test_told_to_finish_it_takes_one_more_step(make_request) -> None:
    said, told = serve_watched(make_request(), Finish(1))
    assert told == [(3, "finish")]
    assert isinstance(said[0], Result)


def test_told_to_cancel_it_has_no_result(make_request) -> None:
    said, told = serve_watched(make_request(), Cancel(1))
    assert told == [(3, "cancel")]
    assert said == [Failed(1, "cancelled")]


def test_told_to_end_it_ends_in_the_middle_of_a_plan(make_request) -> None:
    assert serve_watched(make_request(), None) == ([], [])


def test_plans_that_come_in_meanwhile_are_made_after_it(make_request) -> None:
    def plan(number: int) -> Plan:
        return Plan(number, (make_request(seed=0),))

    said, _ = serve_watched(make_request(), plan(2), plan(3))
    assert [message.number for message in said if isinstance(message, Result)] == [1, 2, 3]


def test_a_plan_that_fails_is_one_plan_lost(make_request) -> None:
    said = serve_all(
        Loading(StandInGenerator),
        Plan(1, (make_request(frames=513),)),
        Plan(2, (make_request(),)),
    )
    assert said[2] == Failed(1, "frames is 513; valid: 1 to 512")
    assert isinstance(said[3], Result)


def test_a_stem_that_fails_leaves_the_others_of_its_plan_alone(make_request) -> None:
    def fail() -> None:
        raise MemoryError

    asked = (make_request(seed=0), make_request(), make_request(seed=0))
    said = serve_all(Loading(lambda: Watched(fail)), Plan(1, asked))
    assert isinstance(said[2], Result)
    one, failed, other = said[2].stems
    assert isinstance(one, StemResult) and isinstance(other, StemResult)
    assert failed == "MemoryError"


def test_a_plan_gives_signs_of_life(make_request, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("companion.generate.serve.PROGRESS_S", 0.0)
    inbox, said = Inbox(), list[Message]()

    def send(message: Message) -> None:
        said.append(message)
        if isinstance(message, Result):
            inbox.put(None)

    inbox.put(Plan(7, (make_request(),)))
    serve(loading("standin"), inbox, send)
    signs = [message for message in said if isinstance(message, Progress)]
    assert {sign.number for sign in signs} == {7}
    shares = [sign.share for sign in signs]
    assert shares == sorted(shares) and shares[0] == 0.0 and shares[-1] == 1.0
    assert len(shares) == 22 + 1  # steps, and the sound


def test_nan_does_not_leave_the_generator(make_request) -> None:
    class Broken(StandInDecoding):
        def result(self) -> StemResult:
            result = super().result()
            return StemResult(result.tokens, np.full_like(result.audio, np.nan))

    class Generator(StandInGenerator):
        def start(self, request: StemRequest) -> StandInDecoding:
            return (Broken if request.seed else StandInDecoding)(request)

    said = serve_all(Loading(Generator), Plan(1, (make_request(), make_request(seed=0))))
    assert isinstance(said[2], Result)
    assert said[2].stems[0] == "audio holds NaN or infinity; valid: finite numbers"
    assert isinstance(said[2].stems[1], StemResult)


def test_a_generator_that_cannot_be_loaded_says_why_in_one_line() -> None:
    def load() -> StandInGenerator:
        raise ValueError("weights file x is missing;\n valid: another")

    said = serve_all(Loading(load))
    assert said == [Hello(), Failed(NO_PLAN, "weights file x is missing; valid: another")]


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (CompanionError("device 'x' is unknown"), "device 'x' is unknown"),
        (KeyError("x"), "KeyError: 'x'"),
        (RuntimeError(), "RuntimeError"),
        (ValueError(), "ValueError"),
    ],
)
def test_an_error_becomes_one_line(error: Exception, line: str) -> None:
    assert one_line(error) == line
