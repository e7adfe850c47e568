"""The wire to a generator in another room, as `companion.generate.wire` has those to one here.

A machine that is switched off or a cable that is pulled sends no farewell: a box that was not heard
for `SILENCE_S` is lost.

*Threading*: `send` and `close` belong to one thread, the worker's; neither waits. A link has two
threads, one that reads and one that watches for silence, and gRPC's own, which takes what is sent.
`receive` is called from the first two.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

from companion.generate.loading import GeneratorName, weights_digest
from companion.generate.protocol import Message, ProtocolError
from companion.generate.wire import GRACE_S, Link, Lost, Receive
from companion.remote.key import NAME, Key, read_key, rig_key_file
from companion.remote.place import ServedAt, read_served_at
from companion.remote.speech import (
    BEAT,
    BEAT_S,
    METHOD,
    SAID_GENERATOR,
    SAID_VERSION,
    SPEECH,
    TOKEN,
    Ear,
    Mouth,
    generator_id,
)
from companion.system.errors import CompanionError

SILENCE_S = 0.8
"""A box that was not heard for so long is lost."""
LOOK_S = 0.05
"""So often it is looked at for how long it has been silent."""
CONNECT_S = 1.5
"""So long it has to answer when it is called: then it is called again."""
INSTALL = "valid: pip install 'companion[remote]'"


@dataclass(frozen=True, slots=True)
class Refused(Lost):
    """The last thing a link says: the box does not want to, and why."""


class RemoteLink:
    """A connection to a box."""

    def __init__(self, place: ServedAt, key: Key | None, generator: str, receive: Receive) -> None:
        """Call the box.

        Args:
            place: where it is.
            key: how to come in; None where none is needed.
            generator: see `generator_id`.
            receive: told what it says.

        Raises:
            CompanionError: gRPC is not installed.
        """
        self._grpc = grpc = load_grpc()
        self._place, self._receive = place, receive
        self._outbox: SimpleQueue[Message | None] = SimpleQueue()
        self._mouth, self._ear = Mouth(), Ear()
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._silent_s, self._patience_s = 0.0, CONNECT_S
        # A connection of its own: else gRPC has all wait that go where one has failed.
        options: list[tuple[str, Any]] = [("grpc.use_local_subchannel_pool", 1)]
        if key is None:
            self._channel = grpc.insecure_channel(str(place), options)
        else:
            options.append(("grpc.ssl_target_name_override", NAME))
            secret = grpc.ssl_channel_credentials(key.certificate)
            self._channel = grpc.secure_channel(str(place), secret, options)
        said = (
            (SAID_VERSION, SPEECH),
            (SAID_GENERATOR, generator),
            *(() if key is None else ((TOKEN, key.token),)),
        )
        self._call = self._channel.stream_stream(METHOD)(self._said(), metadata=said)
        threading.Thread(target=self._read, name="remote-read", daemon=True).start()
        threading.Thread(target=self._watch, name="remote-watch", daemon=True).start()

    def send(self, message: Message) -> None:
        """See `Link`."""
        self._outbox.put(message)

    def close(self, grace_s: float = GRACE_S) -> None:
        """See `Link`; a box is not asked to end."""
        self._over.set()
        self._outbox.put(None)
        self._call.cancel()
        self._channel.close()

    def _said(self) -> Iterator[bytes]:
        """What goes to the box, for gRPC to take."""
        while not self._over.is_set():
            try:
                message = self._outbox.get(timeout=BEAT_S)
            except Empty:
                yield BEAT
                continue
            if message is None:
                return
            try:
                yield from self._mouth.pieces(message)
            except ProtocolError as error:  # what was said of it already leads nowhere
                self._lose(Lost(str(error)))

    def _read(self) -> None:
        try:
            for piece in self._call:
                self._silent_s, self._patience_s = 0.0, SILENCE_S
                for message in self._ear.hear(piece):
                    self._receive(message)
            self._lose(Lost(f"the generator at {self._place} has ended"))
        except ProtocolError as error:
            self._lose(Lost(f"the generator at {self._place} spoke nonsense ({error})"))
        except self._grpc.RpcError as error:
            self._lose(self._why(error))

    def _watch(self) -> None:
        looked_s = time.monotonic()
        while not self._over.wait(LOOK_S):
            before_s, looked_s = looked_s, time.monotonic()
            # Time in which this machine had no time to listen is not held against the box.
            self._silent_s += min(looked_s - before_s, 2 * LOOK_S)
            if self._silent_s > (patience_s := self._patience_s):
                self._lose(
                    Lost(f"nothing was heard of the generator at {self._place} for {patience_s} s")
                )

    def _lose(self, lost: Lost) -> None:
        """Say it, once, and hang up."""
        with self._lock:
            if self._over.is_set():
                return
            self._over.set()
        self._outbox.put(None)
        with contextlib.suppress(Exception):
            self._call.cancel()
        self._receive(lost)

    def _why(self, error: Any) -> Lost:
        """What gRPC's status means to who plays."""
        codes = self._grpc.StatusCode
        code, details = error.code(), " ".join(str(error.details()).split())
        if code in (codes.UNAUTHENTICATED, codes.FAILED_PRECONDITION, codes.RESOURCE_EXHAUSTED):
            return Refused(details)
        if "CERTIFICATE_VERIFY_FAILED" in details:
            return Refused(
                f"the key is not that of {self._place}; valid: its file generator.key, copied anew"
            )
        why = details.rpartition(": ")[2][:80]  # the last of what gRPC says is the system's word
        return Lost(f"the generator at {self._place} cannot be reached ({why})")


@dataclass(slots=True)
class Box:
    """A box that a rig calls again and again.

    Attributes:
        place, key, generator: see `RemoteLink`.
        refusal: why it did not want to the last time it was called, one line; empty if it did, or
            could not be reached.
    """

    place: ServedAt
    key: Key | None
    generator: str
    refusal: str = ""

    def open(self, receive: Receive, threads: int) -> Link:
        """See `OpenLink`; the number of threads is the box's own affair."""

        def hear(message: Message | Lost) -> None:
            self.refusal = message.reason if isinstance(message, Refused) else ""
            receive(message)

        return RemoteLink(self.place, self.key, self.generator, hear)


def box_of(remote: str, key: str | None, generator: GeneratorName, weights: Path | None) -> Box:
    """The box that a preset names, with a key where that can be reached by others.

    Args:
        remote: HOST or HOST:PORT.
        key: the key's file; None for the one in the folder of settings.
        generator, weights: what this machine would make the plans with.

    Raises:
        CompanionError: the key is missing, or gRPC is.
    """
    load_grpc()
    place = read_served_at(remote, "remote")
    read = None
    if key is not None or not place.is_here:
        read = read_key(rig_key_file() if key is None else Path(key))
    return Box(place, read, generator_id(generator, weights_digest(generator, weights)))


def load_grpc() -> Any:
    """The library, which only those need who use it; CompanionError where it is missing."""
    # Its complaints about whoever calls would go to the terminal, and it need not follow a fork.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")
    try:
        import grpc
    except ImportError as error:
        raise CompanionError(f"a generator elsewhere needs grpcio ({error}); {INSTALL}") from error
    return grpc
