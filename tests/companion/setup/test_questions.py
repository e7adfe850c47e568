"""Whatever is answered, what is written is a preset that says it, or the answer is named."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.control.preset import Preset, parse_preset
from companion.setup.questions import LEADERS, MAX_CHARACTERS, interview, port_of, tempo_of
from companion.setup.rig_file import rig_text
from companion.system.errors import CompanionError
from model.instruments import INSTRUMENTS

PORTS = ("nanoKONTROL2:nanoKONTROL2 _ CTRL 24:0", "system:midi_capture_1")
INPUTS = ("USB Audio", 'Say "hi" \\ back: #1')


def asked(answers: Sequence[str], patient: bool = False) -> tuple[Preset, list[str]]:
    """The preset of these answers, and what was said besides questions."""
    left, told = list(answers), list[str]()
    rig = interview(lambda question, default: left.pop(0), told.append, PORTS, INPUTS, patient)
    assert not left
    return parse_preset(rig_text(rig), "my-rig.yaml"), told


def test_no_answers_at_all_are_a_band_that_follows_the_tempo() -> None:
    preset, told = asked([""] * 5)
    players = {player.name: player.knobs["instrument"] for player in preset.players}
    assert players == {"bass": "bass", "drums": "drums", "piano": "piano"}
    assert (preset.bpm, preset.midi, preset.audio.input) == (120, None, None)
    assert preset.osc is not None and preset.osc.port == 9000
    assert told == [
        f"  {n}  {name}" for names in (PORTS, INPUTS) for n, name in enumerate(names, 1)
    ]


# Everything that may be typed into a line, much of it meaning something.
ANYTHING = st.text(max_size=MAX_CHARACTERS + 5)
TEMPI = st.one_of(
    ANYTHING,
    st.decimals(30, 250, places=2).map(str),
    st.builds("{} {}".format, st.sampled_from(LEADERS), st.integers(40, 240)),
)
PLAYERS = st.one_of(
    ANYTHING, st.lists(st.sampled_from((*INSTRUMENTS, "keys", "band"))).map(", ".join)
)
NAMES = st.one_of(ANYTHING, st.sampled_from(["none", "any", "system", "0", "1", "2", "3", "²"]))


@given(ANYTHING, TEMPI, PLAYERS, NAMES, NAMES)
def test_any_answers_make_a_valid_preset_or_one_line(
    you: str, tempo: str, players: str, controller: str, sound: str
) -> None:
    try:
        preset, _ = asked([you, tempo, players, controller, sound])
    except CompanionError as error:
        assert "valid: " in str(error) and "\n" not in str(error)
        return
    if tempo.strip():
        assert (preset.bpm, preset.knobs.get("clock", "internal")) == tempo_of(tempo.strip())
    if controller.strip() in ("", "none"):
        assert preset.midi is None or preset.knobs["clock"] == "midi"
    else:
        assert preset.midi is not None
        assert preset.midi.port == (port_of(controller.strip(), PORTS) or None)
    if sound.strip() in ("1", "2"):
        assert preset.audio.input == INPUTS[int(sound) - 1]
    elif sound.strip() not in ("", "system"):
        assert preset.audio.input in (sound.strip(), None)
    assert all(player.knobs["instrument"] in INSTRUMENTS for player in preset.players)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("96", (Fraction(96), "internal")),
        ("89.97 BPM", (Fraction("89.97"), "internal")),
        ("tap", (Fraction(120), "tap")),
        ("MIDI clock", (Fraction(120), "midi")),
        ("follow 140", (Fraction(140), "follow")),
    ],
)
def test_a_tempo_is_a_number_who_leads_or_both(text: str, meant: tuple[Fraction, str]) -> None:
    assert tempo_of(text) == meant


def test_a_band_is_without_what_you_play_yourself() -> None:
    for you, names in (("bass", ["drums", "piano"]), ("Keys", ["bass", "drums"])):
        preset, _ = asked([you, "", "band", "", ""])
        assert [player.name for player in preset.players] == names


def test_two_of_a_kind_have_names_of_their_own() -> None:
    preset, _ = asked(["", "", "bass, keys and bass", "", ""])
    assert [player.name for player in preset.players] == ["bass", "keys", "bass-2"]


def test_a_port_is_found_again_when_its_numbers_are_others() -> None:
    preset, _ = asked(["", "", "", "1", ""])
    assert preset.midi is not None and preset.midi.port == "nanoKONTROL2:nanoKONTROL2 _ CTRL"


def test_who_types_is_asked_again() -> None:
    preset, told = asked(["", "fast", "100", "bas", "bass", "7", "any", ""], patient=True)
    assert preset.bpm == 100 and preset.midi is not None and preset.midi.port is None
    complaints = [line for line in told if "valid" in line]
    assert len(complaints) == 3
    assert complaints[0] == (
        "tempo is 'fast'; valid: 40 to 240, with or without one of tap, midi, link, follow"
    )
    assert "nearest: bass" in complaints[1]
    assert complaints[2] == "controller is '7'; valid: none, any, 1 to 2, part of a name"
