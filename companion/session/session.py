"""One session: the only place where the rooms meet.

It watches the clock, turns the knobs, lets the ensemble have its plans made and placed, and keeps
the take.

*Threading*: `run` owns the ensemble, the take and the worker's results, in the thread that calls
it. `status` may be read and `stop` called from any thread, and `stop` from a signal
handler too: it takes no lock. Knobs come in through the store.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from companion.clock.follow import FollowSource
from companion.clock.transport import Transport
from companion.control.learn import Learn
from companion.control.osc_out import OscSender
from companion.control.osc_packet import Message
from companion.control.preset import Preset
from companion.control.preset_text import preset_text
from companion.control.store import Change, ParameterStore
from companion.generate.protocol import Ready
from companion.generate.stem_worker import StemWorker
from companion.listen.harmony import Harmony
from companion.players.desk import Desk
from companion.players.ensemble import Ensemble
from companion.players.journal import Journal
from companion.players.metrics import Metrics, Tally
from companion.players.player import Player
from companion.players.rounds import Rounds
from companion.players.settings import gain_of
from companion.players.sounds import Sound
from companion.players.timeline import Timeline
from companion.session.conductor import Conductor, OpenSource
from companion.session.count_in import CountIn, first_bar_samples
from companion.session.ear import Ear
from companion.session.osc_feed import OscFeed
from companion.session.outage import Outage
from companion.session.report import Report
from companion.session.rig import Rig
from companion.session.set_list import SetList
from companion.session.status import PlayerStatus, Status
from companion.session.take_start import take_started
from companion.session.ticks import Ticks
from companion.session.trouble import Ledger
from companion.system.errors import one_line
from companion.take.events import (
    Incident,
    KnobMoved,
    PresetTaken,
    TakeEnded,
)
from companion.take.take import PRESET_FILE, Provenance, Take


class Session:
    """One set, from the count-in to the last bar; `run` plays it.

    Attributes:
        learn: binds MIDI controllers to knobs, from any thread; None without MIDI.
    """

    def __init__(
        self,
        preset: Preset,
        rig: Rig,
        worker: StemWorker,
        store: ParameterStore,
        take: Take | None = None,
        seed: int = 0,
        origin_samples: int | None = None,
        clocks: Mapping[str, OpenSource] | None = None,
        osc: OscSender | None = None,
        harmony: Harmony | None = None,
        set_list: SetList | None = None,
        on_turned: Callable[[Change], None] = lambda _: None,
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
            clocks: how to open those that can lead, beside the knob and the taps, by name.
            osc: who tells other programs how it goes; None tells none.
            harmony: the chords, with those who tell them; None for the preset's chart alone.
            set_list: presets to switch to; None for this one alone.
            on_turned: told of every knob that was moved, in this thread; must not wait.

        Raises:
            CompanionError: the tempo is outside its range.
        """
        self.preset, self.rig, self.store = preset, rig, store
        self._worker, self._take, self._seed = worker, take, seed
        if origin_samples is None:
            origin_samples = rig.memory.position + first_bar_samples(preset, rig.rate)
        self.transport = Transport(rig.rate, preset.bpm, origin_samples, meter=preset.meter)
        self._count_in = CountIn(rig.memory, self.transport, preset.meter, preset.count_in_bars)
        self._metrics, start = Metrics(), self._count_in.start_samples
        self._journal = Journal(take, self.transport, start, self._metrics.hear)
        self.harmony = Harmony(preset.chart()) if harmony is None else harmony
        self.set_list = set_list or SetList([preset], store, self.harmony)
        heard_of = self._journal, self._metrics, self.harmony
        desk = Desk(rig.memory, self.transport, store, *heard_of)
        self.troubles = Ledger(
            lambda: (rig.memory.position - start) / rig.rate,
            lambda trouble: self._report.trouble(trouble, rig.memory.position),
        )
        happened, watch = self.troubles.happened, self.troubles.watch
        self._timeline = Timeline(desk, partial(happened, "late"))
        if preset.bars is not None:
            self._timeline.end_bar = preset.bars
        self._guard = rig.echo_guard(lambda: bool(store.snapshot()["echo_guard"]))
        look = partial(rig.performed.look, self._guard, start)
        failed = partial(happened, "generator")
        self._rounds = Rounds(desk, look, worker, self._timeline, failed)
        self._ensemble = Ensemble(desk, self._rounds, self._timeline)
        self.conductor = Conductor(
            self.transport,
            store,
            {"follow": self._follow, **(clocks or {})},
            self._ensemble.sounding,
            rig.look,
            lambda: rig.memory.counters.missed_samples,
            self._warn_of_clock,
        )
        self._ear = Ear(look, self.transport, store)
        self._feed = OscFeed(osc, desk, self._rounds.progress)
        self._on_turned = on_turned
        self.learn: Learn | None = None
        self._report = Report(desk, self._ear, self._feed)
        news = partial(happened, "news")
        self._outage = Outage(rig.losable, rig.performed, self.transport, self._journal, news)
        watch("device", lambda: self._outage.trouble)
        watch("clock", lambda: self.conductor.trouble)
        if take is not None:
            watch("recording", lambda: take.error or "")
        if osc is not None:
            watch("osc", lambda: osc.trouble)
        self._ticks = Ticks(rig, self.transport, self._timeline, self._follow_levels)
        self._recorded: Sequence[Sound] = ()  # what the set's recordings sound like
        self._xruns = 0
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
        offset = self.conductor.song_offset_bars
        return Status(
            bar=bar,
            bars=self.preset.bars,
            players=tuple(
                PlayerStatus(
                    player.name,
                    self._metrics.sounding(player.name, bar),
                    self._metrics.tally(player.name).slack_s,
                    self._metrics.tally(player.name).isr,
                    meters.voices[player.number],
                    self._report.of_player(player.name),
                )
                for player in self._ensemble.players
            ),
            input_level=meters.input,
            output_level=meters.output,
            xruns=self.rig.memory.counters.xruns,
            troubles=self.troubles.told,
            cycle=int(self.store.snapshot()["cycle"]),
            cycle_holds=self._ear.holds,
            bars_before=0 if self._take is None else self._take.origin.bars_before,
            song_bar=None if offset is None else bar + offset,
        )

    def tell_also(self, news: Callable[[], list[Message]]) -> None:
        """Have messages of somebody else's sent over OSC too: asked for them at each tick."""
        self._feed.also.append(news)

    # --- the session's own thread --------------------------------------------------------------

    def made_by(self, ready: Ready) -> None:
        """Another generator makes the plans from now on, which can do the same."""
        self._rounds.made_by(ready)

    @property
    def players(self) -> Sequence[Player]:
        """Who plays, for who looks at every tick; none before `prepare`."""
        return self._ensemble.players

    @property
    def metrics(self) -> Metrics:
        """How the bars went, likewise."""
        return self._metrics

    @property
    def progress(self) -> Mapping[str, float]:
        """Share (0..1) that is done of the plans that are being made, by player; likewise."""
        return self._rounds.progress()

    def prepare(self) -> None:
        """Wait for the generator and lay out the players.

        Raises:
            CompanionError: the generator never comes, or its window is too short for a bar.
        """
        ready = self._worker.wait_ready()
        names = (player.name for player in self.preset.players)
        self._recorded = tuple(ready.recorded)
        self._ensemble.prepare(names, ready, self._seed, self.set_list.sounds(self._recorded))
        self._set_monitor()

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
            self._timeline.end_at(end_samples)
        reason = "stopped"
        try:
            if not self._ensemble.players:
                self.prepare()
            self.rig.stream.start()
            self._begin()
            while not self._stopped:
                now = self._ticks.wait(self.store.moved)
                if now >= self._timeline.end_samples:
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

    def _begin(self) -> None:
        """Open the take at the count-in's first sample."""
        if self._take is not None:
            start = self._count_in.start_samples
            self._take.begin(self.rig.performed, self.rig.rate, start, self._guard)
        ready, gains = self._worker.wait_ready(), self._ensemble.begin()
        if self._take is not None:
            self._take.keep(PRESET_FILE, preset_text(self.preset))
        start = self._count_in.start_samples
        origin = Provenance() if self._take is None else self._take.origin
        started = take_started(
            *(self.preset, self.rig, self.transport, ready, origin),
            gains=gains,
            start_samples=start,
            first_bar_s=self._journal.seconds(self.transport.bar_start_samples(0)),
            seed=self._seed,
        )
        self._journal.write(started, start)
        if self.set_list.began is not None:  # for whoever goes on from this take
            at = self.transport.bar_start_samples(self.set_list.began)
            self._journal.write(PresetTaken(preset=self.set_list.current), at)
        self._ensemble.tell_sounds()
        self._feed.start()
        self._feed.preset(self.set_list.current)

    def _follow_levels(self) -> None:
        self._set_monitor()
        self._ensemble.follow_levels()

    def _tick(self, now: int) -> None:
        self._count_in.write(now, bool(self.store.snapshot()["metronome"]))
        if self._guard is not None:
            self._guard.tick()
        self._ear.tick(now)
        self.conductor.tick(now)
        stopped = not self.conductor.playing
        self._outage.tick(now)
        if playing := self.set_list.tick(self.transport.bar_at(now)):
            self._journal.write(PresetTaken(preset=playing), now)
            self._ensemble.take_sounds(self.set_list.sounds(self._recorded))
            self._feed.preset(playing)
        self._turn_knobs(stopped)
        self._journal.tempo()
        self._ensemble.tick(now)
        self._count_xruns()
        self.troubles.tick()
        self._report.tick(now)
        # Last: whoever waits for the beat is not to wait for windows that are cut at a bar line.
        self._ensemble.plan(now, self._ear.stand_in_from)
        if self._take is not None:
            self._take.tick()

    def _follow(self) -> FollowSource:
        transport = self.transport
        tempo = lambda: float(transport.bpm)  # noqa: E731
        return FollowSource(self.rig.performed, self.rig.rate, tempo, transport.beats_per_bar)

    # --- knobs ---------------------------------------------------------------------------------

    def _turn_knobs(self, stopped: bool) -> None:
        """Write down what was moved, since the preset too, and do as it says."""
        for change in self.store.drain():
            self._ear.turned(change)
            self._feed.turned(change)
            self._on_turned(change)
            moved = KnobMoved(
                name=change.name, player=change.player, value=change.new, moved_by=change.source
            )
            self._journal.write(moved, self.rig.memory.position)
        for refusal in self.store.drain_refusals():
            self.troubles.happened("message", refusal.why, refusal.times, refusal.about)
        self._set_monitor()
        self._ensemble.follow_knobs(stopped, self._outage.on)

    def _set_monitor(self) -> None:
        self.rig.memory.set_monitor(gain_of(self.store.snapshot()["monitor"]))

    def _warn_of_clock(self, what: str) -> None:
        self._journal.write(Incident(what="clock", detail=what), self.rig.memory.position)
        if what != self.conductor.trouble:
            self.troubles.happened("news", what)

    def _count_xruns(self) -> None:
        xruns = self.rig.memory.counters.xruns
        if xruns > self._xruns:
            blocks = xruns - self._xruns
            self._xruns = xruns
            self.troubles.happened("blocks", "the device lost blocks of sound", blocks)

    # --- the end -------------------------------------------------------------------------------

    def _end(self, reason: str) -> None:
        """Fade out, finish the take, let go of everything."""
        memory = self.rig.memory
        end = self.rig.performed.position  # before anything is done that the take would not know of
        self._ensemble.note_levels()
        for voice in range(memory.voices):
            memory.set_gain(voice, 0.0)
        memory.set_monitor(0.0)
        if self._guard is not None:
            self._guard.catch_up()
        if self._take is not None:
            self._take.finish(end)
        self.troubles.tick()  # a disk may have been too full for the last of it
        self.conductor.close()
        self._worker.close()
        self._rounds.collect()  # what was still being made
        if self._take is not None and self._take.begun:
            self._journal.write(TakeEnded(reason=reason, figures=self.figures()), end)
        if self._take is not None:
            self._take.close()
        self.rig.stream.close()

    @property
    def tally(self) -> Tally:
        """Bars and plans of all players together."""
        return sum((self._metrics.tally(p.name) for p in self._ensemble.players), Tally())

    def figures(self) -> dict[str, float]:
        """The session in numbers: ISR and slack of each player, blocks lost."""
        counters = self.rig.memory.counters
        figures: dict[str, float] = {
            "xruns": counters.xruns,
            "missed_samples": counters.missed_samples,
            "limited_samples": counters.limited_samples,
            "refused_messages": self.store.refused[0],
            "device_lost": self._outage.times,
            "device_lost_s": self._outage.lost_s,
        }
        if self._take is not None:
            figures["unrecorded_samples"] = self._take.lost_samples
        players = [player.name for player in self._ensemble.players]
        return figures | self._metrics.figures(players)
