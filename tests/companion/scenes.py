"""Sets drawn at random, on the offline clock: any clock, meter, count-in, device and room.

A stage has what takes of real sets have and recordings have not: music before the first sample, a
way from the output back to the input, a device that is lost and comes back with another round trip.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from unittest.mock import patch

import numpy as np

from companion.audio.aligned_input import AlignedInput
from companion.audio.echo import EchoGuard
from companion.audio.memory import AudioMemory, Samples
from companion.audio.offline import OfflineStream
from companion.audio.timebase import OfflineTimebase
from companion.clock.link import LinkSource
from companion.clock.meter import METERS
from companion.clock.midi_clock import CONTINUE, START, STOP, TICK, MidiClock
from companion.control.preset import GeneratorPreset
from companion.device.event import News
from companion.session.rig import Rig
from companion.session.session import Session
from companion.session.status import Status
from tests.companion import studio
from tests.companion.clock.fake_link import FakeLinkNetwork, FakeLinkPort
from tests.companion.studio import Delayed, Move, Played, new_take, solo

RATE = 8_000
TICK_S = 0.025
"""Between two looks at the clock: less often than on stage, because sets are many."""
BACK_S = 0.3
"""After the return of a device, until it says so."""


@dataclass(frozen=True)
class Outage:
    """A device is lost at a second of the stream, for so long, and has such a round trip then."""

    at_s: float
    seconds: float
    trip: int


@dataclass(frozen=True)
class Scene:
    """All that a set is drawn from.

    Attributes:
        clock: who leads from the beginning.
        tempi: of the performer's knob or of the master, by second; the first from the beginning.
        start_s: when a MIDI master or a Link peer presses play; before, MIDI's ticks are heard.
        stopped_s: first and last second of a stop of theirs.
        silent_s: the same of a silence in what is played.
        trip: round trip of the device, samples.
        echo: how loud the output is heard in the input; 0 is not at all.
        takes_s: how long each plan takes.
        moves: of knobs, by second.
    """

    clock: str = "internal"
    meter: str = "4/4"
    count_in_bars: int = 0
    players: int = 1
    order: str = "together"
    cycle: int = 2
    tempi: Mapping[float, float] = field(default_factory=lambda: {0.0: 120.0})
    start_s: float = 1.0
    stopped_s: tuple[float, float] = (99.0, 99.0)
    silent_s: tuple[float, float] = (99.0, 99.0)
    ends_s: float = 10.0
    trip: int = 0
    echo: float = 0.0
    outages: tuple[Outage, ...] = ()
    takes_s: tuple[float, ...] = (0.3,)
    moves: Mapping[float, Move] = field(default_factory=dict)
    block: int = 256
    seed: int = 0


class StageStream(OfflineStream):
    """A device that may be lost, in a room where what comes out is heard again a block later.

    Attributes:
        away: whether it is lost now.
    """

    def __init__(self, memory: AudioMemory, scene: Scene, performed: AlignedInput) -> None:
        super().__init__(memory, _music(scene), blocksize=scene.block, record=True)
        self._scene, self._performed = scene, performed
        self._left = list(scene.outages)
        self._back: tuple[int, Outage] | None = None
        self._news: list[News] = []
        self._told: tuple[int, News] | None = None
        self._leaked = np.zeros(scene.block, np.float32)
        self.away = False

    def drain(self) -> list[News]:
        """See `Losable`."""
        news, self._news = self._news, []
        return news

    def _process(self, frames: int) -> None:
        position = self.memory.position
        if not self.away and self._left and position >= self._left[0].at_s * RATE:
            outage = self._left.pop(0)
            self.away, self._told = True, None
            self._back = position + round(outage.seconds * RATE), outage
            self._performed.gone(position)
            self._news.append(News("lost", "it is gone", position))
        if self._back is not None and position >= self._back[0]:
            outage, self._back, self.away = self._back[1], None, False
            self.memory.fade_in()
            self._performed.back(position)
            self._performed.shift(position, outage.trip)
            told = News("back", "on the line", position, outage.seconds)
            self._told = position + round(BACK_S * RATE), told
        if self._told is not None and position >= self._told[0]:
            self._news.append(self._told[1])
            self._told = None
        super()._process(frames)
        self._leaked = np.resize(self._out[:frames], self.blocksize).copy()

    def _heard(self, position: int, frames: int) -> Samples:
        if self.away:
            return np.zeros(frames, np.float32)
        heard = np.zeros(frames, np.float32)
        signal = super()._heard(position, frames)
        heard[: len(signal)] = signal
        return heard + np.float32(self._scene.echo) * self._leaked[:frames]


@dataclass(frozen=True, slots=True)
class StageRig(Rig):
    """A rig on it, with the guard of a device."""

    def echo_guard(self, on: Callable[[], bool]) -> EchoGuard:
        """See `Rig.echo_guard`."""
        return EchoGuard(self.performed, on)


class Masters:
    """Who else may lead, and what they do by the second."""

    def __init__(self, scene: Scene, seconds: Callable[[], float]) -> None:
        self._scene, self._seconds = scene, seconds
        self._network = FakeLinkNetwork(seconds)
        self._peer: FakeLinkPort | None = None
        self._ticks = _ticks(scene)
        self._commands = [(scene.start_s, START, True)]
        if scene.stopped_s[1] > scene.start_s:
            self._commands += [
                (max(scene.start_s, scene.stopped_s[0]), STOP, False),
                (scene.stopped_s[1], CONTINUE, True),
            ]
        self._tempi = sorted(scene.tempi.items())
        self._bpm = self._tempi[0][1]
        self._midi = MidiClock(seconds)
        self.openers = {"midi": lambda: self._midi, "link": self._join}

    def _join(self) -> LinkSource:
        if self._peer is None:
            self._peer = self._network.join(self._bpm)
        return LinkSource(self._network.join(120.0))

    def keep_up(self, session: Session) -> None:
        """Do what is due."""
        now_s = self._seconds()
        while self._tempi and self._tempi[0][0] <= now_s:
            at_s, self._bpm = self._tempi.pop(0)
            if self._scene.clock == "internal" and at_s:
                session.store.set("bpm", self._bpm, None, "test")
            if self._peer is not None:
                self._peer.set_tempo(self._bpm)
        while self._ticks and self._ticks[0] <= now_s:
            at_s = self._ticks.pop(0)
            while self._commands and self._commands[0][0] <= at_s:
                _, message, playing = self._commands.pop(0)
                self._midi.receive([message], at_s)
                if self._peer is not None:
                    self._peer.set_playing(playing)
            self._midi.receive([TICK], at_s)
            if self._scene.clock == "tap" and len(self._ticks) % 24 == 0:
                session.store.set("tap", True, None, "test")


def play_scene(folder: Path, scene: Scene) -> Played:
    """Play it to the end."""
    names = ("bass", "keys")[: scene.players]
    first = sorted(scene.tempi.items())[0][1]
    knobs = {"clock": scene.clock, "cycle": scene.cycle, "order": scene.order}
    preset = replace(
        solo(*names, bpm=Fraction(str(first)), knobs=knobs, count_in_bars=scene.count_in_bars),
        meter=METERS[scene.meter],
        generator=GeneratorPreset("standin"),
    )
    memory = AudioMemory(RATE, scene.players)
    performed = AlignedInput(memory, scene.trip)
    stream = StageStream(memory, scene, performed)
    seconds = lambda: memory.position / RATE  # noqa: E731
    timebase = OfflineTimebase(stream)
    rig = StageRig(memory, stream, timebase, "stage", "room", seconds, performed)
    worker = Delayed(0.4, lambda plan: scene.takes_s[plan % len(scene.takes_s)])
    worker.now = lambda: memory.position * studio.RATE // RATE
    masters = Masters(scene, seconds)
    take = new_take(folder, preset)
    session = Session(preset, rig, worker, preset.store(), take, scene.seed, clocks=masters.openers)
    moves = sorted(scene.moves.items())

    def on_tick(_: Status) -> None:
        masters.keep_up(session)
        while moves and moves[0][0] <= seconds():
            moves.pop(0)[1](session)
        if seconds() >= scene.ends_s:
            session.stop()

    with patch("companion.session.ticks.TICK_S", TICK_S):
        session.run(on_tick)
    return Played(session, take.folder, stream.output, [])


def _music(scene: Scene) -> Samples:
    """Noise and a chord, from the stream's first sample on."""
    dice = np.random.default_rng(scene.seed)
    time_s = np.arange(round(scene.ends_s * RATE) + RATE) / RATE
    sound = 0.02 * dice.standard_normal(len(time_s))
    sound += 0.05 * np.sin(2 * np.pi * 220 * 2 ** (np.floor(time_s) % 5 / 12) * time_s)
    sound[(time_s >= scene.silent_s[0]) & (time_s < scene.silent_s[1])] = 0.0
    return sound.astype(np.float32)


def _ticks(scene: Scene) -> list[float]:
    """When a master's clock ticks, 24 a beat, as its tempo moves."""
    tempi = sorted(scene.tempi.items())
    ticks, at_s, number = [], 0.0, 0
    while at_s < scene.ends_s:
        ticks.append(at_s)
        while number + 1 < len(tempi) and tempi[number + 1][0] <= at_s:
            number += 1
        at_s += 60 / tempi[number][1] / 24
    return ticks
