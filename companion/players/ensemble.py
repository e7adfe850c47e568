"""The players together: their knobs, their plans and what of them sounds.

*Threading*: belongs to the session's thread, but for `voices`, which any may read.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

from companion.audio.memory import AudioMemory
from companion.clock.transport import Transport
from companion.control.parameters import TAKES
from companion.control.store import ParameterStore
from companion.generate.budget import Wish
from companion.generate.effort import Effort
from companion.generate.protocol import Ready
from companion.players.decision import Placement
from companion.players.journal import Journal
from companion.players.planner import Planner
from companion.players.player import Voice
from companion.players.rounds import Rounds
from companion.players.settings import gain_of
from companion.players.timeline import Placing
from companion.take.events import ClipCut, FadedIn, GainSet
from model.request import DecodeSettings


class Ensemble:
    """The players of a session as one: turned by their knobs, planned in rounds, settled in time.

    Attributes:
        voices: the players; none before `prepare`.
        stopped: whether the clock's master is: then nobody sounds, though plans go on.
        deaf: while True there is nothing to listen to: the last cycle is repeated.
    """

    def __init__(
        self,
        memory: AudioMemory,
        transport: Transport,
        rounds: Rounds,
        store: ParameterStore,
        placing: Placing,
        journal: Journal,
    ) -> None:
        """No players yet.

        Args:
            memory: the stream's position, and the players' gains.
            transport: the bar grid.
            rounds: has their plans made.
            store: the players' knobs.
            placing: takes what is to sound.
            journal: is told of what is done by hand.
        """
        self._memory, self._transport = memory, transport
        self._store, self._placing, self._journal, self._rounds = store, placing, journal, rounds
        self._begun, self._fades = False, 0  # how many are written down
        self.voices: list[Voice] = []
        self.stopped = False
        self.deaf = False

    def prepare(self, names: Iterable[str], ready: Ready, seed: int) -> None:
        """Lay out the players, by name.

        Args:
            ready: what the generator can do.
            seed: of every die in this session.

        Raises:
            CompanionError: the generator's window is too short for a bar.
        """
        cycle = int(self._store.snapshot()["cycle"])
        effort = Effort(DecodeSettings().steps, {}, "contrast")
        usual = Wish(ready.max_frames, ready.max_frames, effort)
        self.voices = [
            Voice(
                name=name,
                number=number + 1,
                planner=Planner(
                    self._transport, number, seed, ready.max_frames, ready.silence, cycle
                ),
                usual=usual,
            )
            for number, name in enumerate(names)
        ]
        self._rounds.prepare(self.voices, ready)
        self.follow_knobs()  # before the first block: then there is no ramp into the gains

    def follow_knobs(self) -> None:
        """What acts now or at the next bar; the rest is read when a plan is asked for."""
        self.note_levels()
        cycle = int(self._store.snapshot()["cycle"])
        for voice in self.voices:
            self._pull_triggers(voice)
            knobs = self._store.snapshot(voice.name)
            quiet = knobs["mute"] or self.stopped
            self._set_gain(voice, 0.0 if quiet else gain_of(knobs["level"]))
            voice.planner.hold = bool(knobs["hold"]) or self.deaf
            voice.planner.cycle = cycle
            self._choose(voice, str(knobs["take"]))

    def sounding(self) -> bool:
        """Whether a stem sounds in this bar or the next."""
        bar = self._transport.bar_at(self._memory.position)
        return not self.stopped and any(
            voice.sounding_in(each) not in (None, "silence")
            for voice in self.voices
            for each in (bar, bar + 1)
        )

    def begin(self) -> dict[str, float]:
        """The take begins: the players' gains; from now on their moves are written down."""
        self._begun, self._fades = True, len(self._memory.fades)
        for voice in self.voices:
            voice.gain_taken, _ = self._memory.taken_gain(voice.number)
        return {voice.name: voice.gain_taken for voice in self.voices}

    def note_levels(self) -> None:
        """Write down from where on the callback has moved a gain, or lets all rise from silence."""
        if not self._begun:
            return
        for fade in self._memory.fades[self._fades :]:
            self._journal.write(FadedIn(sample=fade), fade)
            self._fades += 1
        for voice in self.voices:
            taken, since = self._memory.taken_gain(voice.number)
            if taken != voice.gain_taken:
                gain = GainSet(player=voice.name, sample=since, gain=taken)
                self._journal.write(gain, since)
                voice.gain_taken = taken

    def _set_gain(self, voice: Voice, gain: float) -> None:
        """Move a gain, once the callback has taken the one before: each can be written down."""
        if gain != voice.gain and (not self._begun or voice.gain_taken == voice.gain):
            voice.gain = gain
            self._memory.set_gain(voice.number, gain)

    def tick(self, now: int) -> None:
        """Take what the worker has made, settle what is due."""
        for voice in self.voices:  # before a plan is laid on lines that have moved
            self._placing.retime(voice, now)
        self._rounds.collect()
        self._settle(now)

    def plan(self, now: int, stand_in_from: int = 0) -> None:
        """Have made what it is time for: a while's work, after everything that is due.

        Bars before `stand_in_from` stand in for none to come.
        """
        self._rounds.stand_in_from = stand_in_from
        if self._rounds.tick(now):
            self._settle(now)

    def _settle(self, now: int) -> None:
        for voice in self.voices:
            self._placing.settle(voice)
            self._placing.retime(voice, now)

    def collect(self) -> None:
        """Place the plans that came back, and write them down."""
        self._rounds.collect()

    def _pull_triggers(self, voice: Voice) -> None:
        pulled = partial(self._store.take_trigger, voice.name)
        now = self._memory.position
        if pulled("regenerate"):
            voice.planner.regenerate()
        if pulled("again"):
            again = voice.planner.again(now)
            for placement in again:  # all before any is placed: as they were made
                self._tell_cut(voice, placement, 0, now)
            for placement in again:
                self._placing.place(voice, placement)
        if pulled("undo") and voice.planner.undo(now):
            self._store.set("hold", True, voice.name, "undo")

    def _choose(self, voice: Voice, take: str) -> None:
        """Have the chosen one of a plan's two stems sound, from the next bar on."""
        chosen = 1 if take == TAKES[2] else 0
        if chosen == voice.chosen:
            return
        voice.chosen = chosen
        if voice.alternatives is not None and take != TAKES[0]:
            window, results = voice.alternatives.window, voice.alternatives.results
            placement = voice.planner.switch(window, results[chosen], self._memory.position)
            if placement is not None:
                self._tell_cut(voice, placement, chosen, self._memory.position)
                self._placing.place(voice, placement)

    def _tell_cut(self, voice: Voice, placement: Placement, stem: int, at: int) -> None:
        """Write down a clip that was made by hand."""
        cut = ClipCut(
            player=voice.name,
            first_bar=placement.first_bar,
            source=placement.source,
            epoch=placement.epoch,
            stem=stem,
        )
        self._journal.write(cut, at)

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
