"""What the keys do: which knob is under them, how it is turned, what is asked for.

*Threading*: belongs to the thread of the view.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from companion.control.parameters import Parameter, Value
from companion.terminal.steps import stepped, words
from companion.terminal.told import Told

RIG = "rig"
LEAP = 10
"""Steps of the page keys."""
FEW = 3
"""So many choices are gone through; of more one is picked from a list."""
LONGEST = 12
"""Of a value that is typed."""
KEYS: tuple[tuple[str, str], ...] = (
    ("Tab", "knobs of the next player, or of the rig"),
    ("↑ ↓", "the knob above, the one below"),
    ("← →", "turn it down or up; Page keys: ten steps; Home, End: its ends"),
    ("0 to 9 − .", "type a value, then Enter; Escape forgets it"),
    ("Enter", "switch, pull or choose; in learn mode: the knob that a controller is for"),
    ("Delete", "its default; in learn mode: forget its controller"),
    ("m s h", "mute, solo, hold (once more: let go)"),
    ("a n u", "again, new, undo"),
    ("k", "lock: every knob but level and mute stays where it is"),
    ("t", "tap the tempo, while the clock is tap"),
    ("l", "learn mode on and off"),
    ("p", "switch to another preset of the set"),
    ("w", "write how the rig stands as a preset"),
    ("Ctrl-C", "end the set; the take is kept"),
)
"""Every key, for who asks."""
SHORT = (
    "? keys  Tab player  ↑↓ knob  ←→ turn  m mute  s solo  h hold  a again  n new  "
    "u undo  k lock  l learn  p presets  w write"
)
"""The same in a line, those first that are needed soonest."""


class Dialogs(Protocol):
    """Asks for something that takes more than a key."""

    def pick(self, title: str, names: Sequence[str], now: str, then: Callable[[str], None]) -> None:
        """One of some names."""
        ...

    def name(self, title: str, then: Callable[[str], None]) -> None:
        """A name."""
        ...

    def keys(self) -> None:
        """Show what the keys are."""
        ...


class Hands:
    """Eight players at most and a rig, a knob of each under the keys.

    Attributes:
        typed: of a value, so far.
    """

    def __init__(
        self, told: Told, ask: Callable[[Mapping[str, Any]], None], dialogs: Dialogs
    ) -> None:
        """The first player's first knob."""
        self._told, self._ask, self._dialogs = told, ask, dialogs
        self._tab = 0
        self._under: dict[int, int] = {}
        self.typed = ""
        self._keys: dict[str, Callable[[], None]] = {
            "tab": lambda: self._turn_to(1),
            "shift+tab": lambda: self._turn_to(-1),
            "up": lambda: self._move(-1),
            "down": lambda: self._move(1),
            "left": lambda: self._step(-1),
            "right": lambda: self._step(1),
            "pageup": lambda: self._step(LEAP),
            "pagedown": lambda: self._step(-LEAP),
            "home": lambda: self._end(0.0),
            "end": lambda: self._end(1.0),
            "delete": self._default,
            "backspace": self._default,
            "enter": self._press,
            "space": self._press,
            "m": lambda: self._of_player("mute"),
            "h": lambda: self._of_player("hold"),
            "a": lambda: self._of_player("again"),
            "n": lambda: self._of_player("regenerate"),
            "u": lambda: self._of_player("undo"),
            "s": self._solo,
            "k": lambda: self._flip(None, "lock"),
            "t": lambda: self._set(None, "tap", True),
            "l": self._learn,
            "escape": self._leave,
            "p": self._presets,
            "w": lambda: dialogs.name("write a preset as", lambda name: ask({"save": name})),
            "question_mark": dialogs.keys,
        }

    @property
    def player(self) -> str | None:
        """Whose knobs are shown; None for the rig's."""
        names = self._told.names
        return names[self._tab] if self._tab < len(names) else None

    @property
    def under(self) -> int:
        """The number of the knob that is under the keys."""
        return self._under.get(self._tab, 0)

    @property
    def knob(self) -> Parameter:
        """That knob."""
        return self._told.knobs(self.player)[self.under]

    def press(self, key: str, character: str | None) -> None:
        """A key was pressed."""
        if not self._told.table:
            return
        if character is not None and character in "0123456789.-" and self._takes_numbers():
            self.typed = (self.typed + character)[:LONGEST]
        elif self.typed and key in ("backspace", "escape", "enter"):
            self._edit(key)
        else:
            self.typed = ""
            self._keys.get(key, lambda: None)()

    # --- where the keys are ----------------------------------------------------------------------

    def _turn_to(self, step: int) -> None:
        self._tab = (self._tab + step) % (len(self._told.names) + 1)

    def _move(self, step: int) -> None:
        knobs = len(self._told.knobs(self.player))
        self._under[self._tab] = min(max(self.under + step, 0), knobs - 1)

    def _takes_numbers(self) -> bool:
        return self.knob.kind in ("number", "whole")

    def _edit(self, key: str) -> None:
        typed, self.typed = self.typed, self.typed[:-1] if key == "backspace" else ""
        if key == "enter":
            try:
                number = float(typed)
            except ValueError:
                self._told.say(f"{typed} is no number; valid: {self.knob.valid}")
                return
            value = int(number) if number.is_integer() else number
            self._set(self.player, self.knob.name, value, typed=True)

    # --- knobs -----------------------------------------------------------------------------------

    def _set(self, player: str | None, name: str, value: Value, typed: bool = False) -> None:
        told, knob = self._told, self._told.knob(player, name)
        if knob.locks and told.value(None, "lock"):
            told.say(f"locked: {words(name)} stays as it is (k lets go)")
            return
        if not typed and knob.kind != "trigger":  # what is typed may be refused
            told.asked(player, name, value)
        self._ask({"set": name, "player": player, "value": value})

    def _step(self, steps: int) -> None:
        knob, value = self.knob, self._told.value(self.player, self.knob.name)
        if knob.kind in ("number", "whole"):
            self._set(self.player, knob.name, stepped(knob, float(value), steps))
        elif knob.kind == "switch":
            self._set(self.player, knob.name, steps > 0)
        elif knob.kind == "choice":
            at = knob.choices.index(str(value)) + (1 if steps > 0 else -1)
            self._set(self.player, knob.name, knob.clamp(at))

    def _end(self, place: float) -> None:
        if self.knob.kind != "trigger":
            self._set(self.player, self.knob.name, self.knob.at(place))

    def _default(self) -> None:
        if self._told.learning:
            for each in self._told.bound(self.player, self.knob.name):
                known = {k: v for k, v in each.items() if k not in ("clashes", "waits")}
                self._ask({"learn": "forget", "mapping": known})
        elif self.knob.kind != "trigger":
            self._set(self.player, self.knob.name, self.knob.default)

    def _press(self) -> None:
        knob, player = self.knob, self.player
        if self._told.learning:
            self._ask({"learn": "choose", "player": player, "knob": knob.name})
        elif knob.kind == "trigger":
            self._set(player, knob.name, True)
        elif knob.kind == "switch":
            self._flip(player, knob.name)
        elif knob.kind == "choice":
            self._choose(player, knob)
        else:
            self._told.say(f"{words(knob.name)}: type a value, {knob.valid}, then Enter")

    def _choose(self, player: str | None, knob: Parameter) -> None:
        now = str(self._told.value(player, knob.name))
        if len(knob.choices) <= FEW:
            after = (knob.choices.index(now) + 1) % len(knob.choices)
            self._set(player, knob.name, knob.choices[after])
        else:
            set_to = lambda name: self._set(player, knob.name, name)  # noqa: E731
            self._dialogs.pick(words(knob.name), knob.choices, now, set_to)

    def _flip(self, player: str | None, name: str) -> None:
        self._set(player, name, not self._told.value(player, name))

    def _of_player(self, name: str) -> None:
        if self.player is None:
            self._told.say("whose? Tab goes to a player")
        elif self._told.knob(self.player, name).kind == "trigger":
            self._set(self.player, name, True)
        else:
            self._flip(self.player, name)

    # --- everything else -------------------------------------------------------------------------

    def _solo(self) -> None:
        if self.player is None:
            self._told.say("whose? Tab goes to a player")
        else:
            self._ask({"solo": self.player})

    def _learn(self) -> None:
        if self._told.learn is None:
            self._told.say("there is no MIDI to learn from; valid: a preset with midi: {}")
        else:
            self._ask({"learn": "leave" if self._told.learning else "enter"})

    def _leave(self) -> None:
        if self._told.learning:
            self._ask({"learn": "leave"})

    def _presets(self) -> None:
        now, *names = self._told.parts["presets"]
        switch = lambda name: self._ask({"preset": name})  # noqa: E731
        self._dialogs.pick("preset, from the next bar on", names, now, switch)
