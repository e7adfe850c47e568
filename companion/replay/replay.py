"""`companion replay`: a take's stems once more, from what was played and what was decided.

Live, timing decides which plan was ready for which bar. A replay takes these decisions from the
take's events: what each plan heard, when it came back, which of its bars were placed. Everything
else is made again: the windows from `input.wav` less `echo.wav`, the plans from their seeds by the
same generator, the sound by the same audio callback on the offline clock. Then both are compared,
sample by sample.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from itertools import islice
from pathlib import Path
from typing import cast

import numpy as np
import soundfile

from companion.audio.memory import AudioMemory, Samples
from companion.audio.offline import OfflineStream
from companion.audio.writer import StemWriter
from companion.clock.grid import Grid
from companion.clock.transport import Segment, Transport
from companion.control.parameters import PARAMETERS
from companion.control.preset import load_preset
from companion.generate.effort import Effort
from companion.generate.generator import StemGenerator
from companion.generate.inline import InlineWorker
from companion.generate.loading import loading, weights_digest
from companion.listen.harmony import ChordChange
from companion.listen.hearing import Hearing
from companion.listen.window import ContextWindow
from companion.players.decision import Placement, PlanWindow, Prefix
from companion.players.layout import lay_out
from companion.players.request import (
    Told,
    request_digest,
    result_digest,
    stem_requests,
    with_others,
)
from companion.players.sounds import Sounds
from companion.players.stem import Stem
from companion.replay.finish_after import HurriedGenerator, Hurry, hurried_after
from companion.replay.replayed import Difference, Replayed, why_not
from companion.system.errors import CompanionError
from companion.take import events as log
from companion.take.recorded_input import HeardInput, read_heard
from companion.take.take import PRESET_FILE
from companion.take.tempo_map import TempoMap, tempo_map
from companion.take.wave_file import WaveWriter, open_recorded
from model.request import StemRequest, StemResult

STEP_S = 1.0
"""Stems are compared in pieces so long, well within the ring."""
KEPT = 32
"""Clips of a player that were made and may still be placed."""
OfPlan = log.PlanAsked | log.PlanMade | log.BarSounded | log.ClipCut | log.ClipPlaced


def replay(
    folder: Path,
    weights: Path | None = None,
    out: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
    progress: Callable[[float], None] = lambda _: None,
) -> Replayed:
    """Play a take's stems again and compare.

    Args:
        folder: of the take.
        weights: folder of the model's weights, if not the bundled ones.
        out: folder to write the stems into, made if it is not there; None writes none.
        say: told what a reader should know, a line at a time.
        progress: told which share of the take has been compared, 0..1; it may take as long as the
            take itself.

    Raises:
        CompanionError: it holds no take that can be replayed, or the weights are others.
    """
    events = log.read_events(folder / log.EVENTS_FILE)
    take = log.start_of(events)
    if take is None or not take.bpm_exact:
        raise CompanionError(
            f"{str(folder)!r} holds no take that can be replayed; valid: a take's folder"
        )
    preset = load_preset(str(folder / PRESET_FILE))
    digest = weights_digest(preset.generator.name, weights)
    if digest != take.weights:
        raise CompanionError(
            f"take {str(folder)!r} was played with weights {take.weights or 'unknown'}, "
            f"these are {digest or 'none'}; valid: --weights with the folder of those"
        )
    hurry = Hurry()
    source = loading(preset.generator.name, take.device or "auto", weights)
    hurried = lambda: cast(StemGenerator, HurriedGenerator(source.load(), hurry))  # noqa: E731
    worker = InlineWorker(replace(source, load=hurried))
    if take.threads:
        worker.set_threads(take.threads)
    return _Replay(folder, take, events, worker, hurry, out, say, progress).run()


DEFAULTS = {knob.name: knob.default for knob in PARAMETERS if knob.scope == "player"}
"""Knobs that an older take knows nothing of stood where they stand in a preset without them."""


@dataclass(slots=True, eq=False)
class _Plan:
    """A plan in the making: what it heard, what it asks for, what came back."""

    window: PlanWindow
    context: ContextWindow
    round: int = 0
    chords: Sequence[ChordChange] = ()
    requests: Sequence[StemRequest] = ()
    stems: Sequence[StemResult | str] = ()


@dataclass(slots=True, eq=False)
class _Player:
    """One player's stem in the making."""

    name: str
    number: int
    stem: Stem
    recorded: soundfile.SoundFile
    copy: WaveWriter | None
    sounds: Sounds
    plans: dict[int, _Plan] = field(default_factory=dict)  # by epoch, that are not back yet
    last: _Plan | None = None  # that came back
    made: int = 0  # clips so far
    cut: dict[int, Placement] = field(default_factory=dict)  # by number, and not placed yet
    difference: Difference | None = None

    def keep(self, made: Placement | None) -> None:
        """A clip was made, or could not be; some are never placed."""
        if made is not None:
            self.cut[self.made] = made
        self.cut.pop(self.made - KEPT, None)
        self.made += 1

    def number_of(self, event: log.ClipPlaced) -> int | None:
        """The clip that is placed: in an older take, which told no number, the last that fits."""
        if event.number is not None:
            return event.number
        wanted = event.start_samples, event.epoch
        fitting = (n for n, cut in self.cut.items() if (cut.start_samples, cut.epoch) == wanted)
        return max(fitting, default=None)


class _Replay:
    def __init__(
        self,
        folder: Path,
        take: log.TakeStarted,
        events: Sequence[log.Event],
        worker: InlineWorker,
        hurry: Hurry,
        out: Path | None,
        say: Callable[[str], None],
        progress: Callable[[float], None],
    ) -> None:
        self._take, self._events, self._worker, self._hurry = take, events, worker, hurry
        self._say, self._progress = say, progress
        self._tempo: TempoMap = tempo_map(take, events)
        self._rate, self._start = take.rate, take.start_samples
        heard = read_heard(folder)
        self._end = self._start + len(heard)
        self._memory = AudioMemory(self._rate, len(take.players))
        signal = np.concatenate([np.zeros(self._start, np.float32), heard])
        self._stream = OfflineStream(self._memory, signal)
        self._transport = Transport(
            self._rate, Fraction(take.bpm_exact), take.origin_samples, take.beats_per_bar
        )
        self._rounds: dict[int, list[_Plan]] = {}  # that are not made yet
        self._source = HeardInput(self._memory, self._start)
        self._hearing = Hearing(self._source.look, self._transport)
        self._writer = StemWriter(self._memory)
        self._ready = worker.wait_ready()
        self._players: dict[str, _Player] = {}
        for number, name in enumerate(take.players, 1):
            stem, copy = Stem(self._transport, self._ready.silence), None
            if out is not None:
                out.mkdir(parents=True, exist_ok=True)
                copy = WaveWriter(out / f"{name}.wav", self._rate)
            recorded = open_recorded(folder / f"{name}.wav")
            sounds = Sounds(self._ready.abilities, take.seed, name)
            self._players[name] = _Player(name, number, stem, recorded, copy, sounds)
            self._memory.set_gain(number, take.gains.get(name, 1.0))
        # Written down a moment after they were: the stream has them at their samples.
        levels = [event for event in events if isinstance(event, log.GainSet | log.FadedIn)]
        self._levels = deque(sorted(levels, key=lambda event: event.sample))
        self._compared = self._start
        self._replayed = Replayed(seconds=len(heard) / self._rate)

    def run(self) -> Replayed:
        for event in self._events:
            match event:
                case log.TempoMoved():
                    beat, length = Fraction(event.beat_exact), Fraction(event.beat_samples)
                    self._transport.follow(Segment(event.sample, beat, length))
                case log.Unheard():
                    self._source.gaps = event.samples
                case log.PlayerEvent() if event.player in self._players:
                    self._follow(self._players[event.player], event)
        self._advance(self._end)
        for player in self._players.values():
            player.recorded.close()
            self._replayed.differences[player.name] = player.difference
        if not self._replayed.identical:
            self._replayed.reason = why_not(self._take, self._events)
        return self._replayed

    # --- one event each --------------------------------------------------------------------------

    def _follow(self, player: _Player, event: log.PlayerEvent) -> None:
        match event:
            case log.SoundTaken():
                recording = np.array(event.numbers, np.float32)
                player.sounds = replace(player.sounds, recording=recording)
            case log.PlanHeard():
                self._hear(player, event)
            case log.PlanMuted(bars=bars):
                player.plans.pop(event.epoch, None)
                if bars is not None:
                    player.keep(player.stem.quiet(*bars))
            case log.ChordsTold():
                player.plans[event.epoch].chords = event.changes
            case log.PlanAsked():
                self._ask(player, event)
            case log.PlanMade():
                self._arrive(player, event)
            case log.PlanFailed():
                player.plans.pop(event.epoch, None)
            case log.BarSounded(source=int(source)):
                self._repeat(player, event, event.bar, source, event.fades)
            case log.ClipCut(source=int(source)):
                self._repeat(player, event, event.first_bar, source)
            case log.ClipCut():
                self._cut(player, event.epoch, event.stem, event.first_bar)
            case log.ClipPlaced():
                self._place(player, event)

    def _hear(self, player: _Player, event: log.PlanHeard) -> None:
        """A plan's window, up to where it was heard, and what the others were going to play."""
        take = self._take
        grid = Grid(self._rate, Fraction(event.bpm), take.origin_samples, take.beats_per_bar)
        others = [(self._players[name].stem, each) for name, each in event.others.items()]
        for stem in (player.stem, *(stem for stem, _ in others)):
            if stem.grid != grid:
                stem.regrid(grid)
        layout = lay_out(grid, event.first_bar, self._ready.max_frames)
        window = PlanWindow(event.epoch, event.seed, grid, layout, event.heard_samples, 0, 0)
        self._advance(event.heard_samples)
        self._source.position = min(event.heard_samples, self._end)
        self._hearing.look()
        hearing = layout.first_frame, layout.frames, event.cycle, event.stand_in_from
        mix = self._hearing.window(grid, *hearing)
        player.plans[event.epoch] = _Plan(window, with_others(mix, others))

    def _ask(self, player: _Player, event: log.PlanAsked) -> None:
        plan = player.plans[event.epoch]
        given = Prefix(event.prefix_frames, event.repeats)
        effort = Effort(event.steps, event.guidance, event.form)
        heard, knobs, plan.round = plan.context, {**DEFAULTS, **event.knobs}, event.round
        plan.requests = stem_requests(
            player.stem,
            plan.window,
            given,
            heard,
            knobs,
            effort,
            event.stems,
            Told(plan.chords, player.sounds.told(knobs), self._ready.abilities.guesses),
        )
        if request_digest(plan.requests[0]) != event.digest:
            self._note(player, event, "asks for something else than it did")
        self._rounds.setdefault(event.round, []).append(plan)

    def _arrive(self, player: _Player, event: log.PlanMade) -> None:
        player.last = plan = player.plans.pop(event.epoch)
        if plan.round in self._rounds:
            self._make(plan.round, self._rounds.pop(plan.round))
        self._replayed.plans += 1
        result = plan.stems[event.stem] if plan.stems else None
        if not isinstance(result, StemResult) or result_digest(result) != event.digest:
            self._note(player, event, "came out otherwise")
        if event.cut_from is not None:
            self._cut(player, event.epoch, event.stem, event.cut_from)

    def _make(self, number: int, plans: Sequence[_Plan]) -> None:
        """All the plans of a round at once, hurried at the step at which they were."""
        self._hurry.after = hurried_after(
            (event.steps, event.steps_done)
            for event in self._events
            if isinstance(event, log.PlanMade) and event.round == number
        )
        self._worker.submit(number, [request for plan in plans for request in plan.requests])
        (finished,) = self._worker.poll()
        stems = iter(finished.stems)
        for plan in plans:
            plan.stems = list(islice(stems, len(plan.requests)))

    def _cut(self, player: _Player, epoch: int | None, stem: int, first_bar: int) -> None:
        plan, made = player.last, None
        if plan is not None and plan.window.epoch == epoch and stem < len(plan.stems):
            result = plan.stems[stem]
            if isinstance(result, StemResult):
                made = player.stem.cut(plan.window, result, first_bar, self._memory.position)
        player.keep(made)

    def _repeat(
        self, player: _Player, event: OfPlan, bar: int, source: int, fades: bool = False
    ) -> None:
        if player.stem.clips.get(source) is None:
            self._note(player, event, f"has no bar {source} to repeat")
            player.keep(None)
            return
        player.keep(player.stem.again(bar, source, self._memory.position, fades))

    def _place(self, player: _Player, event: log.ClipPlaced) -> None:
        start, samples = event.start_samples, event.samples
        self._advance(max(event.sample, start + samples - self._memory.ring_samples // 2))
        if event.moved:
            moved = player.stem.retime_from(start)
            self._writer.place(player.number, start, moved.clip[:samples], moved.lead_in)
            player.stem.laid(moved)
            return
        number = player.number_of(event)
        placement = None if number is None else player.cut.pop(number, None)
        if placement is None or placement.start_samples != start:
            self._note(player, event, "places a clip that was not made")
            return
        self._writer.place(player.number, start, placement.clip[:samples], placement.lead_in)
        player.stem.commit(placement)

    # --- the stream ------------------------------------------------------------------------------

    def _advance(self, sample: int) -> None:
        """Let the stream reach a sample, up to the take's end, and compare what was played."""
        sample = min(sample, self._end)
        step = round(STEP_S * self._rate)
        while (position := self._memory.position) < sample:
            while self._levels and self._levels[0].sample <= position:
                level = self._levels.popleft()
                if isinstance(level, log.GainSet):
                    self._memory.set_gain(self._players[level.player].number, level.gain)
                else:
                    self._memory.fade_in()
            following = self._levels[0].sample if self._levels else sample
            self._stream.advance(min(sample, following, position + step))
            self._compare()

    def _compare(self) -> None:
        count = self._memory.position - self._compared
        if count <= 0:
            return
        for player in self._players.values():
            again = self._memory.played(player.number, self._compared, count)
            recorded = player.recorded.read(count, dtype="float32")
            if player.copy is not None:
                player.copy.append(again)
            if player.difference is None and not np.array_equal(again, recorded):
                player.difference = self._difference(again, recorded)
        self._compared += count
        self._progress((self._compared - self._start) / (self._end - self._start))

    def _difference(self, again: Samples, recorded: Samples) -> Difference:
        both = min(len(again), len(recorded))
        apart = np.abs(again[:both] - recorded[:both])
        at = int(np.argmax(apart > 0.0)) if apart.any() else both
        size = float(apart[at]) if at < both else float("nan")
        time_s = (self._compared + at - self._start) / self._rate
        bar = int(self._tempo.beat_at(time_s + 1e-6) // self._tempo.beats_per_bar)
        return Difference(time_s, bar, size)

    def _note(self, player: _Player, event: OfPlan, what: str) -> None:
        note = f"{player.name}, bar {event.bar}: plan {event.epoch} {what}"
        self._replayed.notes.append(note)
        self._say(note)
