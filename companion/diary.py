"""What a session writes down: its plans, bars, knobs and incidents, as events of the take.

*Threading*: belongs to the session's thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import TypedDict

from companion.clock.transport import Transport
from companion.control.preset import Preset
from companion.control.store import Change, Snapshot
from companion.generate.decision import Arrival, BarDecision, PlanWindow
from companion.generate.effort import Effort
from companion.metrics import BarMetrics
from companion.take.events import (
    BarMeasured,
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


class _When(TypedDict):
    bar: int
    time_s: float


class Diary:
    """Turns what happens at a stream sample into events at a second of the take."""

    def __init__(
        self,
        take: Take | None,
        transport: Transport,
        start_samples: int,
        hear: Callable[[Event], None] = lambda _: None,
    ) -> None:
        """Nothing written yet.

        Args:
            take: where events go; None keeps none.
            transport: the bar grid.
            start_samples: stream sample that the take begins with.
            hear: told of every event, with a take or without.
        """
        self._hear = hear
        self._take, self._transport, self._start = take, transport, start_samples

    def started(self, preset: Preset, input: str, output: str) -> None:
        """The take's first line; `input` and `output` are what the devices are called."""
        transport = self._transport
        self._log(
            TakeStarted(
                **self._when(self._start),
                preset=preset.name,
                players=tuple(player.name for player in preset.players),
                rate=transport.rate,
                bpm=float(transport.bpm),
                beats_per_bar=transport.beats_per_bar,
                meter=preset.meter.name,
                bars=preset.bars,
                first_bar_s=self._seconds(transport.bar_start_samples(0)),
                bar_s=float(transport.bar_samples / transport.rate),
                input=input,
                output=output,
            )
        )

    def knob(self, change: Change, at: int) -> None:
        """A knob was moved."""
        self._log(
            KnobMoved(
                **self._when(at),
                name=change.name,
                player=change.player,
                value=change.new,
                moved_by=change.source,
            )
        )

    def plan(
        self,
        player: str,
        arrival: Arrival,
        knobs: Snapshot,
        timings_s: dict[str, float],
        round_number: int,
        asked_samples: int,
        effort: Effort,
        steps_done: int,
    ) -> None:
        """A plan came back; `knobs` are the values it was asked for with, `effort` what it got."""
        window = arrival.window
        self._log(
            PlanMade(
                **self._when(arrival.actual_samples),
                player=player,
                epoch=window.epoch,
                first_bar=window.layout.first_bar,
                bars=window.layout.bars,
                desired_s=self._seconds(arrival.desired_samples),
                actual_s=self._seconds(arrival.actual_samples),
                seed=window.seed,
                instrument=str(knobs["instrument"]),
                knobs=dict(knobs),
                timings_s=timings_s,
                reason=arrival.reason,
                round=round_number,
                asked_s=self._seconds(asked_samples),
                steps=effort.steps,
                passes=effort.passes,
                guidance=dict(effort.guidance),
                form=effort.form,
                steps_done=steps_done,
            )
        )

    def failed(self, player: str, window: PlanWindow, reason: str, at: int) -> None:
        """A plan will never come."""
        self._log(
            PlanFailed(
                **self._when(at),
                player=player,
                epoch=window.epoch,
                first_bar=window.layout.first_bar,
                reason=reason,
            )
        )

    def bar(self, player: str, decision: BarDecision) -> None:
        """What a player's stem is in a bar."""
        self._log(
            BarSounded(
                bar=decision.bar,
                time_s=self._seconds(self._transport.bar_start_samples(decision.bar)),
                player=player,
                sounding=decision.sounding,
                epoch=decision.epoch,
                staleness_bars=decision.staleness_bars,
                expected=decision.expected,
                desired_s=self._seconds(decision.desired_samples),
                actual_s=self._seconds(decision.actual_samples),
                reason=decision.reason,
            )
        )

    def measured(
        self, metrics: BarMetrics, cycle: int, holds: bool, confidence: float | None, xruns: int
    ) -> None:
        """How the rig is in a bar that begins, and whether the music follows its cycle."""
        of_rig = {name: value for name, value in asdict(metrics).items() if name != "bar"}
        self._log(
            BarMeasured(
                bar=metrics.bar,
                time_s=self._seconds(self._transport.bar_start_samples(metrics.bar)),
                cycle=cycle,
                cycle_holds=holds,
                cycle_confidence=confidence,
                xruns=xruns,
                **of_rig,
            )
        )

    def incident(self, what: str, detail: str, at: int) -> None:
        """Something that should not happen."""
        self._log(Incident(**self._when(at), what=what, detail=detail))

    def ended(self, reason: str, figures: dict[str, float], at: int) -> None:
        """The take's last line."""
        self._log(TakeEnded(**self._when(at), reason=reason, figures=figures))

    def _seconds(self, sample: int) -> float:
        return (sample - self._start) / self._transport.rate

    def _when(self, sample: int) -> _When:
        return _When(bar=self._transport.bar_at(sample), time_s=self._seconds(sample))

    def _log(self, event: Event) -> None:
        self._hear(event)
        if self._take is not None:
            self._take.log(event)
