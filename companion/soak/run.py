"""`companion soak`: set after set of a band of three, as fast as it goes, with faults at random.

The clock is the offline one, the sound a looped recording. A set is a whole session with a take,
which is checked at its end and removed.
"""

from __future__ import annotations

import gc
import math
import random
import resource
import shutil
import tempfile
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from companion.audio.memory import AudioMemory
from companion.audio.timebase import OfflineTimebase
from companion.control.midi_knobs import MidiKnobs
from companion.control.osc import OscKnobs
from companion.control.parameters import PARAMETERS
from companion.control.preset import (
    GeneratorPreset,
    Preset,
    default_mappings,
    load_preset,
)
from companion.demo import DEMO_BPM, read_demo
from companion.generate.inline import InlineWorker
from companion.generate.loading import GeneratorName, loading
from companion.generate.stem_worker import Finished
from companion.generate.worker import Worker
from companion.players.metrics import Tally
from companion.session.count_in import first_bar_samples
from companion.session.rig import Rig, to_device_rate
from companion.session.session import Session
from companion.session.status import Status
from companion.soak.faults import Fault, faults
from companion.soak.generator import TroubledGenerator
from companion.soak.memory_slope import resident_mb, slope_mb_per_hour
from companion.soak.stream import LoopStream
from companion.system.errors import CompanionError
from companion.take.events import EVENTS_FILE, BarSounded, Incident, read_events
from companion.take.recover import recover
from companion.take.take import Take

SET_BARS = (48, 400)
"""Bars of a set, drawn by the seed: 2 to 17 minutes."""
KNOB_BARS = 6
"""A knob that was turned is turned back after so many bars, or the music would run dry."""


@dataclass(slots=True)
class Soaked:
    """What came of it."""

    music_s: float = 0.0  # seconds of music played
    bars: int = 0  # bars played
    faults: Counter[str] = field(default_factory=Counter)  # how many of each kind
    tally: Tally = field(default_factory=Tally)  # bars and plans of all players together
    restarts: int = 0  # of the generator
    incidents: Counter[str] = field(default_factory=Counter)  # events of that kind, by name
    peak: float = 0.0  # largest output sample, linear
    broken: list[str] = field(default_factory=list)  # what must not happen, a line each
    # growth of memory by hour of music; None after too short a run
    slope_mb_per_hour: float | None = None


def soak(
    hours: float,
    seed: int = 0,
    generator: GeneratorName = "standin",
    say: Callable[[str], None] = lambda _: None,
) -> Soaked:
    """Play so many hours of music.

    Args:
        hours: of music, above 0.
        seed: decides sets and faults; with the stand-in, everything.
        generator: who makes the stems.
        say: told of each set, a line each.

    Raises:
        CompanionError: hours is not above 0 and finite, or the generator is not there.
    """
    if not 0.0 < hours < math.inf:
        raise CompanionError(f"hours is {hours:g}; valid: above 0, and an end")
    maker = InlineWorker(loading(generator))
    maker.wait_ready()
    soaked, dice = Soaked(), random.Random(seed)
    sizes_mb: list[tuple[float, float]] = []  # after so many hours
    started_s = time.monotonic()
    while soaked.music_s < hours * 3600:
        left = (hours * 3600 - soaked.music_s) / float(240 / DEMO_BPM)
        bars = max(1, round(min(dice.randint(*SET_BARS), left)))
        preset = soak_preset(generator, bars)
        _Set(maker, preset, bars, dice.randrange(2**32), soaked, sizes_mb).play()
        gc.collect()  # a set holds 75 MB of rings in a cycle of references
        say(
            f"{soaked.music_s / 3600:.2f} h of music, {soaked.bars} bars, "
            f"{sum(soaked.faults.values())} faults, {resident_mb():.0f} MB, "
            f"{soaked.music_s / (time.monotonic() - started_s):.0f} times real time"
        )
    at_hours, sizes = [at for at, _ in sizes_mb], [size for _, size in sizes_mb]
    soaked.slope_mb_per_hour = slope_mb_per_hour(at_hours, sizes)
    return soaked


class _Set:
    """One session."""

    def __init__(
        self,
        maker: InlineWorker,
        preset: Preset,
        bars: int,
        seed: int,
        soaked: Soaked,
        sizes_mb: list[tuple[float, float]],
    ) -> None:
        self._preset, self._soaked, self._bars, self._sizes_mb = preset, soaked, bars, sizes_mb
        self._dice = random.Random(seed)
        self._store = preset.store()
        mappings = default_mappings([player.name for player in preset.players])
        self._midi = MidiKnobs(self._store, mappings)
        recording, rate = to_device_rate(*read_demo())
        memory = AudioMemory(rate, len(preset.players))
        self._stream = LoopStream(memory, recording, first_bar_samples(preset, rate))
        rig = Rig(memory, self._stream, OfflineTimebase(self._stream), "a loop", "nothing")
        self._generator = TroubledGenerator(maker, rate, lambda: memory.position, self._plan_s)
        clock = lambda: memory.position / rate  # noqa: E731
        self._worker = Worker(self._generator.open, clock=clock, threaded=False)
        self._folder = Path(tempfile.mkdtemp(prefix="companion-soak-"))
        voices = {player.name: number for number, player in enumerate(preset.players, 1)}
        self._take = Take(self._folder, voices, threaded=False)
        self._session = Session(
            preset, rig, self._worker, self._store, self._take, self._dice.randrange(2**32)
        )
        self._faults = deque(faults(seed, bars))
        self._turned: list[tuple[float, Callable[[], None]]] = []
        self._bar = -1
        self._limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    def play(self) -> None:
        """Play it, check what it left, and remove that."""
        try:
            self._session.run(self._on_tick)
        except CompanionError as error:
            self._soaked.broken.append(f"a set ended early: {error}")
        finally:
            self._soaked.tally += self._session.tally
            resource.setrlimit(resource.RLIMIT_FSIZE, self._limits)
            self._check()
            shutil.rmtree(self._folder, ignore_errors=True)

    def _on_tick(self, status: Status) -> None:
        """Measure in each bar, and do what is due."""
        self._generator.tick()
        position, transport = self._stream.memory.position, self._session.transport
        if status.bar > self._bar:
            self._bar = status.bar
            played_s = self._soaked.music_s + position / transport.rate
            self._sizes_mb.append((played_s / 3600, resident_mb()))
        bar = transport.beat_at(position) / transport.beats_per_bar
        while self._turned and bar >= self._turned[0][0]:
            self._turned.pop(0)[1]()
        while self._faults and bar >= self._faults[0].bar:
            fault = self._faults.popleft()
            self._soaked.faults[fault.kind] += 1
            self._inject(fault, position, bar)

    def _plan_s(self, finished: Finished) -> float:
        """The stand-in's plans take a while too; the model's what they took."""
        if self._preset.generator.name == "model":
            return finished.made_s
        return self._dice.uniform(0.05, 0.6)

    def _inject(self, fault: Fault, position: int, bar: float) -> None:
        bar_samples = float(self._session.transport.bar_samples)
        dice = random.Random(fault.seed)
        match fault.kind:
            case "generator dead":
                self._generator.die()
            case "generator hung":
                self._generator.hang()
            case "generator NaN":
                self._generator.spoil(1 + round(4 * fault.size))
            case "generator slow":
                bars = 1 + 8 * dice.random()
                self._generator.slow(2 + 18 * fault.size, position + round(bars * bar_samples))
            case "knob turned":
                self._turn(dice, fault.size, bar)
            case "silence":
                self._stream.be_silent(position + round((0.1 + 8 * fault.size) * bar_samples))
            case "device lost":
                self._stream.lose(position + round((0.1 + 12 * fault.size) * bar_samples))
            case "broken OSC":
                osc = OscKnobs(self._store)
                for packet in osc_packets(dice):
                    osc.receive_packet(packet)
            case "broken MIDI":
                for _ in range(200):
                    message = [dice.randrange(128, 256) for _ in range(dice.randint(0, 5))]
                    self._midi.receive(message, time.monotonic())
            case "disk full":
                size = (self._folder / "input.wav").stat().st_size
                resource.setrlimit(resource.RLIMIT_FSIZE, (size, self._limits[1]))

    def _turn(self, dice: random.Random, position: float, bar: float) -> None:
        """Turn a knob, and back again some bars later."""
        knob = dice.choice(PARAMETERS)
        player = dice.choice(self._store.players) if knob.scope == "player" else None
        before = self._store.snapshot(player)[knob.name]
        self._store.set_position(knob.name, position, player, "soak")
        if knob.kind != "trigger":

            def back() -> None:
                self._store.set(knob.name, before, player, "soak")

            self._turned.append((bar + KNOB_BARS * dice.random(), back))
            self._turned.sort(key=lambda each: each[0])

    def _check(self) -> None:
        """Every set leaves a take that is whole, and nothing that must not be."""
        soaked, stream = self._soaked, self._stream
        soaked.bars += max(0, min(self._bars, self._bar + 1))
        soaked.music_s += stream.memory.position / stream.rate
        soaked.restarts += self._worker.restarts
        soaked.peak = max(soaked.peak, stream.peak)
        if stream.broken_samples:
            soaked.broken.append(f"{stream.broken_samples} output samples outside ±1")
        full = self._take.error is not None
        try:
            mended = recover(self._folder, picture=False)
            events = read_events(self._folder / EVENTS_FILE)
        except CompanionError as error:
            soaked.broken.append(f"a take cannot be read: {error}")
            return
        if mended.changes and not full:
            soaked.broken.append(f"a take was not whole: {'; '.join(mended.changes)}")
        soaked.incidents.update(event.what for event in events if isinstance(event, Incident))
        sounded = [event for event in events if isinstance(event, BarSounded)]
        for player in self._preset.players:
            told = [event.bar for event in sounded if event.player == player.name]
            if told != list(range(len(told))) or (not full and len(told) != self._bars):
                soaked.broken.append(f"{player.name}: {len(told)} of {self._bars} bars decided")


def soak_preset(generator: GeneratorName, bars: int) -> Preset:
    """The band, at the recording's tempo, without the ports of a stage."""
    return replace(
        load_preset("band"),
        bpm=DEMO_BPM,
        bars=bars,
        midi=None,
        osc=None,
        generator=GeneratorPreset(generator),
    )


def osc_packets(dice: random.Random) -> list[bytes]:
    """Packets such as a broken program sends: noise, cut short, sizes that lie."""
    whole = b"/companion/bass/level\0\0\0,f\0\0\x7f\xc0\0\0"  # not a number
    packets = [dice.randbytes(dice.randint(0, 300)) for _ in range(50)]
    packets += [whole[: dice.randrange(len(whole))] for _ in range(20)]
    packets += [b"#bundle\0" + bytes(8) + dice.randbytes(4 * dice.randint(0, 8)) for _ in range(20)]
    mangled = bytearray(whole)
    for _ in range(20):
        mangled[dice.randrange(len(mangled))] = dice.randrange(256)
        packets.append(bytes(mangled))
    return packets
