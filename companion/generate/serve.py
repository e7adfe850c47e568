"""The generator's side of the protocol: load, warm up, then one plan after another.

It runs wherever the generator is, in the child process or in a thread of this one.

*Threading*: `serve` blocks the thread it is called in and owns the generator; others only put
messages into its inbox, which it looks at between decode steps.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from queue import SimpleQueue

from companion.generate.generator import BatchDecoding, StemGenerator
from companion.generate.loading import Loading
from companion.generate.protocol import (
    CANCELLED,
    NO_PLAN,
    Cancel,
    Failed,
    Finish,
    Hello,
    Message,
    Plan,
    Progress,
    Result,
)
from companion.generate.warmup import warm_up
from companion.system.errors import one_line
from model.request import StemResult

Inbox = SimpleQueue[Message | None]
"""Messages to the generator; None ends it."""
Send = Callable[[Message], None]
PROGRESS_S = 0.1
"""How often a plan that is being made says that it is."""


def serve(source: Loading, inbox: Inbox, send: Send, threads: int = 0) -> None:
    """Say hello, load, warm up, say ready, then make plans until None comes in.

    Args:
        source: the generator; what its loading raises is sent as `Failed` and ends it.
        inbox: what to do.
        send: takes what to say.
        threads: as for `warm_up`.
    """
    send(Hello())
    try:
        generator = source.load()
        on_processor = str(generator.device) == "cpu"
        ready = warm_up(
            generator,
            source.set_threads if on_processor else None,
            threads=threads,
            recordings=source.recordings,
            enough_s=source.enough_s,
        )
    except Exception as error:
        send(Failed(NO_PLAN, one_line(error)))
        return
    send(ready)
    waiting: deque[Plan] = deque()
    while True:
        message = waiting.popleft() if waiting else inbox.get()
        if message is None:
            return
        if isinstance(message, Plan):
            answer = make(generator, message, inbox, waiting, send)
            if answer is None:
                return
            send(answer)


def make(
    generator: StemGenerator, plan: Plan, inbox: Inbox, waiting: deque[Plan], send: Send
) -> Result | Failed | None:
    """Make one plan, listening between steps; None when told to end.

    Other plans that come in meanwhile are put into `waiting`; `send` is told of the progress.
    """
    started = time.perf_counter()
    said = started
    try:
        for request in plan.requests:
            if request.frames > generator.max_frames:
                raise ValueError(f"frames is {request.frames}; valid: 1 to {generator.max_frames}")
        decoding = generator.start_together(plan.requests)
        more = True
        while more:
            while not inbox.empty():
                message = inbox.get()
                if message is None:
                    return None
                if isinstance(message, Plan):
                    waiting.append(message)
                elif _tell(decoding, plan.number, message):
                    return Failed(plan.number, CANCELLED)
            if time.perf_counter() - said >= PROGRESS_S:
                said = time.perf_counter()
                send(Progress(plan.number, decoding.progress))
            more = decoding.step()
        stems = []
        for index in range(len(plan.requests)):
            send(Progress(plan.number, 1.0))  # what is left is the sound
            stems.append(_stem(decoding, index))
        return Result(plan.number, tuple(stems), time.perf_counter() - started)
    except Exception as error:  # one plan lost is a fallback, not the end of the jam
        return Failed(plan.number, one_line(error))


def _stem(decoding: BatchDecoding, index: int) -> StemResult | str:
    try:
        return decoding.result(index)
    except Exception as error:  # the others may be good
        return one_line(error)


def _tell(decoding: BatchDecoding, number: int, message: Message) -> bool:
    """Pass a message on to the plan it is for; True when it was cancelled."""
    match message:
        case Finish(number=of) if of == number:
            decoding.finish()
        case Cancel(number=of) if of == number:
            decoding.cancel()
            return True
    return False
