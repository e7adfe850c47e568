"""What this machine is to play: as many players as it carries, and their decode steps."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import ceil

from companion.bench.capacity import Capacity
from companion.setup.finding import Finding
from companion.setup.rig_file import Rig, voices_of

BANDS = {1: ("bass",), 2: ("bass", "drums"), 3: ("bass", "drums", "keys")}
LEAST_SHARE = 0.5
"""Of the steps that are wished for; a player less rather than fewer than these."""
MOST_BARS = 4
"""What a plan is made for at most: one that takes longer comes when all its bars are over."""


WRITE = "companion doctor --write FILE writes a preset that is easier; else a GPU"


@dataclass(frozen=True, slots=True)
class Choice:
    """Players and their decode steps at a tempo."""

    players: int
    steps: int
    bpm: Fraction


def choose(capacity: Capacity, bpm: Fraction, most: int = max(BANDS)) -> Choice | None:
    """The most players that are carried with half of the steps at least, else as few as there are.

    None if not even one can play, with one step.
    """
    wished = int(capacity.knobs["steps"])
    carried = {n: capacity.most_steps(n, bpm) for n in range(most, 0, -1)}
    steps = {n: some for n, some in carried.items() if some is not None}
    enough = [n for n, some in steps.items() if some >= LEAST_SHARE * wished]
    if enough:
        return Choice(max(enough), steps[max(enough)], bpm)
    if steps:
        return Choice(min(steps), steps[min(steps)], bpm)
    return Choice(1, 1, bpm) if capacity.bars(1, bpm, 1) <= MOST_BARS else None


def carries(capacity: Capacity, players: int, bpm: Fraction) -> Finding:
    """Whether the machine carries so many players at a tempo."""
    wished = int(capacity.knobs["steps"])
    at = f"{players} player{'s' * (players > 1)} at {float(bpm):g} BPM"
    steps = capacity.most_steps(players, bpm)
    if steps == wished:
        return Finding("ok", "plans", f"{at} with all {steps} decode steps")
    if steps is not None:
        said = f"{at} with {steps} of {wished} decode steps"
        return Finding("note", "plans", said, "a plan gets as many as there is time for")
    bars = ceil(capacity.bars(players, bpm, 1))
    if bars <= MOST_BARS:
        said = f"{at} are renewed each {bars} bars at best, and repeat themselves between"
        return Finding("note", "plans", said, WRITE)
    return Finding("wrong", "plans", f"not {at}", WRITE)


def rig_for(choice: Choice, machine: str) -> Rig:
    """A preset of that choice, for a machine of that name."""
    players = f"{choice.players} player{'s' * (choice.players > 1)}"
    about = f"For {machine}: {players} with {choice.steps} decode step{'s' * (choice.steps > 1)}."
    return Rig(about, voices_of(BANDS[choice.players]), choice.bpm, steps=choice.steps, port="")
