"""MIDI learn: choose a knob, move a controller, and that turns it from then on.

Learn mode stays on until it is left. Choosing a knob does not move it; the controller that is moved
next is bound to it, and so is any other that is moved after that, in its place. The movement that
binds turns nothing; the next one of the same control does. What is learnt is kept in the file of
the preset, in a controller's own file that the preset names, or for a bundled preset in the user's
`learned.yaml`.

*Threading*: any thread may call anything; a lock is held for microseconds. Files are written by a
thread, `learn`, that lives while there is something to write.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from companion.control.controller import bundled_controllers, learned_file
from companion.control.gesture import PAUSE_S, Gesture
from companion.control.learned_file import keep_mappings
from companion.control.mapped import Mapped, shown
from companion.control.midi_device import is_meant
from companion.control.midi_knobs import MidiKnobs
from companion.control.midi_mapping import TABLE, WRITTEN_OUT, MidiMapping, usual_mode
from companion.control.midi_message import (
    DATA_LSB,
    DATA_MSB,
    NRPN_LSB,
    NRPN_MSB,
    RPN_LSB,
    RPN_MSB,
    Move,
)
from companion.control.midi_port import is_own
from companion.control.parameters import parameter
from companion.control.preset import Preset, default_mappings, displaces
from companion.control.store import ALL
from companion.system.errors import CompanionError, one_line

LEFT_OUT = frozenset((0, 32, 64))
"""Bank select and the sustain pedal, which controllers send by themselves; and 120 and above, which
are no controllers."""
SELECTORS = frozenset((96, 97, NRPN_LSB, NRPN_MSB, RPN_LSB, RPN_MSB))
FIRST_MODE_MESSAGE = 120
MOST_LEARNED = 1024


@dataclass(frozen=True, slots=True)
class LearnState:
    """Learn mode at a glance.

    Attributes:
        on: whether it is on.
        chosen: player (None for the rig) and knob that the next control is bound to, if any.
        mappings: all that is bound.
        trouble: why what was learnt could not be kept, one line; empty if it could.
    """

    on: bool
    chosen: tuple[str | None, str] | None
    mappings: tuple[Mapped, ...]
    trouble: str


class Learn:
    """Binds controls to knobs, and keeps what was bound."""

    def __init__(self, preset: Preset, knobs: MidiKnobs) -> None:
        """Off.

        Args:
            preset: whose mappings are bound, and whose file is written.
            knobs: what they turn.
        """
        self._preset, self._knobs = preset, knobs
        self._players = tuple(player.name for player in preset.players)
        self._lock = threading.RLock()
        self._on = self._every = False
        self._chosen: tuple[str | None, str] | None = None
        self._gesture: Gesture | None = None
        self._nrpn: dict[tuple[str, int], list[int | None]] = {}
        self._notes: set[tuple[str, int, int]] = set()  # those that are down
        self._current = knobs.mappings
        self._ever = set(self._current)
        names = list(self._players)
        has_table = any(mapping.origin == TABLE for mapping in self._current)
        self._table = default_mappings(names) if has_table else ()
        self._trouble = ""
        self._unsaved = False
        self._keeper: threading.Thread | None = None
        self._closing = threading.Event()
        knobs.listen(self.moved)

    @property
    def on(self) -> bool:
        """Whether learn mode is on."""
        return self._on

    @property
    def trouble(self) -> str:
        """Why what was learnt could not be kept, one line; empty if it could."""
        return self._trouble

    def enter(self, every: bool = False) -> None:
        """Learn mode is on from now on; `every` learns CC 0, 32 and 64 too."""
        with self._lock:
            self._on, self._every = True, every

    def leave(self) -> None:
        """Learn mode is off; what was learnt stays."""
        with self._lock:
            self._on, self._chosen, self._gesture = False, None, None

    def choose(self, player: str | None, knob: str) -> None:
        """The next control that is moved is for this knob; it does not move by being chosen.

        Args:
            player: whose knob; `*` for every player's, None for the rig's.
            knob: its name.

        Raises:
            CompanionError: there is no such player or knob.
        """
        parameter(knob, "rig" if player is None else "player")
        if player is not None and player not in (*self._players, ALL):
            valid = ", ".join((*self._players, ALL))
            raise CompanionError(f"there is no player {player!r}; valid: {valid}")
        with self._lock:
            self._chosen, self._gesture = (player, knob), None

    def mappings(self) -> tuple[MidiMapping, ...]:
        """All that is bound."""
        with self._lock:
            return self._current

    def of(self, player: str | None, knob: str) -> tuple[MidiMapping, ...]:
        """What is bound to a knob."""
        return tuple(m for m in self.mappings() if (m.player, m.parameter) == (player, knob))

    def forget(self, mapping: MidiMapping) -> None:
        """Bind a mapping no more, and take it out of its file.

        Raises:
            CompanionError: it is not bound, or its file is none of the user's.
        """
        with self._lock:
            if mapping not in self._current:
                raise CompanionError(f"{mapping} is not mapped; valid: one of those that are")
            found = self._current[self._current.index(mapping)]
            if found.origin in bundled_controllers():
                raise CompanionError(
                    f"{mapping} is of controller {found.origin}; valid: one of a file of your own"
                )
            left = [each for each in self._current if each != mapping]
            own = [each for each in left if each.origin != TABLE]
            if found.origin == TABLE:
                if self._preset.file is None:
                    raise CompanionError(
                        f"{mapping} is of the table of knobs; valid: one of a preset of your own"
                    )
                table = [each for each in left if each.origin == TABLE]
                own = [*(replace(each, origin=WRITTEN_OUT) for each in table), *own]
                self._table = ()
            self._bind(own)

    def state(self) -> LearnState:
        """Learn mode at a glance."""
        waits = self._knobs.waits_for
        with self._lock:
            current, on, chosen, trouble = self._current, self._on, self._chosen, self._trouble
        return LearnState(on, chosen, shown(current, waits), trouble)

    def moved(self, device: str, move: Move, at_s: float) -> bool:
        """A control was moved; true if that is for learning, and is to turn nothing."""
        with self._lock:
            control, gesture = move.control, self._gesture
            belongs = self._is_learnt(device, move)
            self._note(device, move)
            if not self._on or self._chosen is None:
                return False
            if not belongs:
                part = gesture is not None and gesture.is_made_of(device, control)
                return part and gesture is not None and not gesture.over(at_s)
            if gesture is not None and gesture.includes(device, control, at_s):
                if gesture.over(at_s):
                    return False
            elif control.kind == "note" and not move.value:
                return False
            elif len(self._current) >= MOST_LEARNED:
                self._trouble = f"no more than {MOST_LEARNED} mappings can be kept"
                return False
            else:
                gesture = self._gesture = Gesture(device, control, at_s)
            gesture.take(control, move.value, at_s)
            self._learn(gesture, self._chosen)
            return True

    def close(self) -> None:
        """Write what is not written yet; again does nothing."""
        self._closing.set()
        with self._lock:
            keeper = self._keeper
        if keeper is not None:
            keeper.join()

    def _is_learnt(self, device: str, move: Move) -> bool:
        """Whether a control can be learnt, and this is how: a fine one is found by its halves."""
        control = move.control
        if control.kind == "cc14":
            return False
        if control.kind == "cc":
            if control.number in SELECTORS or control.number >= FIRST_MODE_MESSAGE:
                return False
            if control.number in (DATA_MSB, DATA_LSB) and self._has_nrpn(device, control.channel):
                return False
            return self._every or control.number not in LEFT_OUT
        if control.kind in ("pressure", "key_pressure"):  # a pad sends it after its note
            return not any(note[:2] == (device, control.channel) for note in self._notes)
        if control.kind == "program":
            return self._chosen is not None and parameter(self._chosen[1]).kind == "choice"
        return True

    def _note(self, device: str, move: Move) -> None:
        """Remember which notes are down, and which parameters are chosen by number."""
        control = move.control
        if control.kind == "note":
            note = device, control.channel, control.number
            (self._notes.add if move.value else self._notes.discard)(note)
        elif control.kind == "cc" and control.number in (RPN_LSB, RPN_MSB, NRPN_LSB, NRPN_MSB):
            halves = self._nrpn.setdefault((device, control.channel), [None, None])
            if control.number in (RPN_LSB, RPN_MSB):
                halves[:] = None, None
            else:
                halves[control.number == NRPN_LSB] = move.value

    def _has_nrpn(self, device: str, channel: int) -> bool:
        halves = self._nrpn.get((device, channel), [None, None])
        return None not in halves and halves != [127, 127]

    def _learn(self, gesture: Gesture, chosen: tuple[str | None, str]) -> None:
        """Bind what was moved to the knob, in the place of what was."""
        player, name = chosen
        control, knob = gesture.found, parameter(name)
        relative = gesture.relative if knob.kind != "trigger" else None
        device = None if is_own(gesture.device) else gesture.device
        told = any(
            m.feedback and m.device and is_meant(m.device, gesture.device) for m in self._current
        )
        learned = MidiMapping(
            number=control.number,
            parameter=name,
            player=player,
            channel=control.channel,
            kind=control.kind,
            device=device,
            relative=relative,
            mode=usual_mode(control.kind, knob),
            feedback=told,
            origin=self._origin_for(gesture.device),
        )
        if learned in self._current:
            return
        own = [each for each in self._current if each.origin != TABLE]
        self._bind([*(each for each in own if not _gives_way(each, learned)), learned])

    def _origin_for(self, device: str) -> str:
        """Where a mapping of a device is kept: empty for the preset's own file."""
        for mapping in self._current:
            if (
                _is_of_a_file(mapping)
                and mapping.device is not None
                and is_meant(mapping.device, device)
            ):
                return mapping.origin
        return "" if self._preset.file is not None else str(learned_file())

    def _bind(self, own: Sequence[MidiMapping]) -> None:
        """These, and what they leave of the table."""
        table = (replace(each, origin=TABLE) for each in self._table)
        left = (each for each in table if not any(displaces(one, each) for one in own))
        self._current = (*left, *own)
        self._ever.update(self._current)
        self._knobs.bind(self._current)
        self._unsaved = True
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep, name="learn", daemon=True)
            self._keeper.start()

    def _keep(self) -> None:
        """Write what was learnt, once it has come to rest."""
        while True:
            self._closing.wait(PAUSE_S)
            with self._lock:
                if not self._unsaved:
                    self._keeper = None
                    return
                self._unsaved, current = False, self._current
                gone = self._ever.difference(current)
            try:
                keep_mappings(self._preset, current, gone, self._files())
                self._trouble = ""
            except Exception as error:  # whatever it is, what is learnt next is kept again
                self._trouble = one_line(error)

    def _files(self) -> Collection[Path]:
        """Controller files of the user that may have mappings: those that had, and those named."""
        assert self._preset.midi is not None
        had = (*self._preset.midi.mappings, *self._current)
        return {Path(mapping.origin) for mapping in had if _is_of_a_file(mapping)}


def _is_of_a_file(mapping: MidiMapping) -> bool:
    """Whether a mapping is of a controller file of the user's own."""
    return mapping.origin not in ("", TABLE, WRITTEN_OUT, *bundled_controllers())


def _gives_way(mapping: MidiMapping, learned: MidiMapping) -> bool:
    """Whether a mapping ends with what was learnt: it turned that knob, and can be taken out."""
    same_knob = (learned.parameter, learned.player) == (mapping.parameter, mapping.player)
    return same_knob and mapping.origin not in bundled_controllers()
