"""A conductor with its knobs and a stream that runs by steps, and sources that say what is set."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
from hypothesis import settings

from companion.clock.host_time import HostTime
from companion.clock.meter import FOUR_FOUR, Meter
from companion.clock.midi_clock import SONG_POSITION, TICK, MidiClock
from companion.clock.reading import Line, Reading
from companion.clock.transport import Transport
from companion.control.store import ParameterStore
from companion.session.conductor import Conductor
from tests.companion.clock.master import RATE, START_S, UNSHRUNK

TICK_S = 0.01
BLOCK = 256


def examples(few: int) -> settings:
    """So many in the suite; as many as EXAMPLES says where it is set."""
    return settings(max_examples=int(os.environ.get("EXAMPLES", few)), phases=UNSHRUNK)


class Scripted:
    """A source whose beat is a line over time, or nothing."""

    def __init__(self, line: Line | None) -> None:
        self.line, self.closed = line, 0

    def read(self, now: int, host_time: HostTime) -> Reading | None:
        return None if self.line is None else host_time.reading(self.line, now)

    def close(self) -> None:
        self.closed += 1


class Linked(Scripted):
    """One that takes the performer's tempo and beats."""

    given: tuple[float, ...] = ()

    def set_tempo(self, bpm: float) -> None:
        self.given = (*self.given, bpm)

    def set_beat(self, time_s: float, beat: float) -> None:
        self.line = Line(time_s, beat, 120, lock="tempo")


class Stage:
    """A conductor, its knobs, and a stream that runs by steps."""

    step_s = TICK_S

    def __init__(self, bpm: float = 120.0, meter: Meter = FOUR_FOUR, **sources: object) -> None:
        self.seconds, self.sounding, self.missed = START_S, False, 0
        self.transport = Transport(RATE, bpm, RATE, meter=meter)
        self.store = ParameterStore({"bpm": bpm}, {}, clock=lambda: self.seconds)
        self.warnings: list[str] = []
        openers: dict[str, Callable] = {
            name: source if callable(source) else (lambda source=source: source)
            for name, source in sources.items()
        }
        self.conductor = Conductor(
            self.transport,
            self.store,
            openers,
            self.is_sounding,
            lambda: (self.seconds, self.position),
            lambda: self.missed,
            self.warnings.append,
        )

    def is_sounding(self) -> bool:
        """What the conductor is told of the players."""
        return self.sounding

    @property
    def position(self) -> int:
        """Moves by blocks."""
        return int((self.seconds - START_S) * RATE / BLOCK) * BLOCK

    def turn(self, name: str, value: object) -> None:
        self.store.set(name, value, None, "test")

    def run(self, seconds: float, each: Callable[[], object] = lambda: None) -> None:
        for _ in range(round(seconds / self.step_s)):
            self.seconds += self.step_s
            each()
            self.conductor.tick(self.position)

    def off_s(self, line: Line, whole: int = 4) -> float:
        """How far the beat that is processed now is from a line's."""
        # A counter that moves by blocks is half a block behind on average: so is host time.
        sample = (self.seconds - START_S) * RATE - BLOCK / 2
        off = line.beat_at(self.seconds) - self.transport.beat_at(round(sample))
        return ((off + whole / 2) % whole - whole / 2) * 60 / line.bpm


class Led(Stage):
    """One that is led by MIDI clock, and whose players sound whenever they may."""

    def __init__(self, bpm: float = 120.0, meter: Meter = FOUR_FOUR) -> None:
        self.clock = MidiClock(lambda: self.seconds)
        super().__init__(bpm, meter, midi=self.clock)
        self.plays = False
        self.turn("clock", "midi")
        self._dice = np.random.default_rng(5)
        self._due_s, self._arrived_s = START_S, 0.0
        self.quarters: float | None = None  # a minute; None while nothing comes
        self.line = Line(START_S, 0, bpm)  # where its beats fall, in those of the meter
        self.silent_s = 0.0

    def is_sounding(self) -> bool:
        return self.plays and self.conductor.playing

    def send(self, message: int, quarter: float | None = None) -> None:
        """A message; what it starts begins with the next tick, at a place in the song or at 0."""
        if quarter is not None:
            place = round(quarter * 4)
            self.clock.receive([SONG_POSITION, place & 0x7F, place >> 7], self.seconds)
        self.clock.receive([message], self.seconds)
        assert self.quarters is not None
        bpm = self.transport.meter.beats(self.quarters)
        self.line = Line(self._due_s, self.transport.meter.beats(quarter or 0.0), bpm)

    def hear(
        self, bpm: float | None, seconds: float, each: Callable[[], object] = lambda: None
    ) -> None:
        """Its master ticks at so many beats of the meter a minute, or not at all."""
        self.quarters = None if bpm is None else self.transport.meter.quarters(bpm)
        self._due_s = max(self._due_s, self.seconds)

        def arrive() -> None:
            while self.quarters is not None and self._due_s <= self.seconds:
                late_s = float(self._dice.normal(0, 1e-3))
                self._arrived_s = max(self._arrived_s, self._due_s + late_s)
                self.clock.receive([TICK], self._arrived_s)
                self._due_s += 60 / self.quarters / 24
            self.silent_s += 0.0 if self.conductor.playing else self.step_s
            each()

        self.run(seconds, arrive)
