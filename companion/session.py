"""One session: the only place where the rooms meet.

It watches the clock; each bar it has a plan made for every player from what is heard, places what
comes back, lets the planner fall back where nothing does, moves gains by the knobs, and keeps the
take.

*Threading*: `run` owns the planners, the writer, the take and the worker's results, in the thread
that calls it. `status` may be read and `stop` called from any thread, and `stop` from a signal
handler too: it takes no lock. Knobs come in through the store.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from companion.audio.writer import StemWriter
from companion.clock.transport import Transport
from companion.control.preset import Preset
from companion.control.store import ParameterStore
from companion.count_in import CountIn, first_bar_samples
from companion.diary import Diary
from companion.generate.decision import Placement
from companion.generate.pace import Pace
from companion.generate.planner import Planner
from companion.generate.serve import one_line
from companion.generate.stem_worker import Finished, StemWorker
from companion.listen.silence import is_silent
from companion.listen.window import context_window
from companion.rig import Rig
from companion.settings import decode_settings, form_of, gain_of, guidance_of
from companion.status import PlayerStatus, Status
from companion.take.take import Take
from companion.voice import Voice
from model.instruments import instrument_index

TICK_S = 0.010
"""How often the session looks at the clock."""
HURRY_AGAIN_S = 0.25
"""A plan told to hurry while it still waits for its turn is told again."""
TROUBLE_S = 10.0
"""How long the status names what went wrong."""
NEVER = sys.maxsize
"""The last bar and sample of a session that is not to end by itself."""


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
            rig: what to play on; its stream is not started yet. `run` closes it.
            worker: who makes the plans; `prepare` waits until it is ready, `run` closes it.
            store: the knobs of the preset's players.
            take: what to record; None records nothing.
            seed: of every die in this session.
            origin_samples: stream sample of bar 0; by default after the count-in.

        Raises:
            CompanionError: the tempo is outside its range.
        """
        self.preset, self.rig, self.store = preset, rig, store
        self._worker, self._take, self._seed = worker, take, seed
        if origin_samples is None:
            origin_samples = rig.memory.position + first_bar_samples(preset, rig.rate)
        self.transport = Transport(rig.rate, preset.bpm, origin_samples, preset.beats_per_bar)
        self._count_in = CountIn(rig.memory, self.transport, preset.count_in_bars)
        self._end_samples = self._end_bar = NEVER
        if preset.bars is not None:
            self._end_at(self.transport.bar_start_samples(preset.bars))
        self._diary = Diary(take, self.transport, self._count_in.start_samples)
        self._writer = StemWriter(rig.memory)
        self._voices: list[Voice] = []
        self._timed = True
        self._refused = 0
        self._trouble = ("", 0)  # what, and the sample until which it is named
        self._stopped = False

    # --- from any thread -----------------------------------------------------------------------

    def stop(self) -> None:
        """End the session at the next tick."""
        self._stopped = True

    @property
    def status(self) -> Status:
        """The session at a glance."""
        meters, position = self.rig.memory.meters, self.rig.memory.position
        bar = self.transport.bar_at(position)
        trouble, until = self._trouble
        lost = self._take.error if self._take is not None else None
        return Status(
            bar=bar,
            bars=self.preset.bars,
            players=tuple(
                PlayerStatus(
                    voice.name,
                    voice.sounding_in(bar),
                    voice.slack_s,
                    voice.planner.tally.isr,
                    meters.voices[voice.number],
                )
                for voice in self._voices
            ),
            input_level=meters.input,
            output_level=meters.output,
            xruns=self.rig.memory.counters.xruns,
            trouble=lost or (trouble if position < until else ""),
        )

    # --- the session's own thread --------------------------------------------------------------

    def prepare(self) -> None:
        """Wait for the generator and lay out the players.

        Raises:
            CompanionError: the generator never comes, or its window is too short for a bar.
        """
        ready = self._worker.wait_ready()
        self._timed = ready.plan_s > 0.0
        players = self.preset.players
        cycle = int(self.store.snapshot()["cycle"])
        self._voices = [
            Voice(
                name=player.name,
                number=number + 1,
                planner=Planner(
                    self.transport, number, self._seed, ready.max_frames, ready.silence, cycle
                ),
                # One plan at a time is made: each may have to wait for all the others.
                pace=Pace(ready.plan_s * len(players)),
            )
            for number, player in enumerate(players)
        ]
        self._follow_knobs()  # before the first block: then there is no ramp into the gains

    def run(
        self,
        on_tick: Callable[[Status], None] | None = None,
        end_samples: int | None = None,
    ) -> None:
        """Play until the last bar, or until `stop`; then close the take, worker and stream.

        Args:
            on_tick: called after every tick, in this thread; must be quick.
            end_samples: stream sample to end at, in place of the preset's last bar.

        Raises:
            CompanionError: the generator never comes, the stream does not start or stands still,
                or the take cannot begin. What was played until then is in the take.
        """
        if end_samples is not None:
            self._end_at(end_samples)
        reason = "stopped"
        try:
            if not self._voices:
                self.prepare()
            self.rig.stream.start()
            self._begin()
            while not self._stopped:
                now = self.rig.timebase.wait_until(self._next_tick())
                if now >= self._end_samples:
                    reason = "last bar"
                    break
                self._tick(now)
                if on_tick is not None:
                    on_tick(self.status)
        except Exception as error:
            reason = one_line(error)
            raise
        finally:
            self._end(reason)

    def _end_at(self, sample: int) -> None:
        self._end_samples = sample
        self._end_bar = self.transport.bar_at(sample - 1) + 1

    def _begin(self) -> None:
        """Open the take at the count-in's first sample."""
        if self._take is not None:
            start = self._count_in.start_samples
            self._take.begin(self.rig.memory, self.rig.rate, start)
        self._diary.started(self.preset, self.rig.input, self.rig.output)

    def _next_tick(self) -> int:
        """The next look at the clock: a tick from now, but never past a bar line or the end."""
        now = self.rig.timebase.now_samples()
        line = self.transport.bar_start_samples(self.transport.bar_at(now) + 1)
        return min(now + round(TICK_S * self.rig.rate), line, self._end_samples)

    def _tick(self, now: int) -> None:
        self._count_in.write(now)
        self._turn_knobs()
        self._collect()
        for voice in self._voices:
            self._plan(voice, now)
        self._collect()  # a worker that works where it is called has them already
        for voice in self._voices:
            self._place_early(voice)
            self._decide(voice)
        if self._take is not None:
            self._take.tick()

    # --- knobs ---------------------------------------------------------------------------------

    def _turn_knobs(self) -> None:
        """Write down what was moved, since the preset too, and do as it says."""
        for change in self.store.drain():
            self._diary.knob(change, self.rig.memory.position)
        refused, why = self.store.refused
        if refused > self._refused:
            self._refused = refused
            self._warn(why)
        self._follow_knobs()

    def _follow_knobs(self) -> None:
        """What acts now or at the next bar; the rest is read when a plan is asked for."""
        memory, rig_knobs = self.rig.memory, self.store.snapshot()
        memory.set_monitor(gain_of(rig_knobs["monitor"]))
        for voice in self._voices:
            knobs = self.store.snapshot(voice.name)
            memory.set_gain(voice.number, 0.0 if knobs["mute"] else gain_of(knobs["level"]))
            voice.planner.hold = bool(knobs["hold"])
            voice.planner.cycle = int(rig_knobs["cycle"])
            if self.store.take_trigger(voice.name, "regenerate"):
                voice.planner.regenerate()

    # --- plans ---------------------------------------------------------------------------------

    def _plan(self, voice: Voice, now: int) -> None:
        """Have the next plan made, if it is time; hurry the one that is being made."""
        self._hurry(voice, now)
        expected_s = voice.pace.expected_s if self._timed else 0.0
        asked = voice.planner.window(now, expected_s)
        if asked is None or asked.layout.first_bar >= self._end_bar:
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
            quiet = voice.planner.mute(asked, now).placement
            if quiet is not None:
                self._place(voice, quiet)
            return
        knobs = self.store.snapshot(voice.name)
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

    def _hurry(self, voice: Voice, now: int) -> None:
        """Have a plan that is about to be late finished at once."""
        late = any(now >= window.hurry_samples for window, _ in voice.pending.values())
        if late and now >= voice.hurry_samples:
            voice.hurry_samples = now + round(HURRY_AGAIN_S * self.rig.rate)
            self._worker.finish(voice.number - 1)

    def _collect(self) -> None:
        for finished in self._worker.poll():
            self._finish(finished)

    def _finish(self, finished: Finished) -> None:
        """Place a plan that came back, and write it down."""
        voice = self._voices[finished.player]
        window, knobs = voice.pending.pop(finished.plan)
        now = self.rig.memory.position
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
            self._place(voice, arrival.placement)

    # --- bars ----------------------------------------------------------------------------------

    def _decide(self, voice: Voice) -> None:
        """Settle what sounds in the bars whose deadline has come, but for those behind the end."""
        until = self.rig.memory.position
        if self._end_bar != NEVER:
            until = min(until, voice.planner.deadline_samples(self._end_bar) - 1)
        for decision in voice.planner.due(until):
            if decision.placement is not None:
                self._place(voice, decision.placement)
            voice.decided(decision)
            self._diary.bar(voice.name, decision)

    def _place(self, voice: Voice, placement: Placement) -> None:
        """Put a clip on the timeline, up to the session's end, or keep it until it fits there.

        A plan that took a fraction of the expected time may be for bars far ahead.
        """
        start = placement.start_samples
        if start >= self._end_samples:
            return
        clip = placement.clip[: self._end_samples - start]
        if start + len(clip) > self.rig.memory.horizon_samples:
            voice.early.append(placement)
            return
        if self._writer.place(voice.number, start, clip, placement.lead_in):
            voice.planner.placed(placement)
            voice.overtaken(placement)
            return
        self._warn(f"{voice.name}: a stem came too late")
        detail = f"{voice.name}, bar {placement.first_bar}"
        self._diary.incident("placement too late", detail, self.rig.memory.position)

    def _place_early(self, voice: Voice) -> None:
        """Try the clips that were too far ahead again."""
        early, voice.early = voice.early, []
        for placement in early:
            self._place(voice, placement)

    def _warn(self, what: str) -> None:
        self._trouble = (what, self.rig.memory.position + round(TROUBLE_S * self.rig.rate))

    # --- the end -------------------------------------------------------------------------------

    def _end(self, reason: str) -> None:
        """Fade out, finish the take, let go of everything."""
        memory = self.rig.memory
        for voice in range(memory.voices):
            memory.set_gain(voice, 0.0)
        memory.set_monitor(0.0)
        end = memory.position
        if self._take is not None:
            self._take.finish(end)
        self._worker.close()
        for finished in self._worker.poll():  # what was still being made
            self._finish(finished)
        if self._take is not None and self._take.begun:
            self._diary.ended(reason, self.figures(), end)
        if self._take is not None:
            self._take.close()
        self.rig.stream.close()

    def figures(self) -> dict[str, float]:
        """The session in numbers: ISR and slack of each player, blocks lost."""
        counters = self.rig.memory.counters
        figures: dict[str, float] = {
            "xruns": counters.xruns,
            "missed_samples": counters.missed_samples,
            "limited_samples": counters.limited_samples,
            "refused_messages": self.store.refused[0],
        }
        if self._take is not None:
            figures["unrecorded_samples"] = self._take.lost_samples
        for voice in self._voices:
            tally = voice.planner.tally
            figures[f"{voice.name}.plans"] = tally.plans
            figures[f"{voice.name}.late_plans"] = tally.late_plans
            figures[f"{voice.name}.repeated_bars"] = tally.repeated_bars
            if tally.isr is not None:
                figures[f"{voice.name}.isr"] = tally.isr
            if tally.least_slack_s is not None:
                figures[f"{voice.name}.least_slack_s"] = tally.least_slack_s
        return figures
