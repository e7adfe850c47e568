"""Presets: one YAML file, one rig.

Read with `yaml.safe_load` into frozen dataclasses. Whatever is not known or not valid is an error
that names the file, the key and what would be valid.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from importlib import resources
from pathlib import Path
from typing import Any

import yaml

from companion.clock.transport import MAX_BPM, MIN_BPM
from companion.control.parameters import PARAMETERS, Value, parameter
from companion.control.store import ALL, ParameterStore
from companion.errors import CompanionError
from companion.generate.loading import GENERATORS, GeneratorName

DEVICES = ("auto", "cuda", "mps", "cpu")
RIG_KNOBS = tuple(knob.name for knob in PARAMETERS if knob.scope == "rig")
PLAYER_KNOBS = tuple(knob.name for knob in PARAMETERS if knob.scope == "player")
MAX_PLAYERS = 8


@dataclass(frozen=True, slots=True)
class PlayerPreset:
    """One player: its name and the knobs that are not at their defaults."""

    name: str
    knobs: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MidiMapping:
    """A controller and the knob it turns; `channel` 1..16, None for any."""

    cc: int
    parameter: str
    player: str | None
    channel: int | None = None


@dataclass(frozen=True, slots=True)
class MidiPreset:
    """The MIDI input: a port by part of its name, or a virtual one that others connect to."""

    port: str | None = None
    mappings: tuple[MidiMapping, ...] = ()


@dataclass(frozen=True, slots=True)
class OscPreset:
    """Where OSC messages are received."""

    host: str = "127.0.0.1"
    port: int = 9000


@dataclass(frozen=True, slots=True)
class AudioPreset:
    """Which sound device, and how; None is the default."""

    input: str | int | None = None
    output: str | int | None = None
    rate: int | None = None
    block: int = 256


@dataclass(frozen=True, slots=True)
class GeneratorPreset:
    """What makes the stems: the model, or its stand-in that needs no weights."""

    name: GeneratorName = "model"
    device: str = "auto"
    in_process: bool = False


@dataclass(frozen=True, slots=True)
class Preset:
    """One rig.

    Attributes:
        bars: where a jam ends; None: when it is stopped.
        knobs: of the rig.
        midi, osc: None for none.
    """

    name: str
    players: tuple[PlayerPreset, ...]
    bpm: Fraction = Fraction(120)
    bars: int | None = None
    beats_per_bar: int = 4
    count_in_bars: int = 1
    knobs: Mapping[str, Value] = field(default_factory=dict)
    midi: MidiPreset | None = None
    osc: OscPreset | None = None
    audio: AudioPreset = AudioPreset()
    generator: GeneratorPreset = GeneratorPreset()

    def store(self) -> ParameterStore:
        """The knobs as the preset sets them."""
        return ParameterStore(self.knobs, {player.name: player.knobs for player in self.players})

    def with_instrument(self, instrument: str) -> Preset:
        """The same rig with its first player playing something else.

        Raises:
            CompanionError: no such instrument.
        """
        checked = parameter("instrument").check(instrument)
        name = re.sub(r"\W+", "-", instrument)
        first = PlayerPreset(name, {**self.players[0].knobs, "instrument": checked})
        return replace(self, players=(first, *self.players[1:]))


def bundled_presets() -> tuple[str, ...]:
    """Names of the presets that come with the companion."""
    files = resources.files("companion.presets").iterdir()
    return tuple(sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml")))


def load_preset(name_or_path: str) -> Preset:
    """A bundled preset by name, or one from a YAML file.

    Raises:
        CompanionError: see the module.
    """
    if name_or_path in bundled_presets():
        file = resources.files("companion.presets").joinpath(f"{name_or_path}.yaml")
        return parse_preset(file.read_text(encoding="utf-8"), f"{name_or_path}.yaml")
    path = Path(name_or_path)
    if not path.is_file():
        bundled = ", ".join(bundled_presets())
        raise CompanionError(
            f"there is no preset {name_or_path!r}{_near(name_or_path, bundled_presets())}; "
            f"valid: {bundled}, or a YAML file"
        )
    try:
        return parse_preset(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise CompanionError(f"preset {path} cannot be read ({error}); valid: YAML") from error


def parse_preset(text: str, file: str) -> Preset:
    """A preset from YAML; `file` is what messages call it."""
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "not YAML"
        raise CompanionError(f"preset {file}{where}: {problem}; valid: YAML") from error
    top = _Section(content, file, "")
    players = top.take("players", list)
    if not players or len(players) > MAX_PLAYERS:
        raise top.wrong("players", players, f"a list of 1 to {MAX_PLAYERS} players")
    parsed = tuple(
        _player(_Section(each, file, f"players[{number}].")) for number, each in enumerate(players)
    )
    names = [player.name for player in parsed]
    for name in names:
        if names.count(name) > 1:
            raise top.wrong("players", name, "each name once")
    midi = top.take("midi", dict, None)
    osc = top.take("osc", dict, None)
    preset = Preset(
        name=Path(file).stem,
        players=parsed,
        bpm=Fraction(str(top.number("bpm", 120, MIN_BPM, MAX_BPM))),
        bars=top.whole("bars", None, 1, 100_000),
        beats_per_bar=top.whole("beats_per_bar", 4, 4, 4) or 4,  # what the model has learnt
        count_in_bars=top.whole("count_in_bars", 1, 0, 4) or 0,
        knobs={name: top.knob(name) for name in RIG_KNOBS if name in top.content},
        midi=_midi(_Section(midi, file, "midi."), names) if midi is not None else None,
        osc=_osc(_Section(osc, file, "osc.")) if osc is not None else None,
        audio=_audio(_Section(top.take("audio", dict, {}), file, "audio.")),
        generator=_generator(_Section(top.take("generator", dict, {}), file, "generator.")),
    )
    top.end()
    return preset


def _player(section: _Section) -> PlayerPreset:
    name = section.take("name", str)
    if not re.fullmatch(r"[\w-]{1,32}", name) or name in ("input", "click", *RIG_KNOBS):
        raise section.wrong("name", name, "letters, digits, _ and -, and no knob's name")
    knobs = {key: section.knob(key) for key in PLAYER_KNOBS if key in section.content}
    section.end(PLAYER_KNOBS)
    return PlayerPreset(name, knobs)


def _midi(section: _Section, players: list[str]) -> MidiPreset:
    port = section.take("port", str, None)
    mappings = []
    for number, each in enumerate(section.take("map", list, [])):
        inner = _Section(each, section.file, f"midi.map[{number}].")
        cc = inner.whole("cc", None, 0, 119)
        if cc is None:
            raise inner.wrong("cc", None, "a controller from 0 to 119")
        name = inner.take("parameter", str)
        try:
            knob = parameter(name)
        except CompanionError as error:
            raise CompanionError(f"preset {section.file}: {error}") from error
        player = inner.take("player", str, None)
        if knob.scope == "player" and player not in (*players, ALL):
            raise inner.wrong("player", player, ", ".join((*players, ALL)))
        channel = inner.whole("channel", None, 1, 16)
        inner.end()
        mappings.append(MidiMapping(cc, name, player if knob.scope == "player" else None, channel))
    section.end()
    return MidiPreset(port, tuple(mappings) or default_mappings(players))


def default_mappings(players: list[str]) -> tuple[MidiMapping, ...]:
    """The table's controllers: the first player on channel 1, the second on 2; the rig on any."""
    mappings = []
    for knob in PARAMETERS:
        if knob.cc is None:
            continue
        if knob.scope == "rig":
            mappings.append(MidiMapping(knob.cc, knob.name, None))
            continue
        for channel, player in enumerate(players, 1):
            mappings.append(MidiMapping(knob.cc, knob.name, player, channel))
    return tuple(mappings)


def _osc(section: _Section) -> OscPreset:
    preset = OscPreset(
        section.take("host", str, "127.0.0.1"), section.whole("port", 9000, 0, 65535) or 0
    )
    section.end()
    return preset


def _audio(section: _Section) -> AudioPreset:
    preset = AudioPreset(
        input=section.take("input", (str, int), None),
        output=section.take("output", (str, int), None),
        rate=section.whole("rate", None, 8000, 384_000),
        block=section.whole("block", 256, 16, 8192) or 256,
    )
    section.end()
    return preset


def _generator(section: _Section) -> GeneratorPreset:
    name = section.take("name", str, "model")
    device = section.take("device", str, "auto")
    if name not in GENERATORS:
        raise section.wrong("name", name, ", ".join(GENERATORS))
    if device not in DEVICES:
        raise section.wrong("device", device, ", ".join(DEVICES))
    preset = GeneratorPreset(name, device, section.take("in_process", bool, False))
    section.end()
    return preset


_REQUIRED = object()


class _Section:
    """A mapping of the file, key by key; what is left over at the end is unknown."""

    def __init__(self, content: Any, file: str, prefix: str) -> None:
        self.file, self._prefix = file, prefix
        if not isinstance(content, dict):
            where = prefix.rstrip(".") or "content"
            raise CompanionError(f"preset {file}: {where} is {content!r}; valid: keys and values")
        self.content = content
        self._known: list[str] = []

    def take(self, key: str, kind: type | tuple[type, ...], default: Any = _REQUIRED) -> Any:
        """The value of a key, of a type; an empty one is the default."""
        self._known.append(key)
        value = self.content.get(key)
        if value is None:
            if default is _REQUIRED:
                raise self.wrong(key, None, "a value, it is required")
            return default
        kinds = kind if isinstance(kind, tuple) else (kind,)
        if not isinstance(value, kinds) or (isinstance(value, bool) and bool not in kinds):
            raise self.wrong(key, value, " or ".join(_KINDS[each] for each in kinds))
        return value

    def number(self, key: str, default: float, least: float, most: float) -> float:
        """A number within a range."""
        value = self.take(key, (int, float), default)
        if not least <= value <= most:
            raise self.wrong(key, value, f"{least:g} to {most:g}")
        return value

    def whole(self, key: str, default: int | None, least: int, most: int) -> int | None:
        """A whole number within a range."""
        value = self.take(key, int, default)
        if value is not None and not least <= value <= most:
            valid = f"{least}" if least == most else f"{least} to {most}"
            raise self.wrong(key, value, valid)
        return value

    def knob(self, name: str) -> Value:
        """The value of a knob, by the table."""
        self._known.append(name)
        try:
            return parameter(name).check(self.content[name])
        except CompanionError as error:
            raise CompanionError(f"preset {self.file}: {self._prefix}{error}") from error

    def end(self, also_known: tuple[str, ...] = ()) -> None:
        """Nothing may be left; CompanionError names the nearest key."""
        known = (*self._known, *also_known)
        for key in self.content:
            if key not in known:
                raise CompanionError(
                    f"preset {self.file}: unknown key {self._prefix}{key}"
                    f"{_near(str(key), known)}; valid: {', '.join(sorted(set(known)))}"
                )

    def wrong(self, key: str, value: object, valid: str) -> CompanionError:
        """An error about a key's value."""
        return CompanionError(
            f"preset {self.file}: {self._prefix}{key} is {value!r}; valid: {valid}"
        )


_KINDS = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "a list",
    dict: "keys and values",
}


def _near(name: str, names: tuple[str, ...]) -> str:
    close = difflib.get_close_matches(name, names, n=1)
    return f"; nearest: {close[0]}" if close else ""
