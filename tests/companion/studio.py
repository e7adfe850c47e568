"""Whole sessions on the offline clock, with the stand-in: what the tests of the session share.

The rate is 32 kHz, the generator's own, and a bar at 120 BPM is 64,000 samples: nothing is
resampled or rounded, so what is promised to the sample can be checked to the sample.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from companion.control.preset import PlayerPreset, Preset
from companion.generate.inline import InlineWorker
from companion.generate.loading import Loading, loading
from companion.generate.protocol import Ready
from companion.generate.standin import StandInDecoding, StandInGenerator
from companion.generate.stem_worker import PATIENCE_S, START_TIMEOUT_S, Finished, Pace, StemWorker
from companion.session.rig import Rig, run_recording
from companion.session.session import Session
from companion.session.status import Status
from companion.system.errors import NoDevice
from companion.take.events import EVENTS_FILE
from companion.take.take import Provenance, Take
from model.request import StemRequest, StemResult
from model.terms import guidance_terms
from tests.companion.lines import read_lines

RATE = 32_000
BAR = 64_000  # samples of a bar at 120 BPM
Event = dict[str, Any]
Move = Callable[[Session], object]


def music(bars: float, rate: int = RATE, bpm: float = 120.0) -> np.ndarray:
    """Noise at -20 dBFS, mono, so many bars of it."""
    samples = round(bars * 240 / bpm * rate)
    noise = np.random.default_rng(3).standard_normal(samples)
    return (0.1 * noise).clip(-1, 1).astype(np.float32)


def solo(*names: str, **changes: Any) -> Preset:
    """One player, or those named, without a count-in; other fields by name."""
    players = tuple(PlayerPreset(name, {"instrument": "bass"}) for name in names or ("bass",))
    return Preset(**{"name": "test", "players": players, "count_in_bars": 0, **changes})


@dataclass
class Played:
    """What a session left."""

    session: Session
    take: Path
    output: np.ndarray
    statuses: list[Status]

    @property
    def events(self) -> list[Event]:
        return read_lines(self.take / EVENTS_FILE)

    def of(self, kind: str, **values: Any) -> list[Event]:
        """The events of a type that have these values."""
        return [
            event
            for event in self.events
            if event["type"] == kind and all(event[key] == value for key, value in values.items())
        ]

    def sounding(self, player: str = "bass") -> list[str]:
        """What the player's stem was, bar by bar from 0."""
        bars = self.of("bar", player=player)
        assert [event["bar"] for event in bars] == list(range(len(bars)))
        return [event["sounding"] for event in bars]

    def file(self, name: str = "bass") -> np.ndarray:
        audio, _ = soundfile.read(self.take / f"{name}.wav", dtype="float32")
        return audio

    def bar(self, number: int, name: str = "bass") -> np.ndarray:
        """One bar of a file of the take (which begins with bar 0 where there is no count-in)."""
        return self.file(name)[number * BAR : (number + 1) * BAR]


def play(
    folder: Path,
    preset: Preset,
    signal: np.ndarray,
    worker: StemWorker | None = None,
    moves: Mapping[float, Move] | None = None,
    seed: int = 0,
    rig: Rig | None = None,
) -> Played:
    """Play a preset along a signal on the offline clock, up to its last bar.

    Args:
        moves: what to do to the session, by the bar (from bar 0, with fractions) to do it at.
    """
    rate = rig.rate if rig is not None else RATE
    rig = rig or run_recording(len(preset.players), signal, rate, "signal")
    take = new_take(folder, preset)
    session = Session(preset, rig, worker or standin(), preset.store(), take, seed, 0)
    if preset.count_in_bars:
        session = Session(preset, rig, worker or standin(), session.store, take, seed)
    left = sorted((moves or {}).items())
    statuses: list[Status] = []

    def on_tick(status: Status) -> None:
        statuses.append(status)
        position = rig.memory.position - session.transport.origin_samples
        while left and position >= left[0][0] * session.transport.bar_samples:
            left.pop(0)[1](session)

    session.run(on_tick)
    output = rig.stream.output if hasattr(rig.stream, "output") else np.zeros(0, np.float32)
    return Played(session, take.folder, output, statuses)


def new_take(folder: Path, preset: Preset, origin: Provenance = Provenance()) -> Take:  # noqa: B008
    """A take in a new folder."""
    folder = folder / f"take{len(list(folder.iterdir()))}"
    folder.mkdir()
    voices = {player.name: number for number, player in enumerate(preset.players, 1)}
    return Take(folder, voices, threaded=False, origin=origin)


def turn(name: str, value: Any, player: str | None = "bass") -> Move:
    """A move: set a knob."""
    return lambda session: session.store.set(name, value, player, "test")


def standin() -> InlineWorker:
    """The stand-in, every plan on time."""
    return InlineWorker(loading("standin"))


class Requests(InlineWorker):
    """The stand-in, remembering what it was asked for."""

    def __init__(self) -> None:
        super().__init__(loading("standin"))
        self.asked: list[StemRequest] = []

    def submit(
        self, plan: int, requests: Sequence[StemRequest], patience_s: float = PATIENCE_S
    ) -> None:
        self.asked += requests
        super().submit(plan, requests)


class Failing(StandInGenerator):
    """The stand-in, but some plans fail: those whose number, from 0, is in a range."""

    def __init__(self, plans: range) -> None:
        self._plans = plans
        self._made = 0

    def start(self, request: StemRequest) -> StandInDecoding:
        self._made += 1
        if self._made - 1 in self._plans:
            raise RuntimeError("out of memory\nwhile decoding")
        return super().start(request)


def failing(plans: range) -> InlineWorker:
    """A worker of such a generator."""
    return InlineWorker(Loading(lambda: Failing(plans)))


class Notes(StandInGenerator):
    """Plays a steady level through every bar, another one in each plan, so that nothing hides."""

    def __init__(self) -> None:
        self.plans = 0

    def start(self, request: StemRequest) -> StandInDecoding:
        self.plans += 1
        return _Steady(request, 0.1 + 0.01 * self.plans)


class _Steady(StandInDecoding):
    def __init__(self, request: StemRequest, level: float) -> None:
        super().__init__(request)
        self._level = level

    def result(self) -> StemResult:
        made = super().result()
        return StemResult(made.tokens, np.full_like(made.audio, self._level))


def work_of(request: StemRequest) -> int:
    """Passes through the network, guidance included."""
    return sum(request.decode.steps) * len(guidance_terms(request.guidance, request.form))


ALL = 44
"""Those of a player's default knobs: 22 steps of 2 passes."""


class Delayed:
    """A worker on the offline clock whose plans take their time: each `takes_s(plan)` seconds.

    That is with all steps and passes of a player's default knobs; with fewer it takes less, and a
    plan that is told to finish takes one more step a level. One that `tells` says how each plan
    comes along.
    """

    def __init__(
        self, expected_s: float, takes_s: Callable[[int], float], tells: bool = False
    ) -> None:
        self._inner = standin()
        self._expected_s, self._takes_s = expected_s, takes_s
        self._tells = tells
        self._began, self._whole_s = 0, 0.0
        self.now: Callable[[], int] = lambda: 0
        self._waiting: tuple[int, Sequence[StemRequest], int] | None = None
        self._making: tuple[int, Finished] | None = None
        self._ended: list[Finished] = []
        self.hurried: list[int] = []
        self._finishing: dict[int, int] = {}
        self.asked: list[Sequence[StemRequest]] = []
        self.closed = 0

    def wait_ready(self, timeout_s: float = START_TIMEOUT_S) -> Ready:
        ready = self._inner.wait_ready()
        return Ready(ready.max_frames, "cpu", self._expected_s, 1, ready.silence)

    def submit(
        self, plan: int, requests: Sequence[StemRequest], patience_s: float = PATIENCE_S
    ) -> None:
        assert self._waiting is None and self._making is None, "one at a time"
        self._waiting = plan, requests, self.now()
        self.asked.append(requests)

    def finish(self, plan: int) -> None:
        now = self.now()
        self.hurried.append(now)
        if self._making is not None:
            ready, done = self._making
            rest = round(self._takes_s(plan) * 4 / 22 * RATE)
            self._making = min(ready, max(now, self._hurried_by(plan, now + rest))), done

    def _hurried_by(self, plan: int, sample: int) -> int:
        return self._finishing.setdefault(plan, sample)

    def pace(self, plan: int) -> Pace | None:
        if not self._tells or self._making is None:
            return None
        elapsed_s = (self.now() - self._began) / RATE
        signs_s = np.arange(max(0.0, elapsed_s - 1.5), elapsed_s, 0.1)
        heard = ((float(at), min(1.0, float(at) / self._whole_s)) for at in signs_s)
        return Pace(elapsed_s, tuple(heard))

    def cancel(self, plan: int) -> None:
        self._waiting = self._making = None
        self._ended.append(Finished(plan, "cancelled", (), "cancelled", 0.0, 0.0))

    def poll(self, timeout_s: float = 0.0) -> list[Finished]:
        now = self.now()
        if self._making is not None and now >= self._making[0]:
            self._ended.append(self._making[1])
            self._making = None
        if self._making is None and self._waiting:
            plan, requests, asked = self._waiting
            self._waiting = None
            self._inner.submit(plan, requests)
            (made,) = self._inner.poll()
            waited_s = (now - asked) / RATE
            takes_s = self._takes_s(plan) * sum(work_of(r) for r in requests) / ALL
            done = Finished(plan, "done", made.stems, "", waited_s, takes_s)
            self._making = (now + round(takes_s * RATE), done)
            self._began, self._whole_s = now, takes_s
        ended, self._ended = self._ended, []
        return ended

    def close(self) -> None:
        self.closed += 1
        if self._making is not None:
            done = self._making[1]
            reason = "the worker was closed"
            self._ended.append(Finished(done.plan, "cancelled", (), reason, 0.0, 0.0))
            self._making = None


def play_delayed(
    folder: Path,
    preset: Preset,
    signal: np.ndarray,
    expected_s: float,
    takes_s: Callable[[int], float],
    tells: bool = False,
) -> tuple[Played, Delayed]:
    """Play with plans that take their time."""
    worker = Delayed(expected_s, takes_s, tells)
    rig = run_recording(len(preset.players), signal, RATE, "signal")
    worker.now = lambda: rig.memory.position
    return play(folder, preset, signal, worker, rig=rig), worker


def no_device(*_: Any) -> Any:
    """`open_device` of a machine without a sound card."""
    raise NoDevice("there is no sound device with an input")
