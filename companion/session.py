"""One session: the only place where the rooms meet.

It watches the clock; each bar it has a plan made for every player from what is heard, places what
comes back, lets the planner fall back where nothing does, moves gains by the knobs, and keeps the
take.

*Threading*: `run` owns the planners, the writer and the worker's results, in the thread that calls
it. `status` may be read and `stop` called from any thread. Knobs come in through the store.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypedDict

from companion.audio.click import tick
from companion.audio.memory import CLICK_VOICE
from companion.audio.writer import StemWriter
from companion.clock.transport import Transport
from companion.control.preset import Preset
from companion.control.store import Change, ParameterStore, Snapshot
from companion.errors import CompanionError
from companion.generate.decision import Arrival, BarDecision, Placement, PlanWindow
from companion.generate.pace import Pace
from companion.generate.planner import Planner
from companion.generate.stem_worker import Finished, StemWorker
from companion.listen.silence import is_silent
from companion.listen.window import context_window
from companion.rig import Rig
from companion.take.events import (
    BarSounded,
    Event,
    Incident,
    KnobMoved,
    PlanFailed,
    PlanMade,
    TakeEnded,
    TakeStarted,
)
from companion.take.take import Take
from model.instruments import instrument_index
from model.request import DecodeSettings

TICK_S = 0.010
"""How often the session looks at the clock."""
START_S = 0.5
"""Between the stream's start and the count-in, so that the first click can be placed in time."""


class When(TypedDict):
    """Where an event lies: bar, and seconds into the take."""

    bar: int
    time_s: float


@dataclass(frozen=True, slots=True)
class PlayerStatus:
    """What a performer wants to know of one player.

    Attributes:
        sounding: what its stem is in the present bar: plan, older plan, repeat, silence.
        slack_s: time left when its last plan was ready; None before the first.
        isr: share of the bars due that had a stem ready; None before the first.
        level: peak, linear.
    """

    name: str
    sounding: str
    slack_s: float | None
    isr: float | None
    level: float


@dataclass(frozen=True, slots=True)
class Status:
    """The session at a glance.

    Attributes:
        bar: the present bar, from 0; negative in the count-in.
        bars: where it ends, None if it does not.
        xruns: blocks that the device marked as lost.
        trouble: the last thing that went wrong, one line; empty if nothing has.
    """

    bar: int
    bars: int | None
    players: tuple[PlayerStatus, ...]
    input_level: float
    output_level: float
    xruns: int
    trouble: str


@dataclass(slots=True)
class _Voice:
    """One player: its planner, and the plans that are being made for it."""

    name: str
    number: int
    planner: Planner
    pace: Pace
    pending: dict[int, tuple[PlanWindow, Snapshot]] = field(default_factory=dict)
    sounding: dict[int, BarDecision] = field(default_factory=dict)
    slack_s: float | None = None
    gain: float = -1.0
    hurried: int = -1


class Session:
    """See the module."""

    def __init__(
        self,
        preset: Preset,
        rig: Rig,
        worker: StemWorker,
        store: ParameterStore,
        take: Take | None = None,
        seed: int = 0,
        origin_samples: int | None = None,
    ) -> None:
        """Nothing sounds yet.

        Args:
            preset: tempo, bars, count-in, players.
            worker: who makes the plans; `run` waits until it is ready.
            store: the knobs of the preset's players.
            take: what to record; None records nothing.
            seed: of every die in this session.
            origin_samples: stream sample of bar 0; by default after the count-in.
        """
        self.preset, self.rig, self.store = preset, rig, store
        self._worker, self._take, self._seed = worker, take, seed
        if origin_samples is None:
            origin_samples = rig.memory.position + first_bar_samples(preset, rig.rate)
        self.transport = Transport(rig.rate, preset.bpm, origin_samples, preset.beats_per_bar)
        self._end_samples: int | None = None
        if preset.bars is not None:
            self._end_samples = self.transport.bar_start_samples(preset.bars)
        self._writer = StemWriter(rig.memory)
        self._voices: list[_Voice] = []
        self._timed = True
        self._trouble = ""

    # --- from any thread -----------------------------------------------------------------------

    def stop(self) -> None:
        """End the session at the next tick."""
        self.rig.stop.set()

    @property
    def status(self) -> Status:
        """The session at a glance."""
        meters = self.rig.memory.meters
        bar = self.transport.bar_at(self.rig.memory.position)
        return Status(
            bar=bar,
            bars=self.preset.bars,
            players=tuple(
                PlayerStatus(
                    voice.name,
                    voice.sounding[bar].sounding if bar in voice.sounding else "listening",
                    voice.slack_s,
                    voice.planner.tally.isr,
                    meters.voices[voice.number],
                )
                for voice in self._voices
            ),
            input_level=meters.input,
            output_level=meters.output,
            xruns=self.rig.memory.counters.xruns,
            trouble=self._trouble,
        )

    # --- the session's own thread --------------------------------------------------------------

    def prepare(self) -> None:
        """Wait for the generator and lay out the players; CompanionError if it never comes."""
        ready = self._worker.wait_ready()
        self._timed = ready.plan_s > 0.0
        players = self.preset.players
        self._voices = [
            _Voice(
                name=player.name,
                number=index + 1,
                planner=Planner(
                    self.transport,
                    index,
                    self._seed,
                    ready.max_frames,
                    ready.silence,
                    int(self.store.snapshot()["cycle"]),
                ),
                # One plan at a time is made: each may have to wait for all the others.
                pace=Pace(ready.plan_s * len(players)),
            )
            for index, player in enumerate(players)
        ]
        self.store.drain()  # how the preset set them is no move of a knob
        self._turn_knobs()

    def run(
        self,
        on_tick: Callable[[Status], None] | None = None,
        end_samples: int | None = None,
    ) -> None:
        """Play until the last bar, or until `stop`.

        Args:
            on_tick: called after every tick, in this thread; must be quick.
            end_samples: stream sample to end at, in place of the preset's last bar.

        Raises:
            CompanionError: the stream stands still. The take is finished before that.
        """
        if not self._voices:
            self.prepare()
        if end_samples is not None:
            self._end_samples = end_samples
        end, reason = self._end_samples, "stopped"
        try:
            self.rig.stream.start()
            self._begin()
            while not self.rig.stop.is_set():
                now = self.rig.timebase.wait_until(self._next_tick(end))
                if end is not None and now >= end:
                    reason = "last bar"
                    break
                self._tick(now)
                if on_tick is not None:
                    on_tick(self.status)
        except CompanionError as error:
            reason = str(error)
            raise
        finally:
            self._end(reason)

    def _next_tick(self, end: int | None) -> int:
        """The next look at the clock: a tick from now, but never past a bar line."""
        now = self.rig.timebase.now_samples()
        line = self.transport.bar_start_samples(self.transport.bar_at(now) + 1)
        ticks = [now + round(TICK_S * self.rig.rate), line]
        return min(ticks if end is None else [*ticks, end])

    def _begin(self) -> None:
        """Count in, and open the take at the count-in's first sample."""
        transport, rate = self.transport, self.rig.rate
        beats = self.preset.count_in_bars * self.preset.beats_per_bar
        for beat in range(-beats, 0):
            sound = tick(rate, accent=beat % self.preset.beats_per_bar == 0)
            start = transport.beat_start_samples(beat)
            if start >= self.rig.memory.position:
                self.rig.memory.write(CLICK_VOICE, start, sound)
        if self._take is None:
            return
        start = transport.beat_start_samples(-beats)
        self._take.begin(self.rig.memory, rate, start)
        self._log(
            TakeStarted(
                **self._when(start),
                preset=self.preset.name,
                players=tuple(player.name for player in self.preset.players),
                rate=rate,
                bpm=float(self.preset.bpm),
                beats_per_bar=self.preset.beats_per_bar,
                bars=self.preset.bars,
                first_bar_s=self._take.seconds(transport.bar_start_samples(0)),
                bar_s=float(transport.bar_samples / rate),
                input=self.rig.input,
                output=self.rig.output,
            )
        )

    def _tick(self, now: int) -> None:
        self._turn_knobs()
        for voice in self._voices:
            self._plan(voice, now)
        for finished in self._worker.poll():
            self._finish(finished)
        for voice in self._voices:
            for decision in voice.planner.due(self.rig.memory.position):
                if self.preset.bars is None or decision.bar < self.preset.bars:
                    self._decide(voice, decision)
        if self._take is not None:
            self._take.tick()
            self._trouble = self._take.error or self._trouble

    # --- knobs ---------------------------------------------------------------------------------

    def _turn_knobs(self) -> None:
        for change in self.store.drain():
            self._log_knob(change)
        rig_knobs = self.store.snapshot()
        self.rig.memory.set_monitor(_linear(float(rig_knobs["monitor"])))
        for voice in self._voices:
            knobs = self.store.snapshot(voice.name)
            gain = 0.0 if knobs["mute"] else _linear(float(knobs["level"]))
            if gain != voice.gain:
                self.rig.memory.set_gain(voice.number, gain)
                voice.gain = gain
            voice.planner.hold = bool(knobs["hold"])
            voice.planner.cycle = int(rig_knobs["cycle"])
            if self.store.take_trigger(voice.name, "regenerate"):
                voice.planner.regenerate()

    def _log_knob(self, change: Change) -> None:
        self._log(
            KnobMoved(
                **self._when(self.rig.memory.position),
                name=change.name,
                player=change.player,
                value=change.new,
                moved_by=change.source,
            )
        )

    # --- plans ---------------------------------------------------------------------------------

    def _plan(self, voice: _Voice, now: int) -> None:
        """Have the next plan made, if it is time; hurry the one that is being made."""
        for epoch, (window, _) in voice.pending.items():
            if now >= window.hurry_samples and epoch > voice.hurried:
                voice.hurried = epoch
                self._worker.finish(voice.number - 1)
        expected_s = voice.pace.expected_s if self._timed else 0.0
        asked = voice.planner.window(now, expected_s)
        if asked is None:
            return
        layout = asked.layout
        context = context_window(
            self.rig.memory,
            self.transport,
            layout.first_frame,
            layout.frames,
            voice.planner.cycle,
        )
        if is_silent(context.audio, context.known):
            self._arrive(voice, voice.planner.mute(asked, now), None, None)
            return
        knobs = self.store.snapshot(voice.name)
        request = voice.planner.request(
            asked,
            context,
            instrument_index(str(knobs["instrument"])),
            guidance_of(knobs),
            "joint" if knobs["guidance_form"] == "joint" else "product",
            decode_settings(knobs),
        )
        voice.pending[asked.epoch] = (asked, knobs)
        self._worker.submit(voice.number - 1, asked.epoch, request)

    def _finish(self, finished: Finished) -> None:
        voice = self._voices[finished.player]
        window, knobs = voice.pending.pop(finished.plan)
        if self._timed and finished.outcome == "done":
            voice.pace.record(finished.waited_s + finished.made_s)
        if finished.result is None:
            if finished.outcome == "failed":
                self._trouble = finished.reason
            self._log(
                PlanFailed(
                    **self._when(self.rig.memory.position),
                    player=voice.name,
                    epoch=window.epoch,
                    first_bar=window.layout.first_bar,
                    reason=finished.reason or finished.outcome,
                )
            )
            return
        arrival = voice.planner.arrive(window, finished.result, self.rig.memory.position)
        timings = {**finished.result.timings, "waited": finished.waited_s}
        self._arrive(voice, arrival, knobs, {**timings, "made": finished.made_s})

    def _arrive(
        self,
        voice: _Voice,
        arrival: Arrival,
        knobs: Snapshot | None,
        timings: dict[str, float] | None,
    ) -> None:
        """Place a plan and log it; `knobs` is None for a plan of silence, which is only placed."""
        if arrival.placement is not None:
            self._place(voice, arrival.placement)
        if knobs is None or timings is None:
            return
        voice.slack_s = arrival.slack_s
        window = arrival.window
        self._log(
            PlanMade(
                **self._when(arrival.actual_samples),
                player=voice.name,
                epoch=window.epoch,
                first_bar=window.layout.first_bar,
                bars=window.layout.bars,
                desired_s=self._seconds(arrival.desired_samples),
                actual_s=self._seconds(arrival.actual_samples),
                seed=window.seed,
                instrument=str(knobs["instrument"]),
                knobs=dict(knobs),
                timings_s=timings,
            )
        )

    def _decide(self, voice: _Voice, decision: BarDecision) -> None:
        if decision.placement is not None:
            self._place(voice, decision.placement)
        voice.sounding[decision.bar] = decision
        voice.sounding.pop(decision.bar - 64, None)
        self._log(
            BarSounded(
                bar=decision.bar,
                time_s=self._seconds(self.transport.bar_start_samples(decision.bar)),
                player=voice.name,
                sounding=decision.sounding,
                epoch=decision.epoch,
                staleness_bars=decision.staleness_bars,
            )
        )

    def _place(self, voice: _Voice, placement: Placement) -> None:
        length = None
        if self._end_samples is not None:  # nothing sounds behind the last bar
            length = self._end_samples - placement.start_samples
            if length <= 0:
                return
        clip = placement.clip[:length]
        if self._writer.place(voice.number, placement.start_samples, clip, placement.lead_in):
            voice.planner.placed(placement)
            return
        self._trouble = f"{voice.name}: bar {placement.first_bar} came too late"
        self._log(
            Incident(
                **self._when(self.rig.memory.position),
                what="placement too late",
                detail=f"{voice.name}, bar {placement.first_bar}",
            )
        )

    # --- the end -------------------------------------------------------------------------------

    def _end(self, reason: str) -> None:
        """Fade out, finish the take, let go of everything."""
        memory = self.rig.memory
        for voice in range(memory.voices):
            memory.set_gain(voice, 0.0)
        memory.set_monitor(0.0)
        end = memory.position
        if self._take is not None and self._take.open:
            self._take.finish(end)
            self._log(TakeEnded(**self._when(end), reason=reason, figures=self.figures()))
            self._take.close()
        self._worker.close()
        self.rig.stream.close()

    def figures(self) -> dict[str, float]:
        """The session in numbers: ISR and slack of each player, blocks lost."""
        counters = self.rig.memory.counters
        figures: dict[str, float] = {
            "xruns": counters.xruns,
            "missed_samples": counters.missed_samples,
            "limited_samples": counters.limited_samples,
        }
        for voice in self._voices:
            tally = voice.planner.tally
            figures[f"{voice.name}.plans"] = tally.plans
            figures[f"{voice.name}.repeated_bars"] = tally.repeated_bars
            if tally.isr is not None:
                figures[f"{voice.name}.isr"] = tally.isr
            if tally.least_slack_s is not None:
                figures[f"{voice.name}.least_slack_s"] = tally.least_slack_s
        return figures

    def _seconds(self, sample: int) -> float:
        """Seconds into the take, or from bar 0 where none is kept."""
        if self._take is not None and self._take.open:
            return self._take.seconds(sample)
        return (sample - self.transport.origin_samples) / self.rig.rate

    def _when(self, sample: int) -> When:
        return When(bar=self.transport.bar_at(sample), time_s=self._seconds(sample))

    def _log(self, event: Event) -> None:
        if self._take is not None:
            self._take.log(event)


def first_bar_samples(preset: Preset, rate: int) -> int:
    """Samples from a stream's start to bar 0: a moment to place the first click, the count-in."""
    bar_samples = Transport(rate, preset.bpm, 0, preset.beats_per_bar).bar_samples
    return round(START_S * rate) + math.ceil(preset.count_in_bars * bar_samples)


def guidance_of(knobs: Snapshot) -> dict[str, float]:
    """Guidance by source from a player's knobs."""
    return {name: float(knobs[f"guidance_{name}"]) for name in ("audio", "instrument", "clock")}


def decode_settings(knobs: Snapshot) -> DecodeSettings:
    """How to decode, from a player's knobs: finer levels take a third and a sixth of the steps."""
    steps = int(knobs["steps"])
    return DecodeSettings(
        steps=(steps, max(1, steps // 3), max(1, steps // 6), max(1, steps // 6)),
        causal_bias=float(knobs["causal_bias"]),
        confidence=float(knobs["confidence"]),
        randomness=float(knobs["randomness"]),
        temperature=float(knobs["temperature"]),
    )


def _linear(level_db: float) -> float:
    """Decibels to a gain; the bottom of the knob is off."""
    return 0.0 if level_db <= -60.0 else 10 ** (level_db / 20)
