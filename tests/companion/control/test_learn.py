"""Learn mode binds what is moved, moves nothing by itself, and keeps what it learnt."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from companion.control.controller import learned_file
from companion.control.gesture import PAUSE_S
from companion.control.learn import LEFT_OUT, Learn
from companion.control.learned_file import keep_mappings
from companion.control.midi_knobs import MidiKnobs
from companion.control.midi_mapping import MidiMapping
from companion.control.preset import Preset, load_preset, parse_preset
from companion.control.preset_text import preset_text
from companion.system.errors import CompanionError

CC = 0xB0
PLAIN = """# my band
players:
  - name: bass   # low
  - name: keys
midi: {}         # by the table
"""
MAPPED = """players: [{name: bass}]
midi:
  map:
    # the pedal
    - {cc: 4, parameter: level, player: bass}
    - {cc: 9, parameter: cycle}
"""


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.setenv("COMPANION_CONFIG", str(tmp_path / "config" / "deep"))
    return tmp_path


class Hands:
    """A rig with learn mode, and a controller named `pad`."""

    def __init__(self, preset: Preset) -> None:
        assert preset.midi is not None
        self.preset, self.store = preset, preset.store()
        self.knobs = MidiKnobs(self.store, preset.midi.mappings)
        self.learn = Learn(preset, self.knobs)
        self.now_s = 0.0

    def send(self, *message: int, after_s: float = 0.005, device: str = "pad") -> None:
        self.now_s += after_s
        self.knobs.receive(message, self.now_s, device)
        self.knobs.settle(self.now_s + 0.02)

    def teach(self, player: str | None, knob: str, *messages: tuple[int, ...]) -> None:
        self.learn.enter()
        self.learn.choose(player, knob)
        for message in messages:
            self.send(*message)

    def bound(self, player: str | None, knob: str) -> list[str]:
        return [str(mapping) for mapping in self.learn.of(player, knob)]

    def turned(self) -> list[tuple[str, str | None]]:
        return [(change.name, change.player) for change in self.store.drain()]


@contextmanager
def played(text: str, folder: Path) -> Iterator[Hands]:
    """A preset's file, with its rig; what was learnt is in the file afterwards."""
    path = folder / "mine.yaml"
    if not path.exists():
        path.write_text(text)
    hands = Hands(load_preset(str(path)))
    try:
        yield hands
    finally:
        hands.learn.close()
        hands.learn.close()


@pytest.fixture
def hands(folder: Path) -> Iterator[Hands]:
    with played(PLAIN, folder) as rig:
        yield rig


class TestLearning:
    def test_what_is_moved_is_bound_and_moves_nothing_by_that(self, hands: Hands) -> None:
        hands.teach("bass", "temperature", (CC, 70, 100), (CC, 70, 101))
        assert hands.bound("bass", "temperature") == ["CC 70, channel 1, pad"]
        assert hands.turned() == []

    def test_the_next_movement_turns_the_knob_though_learn_mode_is_on(self, hands: Hands) -> None:
        hands.teach("bass", "temperature", (CC, 70, 100))
        hands.send(CC, 70, 120, after_s=PAUSE_S)
        assert hands.turned() == [("temperature", "bass")]
        assert hands.learn.on

    def test_moving_another_binds_that_in_its_place(self, hands: Hands) -> None:
        hands.teach("bass", "temperature", (CC, 70, 100), (CC, 71, 1), (0x91, 36, 100))
        assert hands.bound("bass", "temperature") == ["note 36, channel 2, pad"]

    def test_choosing_moves_nothing_and_the_mode_stays_on_until_it_is_left(
        self, hands: Hands
    ) -> None:
        hands.teach("bass", "mute")
        assert hands.turned() == []
        hands.send(CC, 70, 127)
        hands.learn.choose("keys", "mute")
        hands.send(CC, 71, 127)
        assert hands.bound("bass", "mute") == ["CC 70, channel 1, pad"]
        assert hands.bound("keys", "mute") == ["CC 71, channel 1, pad"]
        hands.learn.leave()
        hands.send(CC, 72, 127)
        hands.send(CC, 71, 127)
        assert hands.bound("keys", "mute") == ["CC 71, channel 1, pad"]
        assert hands.turned() == [("mute", "keys")]

    def test_before_a_knob_is_chosen_controllers_turn_what_they_turned(self, hands: Hands) -> None:
        hands.learn.enter()
        hands.send(CC, 20, 1)
        assert hands.turned() == [("guidance_audio", "bass")]

    def test_it_takes_the_place_of_the_table(self, hands: Hands) -> None:
        hands.teach("bass", "guidance_audio", (CC, 21, 100))  # which was guidance_instrument's
        hands.learn.leave()
        for number in (20, 21):
            hands.send(CC, number, 3, after_s=PAUSE_S)
        assert hands.turned() == [("guidance_audio", "bass")]
        (mapping,) = hands.learn.of("bass", "guidance_audio")
        hands.learn.forget(mapping)
        for number in (20, 21):
            hands.send(CC, number, 4, after_s=PAUSE_S)
        assert hands.turned() == [("guidance_audio", "bass"), ("guidance_instrument", "bass")]

    def test_what_controllers_send_by_themselves_is_left_out_unless_asked(
        self, hands: Hands
    ) -> None:
        hands.teach("bass", "temperature", *((CC, number, 9) for number in (*LEFT_OUT, 120, 127)))
        assert hands.bound("bass", "temperature") == ["CC 26, channel 1"]
        hands.learn.enter(every=True)
        hands.send(CC, 64, 100)
        assert hands.bound("bass", "temperature") == ["CC 64, channel 1, pad"]

    def test_halves_are_one_control_of_14_bits(self, hands: Hands) -> None:
        fine = [message for n in range(4) for message in ((CC, 3, n), (CC, 35, 99))]
        hands.teach("bass", "temperature", *fine)
        assert hands.bound("bass", "temperature") == ["14-bit CC 3, channel 1, pad"]
        assert hands.turned() == []
        hands.send(CC, 3, 120, after_s=PAUSE_S)
        hands.send(CC, 35, 1)
        assert ("temperature", "bass") in hands.turned()

    def test_a_parameter_by_number_is_learnt_as_that(self, hands: Hands) -> None:
        number = ((CC, 99, 2), (CC, 98, 44), (CC, 6, 100), (CC, 38, 1))
        hands.teach("bass", "temperature", *number)
        assert hands.bound("bass", "temperature") == ["NRPN 300, channel 1, pad"]
        assert hands.turned() == []

    def test_an_encoder_without_ends_is_known_once_it_went_both_ways(self, hands: Hands) -> None:
        hands.teach("bass", "temperature", *((CC, 70, value) for value in (1, 1, 1, 127, 127)))
        (mapping,) = hands.learn.of("bass", "temperature")
        assert mapping.relative == "twos complement"
        assert hands.turned() == []

    def test_a_pad_is_its_note_whatever_pressure_follows(self, hands: Hands) -> None:
        pressed = ((0x90, 36, 100), (0xA0, 36, 50), (0xD0, 60), (0x80, 36, 0))
        hands.teach("bass", "hold", *pressed)
        assert hands.bound("bass", "hold") == ["note 36, channel 1, pad"]
        hands.send(0x90, 36, 100, after_s=PAUSE_S)
        assert hands.turned() == [("hold", "bass")]

    def test_a_program_is_learnt_for_choices_only(self, hands: Hands) -> None:
        hands.teach("bass", "temperature", (0xC0, 5))
        assert hands.bound("bass", "temperature") == ["CC 26, channel 1"]
        hands.teach("bass", "instrument", (0xC0, 5))
        assert hands.bound("bass", "instrument") == ["program 0, channel 1, pad"]

    def test_what_comes_to_the_virtual_port_is_of_any_device(self, hands: Hands) -> None:
        hands.teach("bass", "temperature")
        hands.send(CC, 70, 1, device="companion:knobs")
        assert hands.bound("bass", "temperature") == ["CC 70, channel 1"]

    def test_a_knob_that_is_not_there_cannot_be_chosen(self, hands: Hands) -> None:
        for player, knob, message in (
            ("bass", "cycle", "there is no parameter 'cycle'"),
            (None, "level", "there is no parameter 'level'"),
            ("drums", "level", "there is no player 'drums'; valid: bass, keys, *"),
        ):
            with pytest.raises(CompanionError, match=message.replace("*", r"\*")):
                hands.learn.choose(player, knob)

    def test_the_state_has_it_all(self, hands: Hands) -> None:
        hands.teach("*", "mute", (CC, 70, 127))
        hands.teach("bass", "temperature", (CC, 70, 1))
        state = hands.learn.state()
        assert (state.on, state.chosen, state.trouble) == (True, ("bass", "temperature"), "")
        by_knob = {(each.player, each.knob): each for each in state.mappings}
        mapped = by_knob["bass", "temperature"]
        assert (mapped.device, mapped.channel, mapped.kind, mapped.number) == ("pad", 1, "cc", 70)
        assert mapped.text == "CC 70, channel 1, pad"
        assert mapped.clashes == ("mute of every player",)
        assert by_knob["*", "mute"].clashes == ("temperature of bass",)
        assert by_knob["keys", "level"].clashes == ()


class TestKept:
    def test_it_is_in_the_preset_with_every_comment(self, folder: Path) -> None:
        with played(PLAIN, folder) as hands:
            hands.teach("bass", "temperature", (CC, 70, 100))
            live = hands.learn.mappings()
        text = (folder / "mine.yaml").read_text()
        assert "- {cc: 70, channel: 1, device: pad, parameter: temperature, player: bass}" in text
        for comment in ("# my band", "# low", "# by the table"):
            assert comment in text
        with played(PLAIN, folder) as hands:
            assert set(hands.learn.mappings()) == set(live)

    def test_what_is_forgotten_is_gone_from_the_file(self, folder: Path) -> None:
        with played(PLAIN, folder) as hands:
            hands.teach("bass", "temperature", (CC, 70, 100))
        with played(PLAIN, folder) as hands:
            (mapping,) = hands.learn.of("bass", "temperature")
            hands.learn.forget(mapping)
            with pytest.raises(CompanionError, match="CC 70, channel 1, pad is not mapped"):
                hands.learn.forget(mapping)
        assert "cc: 70" not in (folder / "mine.yaml").read_text()
        with played(PLAIN, folder) as hands:
            assert hands.bound("bass", "temperature") == ["CC 26, channel 1"]

    def test_what_somebody_wrote_into_the_file_meanwhile_stays(self, folder: Path) -> None:
        with played(MAPPED, folder) as hands:
            text = (folder / "mine.yaml").read_text()
            (folder / "mine.yaml").write_text(text + "    - {cc: 33, parameter: lock}\n")
            hands.teach("bass", "level", (0x90, 40, 100))
        text = (folder / "mine.yaml").read_text()
        assert "cc: 33" in text and "note: 40" in text and "cc: 4," not in text

    def test_a_written_mapping_is_rebound_and_the_others_stay(self, folder: Path) -> None:
        with played(MAPPED, folder) as hands:
            hands.teach("bass", "level", (0x90, 40, 100))
        text = (folder / "mine.yaml").read_text()
        assert "cc: 4" not in text and "- {cc: 9, parameter: cycle}" in text
        with played(MAPPED, folder) as hands:
            assert hands.bound("bass", "level") == ["note 40, channel 1, pad"]
            assert hands.bound(None, "cycle") == ["CC 9"]
            assert len(hands.learn.mappings()) == 2

    def test_a_preset_without_the_table_stays_so_when_all_is_forgotten(self, folder: Path) -> None:
        with played(MAPPED, folder) as hands:
            for mapping in hands.learn.mappings():
                hands.learn.forget(mapping)
        with played(MAPPED, folder) as hands:
            assert hands.learn.mappings() == ()

    def test_one_of_the_table_is_forgotten_by_writing_the_others_out(self, folder: Path) -> None:
        with played(PLAIN, folder) as hands:
            (mapping,) = hands.learn.of("bass", "level")
            hands.learn.forget(mapping)
            live = hands.learn.mappings()
        with played(PLAIN, folder) as hands:
            assert set(hands.learn.mappings()) == set(live)
            assert hands.bound("bass", "level") == [] and hands.bound("keys", "level") != []

    def test_with_a_bundled_preset_it_is_kept_for_all_of_them(self, folder: Path) -> None:
        hands = Hands(load_preset("band"))
        hands.teach("bass", "temperature", (CC, 70, 100))
        hands.teach(None, "cycle", (CC, 71, 100))
        with pytest.raises(CompanionError, match="is of the table of knobs; valid: "):
            hands.learn.forget(hands.learn.of("keys", "level")[0])
        hands.learn.close()
        assert learned_file().is_file()
        for name, of_bass in (("bass", ["CC 70, channel 1, pad"]), ("drums", [])):
            again = Hands(load_preset(name))
            assert again.bound("bass", "temperature") == of_bass
            assert again.bound(None, "cycle") == ["CC 71, channel 1, pad"]
        again = Hands(load_preset("drums"))
        again.teach("drums", "level", (CC, 72, 1))
        again.learn.close()
        assert Hands(load_preset("bass")).bound("bass", "temperature") == ["CC 70, channel 1, pad"]

    def test_a_controller_of_the_users_own_keeps_what_its_device_is_taught(
        self, folder: Path
    ) -> None:
        (folder / "pad.yaml").write_text(
            "# my pad\ndevice: pad\nfeedback: true\nmap:\n"
            "  - {cc: 1, parameter: level, player: 1}  # first\n"
            "  - {cc: 2, parameter: level, player: 8}\n"
        )
        text = "players: [{name: bass}]\nmidi: {controllers: [pad.yaml]}\n"
        with played(text, folder) as hands:
            hands.teach("bass", "hold", (0x90, 36, 100))
        written = (folder / "pad.yaml").read_text()
        assert written.endswith("  - {note: 36, channel: 1, parameter: hold, player: bass}\n")
        assert "# first" in written and "player: 8" in written
        assert (folder / "mine.yaml").read_text() == text
        with played(text, folder) as hands:
            (hold,) = hands.learn.of("bass", "hold")
            assert (hold.device, hold.feedback) == ("pad", True)

    def test_a_controller_that_comes_with_the_companion_is_left_alone(self, folder: Path) -> None:
        text = "players: [{name: bass}]\nmidi: {controllers: [generic]}\n"
        with played(text, folder) as hands:
            (mapping,) = hands.learn.of("bass", "temperature")
            with pytest.raises(CompanionError, match="is of controller generic; valid: one of a"):
                hands.learn.forget(mapping)
            hands.teach("bass", "temperature", (CC, 99 - 29, 1))
            assert len(hands.learn.of("bass", "temperature")) == 2
        assert "learned:" in (folder / "mine.yaml").read_text()

    def test_what_fails_as_nobody_expected_is_told_and_learning_goes_on(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fails = [True]

        def keep(*arguments: Any) -> None:
            if fails.pop():
                raise RuntimeError("no such thing as a file")
            keep_mappings(*arguments)

        monkeypatch.setattr("companion.control.learn.keep_mappings", keep)
        with played(PLAIN, folder) as hands:
            hands.teach("bass", "temperature", (CC, 70, 1))
            hands.learn.close()
            assert "no such thing" in hands.learn.trouble
            fails.append(False)
            hands.teach("keys", "temperature", (CC, 71, 1))
            hands.learn.close()
            assert hands.learn.trouble == ""
        assert "cc: 71" in (folder / "mine.yaml").read_text()

    def test_a_file_that_cannot_be_written_is_told_and_learning_goes_on(self, folder: Path) -> None:
        with played(PLAIN, folder) as hands:
            (folder / "mine.yaml").unlink()
            (folder / "mine.yaml").mkdir()
            hands.teach("bass", "temperature", (CC, 70, 100))
            hands.learn.close()
            assert "mine.yaml" in hands.learn.trouble and "\n" not in hands.learn.trouble
            assert hands.learn.state().trouble == hands.learn.trouble
            assert hands.bound("bass", "temperature") == ["CC 70, channel 1, pad"]

    def test_a_take_keeps_it_whole(self, folder: Path) -> None:
        with played(PLAIN, folder) as hands:
            hands.teach("bass", "temperature", (CC, 70, 100))
        preset = load_preset(str(folder / "mine.yaml"))
        assert parse_preset(preset_text(preset), "mine.yaml") == preset
        assert preset.midi is not None
        assert preset.midi.learned == (MidiMapping(70, "temperature", "bass", 1, device="pad"),)
