"""Ableton Link: everybody on the network shares tempo, bar and start.

Joining takes the tempo and the bar of those who are there; only a tempo that the performer turns to
is sent. Link counts quarter notes in every meter, and so does everything here. The library is an
extra (`pip install "companion[link]"`, GPL) and imported in `open_link` alone.

*Threading*: everything belongs to the session's thread; the library has threads of its own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from companion.clock.host_time import HostTime
from companion.clock.reading import Line, Lock, Reading
from companion.system.errors import CompanionError

SETTLE_S = 0.5
"""A client that is enabled at once may not be found by the others."""


@dataclass(frozen=True, slots=True)
class LinkState:
    """What everybody agrees on.

    Attributes:
        time_s: monotonic seconds.
        beat: at that time, in quarter notes; a multiple of those in a bar is a downbeat.
        bpm: quarter notes a minute.
        playing: whether somebody has pressed play.
        peers: how many others there are.
    """

    time_s: float
    beat: float
    bpm: float
    playing: bool
    peers: int


class LinkPort:
    """A client of the network, of Ableton's library.

    The library's clock is not the monotonic one that all else here goes by: both are read together.
    """

    def __init__(self, link: Any, quantum: float, clock: Callable[[], float]) -> None:
        """`link` is a `link.Link`, enabled half a second after it was made; `quantum` is a bar."""
        self._link: Any = link
        self._quantum, self._clock = quantum, clock
        self._enable_s = clock() + SETTLE_S
        link.startStopSyncEnabled = True

    def state(self) -> LinkState:
        """As it is now."""
        link = self._enabled()
        session = link.captureSessionState()
        before_s = self._clock()
        micros = link.clock().micros()
        time_s = (before_s + self._clock()) / 2
        return LinkState(
            time_s=time_s,
            beat=session.beatAtTime(micros, self._quantum),
            bpm=session.tempo(),
            playing=session.isPlaying(),
            peers=link.numPeers(),
        )

    def set_tempo(self, bpm: float) -> None:
        """Everybody's tempo from now on, quarter notes a minute."""
        link = self._enabled()
        session = link.captureSessionState()
        session.setTempo(bpm, link.clock().micros())
        link.commitSessionState(session)

    def set_beat(self, time_s: float, beat: float) -> None:
        """A beat, in quarter notes, lies there from now on; only who is alone may say so."""
        link = self._enabled()
        session = link.captureSessionState()
        ahead_us = round((time_s - self._clock()) * 1e6)
        session.requestBeatAtTime(beat, link.clock().micros() + ahead_us, self._quantum)
        link.commitSessionState(session)

    def set_playing(self, playing: bool) -> None:
        """Start or stop everybody who listens to that."""
        link = self._enabled()
        session = link.captureSessionState()
        session.setIsPlaying(playing, link.clock().micros())
        link.commitSessionState(session)

    def close(self) -> None:
        """Leave; again does nothing."""
        if self._link is not None:
            self._link.enabled = False
            self._link = None

    def _enabled(self) -> Any:
        if self._link is None:
            raise CompanionError("this client has left the Link session; open another")
        if not self._link.enabled and self._clock() >= self._enable_s:
            self._link.enabled = True
        return self._link


class LinkSource:
    """Follows the others on the network; alone, it keeps its own tempo.

    Args:
        port: the client.
    """

    def __init__(self, port: LinkPort) -> None:
        self._port = port
        self._played = self._met = False

    def read(self, now: int, host_time: HostTime) -> Reading:
        """See `ClockSource`; where nobody has pressed play yet it counts as running."""
        state = self._port.state()
        self._played |= state.playing
        self._met |= state.peers > 0
        running = state.playing or not self._played
        lock: Lock = "bar" if state.peers else "tempo"
        line = Line(
            state.time_s,
            state.beat,
            state.bpm,
            running,
            lock=lock,
            unit="quarter",
            gone=self._met and not state.peers,
        )
        return host_time.reading(line, now)

    def set_tempo(self, bpm: float) -> None:
        """The performer's tempo is everybody's."""
        self._port.set_tempo(bpm)

    def set_beat(self, time_s: float, beat: float) -> None:
        """Where our beats lie, for those who join later; while others are there, nothing."""
        if not self._port.state().peers:
            self._port.set_beat(time_s, beat)

    def close(self) -> None:
        """Leave the network."""
        self._port.close()


def open_link(
    bpm: float, quarters_per_bar: float, clock: Callable[[], float] = time.monotonic
) -> LinkPort:
    """A client of the real network.

    Args:
        bpm: its tempo as long as it is alone, quarter notes a minute.
        quarters_per_bar: quarter notes in a bar, by which it agrees with the others.
        clock: monotonic seconds.

    Raises:
        CompanionError: the library is not installed.
    """
    try:
        from link import Link
    except ImportError as error:
        raise CompanionError(
            f"clock link needs the package LinkPython-extern ({error}); "
            'valid: pip install "companion[link]"'
        ) from error
    return LinkPort(Link(bpm), float(quarters_per_bar), clock)
