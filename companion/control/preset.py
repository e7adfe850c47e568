"""Presets: one YAML file, one rig.

Read by `yaml_text` into frozen dataclasses. Whatever is not known or not valid is an error that
names the file, the key and what would be valid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fractions import Fraction
from importlib import resources
from pathlib import Path

from companion.clock.grid import MAX_BPM, MIN_BPM
from companion.clock.meter import FOUR_FOUR, METERS, Meter
from companion.control.parameters import BY_NAME, PARAMETERS, Value, parameter
from companion.control.store import ALL, ParameterStore
from companion.control.yaml_section import Section
from companion.control.yaml_text import read_yaml
from companion.generate.loading import GENERATORS, GeneratorName
from companion.system.errors import CompanionError, nearest

DEVICES = ("auto", "cuda", "mps", "cpu")
RIG_KNOBS = tuple(knob.name for knob in PARAMETERS if knob.scope == "rig")
PLAYER_KNOBS = tuple(knob.name for knob in PARAMETERS if knob.scope == "player")
PRESET_KEYS = (
    *("bpm", "meter", "bars", "count_in_bars", *RIG_KNOBS),
    *("players", "midi", "osc", "audio", "generator"),
)
PLAYER_KEYS = ("name", *PLAYER_KNOBS)
MIDI_KEYS = ("port", "map", "clock_out")
MAP_KEYS = ("cc", "parameter", "player", "channel")
OSC_KEYS = ("host", "port", "send")
TARGET_KEYS = ("host", "port")
AUDIO_KEYS = ("input", "output", "rate", "block", "click_channel")
GENERATOR_KEYS = ("name", "device", "in_process")
MAX_PLAYERS = 8
MAX_TARGETS = 8
RESERVED = (
    *("input", "echo", "click", "bar", "beat", "meter", "metrics"),
    *(*RIG_KNOBS, "input-stereo"),
)
"""Names of the take's other files and of OSC addresses."""


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
    """The MIDI input: a port by part of its name, or a virtual one that others connect to.

    Attributes:
        clock_out: where a MIDI clock is sent: part of a port's name, or True for a virtual port.
    """

    port: str | None = None
    mappings: tuple[MidiMapping, ...] = ()
    clock_out: str | bool = False


@dataclass(frozen=True, slots=True)
class OscTarget:
    """Where OSC messages are sent to."""

    port: int
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class OscPreset:
    """Where OSC messages are received, and where they are sent to."""

    host: str = "127.0.0.1"
    port: int = 9000
    send: tuple[OscTarget, ...] = ()


@dataclass(frozen=True, slots=True)
class AudioPreset:
    """Which sound device, and how; None is the default.

    `click_channel` is the output channel, from 2, that has the clicks and nothing else; None: they
    are in the mix.
    """

    input: str | int | None = None
    output: str | int | None = None
    rate: int | None = None
    block: int = 256
    click_channel: int | None = None


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
    meter: Meter = FOUR_FOUR
    count_in_bars: int = 1
    knobs: Mapping[str, Value] = field(default_factory=dict)
    midi: MidiPreset | None = None
    osc: OscPreset | None = None
    audio: AudioPreset = AudioPreset()
    generator: GeneratorPreset = GeneratorPreset()

    def store(self) -> ParameterStore:
        """The knobs as the preset sets them; a cycle that it gives is kept unless it says not."""
        given = {"find_cycle": False} if "cycle" in self.knobs else {}
        return ParameterStore(
            {**given, **self.knobs, "bpm": float(self.bpm)},
            {player.name: player.knobs for player in self.players},
        )

    def with_instrument(self, instrument: str) -> Preset:
        """This rig with its first player playing something else.

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
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        bundled = ", ".join(bundled_presets())
        raise CompanionError(
            f"there is no preset {name_or_path!r}{nearest(name_or_path, bundled_presets())}; "
            f"valid: {bundled}, or a YAML file"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise CompanionError(f"preset {path} cannot be read ({error}); valid: YAML") from error
    return parse_preset(text, str(path))


def parse_preset(text: str, file: str) -> Preset:
    """A preset from YAML; `file` is what messages call it."""
    top = Section(read_yaml(text, f"preset {file}"), file, PRESET_KEYS)
    players = _players(top)
    midi = top.inner("midi", MIDI_KEYS)
    osc = top.inner("osc", OSC_KEYS)
    audio = top.inner("audio", AUDIO_KEYS)
    generator = top.inner("generator", GENERATOR_KEYS)
    knobs = top.knobs([name for name in RIG_KNOBS if name != "bpm"])
    if midi is None and knobs.get("clock") == "midi":  # which comes in there
        midi = Section({}, file, MIDI_KEYS, "midi.")
    return Preset(
        name=Path(file).stem,
        players=players,
        bpm=Fraction(str(top.number("bpm", MIN_BPM, MAX_BPM, 120))),
        bars=top.whole("bars", 1, 100_000, None),
        meter=METERS[top.choice("meter", tuple(METERS), FOUR_FOUR.name)],
        count_in_bars=top.whole("count_in_bars", 0, 4, 1),
        knobs=knobs,
        midi=None if midi is None else _midi(midi, [player.name for player in players]),
        osc=None if osc is None else _osc(osc),
        audio=AudioPreset() if audio is None else _audio(audio),
        generator=GeneratorPreset() if generator is None else _generator(generator),
    )


def _players(top: Section) -> tuple[PlayerPreset, ...]:
    sections = top.each("players", PLAYER_KEYS)
    if not 1 <= len(sections) <= MAX_PLAYERS:
        raise top.wrong("players", top.content.get("players"), f"a list of 1 to {MAX_PLAYERS}")
    players: list[PlayerPreset] = []
    for section in sections:
        name = section.take("name", str)
        if not re.fullmatch(r"[\w-]{1,32}", name) or name.casefold() in RESERVED:
            valid = f"1 to 32 letters, digits, _ and -, but not {', '.join(RESERVED)}"
            raise section.wrong("name", name, valid)
        # To some disks Bass.wav is bass.wav.
        if name.casefold() in [player.name.casefold() for player in players]:
            raise section.wrong("name", name, "each name once")
        players.append(PlayerPreset(name, section.knobs(PLAYER_KNOBS)))
    return tuple(players)


def _midi(section: Section, players: list[str]) -> MidiPreset:
    port = section.take("port", str, None)
    mappings = tuple(_mapping(inner, players) for inner in section.each("map", MAP_KEYS))
    clock_out = section.take("clock_out", (str, bool), False)
    return MidiPreset(port, mappings or default_mappings(players), clock_out)


def _mapping(section: Section, players: list[str]) -> MidiMapping:
    cc = section.whole("cc", 0, 119)
    name = section.choice("parameter", tuple(BY_NAME))
    player = section.take("player", str, None)
    if name in RIG_KNOBS and player is not None:
        raise section.wrong("player", player, f"no player, {name} is the rig's")
    if name in PLAYER_KNOBS and player not in (*players, ALL):
        raise section.wrong("player", player, ", ".join((*players, ALL)))
    return MidiMapping(cc, name, player, section.whole("channel", 1, 16, None))


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


def _osc(section: Section) -> OscPreset:
    targets = section.each("send", TARGET_KEYS)
    if len(targets) > MAX_TARGETS:
        raise section.wrong("send", section.content["send"], f"up to {MAX_TARGETS} of them")
    return OscPreset(
        host=section.take("host", str, "127.0.0.1"),
        port=section.whole("port", 0, 65535, 9000),
        send=tuple(
            OscTarget(target.whole("port", 1, 65535), target.take("host", str, "127.0.0.1"))
            for target in targets
        ),
    )


def _audio(section: Section) -> AudioPreset:
    return AudioPreset(
        input=section.take("input", (str, int), None),
        output=section.take("output", (str, int), None),
        rate=section.whole("rate", 8000, 384_000, None),
        block=section.whole("block", 16, 8192, 256),
        click_channel=section.whole("click_channel", 2, 64, None),
    )


def _generator(section: Section) -> GeneratorPreset:
    return GeneratorPreset(
        name=section.choice("name", GENERATORS, "model"),
        device=section.choice("device", DEVICES, "auto"),
        in_process=section.take("in_process", bool, False),
    )
