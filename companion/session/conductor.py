"""Who leads, and how the transport comes along.

The knob `clock` chooses the source; the transport's tempo is that of the source, a little more or
less while a difference in phase is made good. While a stem sounds the tempo bends by 4 % at most,
so that the bar line never jumps; while nothing sounds it goes there as fast as it may. Where 4 %
would take more than two bars, the players are to fall silent until the beats are there.

Sources may count quarter notes, whatever the meter is: what comes in from them, and what goes out
to those who take a tempo, is turned into beats and back here.

*Threading*: belongs to the session's thread. Its attributes may be read from any.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Protocol, runtime_checkable

from companion.clock.grid import HEADROOM, MAX_BPM, MIN_BPM
from companion.clock.host_time import HostTime
from companion.clock.internal import InternalSource
from companion.clock.reading import Lock, Reading
from companion.clock.source import ClockSource
from companion.clock.tap import TapSource
from companion.clock.transport import Transport
from companion.control.store import ParameterStore
from companion.session.lead_watch import LeadWatch, within_reach
from companion.system.errors import CompanionError

INTERNAL = "internal"
BY = "clock"
"""Who moves the tempo's knob when another clock hands over to the companion's own."""
MAX_BEND = 0.04
"""How far off the source's tempo the transport's may be while a stem sounds."""
CORRECTION_BEATS, CORRECTION_BEATS_SILENT = 1.0, 0.6
"""A difference in phase is made good over so many beats; the second while nothing sounds."""
STEER_BEATS = 0.5
"""How often the transport is steered at most."""
TEMPO = 5e-4
"""A tempo that differs by less than this part is the same, where the tempo alone counts."""
SETTLED_S, SETTLE_S = 0.005, 4.0
"""After a master's start the players wait until beats are so near, but no longer than this."""
SURE = 0.3
"""A reading that is less sure is not followed: the tempo stays as it is."""
LEADS_BARS = ("tap", "midi", "link")
"""Those who say where the bar is: the players fall silent to be there soon."""
CATCH_UP_BARS = 2
"""Differences are to be made good within so many bars."""
LAST_BEATS = 2
"""What the end of it takes: the nearer the beats, the less the tempo is bent."""
ASTRAY_S, ASTRAY_SURE = 0.25, 0.6
"""The beats are that far apart if they have been for so long, by readings as sure as this."""
INSIDE_S = 2.0
"""A tempo that was out of range has to be back for so long before it is followed."""

SLOWEST_BPM, FASTEST_BPM = MIN_BPM * (1 - HEADROOM), MAX_BPM * (1 + HEADROOM)

OpenSource = Callable[[], ClockSource]


@runtime_checkable
class SharedClock(ClockSource, Protocol):
    """A source that others may go by as well: Link. It counts quarter notes."""

    def set_tempo(self, bpm: float) -> None:
        """Everybody's tempo from now on, quarter notes a minute."""
        ...

    def set_beat(self, time_s: float, beat: float) -> None:
        """A beat of ours, in quarter notes, lies there; it counts while nobody else is there."""
        ...


class Conductor:
    """Reads the clock that leads, and steers the transport along with it.

    Attributes:
        name: of the source that leads.
        running: False while its master is stopped.
        confidence: of its last reading, 0..1; 0 where it knows nothing.
        error_s: how far behind it the transport was then, seconds; 0 where only tempo counts.
        song_offset_bars: what to add to a bar of ours for its number in the song of a MIDI master;
            None where nobody has told a place in a song.
    """

    def __init__(
        self,
        transport: Transport,
        store: ParameterStore,
        sources: Mapping[str, OpenSource],
        sounding: Callable[[], bool],
        look: Callable[[], tuple[float, int]],
        missed: Callable[[], int],
        warn: Callable[[str], None],
    ) -> None:
        """The companion's own tempo leads until the first tick.

        Args:
            transport: what is steered.
            store: has the knobs `clock`, `bpm` and `tap`.
            sources: how to open the sources beside the companion's own and the taps.
            sounding: whether a stem sounds, or is about to.
            look: where the stream is, samples, and when that is heard, monotonic seconds.
            missed: samples that the device has lost so far.
            warn: told what the performer should know, in one line.
        """
        self._transport, self._store, self._sounding = transport, store, sounding
        self._look, self._warn = look, warn
        self._tap = TapSource()
        self._internal = InternalSource(lambda: float(store.snapshot()["bpm"]), transport, missed)
        self._openers: dict[str, OpenSource] = {
            INTERNAL: lambda: self._internal,
            "tap": lambda: self._tap,
            **sources,
        }
        self._source: ClockSource = self._internal
        self._shared: SharedClock | None = None  # the source, if others may go by it
        self._chosen = INTERNAL
        self._bpm = float(store.snapshot()["bpm"])
        self._steered_samples = self._given_samples = float("-inf")
        self.host_time = HostTime(transport.rate)
        self.name, self.running, self.confidence, self.error_s = INTERNAL, True, 1.0, 0.0
        self.song_offset_bars: int | None = None
        self._settle_by: float | None = None  # a sample; after a master's start
        self._astray_since: int | None = None  # a sample; while the bars are far from the source's
        self._met = True  # whether they have been near since the players fell silent for that
        self._beyond_until = float("-inf")  # a sample; its tempo is or was out of range till then
        self._end_bpm = 0.0  # the end of the range that it is beyond
        self._lead = LeadWatch(transport, warn)
        self._not_to_be_had = ""  # why the source that was chosen does not lead

    def tick(self, now: int) -> None:
        """Look at the knobs and the source, and steer; `now` is the stream sample."""
        self.host_time.observe(*self._look())
        for time_s in self._store.take_pulls(None, "tap"):
            self._tap.tap(time_s)
        self._choose(str(self._store.snapshot()["clock"]))
        self._give_tempo()
        if self._settle_by is not None and now > self._settle_by:
            self._settle_by = None
        reading = self._source.read(now, self.host_time)
        if reading is not None:
            reading = reading.in_beats(self._transport.meter)
        self.confidence = 0.0 if reading is None else reading.confidence
        sure = reading is not None and reading.confidence >= SURE
        self._lead.look(now, reading, sure)
        if reading is None or not sure:
            self.error_s, self._astray_since = 0.0, None
            if abs(self._bend) > TEMPO:
                self._steer(now, float(self._transport.tempo))  # nobody says what to bend for
            return
        if reading.running and not self.running:
            self._settle_by = now + SETTLE_S * self._transport.rate
        self.running = reading.running
        self._follow(reading, now)
        if abs(self.error_s) < SETTLED_S and abs(self._bend) <= MAX_BEND + 1e-3:
            self._settle_by, self._met = None, True

    @property
    def playing(self) -> bool:
        """Whether players may sound: not until our beats are those of a master that has started."""
        return self.running and self._settle_by is None

    @property
    def trouble(self) -> str:
        """What is wrong with who leads, one line, as long as it is; empty where nothing is."""
        return self._not_to_be_had or self._lead.trouble

    def close(self) -> None:
        """Let go of the source."""
        self._source.close()

    def _choose(self, name: str) -> None:
        """Another source leads; the tempo stays until it says otherwise."""
        if name == self._chosen:
            return
        self._chosen, self._not_to_be_had = name, ""
        try:
            source = self._openers[name]()
        except KeyError:
            self._leads_on(f"clock {name} is not available here")
            return
        except CompanionError as error:
            self._leads_on(str(error))
            return
        turned = float(self._store.snapshot()["bpm"]) != self._bpm
        if name == INTERNAL and not turned:  # else whoever chose it said at which tempo, too
            bpm = round(float(self._transport.tempo), 2)
            self._store.set("bpm", min(max(bpm, MIN_BPM), MAX_BPM), None, BY)
        # Who joins others takes their tempo, whatever the knob has been turned to with that.
        self._bpm = float(self._store.snapshot()["bpm"])
        if source is not self._source:
            self._source.close()
        self._source, self.name = source, name
        self._shared = source if isinstance(source, SharedClock) else None
        self.running, self.song_offset_bars, self._settle_by = True, None, None
        self._steered_samples = float("-inf")
        self._astray_since, self._met = None, True
        self._beyond_until = float("-inf")
        self._lead.choose(name)

    def _leads_on(self, why: str) -> None:
        self._not_to_be_had = f"{why}; {self.name} leads on"
        self._warn(self._not_to_be_had)

    @property
    def _bend(self) -> float:
        """How much the tempo is above what it is bent from, as a part of it."""
        bpm, tempo = self._transport.bpm, self._transport.tempo
        return 0.0 if bpm is tempo else float(bpm / tempo - 1)

    def _give_tempo(self) -> None:
        """A tempo that the performer turns to is everybody's, where the source takes it."""
        bpm = float(self._store.snapshot()["bpm"])
        if bpm != self._bpm:
            self._bpm = bpm
            if self._shared is not None:
                self._shared.set_tempo(self._transport.meter.quarters(bpm))

    def _follow(self, reading: Reading, now: int) -> None:
        transport, rate = self._transport, self._transport.rate
        if not within_reach(reading.bpm):
            self._beyond_until = now + INSIDE_S * rate
            self._end_bpm = float(MIN_BPM if reading.bpm < MIN_BPM else MAX_BPM)
        beyond = now < self._beyond_until
        tempo = self._end_bpm if beyond else reading.bpm
        present = float(transport.bpm)
        # Beats cannot be kept with a tempo that is not to be had.
        lock: Lock = reading.lock if reading.running and not beyond else "tempo"
        sounding = self._sounding()
        if lock == "bar" and self.name == "follow" and sounding:
            lock = "beat"
        if lock == "tempo":
            self.error_s, self._astray_since = 0.0, None
            self._give_beat(reading, now)
            limit = 0.0 if self.name == INTERNAL else TEMPO
            if abs(present / tempo - 1) > limit + 1e-9:
                self._steer(now, tempo)
            return
        at = max(now, self._look()[1])
        ahead = reading.beat_at(at, rate) - transport.beat_at(at)
        whole = 1 if lock == "beat" else transport.beats_per_bar
        error = (ahead + whole / 2) % whole - whole / 2
        self.error_s = error * 60 / tempo
        if lock == "bar" and self.name == "midi":
            self.song_offset_bars = round((ahead - error) / whole)
        if lock == "bar":
            self._fall_silent_if_astray(error, reading, now, sounding)
        # What was bent in silence, and is not at rest when a stem sounds again, waits for nothing.
        at_once = sounding and abs(present / tempo - 1) > MAX_BEND + TEMPO
        if at < self._steered_samples + STEER_BEATS * rate * 60 / tempo and not at_once:
            return
        beat_s = 60 / tempo
        soon_s = (error + (tempo - present) / 60 * beat_s) * beat_s
        near = abs(soon_s) <= reading.near_s and abs(self.error_s) <= 2 * reading.near_s
        if near and not at_once:
            return  # it will be there in a beat anyway
        if not sounding:
            error = _shorter_way(error, whole, tempo)
        over = CORRECTION_BEATS if sounding else CORRECTION_BEATS_SILENT
        wanted = tempo * (1 + error / over)
        if sounding:
            wanted = min(max(wanted, tempo * (1 - MAX_BEND)), tempo * (1 + MAX_BEND))
        self._steer(at, min(max(wanted, SLOWEST_BPM), FASTEST_BPM), tempo)

    def _fall_silent_if_astray(
        self, error: float, reading: Reading, now: int, sounding: bool
    ) -> None:
        """The players wait where bending would take too long; `error` is in beats."""
        beats = CATCH_UP_BARS * self._transport.beats_per_bar - LAST_BEATS
        astray = abs(error) > MAX_BEND * beats and reading.confidence >= ASTRAY_SURE
        if not (astray and sounding and self._met and self.name in LEADS_BARS):
            self._astray_since = None
            return
        if self._astray_since is None:
            self._astray_since = now
        if now - self._astray_since >= ASTRAY_S * self._transport.rate:
            self._settle_by, self._met = now + SETTLE_S * self._transport.rate, False
            self._astray_since = None
            self._lead.moved()

    def _give_beat(self, reading: Reading, now: int) -> None:
        """Tell those who may join later where our bars lie, when it is elsewhere."""
        if self._shared is None or now < self._given_samples:
            return
        bar = self._transport.beats_per_bar
        beat = self._transport.beat_at(now)
        apart = (reading.beat_at(now, self._transport.rate) - beat + bar / 2) % bar - bar / 2
        if abs(apart) * 60 / reading.bpm > reading.near_s:
            self._given_samples = now + self._transport.rate
            quarter = self._transport.meter.quarters(beat)
            self._shared.set_beat(self.host_time.time_at(now), quarter)

    def _steer(self, sample: int, bpm: float, tempo: float | None = None) -> None:
        at = max(sample, self._look()[1])
        self._transport.steer(at, _exact(bpm), None if tempo is None else _exact(tempo))
        self._steered_samples = sample


def _exact(bpm: float) -> Fraction:
    return Fraction(str(round(bpm, 6)))


def _shorter_way(error: float, whole: int, tempo: float) -> float:
    """A difference of so many beats, or the one to the next line, whichever is made good sooner.

    A tempo near the end of the range leaves little room to one side.
    """
    faster, slower = FASTEST_BPM / tempo - 1, 1 - SLOWEST_BPM / tempo
    ahead, behind = error % whole, whole - error % whole
    return ahead if ahead / faster <= behind / slower else -behind
