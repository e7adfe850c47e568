"""The plans of all rigs, made by one generator: each a step in turn, those alike together.

Plans that wait at the same moment and are laid alike (as many frames given, as many to fill, as
many steps) are one batch: a pass through the network is then shared. Others take their steps in
turn, so that nobody waits for the end of somebody else's plan. A plan may be hurried or given up
without the others of its batch.

*Threading*: `Orders.run` blocks the thread it is called in and owns the generator; the other
methods may be called from any thread and do not wait.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from queue import SimpleQueue

from companion.generate.generator import BatchDecoding, StemGenerator
from companion.generate.protocol import (
    CANCELLED,
    MAX_STEMS,
    Cancel,
    Failed,
    Finish,
    Message,
    Plan,
    Progress,
    Result,
)
from companion.generate.serve import PROGRESS_S
from companion.system.errors import one_line
from model.grid import HOP
from model.request import StemRequest, StemResult

MOST_STEPS = 64
"""Decode steps of a level, as the knob has them: a rig may not take more of the box than that."""
MOST_PLANS = 2
"""Of a rig, at a time: one that was given up may still be at its last step."""
LEAD_FRAMES = 16
"""So much of a stem before its first new frame is sent back: what a rig fades over from."""

Tell = Callable[[Message], None]
"""Takes what is said to one rig; must not wait."""


@dataclass(slots=True, eq=False)
class Order:
    """A plan of a rig."""

    rig: object  # whose it is
    plan: Plan
    tell: Tell
    since_s: float
    stems: list[StemResult | str] = field(default_factory=list)
    said_s: float = 0.0  # when it last heard how it comes along


@dataclass(slots=True, eq=False)
class _Batch:
    """Orders that are being made together; `first` says where in the batch each one's stems are."""

    decoding: BatchDecoding
    orders: list[Order]
    first: dict[int, int]


class Orders:
    """Makes plans for many."""

    def __init__(
        self, generator: StemGenerator, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        """Nothing asked for; `clock` is in seconds."""
        self._generator, self._clock = generator, clock
        self._inbox: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._waiting: list[Order] = []
        self._batches: deque[_Batch] = deque()
        self.plans, self.shared = 0, 0
        """Plans that were begun, and how many of them in a batch with another rig's."""

    # --- from any thread -----------------------------------------------------------------------

    def said(self, rig: object, message: Message, tell: Tell) -> None:
        """A rig said something; what is answered goes to `tell`, in the thread of `run`."""
        self._inbox.put(lambda: self._on_said(rig, message, tell))

    def leave(self, rig: object) -> None:
        """A rig has gone: nothing of it is made any more."""
        self._inbox.put(lambda: self._drop(lambda order: order.rig is rig))

    def close(self) -> None:
        """Have `run` return at the next step."""
        self._inbox.put(None)

    # --- in the thread of `run` ----------------------------------------------------------------

    def run(self) -> None:
        """Make what is asked for until `close`."""
        while self.turn():
            pass

    def turn(self) -> bool:
        """Do what there is to do next, or wait for something; False after `close`."""
        while not (self._inbox.empty() and (self._waiting or self._batches)):
            task = self._inbox.get()
            if task is None:
                return False
            task()
        if self._waiting:
            self._begin()
        if self._batches:
            batch = self._batches.popleft()
            if self._step(batch):
                self._batches.append(batch)
        self._tell_progress()
        return True

    def _on_said(self, rig: object, message: Message, tell: Tell) -> None:
        match message:
            case Plan(number=number, requests=requests):
                if sum(each.rig is rig for each in self._all()) >= MOST_PLANS:
                    tell(Failed(number, f"more than {MOST_PLANS} plans at a time"))
                elif reason := self._too_much(requests):
                    tell(Failed(number, reason))
                else:
                    self._waiting.append(Order(rig, message, tell, self._clock()))
            case Finish(number=number):
                for batch, order in self._of(rig, number):
                    for index in _places(batch, order):
                        batch.decoding.finish(index)
            case Cancel(number=number):
                self._drop(lambda order: order.rig is rig and order.plan.number == number)
                tell(Failed(number, CANCELLED))

    def _all(self) -> list[Order]:
        return [*self._waiting, *(order for batch in self._batches for order in batch.orders)]

    def _of(self, rig: object, number: int) -> list[tuple[_Batch, Order]]:
        return [
            (batch, order)
            for batch in self._batches
            for order in batch.orders
            if order.rig is rig and order.plan.number == number
        ]

    def _too_much(self, requests: Sequence[StemRequest]) -> str:
        """Why these are not made, one line; empty if they are."""
        most = self._generator.max_frames
        for request in requests:
            if request.frames > most:
                return f"frames is {request.frames}; valid: 1 to {most}"
            if max(request.decode.steps) > MOST_STEPS:
                return f"steps are {request.decode.steps}; valid: 1 to {MOST_STEPS}"
        return ""

    def _drop(self, gone: Callable[[Order], bool]) -> None:
        self._waiting = [order for order in self._waiting if not gone(order)]
        for batch in tuple(self._batches):
            for order in [order for order in batch.orders if gone(order)]:
                for index in _places(batch, order):
                    batch.decoding.cancel(index)
                batch.orders.remove(order)
            if not batch.orders:
                self._batches.remove(batch)

    def _begin(self) -> None:
        """Begin the oldest that waits, with those that are laid alike."""
        first, *others = self._waiting
        kind, stems = _kind(first), len(first.plan.requests)
        orders = [first]
        for order in others:
            more = len(order.plan.requests)
            if kind is not None and _kind(order) == kind and stems + more <= MAX_STEMS:
                orders.append(order)
                stems += more
        self._waiting = [order for order in self._waiting if order not in orders]
        self.plans += len(orders)
        self.shared += len(orders) if len(orders) > 1 else 0
        requests = [request for order in orders for request in order.plan.requests]
        try:
            decoding = self._generator.start_together(requests)
        except Exception as error:
            for order in orders:
                order.tell(Failed(order.plan.number, one_line(error)))
            return
        at, places = 0, {}
        for order in orders:
            places[id(order)] = at
            at += len(order.plan.requests)
        self._batches.append(_Batch(decoding, orders, places))

    def _step(self, batch: _Batch) -> bool:
        """A step, or the sound of a stem that has all its steps; True while there is more to do."""
        try:
            for order in batch.orders:
                index = _places(batch, order)[len(order.stems)]
                if batch.decoding.finished(index):
                    self._sound(batch, order, index)
                    return bool(batch.orders)
            batch.decoding.step()
        except Exception as error:  # of all: what went wrong with one alone, `result` says
            for order in batch.orders:
                order.tell(Failed(order.plan.number, one_line(error)))
            return False
        return True

    def _sound(self, batch: _Batch, order: Order, index: int) -> None:
        request = order.plan.requests[len(order.stems)]
        try:
            order.stems.append(_without_prefix(batch.decoding.result(index), request))
        except Exception as error:  # the others may be good
            order.stems.append(one_line(error))
        if len(order.stems) == len(order.plan.requests):
            batch.orders.remove(order)
            seconds = self._clock() - order.since_s
            order.tell(Result(order.plan.number, tuple(order.stems), seconds))

    def _tell_progress(self) -> None:
        now_s = self._clock()
        for order in self._all():
            if now_s - order.said_s >= PROGRESS_S:
                order.said_s = now_s
                share = next((b.decoding.progress for b in self._batches if order in b.orders), 0.0)
                order.tell(Progress(order.plan.number, min(1.0, share)))


def _places(batch: _Batch, order: Order) -> range:
    first = batch.first[id(order)]
    return range(first, first + len(order.plan.requests))


def _kind(order: Order) -> tuple[object, ...] | None:
    """What has to be the same of plans for a batch of them to pay; None if it would not."""
    kinds = {
        (request.frames, request.prefix_frames, request.decode.steps)
        for request in order.plan.requests
    }
    return kinds.pop() if len(kinds) == 1 else None


def _without_prefix(result: StemResult, request: StemRequest) -> StemResult:
    """The same, silent where the rig has it already: silence is soon sent."""
    silent = max(0, request.prefix_frames - LEAD_FRAMES) * HOP
    result.audio[:silent] = 0.0
    return result
