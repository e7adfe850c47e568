"""Presets: one YAML file, one rig.

Read by `yaml_text` into frozen dataclasses. Whatever is not known or not valid is an error that
names the file, the key and what would be valid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from importlib import resources
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated

from companion.clock.grid import MAX_BPM, MIN_BPM
from companion.clock.meter import FOUR_FOUR, METERS, Meter
from companion.control.controller import learned_file, load_controller, read_items
from companion.control.generator_preset import DEVICES as DEVICES
from companion.control.generator_preset import GeneratorPreset as GeneratorPreset
from companion.control.generator_preset import read_generator
from companion.control.midi_mapping import TABLE, MidiMapping
from companion.control.parameters import PARAMETERS, Scope, Value, parameter
from companion.control.store import ParameterStore
from companion.control.yaml_section import Section, keys_of
from companion.control.yaml_text import read_yaml
from companion.listen.chart import Chart, read_chart
from companion.system.errors import CompanionError, nearest

RIG_KNOBS = tuple(knob.name for knob in PARAMETERS if knob.scope == "rig")
PLAYER_KNOBS = tuple(knob.name for knob in PARAMETERS if knob.scope == "player")
PRESET_KEYS = (
    *("bpm", "meter", "bars", "count_in_bars", "chords", *RIG_KNOBS),
    *("players", "midi", "osc", "audio", "generator", "presets"),
)
PLAYER_KEYS = ("name", *PLAYER_KNOBS)
RECORDINGS = (".wav", ".flac", ".ogg", ".mp3", ".aif", ".aiff")
"""How the name of a recording ends that is given in place of the number of a sound."""
MAX_PLAYERS = 8
MOST_PRESETS = 128
"""As many as MIDI has program changes."""
MAX_TARGETS = 8
MAX_PEERS = 16
MAX_PORTS = 8
RESERVED = (
    *("input", "echo", "click", "bar", "beat", "meter", "metrics"),
    *(*RIG_KNOBS, "input-stereo", "chord", "learn"),
)
"""Names of the take's other files and of OSC addresses."""


@dataclass(frozen=True, slots=True)
class PlayerPreset:
    """One player: its name and the knobs that are not at their defaults."""

    name: str
    knobs: Mapping[str, Value] = field(default_factory=dict)
    # an audio file of its instrument alone, whose sound it takes on while its knob `sound` is 0
    recording: Path | None = None


@dataclass(frozen=True, slots=True)
class MidiPreset:
    """The MIDI inputs: ports by parts of their names, or a virtual one that others connect to."""

    port: str | tuple[str, ...] | None = None
    map: tuple[MidiMapping, ...] = ()
    # where a MIDI clock is sent: part of a port's name, or True for a virtual port
    clock_out: str | bool = False
    # a keyboard whose held notes are the chord: part of its port's name, or True for any
    keyboard: str | bool = False
    # what was learnt; in `map` it has taken the place of what the table says
    learned: tuple[MidiMapping, ...] = ()
    # controller files by name or path, whose mappings are in `map`
    controllers: tuple[str, ...] = field(default=(), compare=False)

    @property
    def ports(self) -> tuple[str, ...]:
        """Parts of the names of the ports that must be there; none for the virtual one."""
        if self.port is None:
            return ()
        return (self.port,) if isinstance(self.port, str) else self.port

    @property
    def mappings(self) -> tuple[MidiMapping, ...]:
        """What turns what."""
        return (*self.map, *self.learned)

    def with_learned(self, learned: Sequence[MidiMapping]) -> MidiPreset:
        """These as learnt, in the place of those of the table for the same knob or control."""
        kept = (
            mapping
            for mapping in self.map
            if mapping.origin != TABLE or not any(displaces(each, mapping) for each in learned)
        )
        return replace(self, map=tuple(kept), learned=tuple(learned))


MIDI_KEYS = keys_of(MidiPreset)


@dataclass(frozen=True, slots=True)
class OscTarget:
    """Where OSC messages are sent to."""

    port: Annotated[int, range(1, 65536)]
    host: str = "127.0.0.1"


@dataclass(frozen=True, slots=True)
class OscPreset:
    """Where OSC messages are received and from whom, and where they are sent to."""

    host: str = "127.0.0.1"  # a preset file may call it `listen`
    port: Annotated[int, range(65536)] = 9000
    send: tuple[OscTarget, ...] = ()
    # addresses of other machines that are obeyed; this one always is
    peers: tuple[str, ...] = ()
    # whether OSCQuery tells what there is, at the same port number or another
    query: Annotated[bool | int, range(65536)] = False


OSC_KEYS = ("listen", *keys_of(OscPreset))


@dataclass(frozen=True, slots=True)
class AudioPreset:
    """Which sound device, and how; None is the default.

    `click_channel` is the output channel, from 2, that has the clicks and nothing else; None: they
    are in the mix.
    """

    input: str | int | None = None
    output: str | int | None = None
    rate: Annotated[int | None, range(8000, 384_001)] = None
    block: Annotated[int, range(16, 8193)] = 256
    click_channel: Annotated[int | None, range(2, 65)] = None


@dataclass(frozen=True, slots=True)
class Preset:
    """One rig."""

    name: str
    players: tuple[PlayerPreset, ...]
    bpm: Fraction = Fraction(120)
    # where a jam ends; None: when it is stopped
    bars: Annotated[int | None, range(1, 100_001)] = None
    meter: Meter = FOUR_FOUR
    count_in_bars: Annotated[int, range(5)] = 1
    chords: str | tuple[str, ...] | None = None  # a chart, see `companion.listen.chart`
    knobs: Mapping[str, Value] = field(default_factory=dict)  # of the rig
    midi: MidiPreset | None = None  # None for none; of OSC too
    osc: OscPreset | None = None
    audio: AudioPreset = AudioPreset()
    generator: GeneratorPreset = field(default_factory=GeneratorPreset)
    presets: tuple[Path, ...] = ()  # to switch to in the set, in order
    # the rig's knobs that it names, bpm among them; the others are as they are by default
    named: frozenset[str] = field(default=frozenset(), compare=False)
    file: Path | None = field(default=None, compare=False)  # None for one that is not the user's

    def store(self) -> ParameterStore:
        """The knobs as the preset sets them; a cycle that it gives is kept unless it says not."""
        given = {"find_cycle": False} if "cycle" in self.knobs else {}
        return ParameterStore(
            {**given, **self.knobs, "bpm": float(self.bpm)},
            {player.name: player.knobs for player in self.players},
        )

    def chart(self) -> Chart | None:
        """The chords of its bars; None where it has none."""
        beats = self.meter.beats_per_bar
        return None if self.chords is None else read_chart(self.chords, beats)

    def recordings(self) -> tuple[Path, ...]:
        """The recordings that players name, each once, in the players' order."""
        found = (p.recording for p in self.players if p.recording is not None)
        return tuple(dict.fromkeys(found))

    def with_instrument(self, instrument: str) -> Preset:
        """This rig with its first player playing something else; CompanionError if unknown."""
        checked = parameter("instrument").check(instrument)
        name = re.sub(r"\W+", "-", instrument)
        first = self.players[0]
        first = replace(first, name=name, knobs={**first.knobs, "instrument": checked})
        return replace(self, players=(first, *self.players[1:]))


def bundled_presets() -> tuple[str, ...]:
    """Names of the presets that come with the companion."""
    files = resources.files("companion.presets").iterdir()
    return tuple(sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml")))


def load_preset(name_or_path: str) -> Preset:
    """A bundled preset by name, or one from a YAML file; CompanionError if it is none."""
    if name_or_path in bundled_presets():
        file = resources.files("companion.presets").joinpath(f"{name_or_path}.yaml")
        bundled = parse_preset(file.read_text(encoding="utf-8"), f"{name_or_path}.yaml")
        return _with_what_was_learned(bundled)
    path = Path(name_or_path)
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise CompanionError(
            f"there is no preset {name_or_path!r}{nearest(name_or_path, bundled_presets())}; "
            f"valid: {', '.join(bundled_presets())}, or a YAML file"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise CompanionError(f"preset {path} cannot be read ({error}); valid: YAML") from error
    return replace(parse_preset(text, str(path)), file=path)


def _with_what_was_learned(preset: Preset) -> Preset:
    """A bundled preset with the mappings that the user has learnt with any of them."""
    file = learned_file()
    if preset.midi is None or not file.exists():
        return preset
    players = [player.name for player in preset.players]
    learned = load_controller(str(file), Path(), players)
    return replace(preset, midi=preset.midi.with_learned(learned))


def parse_preset(text: str, file: str) -> Preset:
    """A preset from YAML; `file` is what messages call it."""
    top = Section(read_yaml(text, f"preset {file}"), file, PRESET_KEYS)
    players = _players(top)
    midi, osc = top.inner("midi", MIDI_KEYS), top.inner("osc", OSC_KEYS)
    knobs = top.knobs([name for name in RIG_KNOBS if name != "bpm"])
    if midi is None and knobs.get("clock") == "midi":  # which comes in there
        midi = Section({}, file, MIDI_KEYS, "midi.")
    bpm = top.take("bpm", (int, float), 120)
    if not MIN_BPM <= bpm <= MAX_BPM:
        raise top.wrong("bpm", bpm, f"{MIN_BPM} to {MAX_BPM}")
    meter = METERS[top.take("meter", str, FOUR_FOUR.name, tuple(METERS))]
    return top.made(
        Preset,
        name=Path(file).stem,
        players=players,
        bpm=Fraction(str(bpm)),
        meter=meter,
        chords=_chords(top, meter),
        knobs=knobs,
        midi=None if midi is None else _midi(midi, [player.name for player in players]),
        osc=None if osc is None else _osc(osc),
        audio=top.part("audio", AudioPreset),
        generator=read_generator(top),
        presets=_presets(top),
        named=frozenset(name for name in RIG_KNOBS if name in top.content),
    )


def _chords(top: Section, meter: Meter) -> str | tuple[str, ...] | None:
    """A chart as it is written, once it is known to be one."""
    written = top.take("chords", (str, list), None)
    if written is None:
        return None
    chords = written if isinstance(written, str) else tuple(map(str, written))
    try:
        read_chart(chords, meter.beats_per_bar)
    except CompanionError as error:
        raise CompanionError(f"{top.place('chords')}: {error}") from error
    return chords


def _presets(top: Section) -> tuple[Path, ...]:
    """The other presets of a set: bundled ones by name, files beside this one."""
    names = top.take("presets", list, [])
    if len(names) > MOST_PRESETS or not all(isinstance(name, str) for name in names):
        raise top.wrong("presets", names, f"up to {MOST_PRESETS} names or files")
    beside = Path(top.file).parent.absolute()
    return tuple(Path(n) if n in bundled_presets() else beside / n for n in map(str, names))


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
        recording = None
        written = section.content.get("sound")
        if isinstance(written, str) and Path(written).suffix.lower() in RECORDINGS:
            del section.content["sound"]
            recording = (Path(section.file).parent / written).absolute()
        players.append(PlayerPreset(name, section.knobs(PLAYER_KNOBS), recording))
    return tuple(players)


def _midi(section: Section, players: list[str]) -> MidiPreset:
    names = section.take("controllers", list, [])
    if len(names) > MAX_PORTS or not all(isinstance(each, str) for each in names):
        raise section.wrong("controllers", names, f"a list of up to {MAX_PORTS} names or files")
    folder = Path(section.file).parent
    mappings = [mapping for mapping in read_items(section, "map", players) if mapping]
    for name in names:
        mappings += load_controller(str(name), folder, players)
    if section.content.get("map") is None and not names:
        mappings = [replace(each, origin=TABLE) for each in default_mappings(players)]
    learned = [mapping for mapping in read_items(section, "learned", players) if mapping]
    midi = section.made(
        MidiPreset,
        port=_ports(section),
        map=tuple(mappings),
        learned=(),
        controllers=tuple(map(str, names)),
    )
    return midi.with_learned(learned)


def displaces(learned: MidiMapping, mapping: MidiMapping) -> bool:
    """Whether what was learnt turns the same knob, or has the same control."""
    same_knob = (learned.parameter, learned.player) == (mapping.parameter, mapping.player)
    return same_knob or not set(learned.controls()).isdisjoint(mapping.controls())


def _ports(section: Section) -> str | tuple[str, ...] | None:
    """One port, or several."""
    port = section.take("port", (str, list), None)
    if not isinstance(port, list):
        return port
    if not 1 <= len(port) <= MAX_PORTS or not all(isinstance(each, str) for each in port):
        raise section.wrong("port", port, f"text, or a list of 1 to {MAX_PORTS} of them")
    return tuple(map(str, port))


def default_mappings(players: list[str]) -> tuple[MidiMapping, ...]:
    """The table's controllers: the first player on channel 1, the second on 2; the rig on any."""
    of: dict[Scope, list[tuple[str | None, int | None]]] = {
        "rig": [(None, None)],
        "player": [(player, channel) for channel, player in enumerate(players, 1)],
    }
    return tuple(
        MidiMapping(knob.cc, knob.name, *whose)
        for knob in PARAMETERS
        if knob.cc is not None
        for whose in of[knob.scope]
    )


def _osc(section: Section) -> OscPreset:
    targets = section.each("send", keys_of(OscTarget))
    if len(targets) > MAX_TARGETS:
        raise section.wrong("send", section.content["send"], f"up to {MAX_TARGETS} of them")
    listen = section.take("listen", str, None)
    if listen is not None and "host" in section.content:
        raise section.wrong("host", section.content["host"], "listen alone, it means the same")
    return section.made(
        OscPreset,
        send=tuple(target.made(OscTarget) for target in targets),
        peers=_peers(section),
        **({} if listen is None else {"host": listen}),
    )


def _peers(section: Section) -> tuple[str, ...]:
    peers = section.take("peers", list, [])
    if len(peers) > MAX_PEERS:
        raise section.wrong("peers", peers, f"up to {MAX_PEERS} of them")
    for peer in peers:
        try:
            ip_address(peer if isinstance(peer, str) else "")
        except ValueError as error:
            valid = "addresses in numbers, such as 192.168.1.20"
            raise section.wrong("peers", peer, valid) from error
    return tuple(peers)
