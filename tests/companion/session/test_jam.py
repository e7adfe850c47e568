"""A jam opens what its preset asks for, says what it found, and always leaves a take or nothing."""

from __future__ import annotations

import json
import socket
import sys
from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import numpy as np
import pytest
import soundfile
from pythonosc.osc_message_builder import build_msg

from companion.control.midi_port import NoMidi
from companion.control.osc_packet import read_packet
from companion.control.preset import (
    AudioPreset,
    GeneratorPreset,
    MidiPreset,
    OscPreset,
    OscTarget,
    Preset,
    default_mappings,
)
from companion.demo import DEMO_FILE, read_demo, read_demo_channels
from companion.generate.inline import InlineWorker
from companion.generate.loading import Loading
from companion.session import jam as jamming
from companion.session.jam import Jammed, jam, open_rig, open_worker
from companion.session.rig import run_recording
from companion.session.session import Session
from companion.session.status import Status
from companion.system.errors import CompanionError
from companion.take.events import EVENTS_FILE
from tests.companion.control.fakes import FakeMidiInput
from tests.companion.lines import read_lines
from tests.companion.session.test_session import Stream, Unplugged
from tests.companion.studio import BAR, RATE, music, no_device, solo, standin


@pytest.fixture
def usb(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], Stream]:
    """A sound card that is unplugged at a sample."""
    stream = Stream()

    def plug_in(unplugged_at: int) -> Stream:
        def open_device(players: int, *_: Any) -> Any:
            made = run_recording(players, music(32), RATE, "usb")
            return replace(made, timebase=Unplugged(made, unplugged_at), stream=stream)

        monkeypatch.setattr(jamming, "open_device", open_device)
        monkeypatch.setattr(jamming, "open_worker", lambda *_: standin())
        return stream

    return plug_in


def play(
    preset: Preset, takes: Path, move: Callable[[Session], object] = lambda _: None, **options: Any
) -> tuple[Jammed, list[str]]:
    """Jam; `move` is called once, in bar 1. With what was said."""
    said: list[str] = []

    def on_session(session: Session) -> Callable[[Status], None]:
        moves = [move]

        def on_tick(status: Status) -> None:
            if status.bar >= 1 and moves:
                moves.pop()(session)

        return on_tick

    return jam(preset, takes=takes, say=said.append, on_session=on_session, **options), said


def test_a_jam_leaves_a_take_with_its_picture(no_sound_card: None, tmp_path: Path) -> None:
    jammed, _ = play(solo("bass", "drums", bars=8), tmp_path / "takes")
    assert jammed.folder.parent == tmp_path / "takes"
    assert jammed.picture == jammed.folder / "take.png"
    assert sorted(path.name for path in jammed.folder.iterdir()) == [
        "bass.wav",
        "drums.wav",
        EVENTS_FILE,
        "input-stereo.wav",
        "input.wav",
        "preset.yaml",
        "take.png",
    ]
    assert jammed.error is None
    assert jammed.figures["bass.isr"] == jammed.figures["drums.isr"] == 1.0


def test_without_a_sound_card_the_recording_plays_at_its_own_tempo(
    no_sound_card: None, tmp_path: Path
) -> None:
    jammed, said = play(solo(bars=18, bpm=Fraction(174), count_in_bars=1), tmp_path)
    assert any(
        "no sound device" in line and DEMO_FILE in line and "95 BPM" in line for line in said
    )
    start = read_lines(jammed.folder / EVENTS_FILE)[0]
    assert (start["bpm"], start["input"], start["bars"]) == (95.0, DEMO_FILE, 18)
    recording, rate = read_demo()
    heard, _ = soundfile.read(jammed.folder / "input.wav", dtype="float32")
    first = round(start["first_bar_s"] * rate)
    assert not heard[:first].any()
    assert np.allclose(heard[first:][: len(recording)], recording, atol=1e-6)
    again = heard[first + len(recording) :]  # two bars more than it has
    assert np.allclose(again, recording[: len(again)], atol=1e-6)
    assert len(again) > rate
    channels, _ = read_demo_channels()
    kept, _ = soundfile.read(jammed.folder / "input-stereo.wav", dtype="float32")
    assert kept.shape == (len(heard), 2)
    assert not kept[:first].any()
    assert np.array_equal(kept[first:][: len(channels)], channels)
    assert np.array_equal(kept[first + len(channels) :], channels[: len(again)])


@pytest.mark.parametrize("bars", [None, 1000])
def test_the_recording_is_looped_so_often_and_no_more(
    no_sound_card: None, monkeypatch: pytest.MonkeyPatch, bars: int | None
) -> None:
    monkeypatch.setattr(jamming, "DEMO_MOST_BARS", 3)
    said: list[str] = []
    _, preset = open_rig(solo(bars=bars), said.append)
    assert preset.bars == 3
    assert "3 bars" in said[0]


def test_a_set_goes_back_to_the_recordings_tempo_and_knows_all_its_sounds(
    no_sound_card: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "chorus.yaml").write_text("bpm: 140\nplayers: [{name: a, sound: mine.wav}]")
    went, wanted = list[tuple[str, Any]](), list[Any]()
    switches = {1: "chorus", 3: "test"}

    def open_standin(*arguments: Any) -> InlineWorker:
        wanted.extend(arguments)
        return standin()

    def on_session(session: Session) -> Callable[[Status], None]:
        def on_tick(status: Status) -> None:
            if which := switches.pop(status.bar, ""):
                session.set_list.switch(which)
            now = session.set_list.current, session.store.snapshot()["bpm"]
            if went[-1:] != [now]:
                went.append(now)

        return on_tick

    monkeypatch.setattr(jamming, "open_worker", open_standin)
    preset = solo(bars=6, presets=(tmp_path / "chorus.yaml",), named=frozenset({"bpm"}))
    jam(preset, takes=tmp_path / "takes", on_session=on_session)
    assert went == [("test", 95.0), ("chorus", 140.0), ("test", 95.0)]
    assert wanted[2] == (tmp_path / "mine.wav",)


@pytest.mark.parametrize("audio", [{"input": "usb"}, {"output": 3}])
def test_a_device_that_was_named_is_never_replaced(
    no_sound_card: None, tmp_path: Path, audio: dict
) -> None:
    with pytest.raises(CompanionError, match="no sound device"):
        play(solo(bars=2, audio=AudioPreset(**audio)), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_lost_device_leaves_what_was_played(usb: Callable[[int], Stream], tmp_path: Path) -> None:
    stream = usb(6 * BAR)
    jammed, _ = play(solo(bars=32), tmp_path)
    assert jammed.error == "the audio stream stands still"
    assert jammed.picture is not None
    assert jammed.picture.is_file()
    info = soundfile.info(jammed.folder / "bass.wav")
    assert info.frames == 6 * BAR - RATE // 2  # the stream starts half a second before bar 0
    assert read_lines(jammed.folder / EVENTS_FILE)[-1]["reason"] == jammed.error
    assert stream.closed >= 1


def test_a_disk_that_fails_is_told_after_the_music(no_sound_card: None, tmp_path: Path) -> None:
    def fail(session: Session) -> None:
        (next(tmp_path.iterdir()) / "bass.wav").unlink()

    jammed, _ = play(solo(bars=4), tmp_path, fail)
    assert jammed.error is not None
    assert "recording has stopped" in jammed.error
    assert jammed.picture is None  # there is nothing to draw bass.wav from


def test_a_picture_that_cannot_be_drawn_is_told_with_the_take(
    no_sound_card: None, tmp_path: Path
) -> None:
    def block(session: Session) -> None:
        (next(tmp_path.iterdir()) / "take.png").mkdir()

    jammed, _ = play(solo(bars=4), tmp_path, block)
    assert jammed.picture is None
    assert jammed.error is not None
    assert "take.png" in jammed.error
    assert (jammed.folder / "input.wav").is_file()


def test_a_generator_that_does_not_load_leaves_no_take(
    no_sound_card: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def nothing() -> Any:
        raise ValueError("weights file codec.safetensors is missing")

    monkeypatch.setattr(jamming, "open_worker", lambda *_: InlineWorker(Loading(nothing)))
    with pytest.raises(CompanionError, match=r"codec\.safetensors"):
        play(solo(bars=4), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_folder_for_takes_that_cannot_be_made_is_told_first(tmp_path: Path) -> None:
    (tmp_path / "takes").write_text("a file")
    with pytest.raises(CompanionError, match="takes"):
        play(solo(bars=4), tmp_path / "takes")


def test_osc_is_open_while_it_plays_and_free_afterwards(
    no_sound_card: None, tmp_path: Path
) -> None:
    preset = solo(bars=3, osc=OscPreset(port=0))
    in_use: list[bool] = []
    said: list[str] = []

    def look(session: Session) -> None:
        in_use.append(used(said[0].rpartition(":")[2]))

    def on_session(session: Session) -> Callable[[Status], None]:
        return lambda _: look(session) if not in_use else None

    jam(preset, takes=tmp_path, say=said.append, on_session=on_session)
    assert in_use == [True]
    assert not used(said[0].rpartition(":")[2])


def test_who_subscribes_is_told_and_who_asks_by_oscquery_is_answered(
    usb: Callable[[int], Stream], tmp_path: Path
) -> None:
    usb(1000 * RATE)
    preset = solo(bars=4, osc=OscPreset(port=0, query=True))
    said: list[str] = []
    answers: list[dict[str, Any]] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.bind(("127.0.0.1", 0))
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        client.settimeout(20.0)

        def on_session(session: Session) -> Callable[[Status], None]:
            (osc,) = (line for line in said if line.startswith("OSC: "))
            to = "127.0.0.1", int(osc.rpartition(":")[2])
            client.sendto(build_msg("/companion/subscribe", []).dgram, to)
            client.sendto(build_msg("/companion/bass/level/normalised", [1.0]).dgram, to)
            (query,) = (line for line in said if line.startswith("OSCQuery: "))
            address = query.partition(" ")[2]

            def on_tick(status: Status) -> None:
                if status.bar >= 1 and not answers:
                    for path in ("bar", "bass/level"):
                        with urlopen(f"{address}/companion/{path}", timeout=20) as answer:
                            answers.append(json.loads(answer.read()))

            return on_tick

        jam(preset, takes=tmp_path, say=said.append, on_session=on_session)
        heard: list[tuple[str, tuple[Any, ...]]] = []
        while ("/companion/bar", (4,)) not in heard:
            heard += read_packet(client.recv(65536))
    assert answers[0]["VALUE"][0] in (2, 3)
    assert answers[1]["VALUE"] == [6.0]
    bars = [value for address, (value, *_) in heard if address == "/companion/bar"]
    assert bars[-4:] == [1, 2, 3, 4]


def test_oscquery_that_is_not_installed_is_done_without(
    usb: Callable[[int], Stream], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    usb(1000 * RATE)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    _, said = play(solo(bars=2, osc=OscPreset(port=0, query=True)), tmp_path)
    without = 'OSCQuery needs uvicorn; valid: pip install "companion[stage]": playing without'
    assert without in said


def used(port: str) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind(("127.0.0.1", int(port)))
        except OSError:
            return True
        return False


def test_an_osc_port_in_use_is_named_before_anything_else(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        with pytest.raises(CompanionError, match=f"127.0.0.1:{port}"):
            play(solo(bars=4, osc=OscPreset(port=port)), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
def test_osc_to_its_own_port_is_refused_before_anything_else(tmp_path: Path, host: str) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    preset = solo(bars=4, osc=OscPreset(port=port, send=(OscTarget(port, host),)))
    with pytest.raises(CompanionError, match=f"OSC cannot send to {host}:{port}: there the"):
        play(preset, tmp_path)
    assert not list(tmp_path.iterdir()) and not used(str(port))


def test_midi_moves_knobs_while_it_plays(
    no_sound_card: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    opened: list[FakeMidiInput] = []

    def open_midi(store: Any, preset: MidiPreset, on_clock: Any, *_: Any) -> FakeMidiInput:
        opened.append(FakeMidiInput(store, preset, on_clock))
        return opened[0]

    monkeypatch.setattr(jamming, "open_midi", open_midi)
    preset = solo(bars=3, midi=MidiPreset(None, default_mappings(["bass"])))
    jammed, said = play(preset, tmp_path, lambda _: opened[0].send(0xB0, 7, 0))
    assert "MIDI: fake" in said
    moved = [e for e in read_lines(jammed.folder / EVENTS_FILE) if e["type"] == "knob"]
    assert [(e["name"], e["value"], e["moved_by"]) for e in moved] == [
        ("bpm", 95.0, "preset"),  # the recording's
        ("level", -60.0, "midi"),
    ]


def test_a_controller_is_learnt_while_it_plays_and_told_of_what_others_move(
    no_sound_card: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COMPANION_CONFIG", str(tmp_path / "config"))
    opened: list[FakeMidiInput] = []

    def open_midi(store: Any, preset: MidiPreset, on_clock: Any, *_: Any) -> FakeMidiInput:
        opened.append(FakeMidiInput(store, preset, on_clock))
        return opened[0]

    def teach(session: Session) -> None:
        (midi,), learn = opened, session.learn
        assert learn is not None and not midi.hears_every()
        learn.enter()
        assert midi.hears_every()
        learn.choose("bass", "level")
        midi.send(0xB0, 70, 127, at_s=1.0)
        midi.send(0xB0, 70, 0, at_s=3.0)
        session.store.set("temperature", 0.5, "bass", "osc")

    monkeypatch.setattr(jamming, "open_midi", open_midi)
    file = tmp_path / "mine.yaml"
    file.write_text("# mine\nplayers: [{name: bass}]\nmidi: {}\n")
    midi = MidiPreset(None, default_mappings(["bass"]))
    jammed, _ = play(solo(bars=3, midi=midi, file=file), tmp_path / "takes", teach)
    moves = [e for e in read_lines(jammed.folder / EVENTS_FILE) if e["type"] == "knob"]
    assert [(e["name"], e["value"]) for e in moves[1:]] == [("level", -60.0), ("temperature", 0.5)]
    assert [change.name for change in opened[0].told][-2:] == ["level", "temperature"]
    assert file.read_text().startswith("# mine\n") and "cc: 70" in file.read_text()


def test_a_machine_without_midi_plays_without(
    no_sound_card: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def none(*_: Any) -> Any:
        raise NoMidi("MIDI is not available (no server)")

    monkeypatch.setattr(jamming, "open_midi", none)
    _, said = play(solo(bars=1, midi=MidiPreset()), tmp_path)
    assert "MIDI is not available (no server): playing without" in said


def test_where_there_is_no_midi_it_is_no_clock_that_is_waited_for(
    no_sound_card: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def none(*_: Any) -> Any:
        raise NoMidi("MIDI is not available (no server)")

    monkeypatch.setattr(jamming, "open_midi", none)
    leading: list[str] = []
    preset = solo(bars=3, midi=MidiPreset(), knobs={"clock": "midi"})
    play(preset, tmp_path, lambda session: leading.append(session.conductor.name))
    assert leading == ["internal"]


def test_a_midi_port_that_is_not_there_is_named(no_sound_card: None, tmp_path: Path) -> None:
    with pytest.raises(CompanionError, match="no such controller"):
        play(solo(bars=1, midi=MidiPreset("no such controller")), tmp_path)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("in_process", [True, False])
def test_the_generator_runs_where_the_preset_says(in_process: bool) -> None:
    preset = solo(generator=GeneratorPreset("standin", in_process=in_process))
    worker = open_worker(preset, None)
    try:
        assert worker.wait_ready(60.0).max_frames == 512
    finally:
        worker.close()
        worker.close()


def test_at_real_speed_the_whole_thing_holds_together(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The clock, the recorder's thread and the generator's process, once: three bars of demo."""
    monkeypatch.setattr(jamming, "open_device", no_device)
    preset = solo(bars=3, knobs={"cycle": 2}, generator=GeneratorPreset("standin"))
    jammed, said = play(preset, tmp_path)
    assert jammed.error is None
    assert any(line.startswith("generator on cpu") for line in said)
    heard, rate = soundfile.read(jammed.folder / "input.wav", dtype="float32")
    recording, _ = read_demo()
    assert np.allclose(heard[: 2 * rate], recording[: 2 * rate], atol=1e-6)
    assert len(heard) >= round(3 * 240 / 95 * rate)
    assert len(heard) == soundfile.info(jammed.folder / "bass.wav").frames
