"""The players together: their knobs, their plans and what of them sounds.

*Threading*: belongs to the session's thread, but for `players`, which any may read.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import numpy as np

from companion.control.parameters import TAKES
from companion.generate.budget import Wish
from companion.generate.protocol import Ready
from companion.generate.warmup import typical_effort
from companion.players.decision import Placement
from companion.players.desk import Desk
from companion.players.planner import Planner
from companion.players.player import Player
from companion.players.rounds import Rounds
from companion.players.settings import gain_of
from companion.players.sounds import NO_SOUND, Sound, Sounds
from companion.players.timeline import Timeline
from companion.take.events import ClipCut, FadedIn, GainSet, SoundTaken


class Ensemble:
    """The players of a session as one: turned by their knobs, planned in rounds, settled in time.

    Attributes:
        players: the players; none before `prepare`.
    """

    def __init__(self, desk: Desk, rounds: Rounds, timeline: Timeline) -> None:
        """No players yet: `rounds` has their plans made, `timeline` takes what is to sound."""
        self._memory, self._transport, self._metrics = desk.memory, desk.transport, desk.metrics
        self._store, self._journal = desk.store, desk.journal
        self._rounds, self._timeline = rounds, timeline
        self._begun, self._fades = False, 0  # how many are written down
        self._stopped = False
        self.players: list[Player] = []

    def prepare(
        self,
        names: Iterable[str],
        ready: Ready,
        seed: int,
        recorded: Mapping[str, Sound] = MappingProxyType({}),
    ) -> None:
        """Lay out the players.

        Args:
            names: of the players.
            ready: what the generator can do.
            seed: of every die in this session.
            recorded: the sounds of players that have a recording's, by name; the others', where
                they are there, are empty.

        Raises:
            CompanionError: the generator's window is too short for a bar.
        """
        cycle, seconds = int(self._store.snapshot()["cycle"]), self._journal.seconds
        effort = replace(typical_effort(ready.abilities), guidance={})
        usual = Wish(ready.max_frames, ready.max_frames, effort)
        for number, name in enumerate(names):
            generator = ready.max_frames, ready.silence
            planner = Planner(self._transport, number, seed, *generator, cycle, name, seconds)
            sound = recorded.get(name, NO_SOUND)
            sounds = Sounds(ready.abilities, seed, name, sound)
            self.players.append(Player(name, number + 1, planner, usual, sounds))
        self._rounds.prepare(self.players, ready)
        self.follow_knobs()  # before the first block: then there is no ramp into the gains

    def follow_knobs(self, stopped: bool = False, deaf: bool = False) -> None:
        """Do what acts now or at the next bar; the rest is read when a plan is asked for.

        Args:
            stopped: whether the clock's master is: then nobody sounds, though plans go on.
            deaf: while True there is nothing to listen to: the last cycle is repeated.
        """
        self._stopped = stopped
        self.follow_levels()
        cycle = int(self._store.snapshot()["cycle"])
        for player in self.players:
            self._pull_triggers(player)
            knobs = self._store.snapshot(player.name)
            player.planner.bars.hold = bool(knobs["hold"]) or deaf
            player.planner.bars.cycle = cycle
            self._choose(player, str(knobs["take"]))

    def follow_levels(self) -> None:
        """Move the gains to where level and mute are."""
        self.note_levels()
        for player in self.players:
            knobs = self._store.snapshot(player.name)
            quiet = knobs["mute"] or self._stopped
            self._set_gain(player, 0.0 if quiet else gain_of(knobs["level"]))

    def sounding(self) -> bool:
        """Whether a stem sounds in this bar or the next."""
        bar = self._transport.bar_at(self._memory.position)
        return not self._stopped and any(
            self._metrics.sounding(player.name, each) not in (None, "silence")
            for player in self.players
            for each in (bar, bar + 1)
        )

    def begin(self) -> dict[str, float]:
        """The take begins: the players' gains; from now on their moves are written down."""
        self._begun, self._fades = True, len(self._memory.fades)
        for player in self.players:
            player.gain_taken, _ = self._memory.taken_gain(player.number)
        return {player.name: player.gain_taken for player in self.players}

    def tell_sounds(self) -> None:
        """Write down what the recordings sound like that players have from the beginning."""
        for player in self.players:
            if player.sounds.recording.size:
                self._tell_sound(player)

    def take_sounds(self, recorded: Mapping[str, Sound]) -> None:
        """Have players take on other recordings' sounds with their next plans; as for `prepare`."""
        for player in self.players:
            sound = recorded.get(player.name, NO_SOUND)
            if np.array_equal(sound, player.sounds.recording):
                continue
            player.sounds = replace(player.sounds, recording=sound)
            self._tell_sound(player)
            player.planner.replan()

    def _tell_sound(self, player: Player) -> None:
        numbers = tuple(map(float, player.sounds.recording))
        self._journal.write(SoundTaken(player=player.name, numbers=numbers), self._memory.position)

    def note_levels(self) -> None:
        """Write down from where on the callback has moved a gain, or lets all rise from silence."""
        if not self._begun:
            return
        for fade in self._memory.fades[self._fades :]:
            self._journal.write(FadedIn(sample=fade), fade)
            self._fades += 1
        for player in self.players:
            taken, since = self._memory.taken_gain(player.number)
            if taken != player.gain_taken:
                gain = GainSet(player=player.name, sample=since, gain=taken)
                self._journal.write(gain, since)
                player.gain_taken = taken

    def _set_gain(self, player: Player, gain: float) -> None:
        """Move a gain, once the callback has taken the one before: each can be written down."""
        if gain != player.gain and (not self._begun or player.gain_taken == player.gain):
            player.gain = gain
            self._memory.set_gain(player.number, gain)

    def tick(self, now: int) -> None:
        """Take what the worker has made, settle what is due."""
        for player in self.players:  # before a plan is laid on lines that have moved
            self._timeline.retime(player, now)
        self._rounds.collect()
        self._settle()

    def plan(self, now: int, stand_in_from: int = 0) -> None:
        """Have made what it is time for: a while's work, after everything that is due.

        Bars before `stand_in_from` are never heard in place of bars to come.
        """
        if self._rounds.tick(now, stand_in_from):
            self._settle()

    def _settle(self) -> None:
        for player in self.players:
            self._timeline.settle(player)

    def _pull_triggers(self, player: Player) -> None:
        pulled = partial(self._store.take_trigger, player.name)
        now = self._memory.position
        if pulled("regenerate"):
            player.planner.regenerate()
        if pulled("again"):
            again = player.planner.again(now)
            for placement in again:  # all before any is placed: as they were made
                self._tell_cut(player, placement, 0, now)
            for placement in again:
                self._timeline.place(player, placement)
        if pulled("undo") and player.planner.bars.undo(now):
            self._store.set("hold", True, player.name, "undo")

    def _choose(self, player: Player, take: str) -> None:
        """Have the chosen one of a plan's two stems sound, from the next bar on."""
        chosen = 1 if take == TAKES[2] else 0
        if chosen == player.chosen:
            return
        player.chosen = chosen
        if player.alternatives is not None and take != TAKES[0]:
            window, results = player.alternatives
            at = self._memory.position
            placement, _ = player.planner.arrive(window, results[chosen], at)
            if placement is not None:
                self._tell_cut(player, placement, chosen, at)
                self._timeline.place(player, placement)

    def _tell_cut(self, player: Player, placement: Placement, stem: int, at: int) -> None:
        """Write down a clip that was made by hand."""
        cut = ClipCut(
            player=player.name,
            first_bar=placement.first_bar,
            source=placement.source,
            epoch=placement.epoch,
            stem=stem,
        )
        self._journal.write(cut, at)
