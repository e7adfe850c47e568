"""A Link network without a network: the twin of `companion.clock.link.LinkPort`."""

from __future__ import annotations

import time
from collections.abc import Callable

from companion.clock.link import LinkState
from companion.clock.reading import Line
from companion.system.errors import CompanionError


class FakeLinkNetwork:
    """A network inside this program: its clients agree as those of the library do.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._ports: list[FakeLinkPort] = []
        self.line = Line(clock(), 0.0, 120.0)
        self.playing = False

    def join(self, bpm: float) -> FakeLinkPort:
        """Another client; `bpm` is its tempo if it is the first."""
        port = FakeLinkPort(self)
        if not self._ports:
            self.line = Line(self.clock(), 0.0, bpm)
        self._ports.append(port)
        return port

    def leave(self, port: FakeLinkPort) -> None:
        """One is gone."""
        if port in self._ports:
            self._ports.remove(port)

    def peers_of(self, port: FakeLinkPort) -> int:
        """How many others there are."""
        return len([other for other in self._ports if other is not port])


class FakeLinkPort:
    """The twin without a network."""

    def __init__(self, network: FakeLinkNetwork) -> None:
        """Joined at once."""
        self._network: FakeLinkNetwork | None = network

    def state(self) -> LinkState:
        """See `LinkPort`."""
        network = self._joined()
        now_s, line = network.clock(), network.line
        return LinkState(
            now_s, line.beat_at(now_s), line.bpm, network.playing, network.peers_of(self)
        )

    def set_tempo(self, bpm: float) -> None:
        """See `LinkPort`."""
        network = self._joined()
        now_s = network.clock()
        network.line = Line(now_s, network.line.beat_at(now_s), bpm)

    def set_beat(self, time_s: float, beat: float) -> None:
        """See `LinkPort`."""
        network = self._joined()
        network.line = Line(time_s, beat, network.line.bpm)

    def set_playing(self, playing: bool) -> None:
        """See `LinkPort`."""
        self._joined().playing = playing

    def close(self) -> None:
        """See `LinkPort`."""
        if self._network is not None:
            self._network.leave(self)
            self._network = None

    def _joined(self) -> FakeLinkNetwork:
        if self._network is None:
            raise CompanionError("this client has left the Link session; open another")
        return self._network
