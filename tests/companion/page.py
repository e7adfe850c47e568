"""The stage page over a session at real speed, with players that sound like something."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache
from http.client import HTTPConnection, HTTPResponse
from typing import Any, cast

import numpy as np
from websockets.sync.client import ClientConnection, connect

from companion.control.learn import Learn
from companion.control.store import Change
from companion.generate.inline import InlineWorker
from companion.generate.loading import Loading
from companion.generate.standin import StandInDecoding, StandInGenerator, bar_line_samples
from companion.session.rig import Rig, play_recording
from companion.session.session import Session
from companion.session.set_list import SetList
from companion.session.status import Status
from companion.stage.stage import Stage
from model.grid import SAMPLE_RATE
from model.request import StemRequest, StemResult
from tests.companion.studio import solo

RATE = 32_000
BARS = 100_000
CHORDS = ("Am7", "Fmaj7", "C", "G7/B")
RHYTHM = (1.0, 0.25, 0.6, 0.3, 0.85, 0.2, 0.5, 0.45)  # of eighths in a bar
WAIT_S = 60.0
SONG_MINUTES = 10


@dataclass(frozen=True)
class Mapped:
    """A controller and its knob, as learning shows it."""

    player: str | None
    knob: str
    number: int
    device: str = "nanoKONTROL2"
    channel: int = 1
    kind: str = "cc"
    clashes: tuple[str, ...] = ()
    waits_for: dict[str | None, Any] = field(default_factory=dict)

    @property
    def mapping(self) -> tuple[str | None, str]:
        return self.player, self.knob


@dataclass(frozen=True)
class Learning:
    """Where it is."""

    on: bool = False
    chosen: tuple[str | None, str] | None = None
    mappings: tuple[Mapped, ...] = ()
    trouble: str = ""


class FakeLearn:
    """Learns without MIDI: `move` is the hand on a controller."""

    def __init__(self) -> None:
        self._state = Learning()

    def state(self) -> Learning:
        return self._state

    def enter(self) -> None:
        self._state = replace(self._state, on=True)

    def leave(self) -> None:
        self._state = replace(self._state, on=False, chosen=None)

    def choose(self, player: str | None, knob: str) -> None:
        self._state = replace(self._state, chosen=(player, knob))

    def forget(self, mapping: Any) -> None:
        self._keep([each for each in self._state.mappings if each.mapping != mapping])

    def move(self, number: int, waits_for: Any = None) -> None:
        assert self._state.chosen is not None
        player, knob = self._state.chosen
        others = [each for each in self._state.mappings if each.mapping != (player, knob)]
        waits = {} if waits_for is None else {player: waits_for}
        self._keep([*others, Mapped(player, knob, number, waits_for=waits)])

    def fail(self, why: str) -> None:
        self._state = replace(self._state, trouble=why)

    def _keep(self, mappings: list[Mapped]) -> None:
        self._state = replace(
            self._state,
            mappings=tuple(
                replace(
                    one,
                    clashes=tuple(
                        f"{other.knob} of {other.player}"
                        for other in mappings
                        if other.number == one.number and other.mapping != one.mapping
                    ),
                )
                for one in mappings
            ),
        )


@dataclass
class Performance:
    """A session, its page, and what it is wired to."""

    session: Session
    stage: Stage
    learn: FakeLearn
    presets: SetList
    port: int
    moved: list[Change] = field(default_factory=list)  # every knob, and who moved it
    # others who look at every tick
    looks: list[Callable[[Status], None]] = field(default_factory=list)

    def watch(self, query: str = "", **headers: str) -> ClientConnection:
        """A page's WebSocket."""
        extra = {name: value for name, value in headers.items() if name != "origin"}
        url = f"ws://127.0.0.1:{self.port}/socket{query}"
        origin: Any = headers.get("origin")
        return connect(url, origin=origin, additional_headers=extra, max_size=None)

    def get(self, path: str = "/", **headers: str) -> HTTPResponse:
        """A file of the page."""
        asking = HTTPConnection("127.0.0.1", self.port, timeout=WAIT_S)
        asking.request("GET", path, headers=headers)
        return asking.getresponse()

    def knob(self, name: str, player: str | None = None) -> Any:
        return self.session.store.snapshot(player)[name]


def told(page: ClientConnection, wanted: Callable[[dict[str, Any]], Any]) -> Any:
    """The first thing that is found in what the page is told."""
    while True:
        message = json.loads(page.recv(WAIT_S))
        if message["kind"] == "hello":
            message = {"opening": message["opening"], **message["state"]}
        if (found := wanted(message)) is not None:
            return found


@contextmanager
def performing(
    place: str = "127.0.0.1:0",
    bpm: int = 240,
    looks_s: list[float] | None = None,
    rig: Rig | None = None,
    name: str = "test",
    bars: int = BARS,
    **knobs: Any,
) -> Iterator[Performance]:
    """A band that plays with a recording, or on a rig, until the test is over.

    `looks_s` is given the processor time of each look at the session.
    """
    preset = solo(
        "bass",
        "drums",
        "keys",
        bpm=Fraction(bpm),
        chords=CHORDS,
        knobs={"cycle": 1, **knobs},
        name=name,
        bars=bars,
    )
    origin_samples = 0 if rig is None else None
    rig = play_recording(3, song(bpm), RATE, "song.wav") if rig is None else rig
    worker = InlineWorker(Loading(Riffs))
    session = Session(preset, rig, worker, preset.store(), origin_samples=origin_samples)
    with Stage(place) as stage:
        stage.said("OSC: 127.0.0.1:9000")
        moved: list[Change] = []
        drain = session.store.drain

        def noted() -> list[Change]:
            changes = drain()
            moved.extend(changes)
            return changes

        session.store.drain = noted  # type: ignore[method-assign]
        session.prepare()
        learn = FakeLearn()
        session.learn = cast(Learn, learn)
        presets = [preset, replace(preset, name="techno")]
        session.set_list = SetList(presets, session.store, session.harmony)
        look = stage.attach(session)

        def on_tick(status: Status) -> None:
            began_s = time.thread_time()
            look(status)
            if looks_s is not None:
                looks_s.append(time.thread_time() - began_s)
            for other in tuple(looks):
                other(status)

        looks: list[Callable[[Status], None]] = []
        port = int(stage.url.split(":")[2].split("/")[0])
        playing = threading.Thread(target=session.run, args=(on_tick,))
        playing.start()
        try:
            yield Performance(session, stage, learn, session.set_list, port, moved, looks)
        finally:
            session.stop()
            playing.join()


def song(bpm: float) -> np.ndarray:
    """A minute of noise in a rhythm, again and again, mono; a slow machine needs long."""
    dice = np.random.default_rng(5)
    eighth = round(30 / bpm * RATE)
    fall = np.exp(-np.arange(eighth) / (0.3 * eighth))
    loud = np.concatenate([fall * dice.uniform(0.1, 1.0) for _ in range(60 * RATE // eighth)])
    minute = (0.25 * loud * dice.standard_normal(len(loud))).clip(-1, 1).astype(np.float32)
    return np.tile(minute, SONG_MINUTES)


class Riffs(StandInGenerator):
    """Plays eighths, each player in a way of its own."""

    def start(self, request: StemRequest) -> StandInDecoding:
        return _Riff(request)


class _Riff(StandInDecoding):
    def result(self) -> StemResult:
        made = super().result()
        request = self._request
        lines = bar_line_samples(request.phase)
        if not made.audio.any() or len(lines) < 2:
            return made
        bar = riff(request.instrument, request.seed % 5, (lines[1] - lines[0]) // 8)
        audio = np.resize(np.roll(bar, lines[0] % len(bar)), len(made.audio))
        return StemResult(made.tokens, audio, steps=made.steps, passes=made.passes)


@lru_cache
def riff(instrument: int, number: int, eighth: int) -> np.ndarray:
    """A bar of eighths of so many samples, float32."""
    dice = np.random.default_rng([instrument, number])
    time = np.arange(eighth)
    tone = np.sin(2 * np.pi * (110 + 20 * instrument) / SAMPLE_RATE * time)
    note = 0.5 * tone * np.exp(-time / (0.15 + 0.12 * (instrument % 4)) / eighth)
    loud = [RHYTHM[(at + instrument) % 8] * dice.uniform(0.4, 1.0) for at in range(8)]
    return np.concatenate([each * note for each in loud]).astype(np.float32)
