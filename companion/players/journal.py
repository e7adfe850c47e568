"""What a session writes down: its plans, bars, knobs and incidents, as events of the take.

*Threading*: belongs to the session's thread.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict

from companion.audio.aligned_input import Gaps
from companion.clock.transport import Transport
from companion.control.preset import Preset
from companion.control.preset_text import preset_text
from companion.control.store import Change, Snapshot
from companion.generate.effort import Effort
from companion.generate.protocol import Ready
from companion.players.decision import Arrival, BarDecision, Placement, PlanWindow, Prefix
from companion.players.metrics import BarMetrics
from companion.players.request import request_digest, result_digest
from companion.take.events import (
    BarMeasured,
    BarSounded,
    ClipCut,
    ClipPlaced,
    Event,
    FadedIn,
    GainSet,
    Incident,
    KnobMoved,
    PlanAsked,
    PlanFailed,
    PlanHeard,
    PlanMade,
    PlanMuted,
    TakeEnded,
    TakeStarted,
    TempoMoved,
    Unheard,
    When,
)
from companion.take.machine import machine
from companion.take.provenance import PRESET_FILE, Origin
from companion.take.take import Take
from model.request import StemRequest, StemResult


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
        self._take, self._transport, self._start, self._hear = take, transport, start_samples, hear
        self._told_segments = transport.segments
        self._told_gaps: Gaps = ()

    def started(
        self,
        preset: Preset,
        input: str,
        output: str,
        seed: int,
        ready: Ready,
        gains: dict[str, float],
    ) -> None:
        """The take's first line, and the preset.

        Args:
            preset: as it is played.
            input, output: what the devices are called.
            seed: of the session.
            ready: what the generator said of itself.
            gains: of the players as they start.

        Raises:
            CompanionError: the preset cannot be written.
        """
        transport = self._transport
        origin = Origin() if self._take is None else self._take.origin
        if self._take is not None:
            self._take.keep(PRESET_FILE, preset_text(preset))
        self.log(
            TakeStarted(
                **self.when(self._start),
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
                start_samples=self._start,
                origin_samples=transport.origin_samples,
                bpm_exact=str(transport.bpm),
                seed=seed,
                device=ready.device,
                threads=ready.threads,
                gains=gains,
                version=origin.version,
                weights=origin.weights,
                continues=origin.continues,
                bars_before=origin.bars_before,
                machine=machine(),
            )
        )

    def tempo(self) -> None:
        """Write down where the tempo has been steered since the last call.

        It is done before whatever else is written down: clips are laid on the beats of the moment.
        """
        told, segments = self._told_segments, self._transport.segments
        if told is segments:
            return
        self._told_segments = segments
        same = min(len(told), len(segments))
        while same and segments[same - 1] is not told[same - 1]:  # only the last ones ever change
            same -= 1
        for segment in segments[same:]:
            self.log(
                TempoMoved(
                    **self.when(segment.sample),
                    beat=float(segment.beat),
                    bpm=segment.bpm(self._transport.rate),
                    sample=segment.sample,
                    beat_exact=str(segment.beat),
                    beat_samples=str(segment.beat_samples),
                )
            )

    def gain(self, player: str, gain: float, at: int) -> None:
        """A player's gain moves from a stream sample on."""
        self.log(GainSet(**self.when(at), player=player, sample=at, gain=gain))

    def faded_in(self, at: int) -> None:
        """All players rise from silence from a stream sample on."""
        self.log(FadedIn(**self.when(at), sample=at))

    def heard(
        self,
        player: str,
        window: PlanWindow,
        cycle: int,
        stand_in_from: int,
        heard_samples: int,
        others: Mapping[str, tuple[float, Mapping[int, int]]],
    ) -> None:
        """A player has heard what is in a plan's window.

        Args:
            cycle: that stood in for what was not played yet.
            stand_in_from: the first bar that might stand in for another.
            heard_samples: up to where.
            others: of the other players that it heard, the gain, and the bars that were taken to
                repeat others.
        """
        self.log(
            PlanHeard(
                **self.when(heard_samples),
                player=player,
                epoch=window.epoch,
                seed=window.seed,
                first_bar=window.layout.first_bar,
                bpm=str(window.grid.bpm),
                heard_samples=heard_samples,
                cycle=cycle,
                stand_in_from=stand_in_from,
                others={
                    name: {"gain": gain, "repeats": dict(repeats)}
                    for name, (gain, repeats) in others.items()
                },
            )
        )

    def unheard(self, gaps: Gaps, at: int) -> None:
        """The performed samples, [first, end) each, that no device heard, are these by now."""
        if gaps != self._told_gaps:
            self._told_gaps = gaps
            self.log(Unheard(**self.when(at), samples=tuple(gaps)))

    def muted(self, player: str, window: PlanWindow, silence: Placement | None) -> None:
        """Nothing was heard: no plan, and older ones fall silent where there are any."""
        bars = None if silence is None else (silence.first_bar, silence.first_bar + silence.bars)
        self.log(
            PlanMuted(
                **self.when(window.made_samples), player=player, epoch=window.epoch, bars=bars
            )
        )

    def asked(
        self,
        player: str,
        window: PlanWindow,
        prefix: Prefix,
        knobs: Snapshot,
        effort: Effort,
        round_number: int,
        requests: Sequence[StemRequest],
    ) -> None:
        """A plan was asked for, with so many stems to choose from."""
        self.log(
            PlanAsked(
                **self.when(window.made_samples),
                player=player,
                epoch=window.epoch,
                round=round_number,
                stems=len(requests),
                prefix_frames=prefix.frames,
                repeats=dict(prefix.repeats),
                knobs=dict(knobs),
                steps=effort.steps,
                guidance=dict(effort.guidance),
                form=effort.form,
                digest=request_digest(requests[0]),
            )
        )

    def cut(self, player: str, placement: Placement, stem: int, at: int) -> None:
        """A clip was made by hand: bars once more, or another stem of a plan."""
        self.log(
            ClipCut(
                **self.when(at),
                player=player,
                first_bar=placement.first_bar,
                source=placement.source,
                epoch=placement.epoch,
                stem=stem,
            )
        )

    def placed(
        self,
        player: str,
        start: int,
        samples: int,
        at: int,
        placement: Placement | None = None,
    ) -> None:
        """A clip of so many samples went onto a player's timeline; what was there, if it is None,
        moved to where its beats lie now.
        """
        self.log(
            ClipPlaced(
                **self.when(start),
                player=player,
                sample=at,
                start_samples=start,
                samples=samples,
                epoch=None if placement is None else placement.epoch,
                number=None if placement is None else placement.number,
                moved=placement is None,
            )
        )

    def knob(self, change: Change, at: int) -> None:
        """A knob was moved."""
        self.log(
            KnobMoved(
                **self.when(at),
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
        result: StemResult,
        stem: int,
        timings_s: dict[str, float],
        round_number: int,
        asked_samples: int,
        effort: Effort,
    ) -> None:
        """A plan came back, and this result, the stem of that place among its own, was cut.

        `knobs` are the values it was asked for with, `effort` what it got.
        """
        window = arrival.window
        self.log(
            PlanMade(
                **self.when(arrival.actual_samples),
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
                steps_done=result.steps,
                stem=stem,
                cut_from=None if arrival.placement is None else arrival.placement.first_bar,
                digest=result_digest(result),
            )
        )

    def failed(self, player: str, window: PlanWindow, reason: str, at: int) -> None:
        """A plan will never come."""
        self.log(
            PlanFailed(
                **self.when(at),
                player=player,
                epoch=window.epoch,
                first_bar=window.layout.first_bar,
                reason=reason,
            )
        )

    def bar(self, player: str, decision: BarDecision) -> None:
        """What a player's stem is in a bar."""
        self.log(
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
                source=None if decision.placement is None else decision.placement.source,
                fades=decision.placement is not None and decision.placement.fades,
            )
        )

    def measured(
        self, metrics: BarMetrics, cycle: int, holds: bool, confidence: float | None, xruns: int
    ) -> None:
        """How the rig is in a bar that begins, and whether the music follows its cycle."""
        of_rig = {name: value for name, value in asdict(metrics).items() if name != "bar"}
        self.log(
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
        self.log(Incident(**self.when(at), what=what, detail=detail))

    def ended(self, reason: str, figures: dict[str, float], at: int) -> None:
        """The take's last line."""
        self.log(TakeEnded(**self.when(at), reason=reason, figures=figures))

    def _seconds(self, sample: int) -> float:
        return (sample - self._start) / self._transport.rate

    def when(self, sample: int) -> When:
        """The bar and the second of a stream sample, as every event has them."""
        return When(bar=self._transport.bar_at(sample), time_s=self._seconds(sample))

    def log(self, event: Event) -> None:
        """Write an event down, and have it heard."""
        self.tempo()
        self._hear(event)
        if self._take is not None:
            self._take.log(event)
