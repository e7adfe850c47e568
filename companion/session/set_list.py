"""The presets of a set: switched on the bar line while everything plays on.

The players stay who they are: the first takes knobs and sound of the other preset's first player,
the second of its second, and so on; a player that it has none for is muted. Of the rig's knobs
those are turned that the preset names, tempo included; its chart begins in its first bar. What
belongs to the machine stays: devices, ports, the generator. How the rig stands can be saved beside
the preset that it began with; what was saved is a preset of the set from then on.

*Threading*: `switch` and `save` may be called from any thread; `save` takes a while, as it reads
and writes files. All else belongs to the session's.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from queue import Empty, SimpleQueue

from companion.clock.meter import FOUR_FOUR
from companion.control.parameters import PARAMETERS
from companion.control.preset import MOST_PRESETS, Preset, load_preset
from companion.control.preset_save import SUFFIX, AlreadyThere, save_preset, saved_name, standing
from companion.control.store import ParameterStore
from companion.listen.harmony import Harmony
from companion.players.sounds import NO_SOUND, Sound
from companion.session.ear import PRESET
from companion.session.solo import Solo
from companion.system.errors import CompanionError, nearest, shown

_PLAYER_KNOBS = [
    knob.name for knob in PARAMETERS if knob.scope == "player" and knob.kind != "trigger"
]


class SetList:
    """Which presets there are, which one plays, and which one comes with the next bar.

    Attributes:
        names: of the presets, in the set's order, the one that it begins with first.
        current: the name of the one that plays.
        coming: the name of the one that plays from the next bar line on; empty where none does.
        solo: who alone is heard; what is saved is as if nobody were.
        recordings: those that players of any of them name, each once.
        began: where another take was gone on from, the bar in which its chart began; None else.
    """

    def __init__(self, presets: Sequence[Preset], store: ParameterStore, harmony: Harmony) -> None:
        """The first plays.

        Raises:
            CompanionError: two have one name, or one is of another meter.
        """
        self._presets = {preset.name: preset for preset in presets}
        if len(self._presets) < len(presets):
            names = ", ".join(preset.name for preset in presets)
            raise CompanionError(f"presets are {names}; valid: each name once")
        meter = presets[0].meter
        for preset in presets:
            # One that says neither meter nor chords goes with any.
            said = preset.chords is not None or preset.meter != FOUR_FOUR
            if said and preset.meter != meter:
                raise CompanionError(
                    f"preset {preset.name} has the meter {preset.meter.name}; "
                    f"valid: {meter.name}, in which the set begins"
                )
        found = (path for preset in presets for path in preset.recordings())
        self.recordings = tuple(dict.fromkeys(found))
        self._store, self._harmony, self.solo = store, harmony, Solo(store)
        self._opened, self._saving = presets[0], threading.Lock()
        self._chosen: SimpleQueue[str] = SimpleQueue()
        self.names = tuple(self._presets)
        self.current, self.coming = self.names[0], ""
        self._from_bar = 0
        self.began: int | None = None

    def switch(self, which: str | int) -> None:
        """Switch at the next bar line, to a preset by name or by number, from 1.

        Raises:
            CompanionError: there is no such preset, or the lock is on.
        """
        if isinstance(which, int):
            if not 1 <= which <= len(self.names):
                raise CompanionError(f"preset is {which}; valid: 1 to {len(self.names)}")
            which = self.names[which - 1]
        if which not in self._presets:
            raise CompanionError(
                f"there is no preset {shown(which)} in this set{nearest(which, self.names)}; "
                f"valid: {', '.join(self.names)}"
            )
        if self._store.snapshot()["lock"]:
            raise CompanionError(f"locked: preset {which} is not switched to; valid: lock off")
        self._chosen.put(which)

    def save(self, name: str, over: bool = False) -> Path:
        """Write how the rig stands beside the preset that the set began with; the file.

        Where that came along it is written in the present folder.

        Args:
            name: of the preset, without a path.
            over: whether one of that name may be written over.

        Raises:
            AlreadyThere: there is one, and it may not.
            CompanionError: it is no name, or cannot be written, or another is being saved.
        """
        plain, file = saved_name(name), self._opened.file
        path = (Path() if file is None else file.parent) / f"{plain}{SUFFIX}"
        if not self._saving.acquire(blocking=False):
            raise CompanionError("another preset is being saved; valid: one at a time")
        try:
            if plain not in self._presets and len(self._presets) >= MOST_PRESETS:
                raise CompanionError(
                    f"the set has {MOST_PRESETS} presets; valid: one of their names"
                )
            if plain in self._presets and not over:
                raise AlreadyThere(
                    f"{plain} is in the set already; valid: another name, or over it"
                )
            chords = self._presets[self.current].chords
            save_preset(self._opened, standing(self._store, chords, self.solo.mutes), path, over)
            self._presets = {**self._presets, plain: load_preset(str(path))}
            self.names = tuple(self._presets)
        finally:
            self._saving.release()
        return path

    def begins_at(self, bpm: Fraction) -> None:
        """The first is played at this tempo, also when it is gone back to."""
        first = self._presets[self.names[0]]
        self._presets[first.name] = replace(first, bpm=bpm, named=first.named | {"bpm"})

    def go_on(self, name: str, chart_from: int) -> None:
        """One plays already, and its chart began in that bar, which may be long ago.

        What is not in this set any more does not.
        """
        if name in self._presets:
            self.current, self.began = name, chart_from
            self._harmony.follow(self._presets[name].chart(), chart_from)

    def sounds(self, recorded: Sequence[Sound]) -> dict[str, Sound]:
        """What the recording sounds like that each player has now; an empty sound for none.

        Args:
            recorded: the sounds of `recordings`, or none where nobody knows them.
        """
        known = dict(zip(self.recordings, recorded, strict=False))
        of = self._presets[self.current].players
        paths = [player.recording for player in of[: len(self._store.players)]]
        paths += [None] * (len(self._store.players) - len(paths))
        return {
            name: NO_SOUND if path is None else known.get(path, NO_SOUND)
            for name, path in zip(self._store.players, paths, strict=True)
        }

    def tick(self, bar: int) -> str:
        """Do what is due in this bar; the name of a preset that plays from it on, if one does."""
        asked = ""
        with suppress(Empty):
            while True:
                asked = self._chosen.get_nowait()
        if asked:
            self.coming, self._from_bar = asked, bar + 1
            # Plans for the next bars are made in this one; a song begins after its count-in.
            self._harmony.follow(self._presets[asked].chart(), max(0, self._from_bar))
        if not self.coming or bar < self._from_bar:
            return ""
        self.current, self.coming = self.coming, ""
        self._turn(self._presets[self.current])
        return self.current

    def _turn(self, preset: Preset) -> None:
        store = preset.store()
        # A cycle that is named is kept, unless the preset says that one is looked for.
        named = preset.named | ({"find_cycle"} if "cycle" in preset.named else set())
        for name in (knob.name for knob in PARAMETERS if knob.name in named):
            self._store.set(name, store.snapshot()[name], None, PRESET)
        for player, of in zip(self._store.players, preset.players, strict=False):
            values = store.snapshot(of.name)
            for name in _PLAYER_KNOBS:
                self._store.set(name, values[name], player, PRESET)
        for player in self._store.players[len(preset.players) :]:
            self._store.set("mute", True, player, PRESET)
