"""Which devices a duplex stream gets, and what is said when it gets none."""

from __future__ import annotations

import sys

import pytest

from companion.device import devices as module
from companion.device.devices import JACK, Device, choose_duplex, list_devices
from companion.system.errors import CompanionError, NoDevice


def device(
    index: int,
    name: str,
    channels: tuple[int, int] = (2, 2),
    api: str = "ALSA",
    rate: float = 48000.0,
    default: bool = False,
) -> Device:
    preference = -1 if api == JACK else 0
    return Device(index, name, api, *channels, rate, default, default, preference)


LAPTOP = (
    device(0, "Built-in Audio", default=True),
    device(1, "Scarlett 2i2 USB", (4, 6)),
    device(2, "HDMI", (0, 8)),
    device(3, "USB Microphone", (1, 0), rate=44100.0),
)
STAGE = (*LAPTOP, device(4, "system", api=JACK, default=True), device(5, "looper", api=JACK))


def chosen(devices: tuple[Device, ...], *wanted: str | int | None) -> tuple[int, int]:
    duplex = choose_duplex(devices, *wanted)
    return duplex.input.index, duplex.output.index


def test_with_nothing_named_the_defaults_are_taken() -> None:
    assert chosen(LAPTOP) == (0, 0)


def test_a_running_jack_comes_first() -> None:
    assert chosen(STAGE) == (4, 4)


def test_a_device_is_named_by_part_of_its_name_by_its_name_or_by_its_index() -> None:
    for wanted in ("scarlett", "SCARLETT 2I2 USB", 1, "1"):
        assert chosen(LAPTOP, wanted, wanted) == (1, 1)
    assert chosen(STAGE, "looper", "system") == (5, 4)


def test_what_is_not_named_is_the_same_device_where_it_can_be() -> None:
    assert chosen(LAPTOP, "scarlett") == (1, 1)
    assert chosen(LAPTOP, None, "scarlett") == (1, 1)
    assert chosen(LAPTOP, "microphone") == (3, 0)
    assert chosen(LAPTOP, None, "hdmi") == (0, 2)
    assert chosen(STAGE, "scarlett") == (1, 1)


def test_channels_are_two_at_most() -> None:
    duplex = choose_duplex(LAPTOP, "microphone", "scarlett")
    assert (duplex.input_channels, duplex.output_channels) == (1, 2)


def test_the_rate_is_the_output_devices_own_or_the_one_asked_for() -> None:
    assert choose_duplex(LAPTOP, "microphone").rate == 48000
    assert choose_duplex(LAPTOP, rate=96000).rate == 96000
    odd = (device(0, "old", rate=11025.0, default=True),)
    for rate in (None, 11025):
        with pytest.raises(CompanionError, match=r"11025 Hz of device 0 'old'.*multiple of 50"):
            choose_duplex(odd, rate=rate)


def test_a_wrong_name_is_named_with_all_that_are_valid_for_its_part() -> None:
    with pytest.raises(CompanionError) as error:
        choose_duplex(LAPTOP, "hdmi")
    assert str(error.value) == (
        "there is no input device 'hdmi'; valid are: 0 'Built-in Audio' (ALSA, 2 in, 2 out), "
        "1 'Scarlett 2i2 USB' (ALSA, 4 in, 6 out), 3 'USB Microphone' (ALSA, 1 in, 0 out)"
    )
    with pytest.raises(CompanionError, match="no output device 9; valid are: 0 'Built"):
        choose_duplex(LAPTOP, None, 9)


def test_a_name_that_fits_several_devices_is_not_guessed() -> None:
    with pytest.raises(CompanionError, match=r"input device 'usb' could be any of: 1 .*, 3 "):
        choose_duplex(LAPTOP, "usb")


def test_an_exact_name_wins_over_longer_ones() -> None:
    cards = (device(0, "USB Audio 2"), device(1, "USB Audio"))
    assert chosen(cards, "usb audio") == (1, 1)


def test_two_devices_of_different_host_apis_do_not_go_together() -> None:
    with pytest.raises(CompanionError, match=r"'Scarlett.*'system'.*different host APIs"):
        choose_duplex(STAGE, "scarlett", "system")


def test_no_device_at_all_is_an_error_of_its_own() -> None:
    with pytest.raises(NoDevice, match="an input"):
        choose_duplex(())
    with pytest.raises(NoDevice, match="an output"):
        choose_duplex((device(0, "mic", (1, 0)),))


def test_a_named_device_is_missed_even_where_there_is_none_at_all() -> None:
    with pytest.raises(CompanionError, match="no input device 'x'; valid are: none") as error:
        choose_duplex((), "x")
    assert not isinstance(error.value, NoDevice)


def test_a_pair_reads_like_its_devices() -> None:
    assert choose_duplex(LAPTOP).name == "'Built-in Audio'"
    assert choose_duplex(LAPTOP, 3, 1).name == "'USB Microphone' to 'Scarlett 2i2 USB'"


class FakePortAudio:
    def query_hostapis(self) -> tuple[dict[str, object], ...]:
        return (
            {"name": "ALSA", "default_input_device": -1, "default_output_device": 0},
            {"name": JACK, "default_input_device": 1, "default_output_device": 1},
        )

    def query_devices(self) -> list[dict[str, object]]:
        row = {"max_input_channels": 0, "max_output_channels": 2, "default_samplerate": 44100.0}
        return [
            {"name": "HDMI", "index": 0, "hostapi": 0, **row},
            {"name": "system", "index": 1, "hostapi": 1, **row, "max_input_channels": 2},
        ]


def test_devices_are_listed_with_their_host_api(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "portaudio", FakePortAudio)
    monkeypatch.setattr(sys, "platform", "linux")
    assert list_devices() == (
        Device(0, "HDMI", "ALSA", 0, 2, 44100.0, False, True, 0),
        Device(1, "system", JACK, 2, 2, 44100.0, True, True, -1),
    )


def test_a_missing_portaudio_library_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Missing:
        def find_spec(self, name: str, *_: object) -> None:
            if name == "sounddevice":
                raise OSError("PortAudio library not found")

    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Missing(), *sys.meta_path])
    with pytest.raises(NoDevice, match=r"PortAudio library not found.*libportaudio2"):
        list_devices()
