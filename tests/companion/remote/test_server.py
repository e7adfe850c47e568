"""A box and its rigs over the loopback device, with gRPC between them."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from queue import Queue
from typing import Any

import grpc
import pytest

from companion.generate.protocol import (
    VERSION,
    Finish,
    Hello,
    Message,
    Plan,
    Progress,
    Ready,
    Result,
)
from companion.generate.standin import StandInGenerator
from companion.generate.warmup import warm_up
from companion.generate.wire import Lost
from companion.generate.worker import Worker
from companion.remote import link as linking
from companion.remote import server as serving
from companion.remote.key import Key, box_key, read_key
from companion.remote.link import Box, Refused, RemoteLink
from companion.remote.orders import Orders
from companion.remote.place import LOOPBACK, ServedAt
from companion.remote.server import WAITING, Server, _Rig
from companion.remote.speech import METHOD, SPEECH, Mouth
from companion.system.errors import CompanionError
from model.request import StemResult

WAIT_S = 30.0  # how long a test waits for another thread before it fails


class BoxHere:
    """The stand-in, served on this machine for as long as the test takes."""

    def __init__(self, key: Key | None = None, generator: str = "standin") -> None:
        made = StandInGenerator()
        self.orders = Orders(made)
        self.said: Queue[str] = Queue()
        ready = warm_up(made, None)
        place = ServedAt(LOOPBACK, 0)
        self.server = Server(place, key, generator, ready, self.orders, self.said.put)
        self.thread = threading.Thread(target=self.orders.run, daemon=True)
        self.thread.start()

    @property
    def place(self) -> ServedAt:
        return self.server.place

    def close(self) -> None:
        self.server.close()
        self.orders.close()
        self.thread.join(WAIT_S)


@pytest.fixture(scope="module")
def key(tmp_path_factory: pytest.TempPathFactory) -> Key:
    return box_key(tmp_path_factory.mktemp("box"))


@pytest.fixture
def box() -> Iterator[BoxHere]:
    with closing(BoxHere()) as made:
        yield made


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that has much else to do is not taken for one that is gone."""
    monkeypatch.setattr(linking, "SILENCE_S", 10.0)
    monkeypatch.setattr(linking, "CONNECT_S", 10.0)


def worker_at(place: ServedAt, key: Key | None = None, generator: str = "standin") -> Worker:
    return Worker(Box(place, key, generator).open, backoff_s=(0.05,), persists=True)


def heard_by(place: ServedAt, key: Key | None = None, generator: str = "standin") -> Message | Lost:
    """The first thing that a rig hears."""
    heard: Queue[Message | Lost] = Queue()
    with closing(RemoteLink(place, key, generator, heard.put)):
        return heard.get(timeout=WAIT_S)


def call(place: ServedAt, pieces: Any, **told: str) -> grpc.RpcError | None:
    """What becomes of a client that says these pieces."""
    said = {"version": SPEECH, "generator": "standin", **told}
    with grpc.insecure_channel(str(place)) as channel:
        try:
            for _ in channel.stream_stream(METHOD)(pieces, metadata=tuple(said.items())):
                pass
        except grpc.RpcError as error:
            return error
    return None


def test_two_rigs_have_their_plans_made(box: BoxHere, make_request) -> None:
    with closing(worker_at(box.place)) as one, closing(worker_at(box.place)) as other:
        for rig in (one, other):
            ready = rig.wait_ready(WAIT_S)
            assert isinstance(ready, Ready) and ready.max_frames == 512
        for number in range(3):
            for seed, rig in enumerate((one, other)):
                rig.submit(number, [make_request(seed=seed)], WAIT_S)
            for seed, rig in enumerate((one, other)):
                (ended,) = rig.poll(WAIT_S)
                assert (ended.plan, ended.outcome, ended.reason) == (number, "done", "")
                (stem,) = ended.stems
                alone = StandInGenerator().start(make_request(seed=seed))
                assert isinstance(stem, StemResult)
                assert stem.tokens.tolist() == alone.result().tokens.tolist()


def test_with_the_key_a_rig_comes_in(key: Key) -> None:
    with closing(BoxHere(key)) as box:
        assert heard_by(box.place, Key(key.certificate, key.token)) == Hello(VERSION)


def test_with_another_token_it_does_not(key: Key) -> None:
    with closing(BoxHere(key)) as box:
        for wrong in ("", "x" * len(key.token)):
            heard = heard_by(box.place, Key(key.certificate, wrong))
            assert isinstance(heard, Refused)
            assert heard.reason.startswith("the token is missing or wrong; valid: the file")


def test_a_rig_that_knows_another_box_by_its_key_does_not_speak_with_this_one(
    key: Key, tmp_path: Path
) -> None:
    box_key(tmp_path)
    other = read_key(tmp_path / "generator.key")
    with closing(BoxHere(key)) as box:
        heard = heard_by(box.place, other)
        assert isinstance(heard, Refused)
        assert heard.reason.startswith(f"the key is not that of {box.place}; valid: ")


def test_other_weights_are_refused_in_one_line(box: BoxHere) -> None:
    heard = heard_by(box.place, generator="model 0123")
    assert isinstance(heard, Refused)
    assert heard.reason == (
        "this rig has the generator 'model 0123', the box 'standin'; valid: the same weights"
    )


def test_another_version_is_refused_in_one_line(box: BoxHere) -> None:
    error = call(box.place, iter(()), version="1.0")
    assert error is not None and error.code() is grpc.StatusCode.FAILED_PRECONDITION
    assert error.details() == (
        f"this rig speaks version '1.0', the box {SPEECH!r}; valid: the same release"
    )


HOSTILE = {
    "garbage": lambda request: [b"\xff" * 1000],
    "a length without end": lambda request: [b"STEM" + b"\xff" * 8],
    "half a plan": lambda request: list(Mouth().pieces(Plan(1, (request,))))[:-1],
    "the box's own words": lambda request: list(Mouth().pieces(Hello())),
    "a piece that is too long": lambda request: [bytes(1 << 20)],
    "a plan without end": lambda request: [
        piece for n in range(40) for piece in Mouth().pieces(Plan(n, (request,)))
    ],
    "about plans that are not": lambda request: [
        piece for n in range(999) for piece in Mouth().pieces(Finish(n))
    ],
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_who_means_harm_does_none_to_the_others(box: BoxHere, make_request, kind: str) -> None:
    with closing(worker_at(box.place)) as rig:
        rig.wait_ready(WAIT_S)
        call(box.place, iter(HOSTILE[kind](make_request())))
        rig.submit(1, [make_request()], WAIT_S)
        (ended,) = rig.poll(WAIT_S)
        assert ended.outcome == "done" and rig.restarts == 0


def test_who_takes_nothing_of_what_is_said_does_not_hold_up_the_others(
    box: BoxHere, make_request
) -> None:
    ends = threading.Event()

    def pieces() -> Iterator[bytes]:
        yield from Mouth().pieces(Plan(1, (make_request(frames=512),) * 16))
        ends.wait(WAIT_S)

    said = (("version", SPEECH), ("generator", "standin"))
    with grpc.insecure_channel(str(box.place)) as channel:
        channel.stream_stream(METHOD)(pieces(), metadata=said)  # whose answers nobody reads
        with closing(worker_at(box.place)) as rig:
            rig.wait_ready(WAIT_S)
            for number in range(3):
                rig.submit(number, [make_request()], WAIT_S)
                assert [each.outcome for each in rig.poll(WAIT_S)] == ["done"]
        ends.set()


def test_there_is_room_for_so_many_rigs_and_one_more_is_told_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(serving, "MAX_RIGS", 3)
    heard: Queue[Message | Lost] = Queue()
    with closing(BoxHere()) as box, ExitStack() as links:
        for _ in range(3):
            link = RemoteLink(box.place, None, "standin", heard.put)
            links.enter_context(closing(link))
        for _ in range(2 * 3):  # hello and ready of each
            message = heard.get(timeout=WAIT_S)
            assert isinstance(message, Hello | Ready), message
        assert heard_by(box.place) == Refused("3 rigs play already; valid: later")


def test_a_box_that_ends_says_so_and_is_found_when_it_is_there_again(make_request) -> None:
    first = BoxHere()
    with closing(worker_at(first.place)) as rig:
        rig.wait_ready(WAIT_S)
        first.close()
        rig.submit(1, [make_request()], WAIT_S)
        assert rig.poll(0.2) == []
        assert rig.present is None and str(first.place) in rig.lost_reason
        rig.cancel(1)
        assert [each.outcome for each in rig.poll(WAIT_S)] == ["cancelled"]
        again = Orders(StandInGenerator())
        threading.Thread(target=again.run, daemon=True).start()
        ready = warm_up(StandInGenerator(), None)
        with closing(Server(first.place, None, "standin", ready, again)):
            rig.submit(2, [make_request()], WAIT_S)
            assert [each.outcome for each in rig.poll(WAIT_S)] == ["done"]
            again.close()


def test_a_box_that_falls_silent_without_a_farewell_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(linking, "CONNECT_S", 0.2)
    with socket.create_server((LOOPBACK, 0)) as deaf:  # lets in, and says nothing
        place = ServedAt(LOOPBACK, deaf.getsockname()[1])
        heard = heard_by(place)
    assert heard == Lost(f"nothing was heard of the generator at {place} for 0.2 s")


def test_where_nothing_listens_it_is_said_that_it_cannot_be_reached() -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        place = ServedAt(LOOPBACK, taken.getsockname()[1])
    refused = "cannot be reached (Connection refused)"
    assert heard_by(place) == Lost(f"the generator at {place} {refused}")


def test_a_place_that_is_taken_is_named() -> None:
    with closing(BoxHere()) as box, pytest.raises(CompanionError, match=f"at {box.place}; valid:"):
        Server(box.place, None, "standin", warm_up(StandInGenerator(), None), box.orders)


def test_other_machines_are_let_in_with_a_key_only() -> None:
    ready = warm_up(StandInGenerator(), None)
    with pytest.raises(CompanionError, match="valid: with a key"):
        Server(ServedAt("0.0.0.0", 0), None, "standin", ready, Orders(StandInGenerator()))


def test_signs_of_life_do_not_pile_up_for_a_rig_that_is_slow() -> None:
    rig = _Rig("slow")
    for _ in range(10 * WAITING):
        rig.tell(Progress(1, 0.5))
    assert rig.outbox.qsize() == 1 and not rig.gone.is_set()
    for number in range(WAITING + 1):
        rig.tell(Result(number, ("nothing",), 0.0))
    assert rig.gone.is_set() and rig.outbox.qsize() == WAITING
