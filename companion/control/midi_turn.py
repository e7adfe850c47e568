"""One mapping at work: moves of its control turn its knob, of one player or of each.

*Threading*: belongs to the thread that hears the controllers; `waits_for` may be read from any.
"""

from __future__ import annotations

from collections.abc import Hashable

from companion.control.midi_mapping import MidiMapping
from companion.control.midi_message import MOST, Move
from companion.control.parameters import Value
from companion.control.relative import ticks, turned
from companion.control.store import ALL, ParameterStore
from companion.control.takeover import Takeover

SOURCE = "midi"


class Turn:
    """Turns one knob, for each player that the mapping means.

    Attributes:
        mapping: how.
        waits_for: the value at which the control takes the knob over, by player, while it waits.
    """

    def __init__(self, store: ParameterStore, mapping: MidiMapping) -> None:
        """Nothing moved yet."""
        self.mapping = mapping
        self.waits_for: dict[str | None, Value] = {}
        self._store, self._scale, self._knob = store, mapping.scale, mapping.knob
        targets = store.players if mapping.player == ALL else (mapping.player,)
        self._takeover = {player: Takeover(mapping.takeover) for player in targets}
        self._put: dict[str | None, Value] = {}  # what this has set each to, last
        self._left = dict.fromkeys(targets, 0.0)  # parts of a tick
        self._down = False

    def forget(self) -> None:
        """The device was away: where its control stands is not known any more."""
        self.waits_for = {}
        self._down = False
        for takeover in self._takeover.values():
            takeover.forget()

    def move(self, move: Move, hand: Hashable, at_s: float) -> None:
        """The control was moved, at a monotonic time; `hand` says which one of which device."""
        mapping = self.mapping
        if mapping.kind == "program":
            self._choose(move.value - mapping.number, hand, at_s)
        elif self._knob.kind == "trigger":
            self._pull(move.value, hand, at_s)
        elif mapping.mode is not None:
            self._press(self._pressed(move.value), hand, at_s)
        elif mapping.relative is not None:
            self._turn(ticks(mapping.relative, move.value) * mapping.sensitivity, hand, at_s)
        else:
            self._stand(move.value / MOST[mapping.kind], hand, at_s)

    def _pressed(self, value: int) -> bool:
        return value > 0 if self.mapping.kind == "note" else value / MOST[self.mapping.kind] >= 0.5

    def _choose(self, index: int, hand: Hashable, at_s: float) -> None:
        if 0 <= index < len(self._knob.choices):
            for player in self._takeover:
                self._set(player, self._knob.choices[index], hand, at_s)

    def _pull(self, value: int, hand: Hashable, at_s: float) -> None:
        down = self._pressed(value) is not self.mapping.invert
        for player in self._takeover:
            self._set(player, down, hand, at_s)

    def _press(self, down: bool, hand: Hashable, at_s: float) -> None:
        was_down, self._down = self._down, down
        if self.mapping.mode == "momentary":
            for player in self._takeover:
                self._set(player, self._scale.value(float(down)), hand, at_s)
        elif down and not was_down:
            for player in self._takeover:
                self._set(player, self._next(self._value(player)), hand, at_s)

    def _next(self, value: Value) -> Value:
        """What another press makes of a value."""
        first, last = self._scale.value(0.0), self._scale.value(1.0)
        ends_given = self.mapping.start is not None or self.mapping.end is not None
        if self._knob.kind == "choice" and not ends_given:
            choices = self._knob.choices
            return choices[(choices.index(str(value)) + 1) % len(choices)]
        return first if value == last else last

    def _turn(self, by: float, hand: Hashable, at_s: float) -> None:
        for player in self._takeover:
            value = self._value(player)
            if self._knob.kind == "switch":
                if by:
                    self._set(player, (by > 0) is not self.mapping.invert, hand, at_s)
                continue
            if self._left[player] * by < 0:  # the other way: what is left of this way is void
                self._left[player] = 0.0
            new, self._left[player] = turned(self._scale, value, self._left[player] + by)
            self._set(player, new, hand, at_s)

    def _stand(self, stand: float, hand: Hashable, at_s: float) -> None:
        waiting = {}
        for player, takeover in self._takeover.items():
            value = self._value(player)
            elsewhere = self._put.get(player) != value
            reached = self._scale.value(stand) == value
            to = takeover.moved(stand, self._scale.stand(value), elsewhere, reached)
            if to is not None:
                self._set(player, self._scale.value(to), hand, at_s)
            elif takeover.waiting:
                waiting[player] = value
        self.waits_for = waiting

    def _value(self, player: str | None) -> Value:
        return self._store.snapshot(player)[self._knob.name]

    def _set(self, player: str | None, value: Value, hand: Hashable, at_s: float) -> None:
        self._store.set(self._knob.name, value, player, SOURCE, hand, at_s)
        self._put[player] = value

    def follow(self) -> None:
        """The control has been told where the knob is, and stands there now."""
        for player, takeover in self._takeover.items():
            value = self._value(player)
            self._put[player] = value
            takeover.follow(self._scale.stand(value))
        self.waits_for = {}

    def raw(self) -> int:
        """Where the control stands for what the knob of its first player says, in its own steps."""
        stand = self._scale.stand(self._value(next(iter(self._takeover))))
        return round(stand * MOST[self.mapping.kind])

    def lit(self) -> bool:
        """Whether a light for that knob is on: it is at the given end, or not at its lowest."""
        value, end = self._value(next(iter(self._takeover))), self.mapping.end
        return value == end if end is not None else self._knob.position(value) > 0
