"""The plans of all players, a round at a time: asked for as one batch, hurried, taken back.

A round is begun once a bar, as soon as the one before is back, and for the same bar for all its
players; which bar that is, and who is in it, is `choice`'s. A plan that cannot be ready in time at
full quality is made with fewer steps or passes.

A player hears the mix and what the others are going to play, as far as that is settled. In a round
`together` these are the bars so far, and for the bars being planned what would sound if there were
no new plan; `in turn` each is planned on its own and hears the new bars of those before it.

*Threading*: belongs to the session's thread.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace

from companion.audio.aligned_input import Look
from companion.audio.silence import is_silent
from companion.control.parameters import PARAMETERS, Value
from companion.control.store import Snapshot
from companion.generate.budget import Budget, Wish
from companion.generate.effort import Effort
from companion.generate.latency import LONG_WAIT_S, Latency, Work
from companion.generate.protocol import Ready
from companion.generate.stem_worker import Finished, StemWorker
from companion.generate.warmup import latency_of
from companion.listen.hearing import Hearing
from companion.listen.window import ContextWindow
from companion.players.choice import Choice
from companion.players.decision import PlanWindow
from companion.players.desk import Desk
from companion.players.player import Member, Player, Round
from companion.players.request import (
    Told,
    request_digest,
    result_digest,
    stem_requests,
    with_others,
)
from companion.players.settings import stem_count
from companion.players.timeline import Timeline
from companion.take import events as log
from model.abilities import Abilities
from model.request import StemRequest, StemResult

PLAN_KNOBS = tuple(
    knob.name for knob in PARAMETERS if knob.acts == "next plan" and knob.kind != "trigger"
)
HURRY_AGAIN_S = 0.25
"""A plan told to hurry while it still waits for its turn is told again."""


class Rounds:
    """Asks for the plans of all players, one batch at a time, and takes them back."""

    def __init__(
        self,
        desk: Desk,
        look: Callable[[], Look],
        worker: StemWorker,
        timeline: Timeline,
        warn: Callable[[str], None],
    ) -> None:
        """Nothing planned.

        Args:
            look: tells what has been heard of the performer by now.
            warn: told what the performer should know, in one line.
        """
        self._memory, self._transport = desk.memory, desk.transport
        self._store, self._journal, self._warn = desk.store, desk.journal, warn
        self._harmony = desk.harmony
        self._worker, self._timeline = worker, timeline
        self._stand_in_from = 0
        self._abilities, self._choice = Abilities(), Choice(desk)
        self._budget = Budget(None)
        self._latency: Latency | None = None
        self._own: tuple[Ready, Latency] | None = None  # of the generator that it began with
        self._players: Sequence[Player] = ()
        self._number = 0
        self._look, self._hearing = look, Hearing(look, desk.transport)
        self._round: Round | None = None
        self._turns: deque[Member] = deque()  # planned after this round, for the same bar
        self._hurry_again_samples = 0

    def prepare(self, players: Sequence[Player], ready: Ready) -> None:
        """Plan for these players with such a generator."""
        self._players, self._abilities = players, ready.abilities
        if ready.plan_s > 0.0:
            self._own = ready, latency_of(ready, self._seconds(self._memory.position))
            self._latency = self._own[1]
            self._budget = Budget(self._latency)
        self._choice.prepare(players, ready, self._budget)

    def made_by(self, ready: Ready) -> None:
        """Another generator that can do the same makes the plans from now on."""
        if self._own is None or ready.plan_s <= 0.0:
            return
        first, latency = self._own
        now_s = self._seconds(self._memory.position)
        self._latency = latency if ready is first else latency_of(ready, now_s)
        self._budget = Budget(self._latency)
        self._choice.prepare(self._players, ready, self._budget)
        if (making := self._round) is not None:
            asked_s = self._seconds(making.asked_samples)
            finish_s = self._budget.finish_s(making.wishes, making.spending, asked_s)
            self._round = replace(making, finish_s=finish_s)

    def tick(self, now: int, stand_in_from: int) -> bool:
        """Begin what it is time for, if anything; hurry or give up what is being made.

        Bars before `stand_in_from` are never heard in place of bars to come.
        """
        self._stand_in_from = stand_in_from
        if self._round is not None:
            self._watch(self._round, now)
        begun = False
        while self._round is None and (members := self._next_members(now)):
            self._begin(members, now)
            self.collect()  # a worker that works where it is called has it already
            begun = True
        return begun

    def collect(self) -> None:
        """Place the plans that came back, and write them down."""
        for finished in self._worker.poll():
            if self._round is not None and finished.plan == self._round.number:
                done, self._round = self._round, None
                self._finish(done, finished)

    def progress(self) -> dict[str, float]:
        """Share (0..1) of its steps that is done, of each player whose plan is being made."""
        making = self._round
        pace = None if making is None else self._worker.pace(making.number)
        if making is None or pace is None:
            return {}
        done = pace.heard[-1][1] if pace.heard else 0.0
        return {member.player.name: done for member in making.members}

    # --- to begin ------------------------------------------------------------------------------

    def _next_members(self, now: int) -> list[Member]:
        """The players of the next batch; none if it is not time for one."""
        if self._turns:
            return [self._turns.popleft()]
        for player in self._players:
            knobs_now = self._shape(self._store.snapshot(player.name))
            if player.asked_with not in ((), knobs_now):  # a knob was moved: it acts at once
                player.planner.replan()
        wanting = [player for player in self._players if player.planner.wants(now)]
        if not wanting:
            return []
        knobs = {player.name: self._store.snapshot(player.name) for player in wanting}
        wanting, first_bar = self._choice.of(wanting, knobs, now)
        members = [
            self._member(player, window, knobs[player.name])
            for player in wanting
            if first_bar < self._timeline.end_bar
            and (window := player.planner.window(now, first_bar, self._look().position)) is not None
        ]
        if self._order == "in turn" and members:
            self._turns.extend(members[1:])
            return members[:1]
        return members

    def _member(self, player: Player, window: PlanWindow, knobs: Snapshot) -> Member:
        layout = window.layout
        new_frames = layout.frames - player.planner.prefix(layout).frames
        wish = Wish(layout.frames, new_frames, self._choice.effort(player, knobs))
        player.usual, player.asked_with = wish, self._shape(knobs)
        return Member(player, window, knobs, wish, stem_count(knobs))

    def _begin(self, members: Sequence[Member], now: int) -> None:
        self._journal.unheard(self._hearing.look().gaps, now)
        heard = {member.player.number: self._hear(member) for member in members}
        mixes = [(member, heard[member.player.number][0]) for member in members]
        silent = [member for member, mix in mixes if is_silent(mix.audio, mix.known)]
        for member in silent:
            quiet = member.player.planner.mute(member.window, now)
            bars = None if quiet is None else (quiet.first_bar, quiet.end_bar)
            muted = log.PlanMuted(player=member.player.name, epoch=member.window.epoch, bars=bars)
            self._journal.write(muted, member.window.made_samples)
            if quiet is not None:
                self._timeline.place(member.player, quiet)
        members = [member for member in members if member not in silent]
        if not members:
            return
        at_s, rate = self._seconds(now), self._transport.rate
        deadline = members[0].window.deadline_samples
        wishes = [member.wish for member in members for _ in range(member.stems)]
        share = 1 + len(self._turns)
        spending = self._budget.spend(wishes, (deadline - now) / rate / share, at_s)
        requests: list[StemRequest] = []
        self._number += 1
        for member in members:
            effort = spending.efforts[len(requests)]
            requests += self._requests(member, heard[member.player.number][1], effort)
        self._hurry_again_samples = 0
        self._round = Round(
            self._number,
            members,
            wishes,
            spending,
            now,
            deadline,
            self._budget.finish_s(wishes, spending, at_s),
            max(member.window.useless_samples for member in members),
        )
        patience_s = self._budget.patience_s(wishes, spending, at_s)
        self._worker.submit(self._number, requests, patience_s)

    def _hear(self, member: Member) -> tuple[ContextWindow, ContextWindow]:
        """What a player hears: the mix, and the mix with the others."""
        window, layout, grid = member.window, member.window.layout, member.window.grid
        # Never nothing at all: a cycle may be longer than what is kept of the input.
        whole = member.player.planner.bars.cycle
        shorter = [(whole // n, 0) for n in (1, 2, 4, 8) if whole >= n]
        for cycle, stand_in_from in [(whole, self._stand_in_from), *shorter]:
            mix = self._hearing.window(
                grid, layout.first_frame, layout.frames, cycle, stand_in_from
            )
            if mix.known.any():
                break
        others = [
            (other, log.OtherHeard(other.gain, settled))
            for other in self._players
            if other is not member.player and other.gain > 0.0 and self._order != "apart"
            if (settled := other.planner.settled(grid, layout)) is not None
        ]
        told = log.PlanHeard(
            player=member.player.name,
            epoch=window.epoch,
            seed=window.seed,
            first_bar=layout.first_bar,
            bpm=str(grid.bpm),
            heard_samples=self._hearing.heard.position,
            cycle=cycle,
            stand_in_from=stand_in_from,
            others={other.name: heard for other, heard in others},
        )
        self._journal.write(told, self._hearing.heard.position)
        return mix, with_others(mix, ((other.planner.stem, heard) for other, heard in others))

    def _requests(self, member: Member, heard: ContextWindow, effort: Effort) -> list[StemRequest]:
        planner, window, knobs = member.player.planner, member.window, member.knobs
        given = planner.prefix(window.layout)
        told = self._told(member)
        requests = stem_requests(
            planner.stem, window, given, heard, knobs, effort, member.stems, told
        )
        if told.chords:
            name, changes = member.player.name, tuple(told.chords)
            chords = log.ChordsTold(player=name, epoch=window.epoch, changes=changes)
            self._journal.write(chords, window.made_samples)
        asked = log.PlanAsked(
            player=member.player.name,
            epoch=window.epoch,
            round=self._number,
            stems=member.stems,
            prefix_frames=given.frames,
            repeats=given.repeats,
            knobs=knobs,
            steps=effort.steps,
            guidance=effort.guidance,
            form=effort.form,
            digest=request_digest(requests[0]),
        )
        self._journal.write(asked, window.made_samples)
        return requests

    def _told(self, member: Member) -> Told:
        """What the generator is told beside what is heard; see `Told`."""
        window, told = member.window, Told(guesses=self._abilities.guesses)
        if "harmony" in self._abilities.sources:
            self._harmony.catch_up(window.layout.first_bar)
            frames = window.layout.first_frame, window.layout.frames
            told.chords = self._harmony.changes(window.grid, *frames)
        if "sound" in self._abilities.sources:
            told.sound = member.player.sounds.told(member.knobs)
        return told

    # --- while it is made ----------------------------------------------------------------------

    def _watch(self, making: Round, now: int) -> None:
        """Have a plan that is about to be late finished at once, or given up if it is useless."""
        if now >= making.useless_samples:
            self._worker.cancel(making.number)  # again does nothing
        elif now >= max(self._hurry_samples(making), self._hurry_again_samples):
            self._hurry_again_samples = now + round(HURRY_AGAIN_S * self._transport.rate)
            self._worker.finish(making.number)

    def _hurry_samples(self, making: Round) -> int:
        """From when on it had better finish at once, by how it comes along."""
        slowness = 1.0
        if (pace := self._worker.pace(making.number)) is not None:
            asked_s = self._seconds(making.asked_samples)
            slowness = self._budget.slowness(making.wishes, making.spending, pace, asked_s)
        finish_s = making.finish_s * slowness
        return making.deadline_samples - round(finish_s * self._transport.rate)

    # --- when it is back -----------------------------------------------------------------------

    def _finish(self, done: Round, finished: Finished) -> None:
        now = self._memory.position
        self._learn(done, finished, now)
        at = 0
        for member in done.members:
            self._arrive(done, finished, member, at, now)
            at += member.stems

    def _arrive(self, done: Round, finished: Finished, member: Member, at: int, now: int) -> None:
        """What becomes of a member's stems, which are those from place `at` in the batch on."""
        player, window = member.player, member.window
        made = finished.stems[at : at + member.stems]
        results = [stem for stem in made if isinstance(stem, StemResult)]
        if len(results) < member.stems:
            reason = next((why for why in made if isinstance(why, str)), finished.reason)
            if finished.outcome in ("done", "failed"):
                self._warn(f"{player.name}: {reason}")
            failed = log.PlanFailed(
                player=player.name,
                epoch=window.epoch,
                first_bar=window.layout.first_bar,
                reason=reason,
            )
            self._journal.write(failed, now)
            player.planner.over(window)
            return
        player.alternatives = (window, results) if member.stems > 1 else None
        chosen = player.chosen if member.stems > 1 else 0
        result = results[chosen]
        placement, reason = player.planner.arrive(window, result, now)
        timings_s = {**result.timings, "waited": finished.waited_s, "made": finished.made_s}
        seconds, effort = self._journal.seconds, done.spending.efforts[at]
        plan = log.PlanMade(
            player=player.name,
            epoch=window.epoch,
            first_bar=window.layout.first_bar,
            bars=window.layout.bars,
            desired_s=seconds(window.deadline_samples),
            actual_s=seconds(now),
            slack_s=window.slack_s(now),
            seed=window.seed,
            instrument=str(member.knobs["instrument"]),
            knobs=member.knobs,
            timings_s=timings_s,
            reason=reason,
            round=done.number,
            asked_s=seconds(done.asked_samples),
            steps=effort.steps,
            passes=effort.passes,
            guidance=effort.guidance,
            form=effort.form,
            steps_done=result.steps,
            stem=chosen,
            cut_from=None if placement is None else placement.first_bar,
            digest=result_digest(result),
        )
        self._journal.write(plan, now)
        if placement is not None:
            self._timeline.place(player, placement)

    def _learn(self, done: Round, finished: Finished, now: int) -> None:
        """How long a plan took; one that was given up is taken to have been halfway."""
        results = [stem for stem in finished.stems if isinstance(stem, StemResult)]
        lost = finished.outcome not in ("done", "cancelled") or len(results) < len(finished.stems)
        never_begun = finished.outcome == "cancelled" and finished.waited_s > LONG_WAIT_S
        if self._latency is None or lost or never_begun:
            return
        works = [
            Work.of(wish.frames, wish.new_frames, effort)
            for wish, effort in zip(done.wishes, done.spending.efforts, strict=True)
        ]
        timings_s: dict[str, float] = {}
        for at, result in enumerate(results):
            if result.passes:
                works[at] = replace(works[at], steps=result.steps, passes=result.passes)
            for stage, seconds in result.timings.items():
                timings_s[stage] = timings_s.get(stage, 0.0) + seconds
        took_s = (now - done.asked_samples) / self._transport.rate
        if finished.outcome == "cancelled":
            took_s *= 2.0
        at_s = self._seconds(now)
        self._latency.record(works, timings_s, took_s, finished.waited_s, at_s)

    def _shape(self, knobs: Snapshot) -> tuple[Value, ...]:
        """What shapes a player's plans: the values of its knobs that act with the next one."""
        return tuple(knobs[name] for name in PLAN_KNOBS if name in knobs)

    @property
    def _order(self) -> str:
        return str(self._store.snapshot()["order"])

    def _seconds(self, sample: int) -> float:
        return sample / self._transport.rate
