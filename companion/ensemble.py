"""The players together: their plans are asked for, collected and put on the timeline.

*Threading*: belongs to the session's thread, but for `voices`, which any may read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from companion.audio.memory import AudioMemory
from companion.clock.grid import Grid
from companion.clock.transport import Transport
from companion.control.store import ParameterStore, Snapshot
from companion.diary import Diary
from companion.generate.pace import Pace
from companion.generate.planner import Planner
from companion.generate.protocol import Ready
from companion.generate.stem_worker import Finished, StemWorker
from companion.listen.nominal import NominalCapture
from companion.listen.silence import is_silent
from companion.listen.window import context_window
from companion.placing import Placing
from companion.settings import decode_settings, form_of, gain_of, guidance_of
from companion.voice import Voice
from model.instruments import instrument_index

HURRY_AGAIN_S = 0.25
"""A plan told to hurry while it still waits for its turn is told again."""


class Ensemble:
    """See the module.

    Attributes:
        voices: the players; none before `prepare`.
    """

    def __init__(
        self,
        memory: AudioMemory,
        transport: Transport,
        worker: StemWorker,
        store: ParameterStore,
        placing: Placing,
        diary: Diary,
        warn: Callable[[str], None],
    ) -> None:
        """No players yet.

        Args:
            memory: what is heard, and the players' gains.
            transport: the bar grid.
            worker: who makes the plans.
            store: the players' knobs.
            placing: takes what is to sound.
            diary: is told of every plan.
            warn: told what the performer should know, in one line.
        """
        self._memory, self._transport, self._worker = memory, transport, worker
        self._store, self._placing, self._diary, self._warn = store, placing, diary, warn
        self._timed = True
        self._nominal: NominalCapture | None = None
        self.voices: list[Voice] = []

    def prepare(self, names: Iterable[str], ready: Ready, seed: int) -> None:
        """Lay out the players, by name.

        Args:
            ready: what the generator can do.
            seed: of every die in this session.

        Raises:
            CompanionError: the generator's window is too short for a bar.
        """
        self._timed = ready.plan_s > 0.0
        cycle = int(self._store.snapshot()["cycle"])
        names = tuple(names)
        self.voices = [
            Voice(
                name=name,
                number=number + 1,
                planner=Planner(
                    self._transport, number, seed, ready.max_frames, ready.silence, cycle
                ),
                # One plan at a time is made: each may have to wait for all the others.
                pace=Pace(ready.plan_s * len(names)),
            )
            for number, name in enumerate(names)
        ]
        self.follow_knobs()  # before the first block: then there is no ramp into the gains

    def follow_knobs(self) -> None:
        """What acts now or at the next bar; the rest is read when a plan is asked for."""
        cycle = int(self._store.snapshot()["cycle"])
        for voice in self.voices:
            knobs = self._store.snapshot(voice.name)
            self._memory.set_gain(voice.number, 0.0 if knobs["mute"] else gain_of(knobs["level"]))
            voice.planner.hold = bool(knobs["hold"])
            voice.planner.cycle = cycle
            if self._store.take_trigger(voice.name, "regenerate"):
                voice.planner.regenerate()

    def tick(self, now: int) -> None:
        """Take what the worker has made, have made what it is time for, settle what is due."""
        self.collect()
        for voice in self.voices:
            self._plan(voice, now)
        self.collect()  # a worker that works where it is called has them already
        for voice in self.voices:
            self._placing.settle(voice)
            self._placing.retime(voice, now)

    def collect(self) -> None:
        """Place the plans that came back, and write them down."""
        for finished in self._worker.poll():
            self._finish(finished)

    def figures(self) -> dict[str, float]:
        """The players in numbers: ISR and slack of each."""
        figures: dict[str, float] = {}
        for voice in self.voices:
            tally = voice.planner.tally
            figures[f"{voice.name}.plans"] = tally.plans
            figures[f"{voice.name}.late_plans"] = tally.late_plans
            figures[f"{voice.name}.repeated_bars"] = tally.repeated_bars
            if tally.isr is not None:
                figures[f"{voice.name}.isr"] = tally.isr
            if tally.least_slack_s is not None:
                figures[f"{voice.name}.least_slack_s"] = tally.least_slack_s
        return figures

    def _plan(self, voice: Voice, now: int) -> None:
        """Have the next plan made, if it is time; hurry the one that is being made."""
        self._hurry(voice, now)
        expected_s = voice.pace.expected_s if self._timed else 0.0
        asked = voice.planner.window(now, expected_s)
        if asked is None or asked.layout.first_bar >= self._placing.end_bar:
            return
        layout = asked.layout
        context = context_window(
            self._heard_on(asked.grid),
            asked.grid,
            layout.first_frame,
            layout.frames,
            voice.planner.cycle,
        )
        if is_silent(context.audio, context.known):
            quiet = voice.planner.mute(asked, now).placement
            if quiet is not None:
                self._placing.place(voice, quiet)
            return
        knobs: Snapshot = self._store.snapshot(voice.name)
        request = voice.planner.request(
            asked,
            context,
            instrument_index(str(knobs["instrument"])),
            guidance_of(knobs),
            form_of(knobs),
            decode_settings(knobs),
        )
        voice.pending[asked.epoch] = (asked, knobs)
        self._worker.submit(voice.number - 1, asked.epoch, request)

    def _heard_on(self, grid: Grid) -> NominalCapture:
        """The input at a plan's tempo; one for all plans of that tempo."""
        if self._nominal is None or self._nominal.grid != grid:
            self._nominal = NominalCapture(self._memory, self._transport, grid)
        return self._nominal

    def _hurry(self, voice: Voice, now: int) -> None:
        """Have a plan that is about to be late finished at once."""
        late = any(now >= window.hurry_samples for window, _ in voice.pending.values())
        if late and now >= voice.hurry_samples:
            voice.hurry_samples = now + round(HURRY_AGAIN_S * self._transport.rate)
            self._worker.finish(voice.number - 1)

    def _finish(self, finished: Finished) -> None:
        voice = self.voices[finished.player]
        window, knobs = voice.pending.pop(finished.plan)
        now = self._memory.position
        if finished.result is None:
            if finished.outcome == "failed":
                self._warn(f"{voice.name}: {finished.reason}")
            self._diary.failed(voice.name, window, finished.reason, now)
            return
        if self._timed:
            voice.pace.record(finished.waited_s + finished.made_s)
        arrival = voice.planner.arrive(window, finished.result, now)
        voice.slack_s = arrival.slack_s
        timings_s = {"waited": finished.waited_s, "made": finished.made_s}
        self._diary.plan(voice.name, arrival, knobs, {**finished.result.timings, **timings_s})
        if arrival.placement is not None:
            self._placing.place(voice, arrival.placement)
