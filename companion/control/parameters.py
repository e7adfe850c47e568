"""THE parameter table: every knob of the rig, once.

MIDI mapping, OSC addresses and preset keys all derive from it: a knob is added in one line.
"""

# ruff: noqa: E501 (the table reads best with one knob a line)

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from companion.clock.grid import MAX_BPM, MIN_BPM
from companion.clock.source import CLOCKS
from companion.listen.cycle import MAX_CYCLE
from companion.system.errors import CompanionError, nearest, shown
from model.instruments import INSTRUMENTS
from model.request import FORMS

Scope = Literal["rig", "player"]
Kind = Literal["number", "whole", "switch", "trigger", "choice"]
Acts = Literal["now", "next bar", "next plan"]
Curve = Literal["linear", "exponential"]
Value = float | int | bool | str
CONTROLLER_STEPS = 127
"""Of a MIDI controller, between its first value and its last."""
SAME_POSITION = 1e-6
"""Positions nearer than this are one: less than a step of 14 bits, more than a float32 rounds."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One knob."""

    name: str  # key in presets, last part of the OSC address
    kind: Kind  # what its values are; a trigger has no value, it is pulled
    scope: Scope
    default: Value  # for a choice its text
    minimum: float  # range of a number, both included; of a choice, its indices
    maximum: float
    unit: str
    acts: Acts  # when a new value is heard
    description: str
    cc: int | None = None  # default MIDI controller, 0..119; None for none
    curve: Curve = "linear"  # how 0..1 (a MIDI controller) lies on the range
    choices: tuple[str, ...] = ()  # texts of a choice
    locks: bool = True  # whether the performance lock keeps it where it is

    def address(self, player: str | None = None) -> str:
        """OSC address; for a player's knob with the player's name, or `*` for all."""
        return f"/companion/{self.name}" if player is None else f"/companion/{player}/{self.name}"

    def check(self, value: object) -> Value:
        """The value in the knob's own type; CompanionError if it is another's or out of range."""
        if self.kind == "choice":
            if isinstance(value, str) and value in self.choices:
                return value
        elif self.kind in ("switch", "trigger"):
            if isinstance(value, bool):
                return value
        elif (
            isinstance(value, (int, float))
            and not isinstance(value, bool)
            and self.minimum <= value <= self.maximum  # NaN is not
        ):
            if self.kind == "number":
                return float(value)
            if value == round(value):
                return int(value)
        raise CompanionError(f"{self.name} is {shown(value)}; valid: {self.valid}")

    def clamp(self, number: float) -> Value:
        """The nearest valid value to a number from a controller or an OSC message.

        A switch is on from 0.5 up; a choice is taken by its index. CompanionError for NaN and
        infinity.
        """
        if not math.isfinite(number):
            raise CompanionError(f"{self.name} is {number}; valid: {self.valid}")
        if self.kind in ("switch", "trigger"):
            return number >= 0.5
        inside = min(max(number, self.minimum), self.maximum)
        if self.kind == "number":
            return float(inside)
        return self.choices[round(inside)] if self.kind == "choice" else round(inside)

    def at(self, position: float) -> Value:
        """The value at a controller's position, 0..1, along the curve.

        A number's default lies exactly on the nearest step of a controller that has 128.
        """
        position = min(max(position, 0.0), 1.0)
        if self.kind in ("number", "whole"):
            own, step = self.place_of_default
            if abs(position - step / CONTROLLER_STEPS) < SAME_POSITION:
                return self.default
            position = _bent(position, own, step)
        if self.curve == "exponential":
            number = self.minimum * (self.maximum / self.minimum) ** position
        else:
            number = self.minimum + (self.maximum - self.minimum) * position
        return self.clamp(position if self.kind in ("switch", "trigger") else number)

    def position(self, value: Value) -> float:
        """Where a controller stands, 0..1, at which a valid value is: `at` gives it back."""
        if self.kind in ("switch", "trigger"):
            return float(bool(value))
        if self.kind == "choice":
            return self.choices.index(str(value)) / max(1.0, self.maximum)
        own, step = self.place_of_default
        if value == self.default:
            return step / CONTROLLER_STEPS
        return _straightened(self._on_curve(float(value)), own, step)

    def _on_curve(self, number: float) -> float:
        """Where a number lies on the curve, 0..1."""
        if self.curve == "exponential":
            return math.log(number / self.minimum) / math.log(self.maximum / self.minimum)
        return (number - self.minimum) / (self.maximum - self.minimum)

    @property
    def place_of_default(self) -> tuple[float, int]:
        """Where the default lies on the curve, 0..1, and the step of a controller for it."""
        default = float(self.default)
        own = self._on_curve(default)
        step = round(own * CONTROLLER_STEPS)
        if self.minimum < default < self.maximum:  # the ends stay what they are
            step = min(max(step, 1), CONTROLLER_STEPS - 1)
        return own, step

    @property
    def valid(self) -> str:
        """What is valid, for a message."""
        if self.kind == "choice":
            return ", ".join(self.choices)
        if self.kind in ("switch", "trigger"):
            return "true or false"
        whole = "a whole number " if self.kind == "whole" else ""
        unit = f" {self.unit}" if self.unit else ""
        return f"{whole}from {self.minimum:g} to {self.maximum:g}{unit}"


def _bent(position: float, own: float, step: int) -> float:
    """A controller's position on a curve that is bent, at one step, to a place beside it.

    Between that step and its two neighbours it goes straight there and back; elsewhere it stays.
    """
    from_step = position * CONTROLLER_STEPS - step
    return position + max(0.0, 1 - abs(from_step)) * (own - step / CONTROLLER_STEPS)


def _straightened(place: float, own: float, step: int) -> float:
    """The position that `_bent` moves to a place on the curve."""
    low, middle, high = ((step + beside) / CONTROLLER_STEPS for beside in (-1, 0, 1))
    if not low < place < high:
        return place
    if place <= own:
        return low + (place - low) * (middle - low) / (own - low)
    return high - (high - place) * (high - middle) / (high - own)


TAKES = ("off", "a", "b")
"""Stems of a plan to choose from."""
ORDERS = ("together", "in turn", "apart")
"""How the players of a band plan, and what they hear of each other."""
BROKEN_CYCLE = ("by key", "keep", "forget")
"""What the last cycle is good for once the chords have left it."""

# fmt: off
PARAMETERS: tuple[Parameter, ...] = (
    Parameter("guidance_audio", "number", "player", 3.0, 0.0, 6.0, "", "next plan", "How strongly the stem follows what is heard; 1 is no extra emphasis.", cc=20),
    Parameter("guidance_instrument", "number", "player", 1.0, 0.0, 6.0, "", "next plan", "How strongly the stem sounds like its instrument.", cc=21),
    Parameter("guidance_clock", "number", "player", 3.0, 0.0, 6.0, "", "next plan", "How strongly the stem keeps to beat and bar.", cc=22),
    Parameter("guidance_harmony", "number", "player", 3.0, 0.0, 6.0, "", "next plan", "How strongly the stem keeps to the chords of a chart, a keyboard or OSC.", cc=83),
    Parameter("guidance_sound", "number", "player", 1.0, 0.0, 6.0, "", "next plan", "How strongly the stem sounds like its sound.", cc=84),
    Parameter("guidance_form", "choice", "player", "distilled", 0, len(FORMS) - 1, "", "next plan", "How the sources are combined; distilled takes one pass where the model has learnt it and is contrast where not, product is the paper's.", choices=FORMS),
    Parameter("causal_bias", "number", "player", 0.1, 0.0, 0.5, "", "next plan", "Decides the nearest frames first (w_s); higher keeps more to what was played.", cc=23),
    Parameter("confidence", "number", "player", 0.03, 0.0, 0.5, "", "next plan", "Decides the tokens first that the model is surest of (w_c).", cc=24),
    Parameter("randomness", "number", "player", 1.0, 0.0, 2.0, "", "next plan", "How much chance there is in which tokens are decided first (w_r).", cc=25),
    Parameter("temperature", "number", "player", 1.0, 0.1, 2.0, "", "next plan", "Below 1 the stem is safer, above 1 wilder.", cc=26, curve="exponential"),
    Parameter("steps", "whole", "player", 8, 1, 64, "steps", "next plan", "Decode steps of the first level; more is better and slower.", cc=27, curve="exponential"),
    Parameter("instrument", "choice", "player", "bass", 0, len(INSTRUMENTS) - 1, "", "next plan", "What the player plays.", cc=28, choices=INSTRUMENTS),
    Parameter("sound", "whole", "player", 0, 0, 8, "", "next plan", "Which of the sounds of its instrument it plays with; 0 is the recording's that the preset names, or one drawn by chance for the set.", cc=88),
    Parameter("level", "number", "player", 0.0, -60.0, 6.0, "dB", "now", "Loudness of the player; -60 is off.", cc=7, locks=False),
    Parameter("mute", "switch", "player", False, 0, 1, "", "now", "Silences the player; it goes on planning.", cc=29, locks=False),
    Parameter("hold", "switch", "player", False, 0, 1, "", "next bar", "Repeats the last cycle instead of planning anew.", cc=30),
    Parameter("regenerate", "trigger", "player", False, 0, 1, "", "next plan", "Makes a new version of what it plays next.", cc=31),
    Parameter("again", "trigger", "player", False, 0, 1, "", "next bar", "Plays what its plan has just played once more, from the next bar on.", cc=80),
    Parameter("undo", "trigger", "player", False, 0, 1, "", "next bar", "Goes back to what sounded before the last plan, and holds it; press again to go further back.", cc=81),
    Parameter("take", "choice", "player", "off", 0, len(TAKES) - 1, "", "next bar", "Makes two versions of each plan; choose which one sounds (off: only one).", cc=82, choices=TAKES),
    Parameter("clock", "choice", "rig", "internal", 0, len(CLOCKS) - 1, "", "now", "Who leads: the knob bpm, taps, MIDI clock, Ableton Link, or the music itself.", cc=86, choices=CLOCKS),
    Parameter("bpm", "number", "rig", 120.0, MIN_BPM, MAX_BPM, "BPM", "now", "The tempo while the clock is internal; with link it is everybody's."),
    Parameter("tap", "trigger", "rig", False, 0, 1, "", "now", "Taps the tempo while the clock is tap; the first tap is a downbeat.", cc=87, locks=False),
    Parameter("cycle", "whole", "rig", 4, 1, MAX_CYCLE, "bars", "next plan", "Number of bars after which the music repeats.", cc=14),
    Parameter("find_cycle", "switch", "rig", True, 0, 1, "", "next bar", "Finds the cycle in the music; setting cycle by hand turns it off.", cc=85),
    Parameter("order", "choice", "rig", "together", 0, len(ORDERS) - 1, "", "next plan", "Together: players plan at once and hear what the others have played. In turn: each also hears the new bars of those before it. Apart: each hears only the mix.", choices=ORDERS),
    Parameter("lock", "switch", "rig", False, 0, 1, "", "now", "Keeps every knob but level, mute, tap and this one where it is.", cc=16, locks=False),
    Parameter("broken_cycle", "choice", "rig", BROKEN_CYCLE[0], 0, len(BROKEN_CYCLE) - 1, "", "next plan", "When the chords leave the cycle: keep expects the old bars all the same, forget does not, by key forgets them only if the key has changed too.", choices=BROKEN_CYCLE),
    Parameter("metronome", "switch", "rig", False, 0, 1, "", "next bar", "Clicks on every beat, as in the count-in."),
    Parameter("echo_guard", "switch", "rig", True, 0, 1, "", "now", "Takes the players' own sound out of what they listen to."),
    Parameter("monitor", "number", "rig", -60.0, -60.0, 6.0, "dB", "now", "How loud the input is in the companion's output; -60 is off.", cc=15),
)
# fmt: on
BY_NAME = {parameter.name: parameter for parameter in PARAMETERS}


def parameter(name: str, scope: Scope | None = None) -> Parameter:
    """A knob by name, of one scope if given; CompanionError that names the nearest."""
    names = [p.name for p in PARAMETERS if scope is None or p.scope == scope]
    if name in names:
        return BY_NAME[name]
    raise CompanionError(
        f"there is no parameter {shown(name)}{nearest(name, names)}; valid: {', '.join(names)}"
    )
