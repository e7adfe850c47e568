"""The box's door: rigs come in over gRPC, and what they say goes to `Orders`.

Who comes without the token, with another version or with other weights is told so in one line and
leaves. Nobody else suffers from a rig that is slow, silent or means harm: pieces, messages, rigs
and what waits for each of them are bounded, and who is silent, or takes nothing of what waits, is
put out.

*Threading*: gRPC has a thread for each rig, which says what is told to it, and one that takes what
it says; another, `rig-watch`, puts out. `Server` may be made and closed from any thread.
"""

from __future__ import annotations

import contextlib
import hmac
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from queue import Empty, Full, Queue
from typing import Any

from companion.generate.protocol import (
    Cancel,
    Finish,
    Hello,
    Message,
    Plan,
    Progress,
    ProtocolError,
    Ready,
)
from companion.remote.key import Key
from companion.remote.link import load_grpc
from companion.remote.orders import Orders
from companion.remote.place import ServedAt
from companion.remote.speech import (
    BEAT,
    BEAT_S,
    METHOD,
    PIECE_BYTES,
    SAID_GENERATOR,
    SAID_VERSION,
    TOKEN,
    Ear,
    Mouth,
    refusal,
)
from companion.system.errors import CompanionError

MAX_RIGS = 16
SILENCE_S = 5.0
"""A rig that was not heard for so long has gone; one that goes on calls again."""
STUCK_S = 10.0
"""So long something may wait for a rig before it is put out."""
WAITING = 16
"""Messages that wait for a rig; it has two plans at most, so more are signs of life."""
MOST_SMALL = 200
"""Short pieces that a rig may send in a second: ten are signs of life, and a few end a message."""
LOOK_S = 0.5
"""So often it is looked at who is silent or stuck."""
FAREWELL_S = 0.5

Say = Callable[[str], None]


class _Rig:
    """One rig, from its coming to its leaving."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.outbox: Queue[Message] = Queue(WAITING)
        self.gone = threading.Event()
        self.why = "it left"
        # Seconds since it was heard, and since it took something; only those count in which this
        # machine had time to listen.
        self.silent_s = self.stuck_s = 0.0

    def tell(self, message: Message) -> None:
        """Have it told; signs of life only where it keeps up."""
        if isinstance(message, Progress) and not self.outbox.empty():
            return
        try:
            self.outbox.put_nowait(message)
        except Full:
            self.leave("it is too slow")

    def leave(self, why: str) -> None:
        if not self.gone.is_set():
            self.why = why
            self.gone.set()


class Server:
    """Serves one generator.

    Attributes:
        place: where.
    """

    def __init__(
        self,
        place: ServedAt,
        key: Key | None,
        generator: str,
        ready: Ready,
        orders: Orders,
        say: Say = lambda _: None,
    ) -> None:
        """Serve from now on.

        Args:
            place: address and port to listen at; port 0 is any that is free.
            key: who has it may come in; None for anybody who reaches the place.
            generator: see `generator_id`.
            ready: what the generator can do.
            orders: where plans are made.
            say: told who comes and goes, a line at a time, from any thread.

        Raises:
            CompanionError: the place is not this machine's or not free, or other machines reach it
                and there is no key.
        """
        if key is None and not place.is_here:
            raise CompanionError(f"{place} is reached by other machines; valid: with a key")
        self._grpc = grpc = load_grpc()
        self._token = None if key is None else key.token
        self._generator, self._ready, self._orders, self._say = generator, ready, orders, say
        self._lock = threading.Lock()
        self._rigs: dict[_Rig, Any] = {}
        self._closed = threading.Event()
        self._server = grpc.server(
            ThreadPoolExecutor(MAX_RIGS + 4, "rig"),
            handlers=(_Handler(grpc.stream_stream_rpc_method_handler(self._speak)),),
            options=[
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", 2 * PIECE_BYTES),
                ("grpc.max_metadata_size", 8 << 10),
                ("grpc.max_concurrent_streams", 4),
                ("grpc.max_connection_idle_ms", 10_000),
                ("grpc.server_handshake_timeout_ms", 20_000),
            ],
            maximum_concurrent_rpcs=MAX_RIGS + 4,
        )
        try:
            if key is None:
                port = self._server.add_insecure_port(str(place))
            else:
                secret = grpc.ssl_server_credentials([(key.private, key.certificate)])
                port = self._server.add_secure_port(str(place), secret)
        except RuntimeError as error:
            port = 0
            problem: Exception | None = error
        else:
            problem = None
        if not port:
            raise CompanionError(
                f"the generator cannot be served at {place}; valid: an address of this machine, "
                "with a port that nobody uses"
            ) from problem
        self.place = ServedAt(place.host, port)
        self._server.start()
        threading.Thread(target=self._watch, name="rig-watch", daemon=True).start()

    @property
    def rigs(self) -> Sequence[str]:
        """The addresses of those that are here."""
        with self._lock:
            return tuple(rig.name for rig in self._rigs)

    def close(self) -> None:
        """Put all out and listen no more. Again does nothing."""
        self._closed.set()
        with self._lock:
            for rig in self._rigs:
                rig.leave("the box has ended")
        self._server.stop(FAREWELL_S).wait()

    # --- in gRPC's threads ---------------------------------------------------------------------

    def _speak(self, said: Iterator[bytes], context: Any) -> Iterator[bytes]:
        rig = self._let_in(context)
        listener = threading.Thread(
            target=self._listen, args=(said, rig), name="rig-listen", daemon=True
        )
        listener.start()
        mouth = Mouth()
        try:
            yield from mouth.pieces(Hello())
            yield from mouth.pieces(self._ready)
            while not rig.gone.is_set() and context.is_active():
                rig.stuck_s = 0.0
                try:
                    message = rig.outbox.get(timeout=BEAT_S)
                except Empty:
                    yield BEAT
                    continue
                yield from mouth.pieces(message)
        finally:
            rig.leave("it left")
            with self._lock:
                self._rigs.pop(rig, None)
            self._orders.leave(rig)
            self._say(f"rig {rig.name} has gone: {rig.why}")

    def _let_in(self, context: Any) -> _Rig:
        """Who asks to come in; what gRPC raises for one who may not."""
        codes = self._grpc.StatusCode
        told = {key: value for key, value in context.invocation_metadata() or ()}
        name = _address(context.peer())
        if self._token is not None and not _same(told.get(TOKEN, ""), self._token):
            self._say(f"rig {name} was refused: it has not the key")
            valid = "valid: the file generator.key of this box"
            context.abort(codes.UNAUTHENTICATED, f"the token is missing or wrong; {valid}")
        version, generator = (str(told.get(each, "")) for each in (SAID_VERSION, SAID_GENERATOR))
        if reason := refusal(version[:40], generator[:80], self._generator, "the box"):
            self._say(f"rig {name} was refused: {reason}")
            context.abort(codes.FAILED_PRECONDITION, reason)
        rig = _Rig(name)
        with self._lock:
            if full := len(self._rigs) >= MAX_RIGS:
                pass
            else:
                self._rigs[rig] = context
        if full:
            context.abort(codes.RESOURCE_EXHAUSTED, f"{MAX_RIGS} rigs play already; valid: later")
        self._say(f"rig {name} has come")
        return rig

    def _listen(self, said: Iterator[bytes], rig: _Rig) -> None:
        """Take what a rig says until it leaves."""
        ear, small, since_s = Ear(), 0, time.monotonic()
        try:
            for piece in said:
                rig.silent_s, now_s = 0.0, time.monotonic()
                small += len(piece) < PIECE_BYTES // 2
                if now_s - since_s > 1.0:
                    small, since_s = 0, now_s
                elif small > MOST_SMALL:
                    raise ProtocolError(f"more than {MOST_SMALL} short pieces in a second")
                for message in ear.hear(piece):
                    if not isinstance(message, Plan | Finish | Cancel):
                        raise ProtocolError(f"a rig does not say {type(message).__name__}")
                    self._orders.said(rig, message, rig.tell)
                if rig.gone.is_set():
                    return
        except ProtocolError as error:
            rig.leave(f"it spoke nonsense ({error})")
        except Exception:  # gRPC's, of many kinds: it left in the middle of a word
            rig.leave("it left")
        else:
            rig.leave("it left")

    def _watch(self) -> None:
        """Put out who is silent or takes nothing."""
        while not self._closed.wait(LOOK_S):
            with self._lock:
                here = tuple(self._rigs.items())
            for rig, context in here:
                rig.silent_s += LOOK_S
                rig.stuck_s += LOOK_S
                if rig.silent_s > SILENCE_S:
                    rig.leave(f"it was silent for {SILENCE_S:g} s")
                elif rig.stuck_s > STUCK_S:
                    rig.leave("it takes nothing that is said to it")
                if rig.gone.is_set():
                    with contextlib.suppress(Exception):
                        context.cancel()


class _Handler:
    """The one method there is, as gRPC looks for it."""

    def __init__(self, method: Any) -> None:
        self._method = method

    def service(self, asked: Any) -> Any:
        """What handles a call; None for one of another method."""
        return self._method if asked.method == METHOD else None


def _same(given: object, token: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), token.encode())


def _address(peer: str) -> str:
    """Of what gRPC calls a peer, as in ipv4:10.0.0.2:51000, what a person knows it by."""
    return peer.partition(":")[2].rpartition(":")[0] or peer
