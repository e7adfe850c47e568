"""A preset is taken whole, or refused in one line that names file, key and what would be valid."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from companion.clock.meter import METERS
from companion.control.parameters import PARAMETERS
from companion.control.preset import (
    AudioPreset,
    GeneratorPreset,
    MidiMapping,
    MidiPreset,
    OscPreset,
    OscTarget,
    PlayerPreset,
    Preset,
    bundled_presets,
    default_mappings,
    load_preset,
    parse_preset,
)
from companion.control.preset_text import preset_text
from companion.system.errors import CompanionError

PLAYERS = "players: [{name: bass}]\n"
WHOLE = """
bpm: 92.5
bars: 32
meter: 3/4
count_in_bars: 2
cycle: 8
monitor: -12
players:
  - {name: low, instrument: bass, level: -3, steps: 6, mute: true, guidance_form: product}
  - {name: drums, instrument: drums}
midi:
  port: nano
  map:
    - {cc: 1, parameter: guidance_audio, player: low, channel: 2}
    - {cc: 2, parameter: level, player: "*"}
    - {cc: 3, parameter: cycle}
osc: {host: 0.0.0.0, port: 9100, send: [{port: 9001}, {host: studio, port: 7000}]}
audio: {input: Scarlett, output: 3, rate: 44100, block: 128}
generator: {name: standin, device: cpu, in_process: true}
"""


def refused(text: str) -> str:
    """What a preset is refused with."""
    with pytest.raises(CompanionError) as error:
        parse_preset(text, "mine.yaml")
    message = str(error.value)
    assert message.startswith("preset mine.yaml") and len(message.splitlines()) == 1
    return message


class TestWhole:
    def test_every_key_is_taken(self) -> None:
        assert parse_preset(WHOLE, "gigs/friday.yaml") == Preset(
            name="friday",
            bpm=Fraction(185, 2),
            bars=32,
            meter=METERS["3/4"],
            count_in_bars=2,
            knobs={"cycle": 8, "monitor": -12.0},
            players=(
                PlayerPreset(
                    "low",
                    {
                        **{"instrument": "bass", "level": -3.0, "steps": 6, "mute": True},
                        "guidance_form": "product",
                    },
                ),
                PlayerPreset("drums", {"instrument": "drums"}),
            ),
            midi=MidiPreset(
                "nano",
                (
                    MidiMapping(1, "guidance_audio", "low", 2),
                    MidiMapping(2, "level", "*"),
                    MidiMapping(3, "cycle", None),
                ),
            ),
            osc=OscPreset("0.0.0.0", 9100, (OscTarget(9001), OscTarget(7000, "studio"))),
            audio=AudioPreset("Scarlett", 3, 44100, 128),
            generator=GeneratorPreset("standin", "cpu", True),
        )

    def test_osc_listens_where_it_is_told_to_and_obeys_who_is_listed(self) -> None:
        text = "osc: {listen: 0.0.0.0, peers: [192.168.1.20, '::1'], query: on}\n" + PLAYERS
        preset = parse_preset(text, "mine.yaml")
        peers = ("192.168.1.20", "::1")
        assert preset.osc == OscPreset("0.0.0.0", peers=peers, query=True)
        assert parse_preset(preset_text(preset), "mine.yaml") == preset
        assert OscPreset().host == "127.0.0.1" and not OscPreset().query
        for query in ("off", "9100"):
            osc = parse_preset(f"osc: {{query: {query}}}\n{PLAYERS}", "mine.yaml").osc
            assert osc is not None and osc.query == {"off": False, "9100": 9100}[query]

    def test_a_cycle_is_kept_unless_the_preset_has_one_found(self) -> None:
        for text, finds in (
            ("", True),
            ("cycle: 8\n", False),
            ("cycle: 8\nfind_cycle: on\n", True),
        ):
            store = parse_preset(text + PLAYERS, "mine.yaml").store()
            assert store.snapshot()["find_cycle"] is finds

    def test_one_player_is_enough(self) -> None:
        preset = parse_preset(PLAYERS, "mine.yaml")
        assert preset == Preset("mine", (PlayerPreset("bass"),))
        assert (preset.bpm, preset.bars, preset.count_in_bars) == (120, None, 1)
        assert preset.midi is None and preset.osc is None

    def test_what_is_left_empty_is_the_default(self) -> None:
        assert parse_preset("bpm:\naudio:\n" + PLAYERS, "mine.yaml").bpm == 120

    def test_its_store_has_its_values(self) -> None:
        store = parse_preset(WHOLE, "mine.yaml").store()
        assert store.players == ("low", "drums")
        defaults = {knob.name: knob.default for knob in PARAMETERS if knob.scope == "rig"}
        set_by_preset = {"bpm": 92.5, "cycle": 8, "find_cycle": False, "monitor": -12.0}
        assert store.snapshot() == defaults | set_by_preset
        assert (store.snapshot("low")["steps"], store.snapshot("drums")["steps"]) == (6, 8)

    @pytest.mark.parametrize("knob", PARAMETERS, ids=lambda knob: knob.name)
    def test_every_knob_of_the_table_is_a_key(self, knob) -> None:
        value = yaml.safe_dump({knob.name: knob.default}, default_flow_style=True).strip("{}\n")
        if knob.scope == "rig":
            store = parse_preset(f"{value}\n{PLAYERS}", "mine.yaml").store()
            assert store.snapshot()[knob.name] == knob.default
        else:
            preset = parse_preset(f"players: [{{name: bass, {value}}}]", "mine.yaml")
            assert preset.players[0].knobs[knob.name] == knob.default

    def test_a_tempo_is_taken_as_it_is_written(self) -> None:
        assert parse_preset("bpm: 120.1\n" + PLAYERS, "mine.yaml").bpm == Fraction(1201, 10)


class TestChords:
    @pytest.mark.parametrize(
        "text", ["chords: [Am, F G, '%']", "chords: '| Am | F G | % |'", "chords: |\n  |Am|F G|%|"]
    )
    def test_a_chart_is_a_list_of_bars_or_text_with_bar_lines(self, text: str) -> None:
        chart = parse_preset(f"{text}\nplayers: [{{name: bass}}]", "mine.yaml").chart()
        assert chart is not None
        assert [[change.name for change in bar] for bar in chart.bars] == [
            ["Am"],
            ["F", "G"],
            ["F", "G"],
        ]

    def test_without_one_there_is_none(self) -> None:
        assert parse_preset("players: [{name: bass}]", "mine.yaml").chart() is None

    def test_a_take_keeps_it(self) -> None:
        preset = parse_preset("chords: [Am, F G]\nplayers: [{name: bass}]", "mine.yaml")
        assert parse_preset(preset_text(preset), "mine.yaml") == preset

    def test_what_is_wrong_with_it_is_named_with_file_and_bar(self) -> None:
        assert refused("chords: [Am, H7]\nplayers: [{name: bass}]") == (
            "preset mine.yaml, line 1: chords, bar 2: chord is 'H7'; "
            "valid: names such as Am, F#m7b5, G7/B, Csus4, or N.C. for none"
        )
        assert "chords is 7; valid: " in refused("chords: 7\nplayers: [{name: bass}]")

    def test_dots_count_the_beats_of_the_meter(self) -> None:
        text = "meter: 3/4\nchords: ['C . G']\nplayers: [{name: bass}]"
        assert len(parse_preset(text, "mine.yaml").chart().bars[0]) == 2  # type: ignore[union-attr]
        assert "has 4 beats; valid: 3" in refused(text.replace("C . G", "C . . G"))


class TestRefused:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("bmp: 120\n" + PLAYERS, "unknown key bmp; nearest: bpm; valid: bpm, meter, bars, "),
            ("player: []", "unknown key player; nearest: players; valid: "),
            ("players: [{nmae: bass}]", "unknown key players[0].nmae; nearest: name"),
            (
                "players: [{name: a}, {name: b, guidance_adio: 2}]",
                "unknown key players[1].guidance_adio; nearest: guidance_audio",
            ),
            ("players: [{name: a, cycle: 2}]", "unknown key players[0].cycle; "),
            ("level: 0\n" + PLAYERS, "unknown key level; "),
            ("osc: {prot: 9000}\n" + PLAYERS, "unknown key osc.prot; nearest: port"),
            ("midi: {ports: x}\n" + PLAYERS, "unknown key midi.ports; nearest: port"),
            ("audio: {inptu: 1}\n" + PLAYERS, "unknown key audio.inptu; nearest: input"),
            ("generator: {nam: x}\n" + PLAYERS, "unknown key generator.nam; nearest: name"),
            ("on: true\n" + PLAYERS, "unknown key on; valid: "),
            ('"a\\nb": 1\n' + PLAYERS, "unknown key a\\nb; "),
        ],
    )
    def test_an_unknown_key_is_named_with_the_nearest(self, text: str, message: str) -> None:
        assert message in refused(text)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("", "content is None; valid: keys and values"),
            ("just words", "content is 'just words'; valid: keys and values"),
            ("bpm: 120", "players is None; valid: a list of 1 to 8"),
            ("players: []", "players is []; valid: a list of 1 to 8"),
            (f"players: [{'{name: a}, ' * 9}]", "valid: a list of 1 to 8"),
            ("players: {bass: 1}", "players is {'bass': 1}; valid: a list"),
            ("players: [bass]", "players[0] is 'bass'; valid: keys and values"),
            ("players: [{level: 0}]", "players[0].name is None; valid: a value, it is required"),
            ("players: [{name: 1}]", "players[0].name is 1; valid: text"),
            ("bpm: fast\n" + PLAYERS, "bpm is 'fast'; valid: a whole number or a number"),
            ("bpm: yes\n" + PLAYERS, "bpm is 'yes'; valid: a whole number or a number"),
            ("bpm: 2026-13-45\n" + PLAYERS, "bpm is '2026-13-45'; valid: a whole number"),
            ("bars: 8.5\n" + PLAYERS, "bars is 8.5; valid: a whole number"),
            ("osc: 9000\n" + PLAYERS, "osc is 9000; valid: keys and values"),
            ("midi: {map: [20]}\n" + PLAYERS, "midi.map[0] is 20; valid: keys and values"),
            ("osc: {host: 1}\n" + PLAYERS, "osc.host is 1; valid: text"),
            ("audio: {input: 1.5}\n" + PLAYERS, "audio.input is 1.5; valid: text or a whole"),
            ("generator: {in_process: 1}\n" + PLAYERS, "in_process is 1; valid: true or false"),
            ("players: [{name: a, mute: 1}]", "players[0].mute is 1; valid: true or false"),
        ],
    )
    def test_a_wrong_type_is_named_with_the_right_one(self, text: str, message: str) -> None:
        assert message in refused(text)

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("bpm: 39.9\n" + PLAYERS, "bpm is 39.9; valid: 40 to 240"),
            ("bpm: 241\n" + PLAYERS, "bpm is 241; valid: 40 to 240"),
            ("bpm: .nan\n" + PLAYERS, "bpm is nan; valid: 40 to 240"),
            ("bars: 0\n" + PLAYERS, "bars is 0; valid: 1 to 100000"),
            ("meter: 9/4\n" + PLAYERS, "meter is '9/4'; nearest: 9/8; valid: 2/4, 3/4, 4/4, 5/4"),
            ("count_in_bars: 5\n" + PLAYERS, "count_in_bars is 5; valid: 0 to 4"),
            ("cycle: 17\n" + PLAYERS, "cycle is 17; valid: a whole number from 1 to 16 bars"),
            ("players: [{name: a, level: 7}]", "players[0].level is 7; valid: from -60 to 6 dB"),
            ("players: [{name: a, level: .inf}]", "players[0].level is inf; valid: from -60 to 6"),
            (
                "players: [{name: a, instrument: basss}]",
                "players[0].instrument is 'basss'; valid: piano, ",
            ),
            ("osc: {send: [{}]}\n" + PLAYERS, "osc.send[0].port is None; valid: a value"),
            ("osc: {send: [{port: 0}]}\n" + PLAYERS, "osc.send[0].port is 0; valid: 1 to 65535"),
            ("osc: {send: {port: 1}}\n" + PLAYERS, "valid: a list"),
            (f"osc: {{send: {[{'port': 1}] * 9}}}\n" + PLAYERS, "valid: up to 8 of them"),
            ("osc: {query: 65536}\n" + PLAYERS, "osc.query is 65536; valid: 0 to 65535"),
            ("osc: {peers: [studio]}\n" + PLAYERS, "osc.peers is 'studio'; valid: addresses in"),
            ("osc: {peers: [7]}\n" + PLAYERS, "osc.peers is 7; valid: addresses in numbers"),
            (f"osc: {{peers: {['::1'] * 17}}}\n" + PLAYERS, "valid: up to 16 of them"),
            (
                "osc: {listen: 0.0.0.0, host: 0.0.0.0}\n" + PLAYERS,
                "osc.host is '0.0.0.0'; valid: listen alone, it means the same",
            ),
            ("osc: {port: 65536}\n" + PLAYERS, "osc.port is 65536; valid: 0 to 65535"),
            ("audio: {rate: 1}\n" + PLAYERS, "audio.rate is 1; valid: 8000 to 384000"),
            ("audio: {block: 0}\n" + PLAYERS, "audio.block is 0; valid: 16 to 8192"),
            (
                "generator: {name: modle}\n" + PLAYERS,
                "generator.name is 'modle'; nearest: model; valid: model, standin",
            ),
            ("generator: {device: gpu}\n" + PLAYERS, "valid: auto, cuda, mps, cpu"),
        ],
    )
    def test_a_value_out_of_range_is_named_with_the_range(self, text: str, message: str) -> None:
        assert message in refused(text)

    @pytest.mark.parametrize(
        "name", ["a b", "a/b", "", "*", "x" * 33, "input", "Echo", "Click", "cycle"]
    )
    def test_a_player_has_a_name_that_files_and_messages_can_have(self, name: str) -> None:
        message = refused(f"players: [{{name: '{name}'}}]")
        assert f"players[0].name is '{name}'" in message
        assert (
            "but not input, echo, click, bar, beat, meter, metrics, clock, bpm, tap, cycle"
            in message
        )

    @pytest.mark.parametrize("second", ["bass", "Bass"])
    def test_two_players_of_one_name_are_one_too_many(self, second: str) -> None:
        message = refused(f"players: [{{name: bass}}, {{name: {second}}}]")
        assert f"players[1].name is '{second}'; valid: each name once" in message

    @pytest.mark.parametrize(
        ("mapping", "message"),
        [
            ("parameter: level, player: bass", "map[0].cc is None; valid: a value, it is required"),
            ("cc: 120, parameter: level, player: bass", "map[0].cc is 120; valid: 0 to 119"),
            ("cc: 1, player: bass", "map[0].parameter is None; valid: a value"),
            (
                "cc: 1, parameter: levle, player: bass",
                "map[0].parameter is 'levle'; nearest: level; valid: guidance_audio, ",
            ),
            ("cc: 1, parameter: level", "map[0].player is None; valid: bass, *"),
            ("cc: 1, parameter: level, player: keys", "map[0].player is 'keys'; valid: bass, *"),
            ("cc: 1, parameter: cycle, player: bass", "map[0].player is 'bass'; valid: no player"),
            ("cc: 1, parameter: cycle, channel: 0", "map[0].channel is 0; valid: 1 to 16"),
            ("cc: 1, parameter: cycle, knot: 3", "unknown key midi.map[0].knot; nearest: note"),
        ],
    )
    def test_a_mapping_is_checked_by_the_table_and_the_players(
        self, mapping: str, message: str
    ) -> None:
        assert message in refused(f"midi: {{map: [{{{mapping}}}]}}\n{PLAYERS}")

    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("bpm: 120\nplayers: [", "mine.yaml, line 2: "),
            ("bpm: 120\n\tbars: 2", "mine.yaml, line 2: "),
            ("a: !!python/object:os.system x", "mine.yaml, line 1: could not determine"),
            ("bpm: \0", "not YAML"),
            ("[" * 5000, "recursion"),
        ],
    )
    def test_what_is_no_yaml_is_refused_with_its_line(self, text: str, message: str) -> None:
        answer = refused(text)
        assert message in answer and answer.endswith("valid: YAML")

    def test_a_long_text_is_not_repeated_in_full(self) -> None:
        assert len(refused("lorem ipsum " * 1000)) < 200
        assert len(refused(f"players: [{{name: bass, level: {'[1, ' * 50 + ']' * 50}}}]")) < 200

    @given(st.text() | st.binary().map(lambda raw: raw.decode("latin-1")))
    def test_any_text_is_refused_in_one_line(self, text: str) -> None:
        assert "mine.yaml" in refused(text)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["bpm", "players", "name", "level", "midi", "map", "cc", "osc"])
                    | st.text(max_size=3),
                    inner,
                    max_size=4,
                )
            ),
            max_leaves=12,
        )
    )
    def test_any_content_is_a_preset_or_refused_in_one_line(self, content: object) -> None:
        text = yaml.safe_dump(content)
        try:
            assert parse_preset(text, "mine.yaml").players
        except CompanionError:
            refused(text)


class TestFiles:
    def test_a_file_is_loaded_by_its_path(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.yaml"
        path.write_text(WHOLE)
        assert load_preset(str(path)) == parse_preset(WHOLE, "mine.yaml")

    def test_an_error_in_a_file_names_it(self, tmp_path: Path) -> None:
        path = tmp_path / "mine.yaml"
        path.write_text("bmp: 120")
        with pytest.raises(CompanionError) as error:
            load_preset(str(path))
        assert str(error.value).startswith(f"preset {path}, line 1: unknown key bmp")

    def test_a_preset_that_is_not_there_is_answered_with_the_nearest(self) -> None:
        with pytest.raises(CompanionError) as error:
            load_preset("bas")
        assert str(error.value) == (
            "there is no preset 'bas'; nearest: bass; "
            f"valid: {', '.join(bundled_presets())}, or a YAML file"
        )

    def test_a_file_that_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        audio = tmp_path / "song.wav"
        audio.write_bytes(b"RIFF\xff\xfe\xfd")
        for path in (audio, tmp_path, tmp_path / ("x" * 300)):
            with pytest.raises(CompanionError) as error:
                load_preset(str(path))
            assert str(error.value).startswith(f"preset {path} cannot be read (")
            assert str(error.value).endswith("valid: YAML")


class TestInstrument:
    def test_the_first_player_plays_something_else_with_the_same_knobs(self) -> None:
        preset = parse_preset(WHOLE, "mine.yaml").with_instrument("synth lead")
        assert [player.name for player in preset.players] == ["synth-lead", "drums"]
        knobs = preset.players[0].knobs
        assert (knobs["instrument"], knobs["level"]) == ("synth lead", -3.0)

    def test_no_such_instrument_is_answered_with_those_that_are(self) -> None:
        with pytest.raises(CompanionError, match="instrument is 'kazoo'; valid: piano, "):
            load_preset("bass").with_instrument("kazoo")


class TestDefaultMapping:
    def test_every_player_has_a_channel_and_no_controller_two_knobs(self) -> None:
        mappings = default_mappings(["bass", "drums"])
        assert MidiMapping(20, "guidance_audio", "bass", 1) in mappings
        assert MidiMapping(20, "guidance_audio", "drums", 2) in mappings
        assert MidiMapping(14, "cycle", None, None) in mappings
        turned = [
            (mapping.cc, channel)
            for mapping in mappings
            for channel in (range(1, 17) if mapping.channel is None else [mapping.channel])
        ]
        assert len(set(turned)) == len(turned)

    def test_an_empty_mapping_is_the_default_one(self) -> None:
        preset = parse_preset("midi: {}\n" + PLAYERS, "mine.yaml")
        assert preset.midi == MidiPreset(None, default_mappings(["bass"]))


class TestRecordings:
    """`sound` is a number, or the name of a recording beside the preset."""

    def test_a_recording_is_found_beside_the_preset(self, tmp_path: Path) -> None:
        file = tmp_path / "rig.yaml"
        file.write_text(
            "players:\n- {name: bass, sound: mine/bass.wav}\n- {name: keys, sound: 3}\n"
            "- {name: drums}\n- {name: pad, sound: Pad.FLAC}\n"
        )
        preset = load_preset(str(file))
        assert preset.recordings() == (tmp_path / "mine/bass.wav", tmp_path / "Pad.FLAC")
        bass, keys, drums, _ = preset.players
        assert bass.recording == tmp_path / "mine/bass.wav" and "sound" not in bass.knobs
        assert keys.recording is drums.recording is None
        assert keys.knobs["sound"] == 3

    def test_a_take_keeps_where_it_was(self, tmp_path: Path) -> None:
        text = f"players: [{{name: bass, sound: {tmp_path / 'bass.wav'}}}, {{name: b, sound: 2}}]"
        preset = parse_preset(text, "mine.yaml")
        assert parse_preset(preset_text(preset), "mine.yaml") == preset

    def test_what_is_neither_is_refused(self) -> None:
        said = refused("players: [{name: bass, sound: bass.mid}]")
        assert (
            said.startswith("preset mine.yaml, line 1: ") and "sound is 'bass.mid'; valid: " in said
        )


@pytest.mark.parametrize(
    ("key", "wrong"),
    [("bmp", "bmp: 90"), ("bpm", "bpm: 900"), ("meter", "meter: 9/9"), ("order", "order: random")],
)
@given(before=st.integers(0, 20))
def test_an_error_names_the_line(key: str, wrong: str, before: int) -> None:
    text = "# a comment\n" * before + f"{wrong}\nplayers:\n- name: bass\n"
    assert refused(text).startswith(f"preset mine.yaml, line {before + 1}: ")
    assert key in refused(text)


def test_an_error_names_the_line_of_a_players_key() -> None:
    said = refused("players:\n- name: bass\n  level: -3\n- name: keys\n  level: loud\n")
    assert said.startswith("preset mine.yaml, line 5: players[1].level is 'loud'; valid: ")
