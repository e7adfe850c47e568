from __future__ import annotations

import pytest

from model.instruments import INSTRUMENTS, NULL, instrument_index, instrument_of_program


def test_there_are_eighteen_classes_and_one_for_none() -> None:
    assert len(set(INSTRUMENTS)) == NULL == 18
    assert INSTRUMENTS[-2:] == ("drums", "other")


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_a_name_finds_its_index(name: str) -> None:
    assert INSTRUMENTS[instrument_index(name)] == name


def test_a_wrong_name_is_answered_with_the_closest_and_all_valid_ones() -> None:
    with pytest.raises(ValueError, match=r"'gitar'.*did you mean 'guitar'.*piano.*other"):
        instrument_index("gitar")


@pytest.mark.parametrize(
    ("program", "name"), [(0, "piano"), (33, "bass"), (48, "ensemble"), (127, "sound effects")]
)
def test_a_program_belongs_to_its_family(program: int, name: str) -> None:
    assert INSTRUMENTS[instrument_of_program(program, drums=False)] == name


def test_the_drum_channel_is_drums_and_an_impossible_program_other() -> None:
    assert INSTRUMENTS[instrument_of_program(0, drums=True)] == "drums"
    assert INSTRUMENTS[instrument_of_program(200, drums=False)] == "other"
