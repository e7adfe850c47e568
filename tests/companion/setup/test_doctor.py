"""Each thing that a set needs is looked at, and what is wrong is said with what to do."""

from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest

from companion.control.midi_port import NoMidi
from companion.control.preset import AudioPreset, MidiPreset, OscPreset, Preset, load_preset
from companion.device.devices import JACK, Device
from companion.device.supervisor import Supervisor
from companion.device.wire import Wanted
from companion.setup.disk import disk, room, write_speed
from companion.setup.doctor import Doctor
from companion.setup.finding import Finding
from companion.setup.permissions import permissions, real_time
from companion.setup.ports import midi, osc
from companion.setup.sound import sound, sound_system
from companion.setup.weights import AGAIN, CARD, SUMS, weights
from companion.system.errors import CompanionError, NoDevice
from model.checkpoint import BUNDLED
from tests.companion.device.fake import FakeWorld

CARD_RATE = 48_000
USB = Device(0, "USB Audio", "ALSA", 2, 2, CARD_RATE, True, True, 0)


@pytest.fixture(autouse=True)
def own_calibration(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("COMPANION_CONFIG", str(tmp_path / "config"))


def opening(world: FakeWorld, audio: AudioPreset) -> Supervisor:
    wanted = Wanted(audio.input, audio.output)
    return Supervisor(0, wanted, audio.block, world.open_link, world.clock, world.sleep)


def grades(findings: Iterable[Finding]) -> dict[str, str]:
    return {finding.about: finding.grade for finding in findings}


def only(findings: Iterable[Finding]) -> Finding:
    (finding,) = findings
    return finding


# --- sound -------------------------------------------------------------------------------------


@pytest.mark.parametrize(("cable", "grade"), [(1024, "ok"), (None, "note")])
def test_a_device_is_played_on_and_its_round_trip_told(cable: int | None, grade: str) -> None:
    world = FakeWorld((USB,), cable)
    found = list(sound(AudioPreset(), lambda audio: opening(world, audio)))
    assert grades(found[:2]) == {"sound": "ok", "round trip": grade}
    assert "'USB Audio', ALSA, 48000 Hz" in found[0].said
    assert ("companion calibrate" in found[1].do) == (cable is None)
    assert not any(link.running for link in world.links)


def test_without_a_device_nobody_can_play() -> None:
    def none(_: AudioPreset) -> Supervisor:
        raise NoDevice("there is no sound device with an input")

    found = only(sound(AudioPreset(), none))
    assert (found.grade, found.about) == ("wrong", "sound")


def test_a_device_that_is_named_and_not_there_is_wrong() -> None:
    world = FakeWorld((USB,))
    found = only(sound(AudioPreset(input="RME"), lambda audio: opening(world, audio)))
    assert found.grade == "wrong" and "'RME'" in found.said and "companion devices" in found.do


@pytest.mark.parametrize(
    ("api", "runs", "program", "said"),
    [
        (JACK, True, "/usr/bin/pw-jack", "ok    sound system: JACK, PipeWire runs"),
        ("ALSA", True, "/usr/bin/pw-jack", "pw-jack companion jam"),
        ("ALSA", True, None, "install pipewire-jack"),
        ("ALSA", False, None, "ok    sound system: ALSA alone; no JACK server, no PipeWire"),
    ],
)
def test_a_quicker_way_to_the_device_is_named(
    api: str, runs: bool, program: str | None, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "linux")
    assert said in only(sound_system(api, lambda: runs, lambda _: program)).line


# --- permissions -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "lockable", "found"),
    [
        (True, None, {"real-time priority": "ok", "locked memory": "ok"}),
        (False, 8 << 20, {"real-time priority": "note", "locked memory": "note"}),
        (True, 1 << 30, {"real-time priority": "ok", "locked memory": "ok"}),
        (None, 0, {}),
    ],
)
def test_what_the_system_grants_is_told(
    first: bool | None, lockable: int | None, found: dict[str, str]
) -> None:
    told = list(permissions(lambda: first, lambda: lockable))
    assert grades(told) == found
    assert all(bool(each.do) == (each.grade == "note") for each in told)


def test_real_time_priority_is_tried_without_keeping_it() -> None:
    assert real_time() in (True, False, None)
    if hasattr(os, "sched_getscheduler"):
        assert os.sched_getscheduler(0) != os.SCHED_FIFO


# --- ports -------------------------------------------------------------------------------------


class Port:
    def __init__(self, name: str) -> None:
        self.name, self.closed = name, False

    def close(self) -> None:
        self.closed = True


def test_midi_is_opened_and_closed_again() -> None:
    port = Port("nanoKONTROL2 24:0")
    found = only(midi(MidiPreset("nano"), lambda *_: port, lambda: ("other",)))  # type: ignore[arg-type, return-value]
    assert (found.line, port.closed) == ("ok    MIDI: nanoKONTROL2 24:0", True)


def test_a_port_that_nothing_is_connected_to_names_a_controller() -> None:
    port = Port("companion:midi")
    found = only(midi(MidiPreset(), lambda *_: port, lambda: ("companion:midi", "APC")))  # type: ignore[arg-type, return-value]
    assert found.grade == "note" and "midi: {port: 'APC'}" in found.do
    assert only(midi(MidiPreset(), lambda *_: port, tuple)).grade == "ok"  # type: ignore[arg-type, return-value]


@pytest.mark.parametrize(
    ("error", "grade"), [(NoMidi("no MIDI"), "note"), (CompanionError("no port"), "wrong")]
)
def test_missing_midi_is_wrong_only_where_a_port_was_named(
    error: CompanionError, grade: str
) -> None:
    def failing(*_: object) -> Port:
        raise error

    assert only(midi(MidiPreset(), failing, tuple)).grade == grade  # type: ignore[arg-type]
    assert only(midi(None)).grade == "ok"


def test_a_port_that_another_program_has_is_named() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", 0))
        port = other.getsockname()[1]
        taken = only(osc(OscPreset(port=port)))
        assert taken.grade == "wrong" and f"127.0.0.1:{port}" in taken.said
    assert only(osc(OscPreset(port=port))).grade == "ok"
    assert only(osc(None)).grade == "ok"


# --- disk and weights --------------------------------------------------------------------------


def test_a_disk_has_to_be_faster_than_takes_grow(tmp_path: Path) -> None:
    quick = list(disk(tmp_path / "takes", 3, CARD_RATE, lambda _: 1e9))
    assert grades(quick)["disk speed"] == "ok" and "grows by 1.3" in quick[1].said
    slow = list(disk(tmp_path / "takes", 3, CARD_RATE, lambda _: 2e6))
    assert grades(slow)["disk speed"] == "note" and "--takes" in slow[1].do
    assert list(tmp_path.iterdir()) == []


def test_room_is_told_in_hours_of_music() -> None:
    takes = Path("takes")
    told = [room(takes, seconds, 10**9) for seconds in (3 * 3600, 3600, 60)]
    assert [each.grade for each in told] == ["ok", "note", "wrong"]
    assert told[0].said == "1.0 GB free for 'takes', 3.0 hours of music"


def test_a_folder_that_cannot_be_written_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    found = only(disk(tmp_path / "file" / "takes", 1, CARD_RATE))
    assert found.grade == "wrong" and "takes" in found.said


def test_what_is_written_to_measure_is_gone_afterwards(tmp_path: Path) -> None:
    assert write_speed(tmp_path) > 0
    assert list(tmp_path.iterdir()) == []


def test_the_bundled_weights_are_those_that_their_sums_name() -> None:
    found = only(weights(BUNDLED))  # after new ones: sha256sum *.safetensors > SHA256SUMS
    assert found.line == f"ok    weights: whole, under CC-BY-SA-4.0; see {CARD}"
    named = {line.split()[1] for line in (BUNDLED / SUMS).read_text().splitlines()}
    assert named == {path.name for path in BUNDLED.glob("*.safetensors")}


def test_weights_that_lack_a_byte_are_named(tmp_path: Path) -> None:
    good = hashlib.sha256(b"weights").hexdigest()
    (tmp_path / CARD).write_text("# Card\n\nLicence: MIT, with thanks.\n")
    (tmp_path / SUMS).write_text(f"{good}  a.safetensors\n{good}  b.safetensors\n")
    for name in ("a", "b"):
        (tmp_path / f"{name}.safetensors").write_bytes(b"weights")
    assert only(weights(tmp_path)).line == "ok    weights: whole, under MIT; see CARD.md"
    (tmp_path / "b.safetensors").write_bytes(b"weight")
    found = only(weights(tmp_path))
    assert (found.grade, found.do) == ("wrong", AGAIN)
    assert found.said.startswith("b.safetensors in ")
    (tmp_path / SUMS).unlink()
    assert only(weights(tmp_path)).grade == "wrong"


# --- all of it ---------------------------------------------------------------------------------


@pytest.fixture
def standin() -> Preset:
    preset = load_preset("bass")
    return replace(
        preset,
        osc=OscPreset(port=0),
        midi=None,
        generator=replace(preset.generator, name="standin"),
    )


def test_everything_is_looked_at_in_order_a_line_each(tmp_path: Path, standin: Preset) -> None:
    world = FakeWorld((USB,), 1024)
    doctor = Doctor(standin, tmp_path / "takes", lambda audio: opening(world, audio))
    found = list(doctor.findings())
    whole = list(dict.fromkeys(each.about for each in found))
    assert whole[:2] == ["sound", "round trip"]
    assert whole[-5:] == ["MIDI", "OSC", "disk", "disk speed", "generator"]
    assert all("\n" not in each.line and each.line.startswith(each.grade) for each in found)
    assert doctor.rig is None  # a stand-in says nothing of the machine
