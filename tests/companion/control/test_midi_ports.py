"""Several ports at once, that come and go, and come back after their server has died."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from types import SimpleNamespace

import pytest

from companion.control import midi_port, midi_ports
from companion.control.midi import open_midi
from companion.control.midi_knobs import MidiKnobs
from companion.control.midi_mapping import MidiMapping
from companion.control.midi_port import LOOK_S
from companion.control.midi_ports import MOST_PORTS, MidiPorts, twin
from companion.control.preset import MidiPreset
from companion.control.store import ParameterStore
from companion.system.errors import CompanionError
from tests.companion.control.midi_bus import MidiBus

CC = 0xB0
LIMIT_S = 5.0


@pytest.fixture
def plugged(monkeypatch: pytest.MonkeyPatch) -> Callable[..., MidiBus]:
    def plug(*devices: str) -> MidiBus:
        bus = MidiBus(*devices)
        monkeypatch.setitem(sys.modules, "rtmidi", bus)  # type: ignore[arg-type]
        monkeypatch.setattr(midi_port, "ALSA_SEQUENCER", midi_port.Path("/nowhere"))
        return bus

    return plug


def names(ports: MidiPorts) -> list[str]:
    return [device.name for device in ports.heard]


def test_several_ports_are_open_at_once(plugged: Callable[..., MidiBus]) -> None:
    plugged("nano 20:0", "twister 24:0", "other 28:0")
    with closing(MidiPorts(["nano", "TWIST"])) as ports:
        assert names(ports) == ["nano", "twister", "companion:knobs"]
        assert ports.names == ("nano 20:0", "twister 24:0")
        assert ports.missing == ()


def test_one_of_several_that_is_not_there_is_named(plugged: Callable[..., MidiBus]) -> None:
    bus = plugged("nano 20:0")
    with pytest.raises(CompanionError, match="there is no MIDI port 'twister'; valid: 'nano 20:0'"):
        MidiPorts(["nano", "twister"])
    assert "nano 20:0" in bus.deleted


def test_a_port_that_comes_back_under_another_number_is_the_same_device(
    plugged: Callable[..., MidiBus],
) -> None:
    bus, gone = plugged("nano 20:0"), []
    with closing(MidiPorts(["nano"], on_gone=gone.append)) as ports:
        bus.plug("through 14:0")
        ports.look()
        assert (ports.names, ports.missing, gone) == ((), ("nano",), ["nano"])
        bus.plug("through 14:0", "nano 24:0")
        ports.look()
        assert (ports.names, ports.missing) == (("nano 24:0",), ())
        assert "nano" in names(ports)


def test_without_jack_nothing_but_what_is_named_is_opened(plugged: Callable[..., MidiBus]) -> None:
    bus = plugged("nano 20:0")
    bus.api = bus.API_LINUX_ALSA
    with closing(MidiPorts(["nano"])) as ports:
        for device in ([], ["nano 24:0"]):
            bus.plug(*device)
            for _ in range(3):
                ports.look()
        assert names(ports) == ["nano"]
        assert bus.opened == ["nano 20:0", "nano 24:0"]


def test_what_a_mapping_names_is_opened_when_it_is_there_and_missed_only_once_it_was(
    plugged: Callable[..., MidiBus],
) -> None:
    bus = plugged("other")
    with closing(MidiPorts(wanted=lambda: ["nano"])) as ports:
        ports.look()
        assert names(ports) == ["companion:knobs"] and ports.missing == ()
        bus.plug("nano 20:0")
        ports.look()
        assert names(ports) == ["companion:knobs", "nano"]
        bus.plug()
        ports.look()
        assert ports.missing == ("nano",)


def test_two_of_one_name_are_two_devices(plugged: Callable[..., MidiBus]) -> None:
    plugged("nano 20:0", "nano 24:0")
    with closing(MidiPorts(wanted=lambda: ["nano #2"])) as ports:
        ports.look()
        assert names(ports) == ["companion:knobs", "nano #2"]
        assert ports.names[-1] == "nano 24:0"


def test_every_port_is_heard_while_that_is_asked_but_what_repeats_us(
    plugged: Callable[..., MidiBus],
) -> None:
    every = False
    plugged("nano 20:0", "Midi Through 14:0", "pad 24:0")
    with closing(MidiPorts()) as ports:
        ports.every = lambda: every
        ports.look()
        assert names(ports) == ["companion:knobs"]
        every = True
        ports.look()
        assert names(ports) == ["companion:knobs", "nano", "pad"]


def test_there_is_an_end_to_how_many(plugged: Callable[..., MidiBus]) -> None:
    plugged(*(f"pad {number}" for number in range(40)))
    with closing(MidiPorts()) as ports:
        ports.every = lambda: True
        ports.look()
        assert len(ports.heard) == MOST_PORTS


def test_one_that_another_program_has_is_tried_again(plugged: Callable[..., MidiBus]) -> None:
    bus = plugged("nano")
    bus.busy.add("nano")
    with closing(MidiPorts(wanted=lambda: ["nano"])) as ports:
        ports.look()
        assert names(ports) == ["companion:knobs"]
        bus.busy.clear()
        ports.look()
        assert names(ports) == ["companion:knobs", "nano"]


def test_after_a_server_has_died_all_is_opened_anew(
    plugged: Callable[..., MidiBus], monkeypatch: pytest.MonkeyPatch
) -> None:
    bus, now_s = plugged("nano"), 100.0
    monkeypatch.setattr(midi_ports, "time", SimpleNamespace(monotonic=lambda: now_s))
    with closing(MidiPorts(wanted=lambda: ["nano"], lights=lambda name: name == "nano")) as ports:

        def look() -> None:
            nonlocal now_s
            now_s += LOOK_S
            ports.look()
            for device in ports.heard:
                while device.port.client.get_message() is not None:
                    ports.alive(now_s)

        for _ in range(20):
            look()
        old, opened = ports.heard, list(bus.opened)
        assert names(ports) == ["companion:knobs", "nano"]
        bus.restart()
        for _ in range(20):
            look()
        assert names(ports) == ["companion:knobs", "nano"]
        assert not set(map(id, old)) & set(map(id, ports.heard))
        assert [device.name for device in ports.lit] == ["nano"]
        anew = bus.opened[len(opened) :]
        assert sorted(anew) == ["companion-00:knobs", "nano", "nano", "virtual"]


def test_an_output_belongs_to_the_input_of_its_name_or_its_client() -> None:
    assert twin("nano", ["through 14:0", "nano 20:0"]) == "nano 20:0"
    assert twin("nano #2", ["nano 20:0", "nano 24:0"]) == "nano 24:0"
    assert twin("pad:out", ["other:in", "pad:in"]) == "pad:in"
    assert twin("pad:out", ["other:in", "pad-01:in"]) == "pad-01:in"
    midi = ["system:midi_playback_1", "system:midi_playback_2"]
    assert twin("system:midi_capture_2", midi) == midi[1]
    assert twin("nano", ["through 14:0"]) is None


@contextmanager
def listening(*mappings: MidiMapping, port: str | None = None) -> Iterator[tuple]:
    store = ParameterStore({}, {"bass": {}})
    with closing(open_midi(store, MidiPreset(port, mappings))) as midi:
        yield store, midi


def wait_for(what: Callable[[], object]) -> None:
    deadline_s = time.monotonic() + LIMIT_S
    while not what():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def test_two_equal_controllers_turn_different_knobs(plugged: Callable[..., MidiBus]) -> None:
    bus = plugged("nano 20:0", "nano 24:0")
    mappings = (
        MidiMapping(1, "steps", "bass", device="nano"),
        MidiMapping(1, "cycle", None, device="nano #2"),
    )
    with listening(*mappings) as (store, midi):
        wait_for(lambda: len(midi.devices) == 3)
        bus.sent["nano 20:0"].append((CC, 1, 127))
        bus.sent["nano 24:0"].append((CC, 1, 0))
        wait_for(lambda: store.snapshot("bass")["steps"] == 64 and store.snapshot()["cycle"] == 1)


def test_a_controller_is_told_where_its_knobs_are_and_goes_dark_at_the_end(
    plugged: Callable[..., MidiBus],
) -> None:
    bus = plugged("pad 20:0")
    mappings = (
        MidiMapping(1, "steps", "bass", device="pad", feedback=True),
        MidiMapping(36, "mute", "bass", kind="note", device="pad", mode="toggle", feedback=True),
    )
    told = bus.told["pad 20:0"]
    with listening(*mappings) as (store, midi):
        wait_for(lambda: len(told) == 2)
        assert set(told) == {(CC, 1, 64), (0x90, 36, 0)}  # steps of 8 are half way
        told.clear()
        store.set("mute", True, "bass", "osc")
        for change in store.drain():
            midi.turned(change)
        wait_for(lambda: told)
        assert told == [(0x90, 36, 127)]
        told.clear()
    assert set(told) == {(CC, 1, 0), (0x90, 36, 0)}


def test_a_device_that_fails_takes_no_other_with_it(plugged: Callable[..., MidiBus]) -> None:
    bus = plugged("broken", "nano")
    store = ParameterStore({}, {"bass": {}})
    mappings = (MidiMapping(70, "cycle", None), MidiMapping(71, "monitor", None))

    def on_free(*_: object) -> None:
        raise RuntimeError("nobody thought of that")

    with closing(open_midi(store, MidiPreset(("broken", "nano"), mappings), on_free=on_free)):
        bus.sent["broken"].append((CC, 99, 1))
        wait_for(lambda: store.refused[0])
        bus.sent["nano"].append((CC, 70, 127))
        bus.sent["broken"].append((CC, 71, 127))
        wait_for(lambda: store.snapshot()["cycle"] == 16 and store.snapshot()["monitor"] == 6.0)
    assert (
        store.refused[1]
        == "MIDI of 'broken' could not be used: RuntimeError: nobody thought of that"
    )


def test_a_look_that_fails_is_not_the_last(
    plugged: Callable[..., MidiBus], monkeypatch: pytest.MonkeyPatch
) -> None:
    plugged("nano")
    monkeypatch.setattr(midi_ports, "LOOK_S", 0.001)
    looks: list[int] = []

    def look(_: object) -> None:
        looks.append(1)
        raise SystemError("the driver is busy")

    monkeypatch.setattr(MidiPorts, "look", look)
    with closing(MidiPorts(["nano"])) as ports:
        ports.start()
        wait_for(lambda: len(looks) > 2)


def test_the_clock_of_one_master_is_handed_on_until_it_is_silent() -> None:
    heard: list[float] = []
    both = MidiKnobs(ParameterStore({}, {}), [], lambda _, at_s: heard.append(at_s))
    for at_s, device in ((0.0, "a"), (0.1, "b"), (0.2, "a"), (1.1, "b"), (1.3, "b"), (1.4, "a")):
        both.receive((0xF8,), at_s, device)
    assert heard == [0.0, 0.2, 1.3]
