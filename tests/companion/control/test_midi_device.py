"""Devices keep their names when they are plugged in again, and two of one name are two."""

from __future__ import annotations

import pytest

from companion.control.midi_device import device_names, is_meant


def test_a_device_has_the_same_name_under_another_number() -> None:
    for number in (20, 24):
        port = f"nanoKONTROL2:nanoKONTROL2 MIDI 1 {number}:0"
        assert device_names([port]) == {port: "nanoKONTROL2:nanoKONTROL2 MIDI 1"}


@pytest.mark.parametrize(
    ("port", "device"),
    [
        ("pad-01:out", "pad:out"),
        ("a2j:nano [24] (capture): nano MIDI 1", "a2j:nano (capture): nano MIDI 1"),
        ("nano", "nano"),
    ],
)
def test_numbers_that_the_system_gives_are_left_out(port: str, device: str) -> None:
    assert device_names([port]) == {port: device}


def test_two_of_one_name_are_told_apart_by_their_place() -> None:
    names = device_names(["nano 20:0", "through 14:0", "nano 24:0"])
    assert list(names.values()) == ["nano", "through", "nano #2"]
    assert [is_meant("nano", device) for device in names.values()] == [True, False, False]
    assert [is_meant("NANO #2", device) for device in names.values()] == [False, False, True]
    assert [is_meant("na", device) for device in names.values()] == [True, False, True]
    assert all(is_meant(None, device) for device in names.values())
