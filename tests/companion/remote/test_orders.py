"""Plans of several rigs, made in turns that the test takes itself."""

from __future__ import annotations

import numpy as np
import pytest

from companion.generate.protocol import Cancel, Failed, Finish, Message, Plan, Progress, Result
from companion.generate.standin import StandInDecoding, StandInGenerator
from companion.remote.orders import LEAD_FRAMES, MOST_PLANS, Orders
from model.request import DecodeSettings, StemRequest, StemResult


class Counting(StandInGenerator):
    """The stand-in, with the sizes of its batches; requests with seed 13 fail."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def start_together(self, requests):
        self.batches.append(len(requests))
        return super().start_together(requests)

    def start(self, request: StemRequest) -> StandInDecoding:
        if request.seed == 13:
            raise RuntimeError("out of memory")
        return super().start(request)


class Room:
    """A box, and rigs that say something and hear what is answered."""

    def __init__(self) -> None:
        self.generator = Counting()
        self.orders = Orders(self.generator, clock=lambda: self.now_s)
        self.now_s = 0.0
        self.heard: dict[str, list[Message]] = {}
        self.order: list[str] = []  # who got an answer, in order

    def says(self, rig: str, message: Message) -> None:
        heard = self.heard.setdefault(rig, [])

        def tell(answer: Message) -> None:
            heard.append(answer)
            if not isinstance(answer, Progress):
                self.order.append(rig)

        self.orders.said(rig, message, tell)

    def turns(self, count: int) -> None:
        for _ in range(count):
            self.now_s += 0.06
            assert self.orders.turn()

    def until_answered(self, *rigs: str) -> list[Message]:
        """The answers of these."""
        for _ in range(300):
            answers = [
                [m for m in self.heard.get(r, []) if not isinstance(m, Progress)] for r in rigs
            ]
            if all(answers):
                return [each[-1] for each in answers]
            self.turns(1)
        raise AssertionError("no answer")


@pytest.fixture
def room() -> Room:
    return Room()


def steps(count: int) -> DecodeSettings:
    return DecodeSettings((count, 1, 1, 1))


def test_plans_that_are_alike_are_one_batch_and_each_rig_gets_its_own(
    room: Room, make_request
) -> None:
    asked = {"one": make_request(seed=1), "other": make_request(seed=2, instrument=3)}
    for rig, request in asked.items():
        room.says(rig, Plan(5, (request, request)))
    answers = room.until_answered(*asked)
    assert room.generator.batches == [4] and (room.orders.plans, room.orders.shared) == (2, 2)
    for request, answer in zip(asked.values(), answers, strict=True):
        assert isinstance(answer, Result) and answer.number == 5
        alone = StandInGenerator().start(request)
        while alone.step():
            pass
        for stem in answer.stems:
            assert isinstance(stem, StemResult)
            np.testing.assert_array_equal(stem.tokens, alone.result().tokens)


@pytest.mark.parametrize("other", [{"frames": 130}, {"prefix_frames": 20}, {"decode": steps(3)}])
def test_plans_that_are_not_take_turns_so_that_the_short_one_is_not_kept_waiting(
    room: Room, make_request, other: dict[str, object]
) -> None:
    room.says("long", Plan(1, (make_request(decode=steps(64)),) * 2))
    room.turns(3)
    room.says("short", Plan(1, (make_request(**other),)))
    room.until_answered("long", "short")
    assert room.order == ["short", "long"] and room.generator.batches == [2, 1]


def test_a_hurried_plan_is_sooner_there_and_the_others_of_its_batch_are_whole(
    room: Room, make_request
) -> None:
    for rig in ("calm", "hurried"):
        room.says(rig, Plan(1, (make_request(decode=steps(30)),)))
    room.turns(4)
    room.says("hurried", Finish(1))
    calm, hurried = room.until_answered("calm", "hurried")
    assert room.order == ["hurried", "calm"]
    assert isinstance(calm, Result) and isinstance(hurried, Result)
    assert [stem.steps for stem in calm.stems if isinstance(stem, StemResult)] == [33]
    assert [stem.steps < 10 for stem in hurried.stems if isinstance(stem, StemResult)] == [True]


def test_a_plan_that_is_given_up_is_no_more_and_the_others_of_its_batch_go_on(
    room: Room, make_request
) -> None:
    for rig in ("stays", "changes its mind", "leaves"):
        room.says(rig, Plan(1, (make_request(),)))
    room.turns(2)
    room.says("changes its mind", Cancel(1))
    room.orders.leave("leaves")
    (answer,) = room.until_answered("stays")
    assert isinstance(answer, Result)
    assert room.heard["changes its mind"][-1] == Failed(1, "cancelled")
    assert not any(isinstance(m, Result | Failed) for m in room.heard["leaves"])


def test_everybody_who_waits_hears_how_it_comes_along(room: Room, make_request) -> None:
    room.says("one", Plan(1, (make_request(decode=steps(40)),)))
    room.says("other", Plan(2, (make_request(frames=90, decode=steps(40)),)))
    room.turns(30)
    for rig, number in (("one", 1), ("other", 2)):
        signs = [m for m in room.heard[rig] if isinstance(m, Progress)]
        assert len(signs) > 5 and {sign.number for sign in signs} == {number}
        assert [s.share for s in signs] == sorted(s.share for s in signs)


def test_one_stem_that_fails_leaves_the_others_alone(room: Room, make_request) -> None:
    room.says("unlucky", Plan(1, (make_request(), make_request(seed=13))))
    room.says("lucky", Plan(1, (make_request(),)))
    unlucky, lucky = room.until_answered("unlucky", "lucky")
    assert isinstance(unlucky, Result) and unlucky.stems[1] == "RuntimeError: out of memory"
    assert isinstance(lucky, Result) and isinstance(lucky.stems[0], StemResult)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"frames": 513}, "frames is 513; valid: 1 to 512"),
        ({"decode": steps(65)}, "steps are (65, 1, 1, 1); valid: 1 to 64"),
    ],
)
def test_nobody_gets_more_of_the_box_than_a_rig_can_use(
    room: Room, make_request, asked: dict[str, object], why: str
) -> None:
    room.says("greedy", Plan(1, (make_request(**asked),)))
    room.says("modest", Plan(1, (make_request(),)))
    room.until_answered("modest")
    assert room.heard["greedy"] == [Failed(1, why)]


def test_nobody_has_more_than_a_few_plans_made_at_a_time(room: Room, make_request) -> None:
    for number in range(MOST_PLANS + 1):
        room.says("greedy", Plan(number, (make_request(),)))
    room.turns(1)
    refused = Failed(MOST_PLANS, f"more than {MOST_PLANS} plans at a time")
    assert refused in room.heard["greedy"]


def test_what_the_rig_has_already_is_sent_back_as_silence(room: Room, make_request) -> None:
    request = make_request(
        prefix=np.ones((4, 60), np.int16), context=np.full(120 * 640, 0.1, np.float32)
    )
    room.says("rig", Plan(1, (request,)))
    (answer,) = room.until_answered("rig")
    assert isinstance(answer, Result) and isinstance(answer.stems[0], StemResult)
    begins = (60 - LEAD_FRAMES) * 640
    assert not answer.stems[0].audio[:begins].any()
    assert answer.stems[0].audio[begins : 60 * 640].any()


def test_it_ends_when_it_is_told_to(room: Room) -> None:
    room.orders.close()
    room.orders.run()
