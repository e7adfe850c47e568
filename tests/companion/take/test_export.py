"""A workstation that opens an exported take finds its bars on the bars of the audio."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import mido
import numpy as np
import pytest
import soundfile

from companion.clock.meter import FOUR_FOUR, METERS, Meter
from companion.system.errors import CompanionError
from companion.system.printing import printable
from companion.take.events import (
    EVENTS_FILE,
    Event,
    TakeEnded,
    TakeStarted,
    TempoMoved,
    encode,
)
from companion.take.export import export
from companion.take.tempo_map import TempoMap, tempo_map

RATE = 8_000
STEADY = (100.0, [])
RAMP = (100.0, [(4.0, 102.0), (4.0, 103.0), (9.5, 97.5), (10.1, 96.2), (15.0, 121.0)])
IN_COUNT_IN = (100.0, [(1.1, 104.0), (8.0, 90.0)])


def make_take(
    folder: Path, bpm: float, steers: list[tuple[float, float]], meter: Meter = FOUR_FOUR
) -> TempoMap:
    """A take of 20 s whose files hold a click on each bar line, and its tempo map."""
    folder.mkdir()
    beats, first_s = meter.beats_per_bar, meter.beats_per_bar * 60 / bpm
    take = TakeStarted(
        bar=-1,
        preset="duo",
        players=("bass",),
        rate=RATE,
        bpm=bpm,
        beats_per_bar=beats,
        meter=meter.name,
        bars=None,
        first_bar_s=first_s,
        bar_s=first_s,
        input="file",
        output="none",
    )
    events: list[Event] = [take]
    for time_s, new_bpm in steers:
        beat = tempo_map(take, events).beat_at(time_s)
        moved = TempoMoved(
            time_s=time_s, beat=beat, bpm=new_bpm, sample=0, beat_exact="", beat_samples=""
        )
        events.append(moved)
    events.append(TakeEnded(bar=9, time_s=20.0, reason="stopped", figures={}))
    (folder / EVENTS_FILE).write_text("".join(encode(event) + "\n" for event in events))
    tempo = tempo_map(take, events)
    audio = np.zeros(20 * RATE, np.float32)
    for bar in tempo.bars(20.0):
        audio[round(tempo.bar_s(bar) * RATE)] = 1.5
    for name in ("input", "bass"):
        soundfile.write(folder / f"{name}.wav", audio, RATE, "FLOAT")
    return tempo


def clicks_s(path: Path) -> list[float]:
    audio, rate = soundfile.read(path)
    return [int(at) / rate for at in np.flatnonzero(audio > 1.0)]


def project(path: Path) -> ElementTree.Element:
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return ElementTree.fromstring(archive.read("project.xml"))


@pytest.mark.parametrize(("bpm", "steers"), [STEADY, RAMP, IN_COUNT_IN])
def test_bar_lines_of_the_midi_file_fall_on_the_bars_of_the_audio(
    tmp_path: Path, bpm: float, steers: list[tuple[float, float]]
) -> None:
    make_take(tmp_path / "set", bpm, steers)
    export(tmp_path / "set", tmp_path / "out", "1.2")
    file = mido.MidiFile(tmp_path / "out" / "tempo.mid")
    bars_s, ticks, at_s, tempo = [], 0, 0.0, 500_000
    for message in file.tracks[0]:
        while len(bars_s) * 4 * 960 <= ticks + message.time:
            ahead = len(bars_s) * 4 * 960 - ticks
            bars_s.append(at_s + ahead * tempo / 1e6 / 960)
        ticks += message.time
        at_s += message.time * tempo / 1e6 / 960
        tempo = message.tempo if message.type == "set_tempo" else tempo
    heard = clicks_s(tmp_path / "out" / "bass.wav")
    assert len(heard) >= 8
    # Half a sample of the click, and 50 µs of MIDI's whole microseconds.
    assert np.abs(np.array(bars_s[: len(heard)]) - heard).max() < 0.5 / RATE + 0.000_06
    signatures = [m for m in file.tracks[0] if m.type == "time_signature"]
    assert [(m.numerator, m.denominator) for m in signatures] == [(4, 4)]
    markers = [m for m in file.tracks[0] if m.type == "marker"]
    assert [m.text for m in markers] == ["bar 0"]


@pytest.mark.parametrize(("bpm", "steers"), [STEADY, RAMP, IN_COUNT_IN])
def test_bars_of_the_clips_fall_on_the_bars_of_the_audio(
    tmp_path: Path, bpm: float, steers: list[tuple[float, float]]
) -> None:
    make_take(tmp_path / "set", bpm, steers)
    export(tmp_path / "set", tmp_path / "out", "1.2")
    root = project(tmp_path / "out" / "set.dawproject")
    clips = root.findall(".//Clip")
    assert [clip.get("name") for clip in clips] == ["input", "bass"]
    for clip in clips:
        assert clip.get("time") == "0"
        warps = clip.findall("Warps/Warp")
        beats = [float(warp.get("time", "")) for warp in warps]
        times_s = [float(warp.get("contentTime", "")) for warp in warps]
        assert (beats[0], times_s[0], times_s[-1]) == (0.0, 0.0, 20.0)
        assert float(clip.get("duration", "")) == pytest.approx(beats[-1], abs=1e-6)
        audio = clip.find("Warps/Audio")
        assert audio is not None
        with zipfile.ZipFile(tmp_path / "out" / "set.dawproject") as archive:
            path = audio.find("File").get("path")  # type: ignore[union-attr]
            archive.extract(path, tmp_path)
        heard = clicks_s(tmp_path / path)
        lines = np.interp(np.arange(len(heard)) * 4.0, beats, times_s)
        assert np.abs(lines - heard).max() <= 0.5 / RATE + 1e-6


@pytest.mark.parametrize(("bpm", "steers"), [STEADY, RAMP, IN_COUNT_IN])
def test_the_arrangements_tempo_is_that_of_the_clips_so_that_nothing_is_stretched(
    tmp_path: Path, bpm: float, steers: list[tuple[float, float]]
) -> None:
    tempo = make_take(tmp_path / "set", bpm, steers)
    export(tmp_path / "set", tmp_path / "out", "1.2")
    root = project(tmp_path / "out" / "set.dawproject")
    points = root.findall("./Arrangement/TempoAutomation/RealPoint")
    beats = [float(point.get("time", "")) for point in points]
    tempi = [float(point.get("value", "")) for point in points]
    assert beats[0] == 0.0
    for warp in root.findall(".//Clip")[0].findall("Warps/Warp"):
        beat, played_s = float(warp.get("time", "")), 0.0
        for number, start in enumerate(beats):
            end = min(beat, beats[number + 1] if number + 1 < len(beats) else beat)
            played_s += max(0.0, end - start) * 60 / tempi[number]
        assert played_s == pytest.approx(float(warp.get("contentTime", "")), abs=1e-5)
    assert len(points) == 1 + len({s.bpm for s in tempo.segments if s.time_s > 0})


# What the published schema says of the elements used here: what they must have, and in which
# order their content comes.
REQUIRED = {
    "Project": {"version"},
    "Application": {"name", "version"},
    "Tempo": {"unit"},
    "TimeSignature": {"numerator", "denominator"},
    "Clip": {"time"},
    "Warps": {"contentTimeUnit"},
    "Warp": {"time", "contentTime"},
    "Audio": {"channels", "sampleRate", "duration"},
    "File": {"path"},
    "Marker": {"time"},
    "RealPoint": {"time", "value"},
    "TimeSignaturePoint": {"time", "numerator", "denominator"},
}
ORDER = {
    "Project": ["Application", "Transport", "Structure", "Arrangement"],
    "Transport": ["Tempo", "TimeSignature"],
    "Structure": ["Track"],
    "Track": ["Channel"],
    "Arrangement": ["Lanes", "Markers", "TempoAutomation", "TimeSignatureAutomation"],
    "Lanes": ["Lanes", "Clips"],
    "Clips": ["Clip"],
    "Clip": ["Warps"],
    "Warps": ["Audio", "Warp"],
    "Audio": ["File"],
    "Markers": ["Marker"],
    "TempoAutomation": ["Target", "RealPoint"],
    "TimeSignatureAutomation": ["Target", "TimeSignaturePoint"],
}


def test_the_project_is_as_the_schema_wants_it(tmp_path: Path) -> None:
    make_take(tmp_path / "set", *RAMP)
    export(tmp_path / "set", tmp_path / "out", "1.2")
    root = project(tmp_path / "out" / "set.dawproject")
    identities = [element.get("id") for element in root.iter() if element.get("id")]
    assert len(identities) == len(set(identities))
    for element in root.iter():
        assert REQUIRED.get(element.tag, set()) <= set(element.keys())
        places = [ORDER[element.tag].index(child.tag) for child in element]
        assert places == sorted(places)
        for reference in ("track", "destination", "parameter"):
            assert element.get(reference) in (None, *identities)
    assert root.find("./Transport/Tempo").get("value") == "100"  # type: ignore[union-attr]
    with zipfile.ZipFile(tmp_path / "out" / "set.dawproject") as archive:
        metadata = ElementTree.fromstring(archive.read("metadata.xml"))
        assert (metadata.tag, metadata.findtext("Title")) == ("MetaData", "set")
        assert archive.namelist() == [
            *("project.xml", "metadata.xml", "audio/input.wav", "audio/bass.wav"),
        ]


def test_files_are_copied_as_they_are_and_none_is_overwritten(tmp_path: Path) -> None:
    make_take(tmp_path / "set", *STEADY)
    written = export(tmp_path / "set", tmp_path / "new" / "out", "1.2")
    assert sorted(path.name for path in written) == sorted(
        path.name for path in (tmp_path / "new" / "out").iterdir()
    )
    for name in ("input.wav", "bass.wav"):
        copy = tmp_path / "new" / "out" / name
        assert copy.read_bytes() == (tmp_path / "set" / name).read_bytes()
    with pytest.raises(CompanionError, match=r"input\.wav' is there already"):
        export(tmp_path / "set", tmp_path / "new" / "out", "1.2")


def test_a_take_that_never_ended_is_to_be_recovered_first(tmp_path: Path) -> None:
    make_take(tmp_path / "set", *STEADY)
    log = tmp_path / "set" / EVENTS_FILE
    whole = log.read_text()
    log.write_text("".join(whole.splitlines(keepends=True)[:-1]))
    with pytest.raises(CompanionError, match="companion recover"):
        export(tmp_path / "set", tmp_path / "out", "1.2")
    log.write_text(whole)
    soundfile.write(tmp_path / "set" / "bass.wav", np.zeros(10), RATE, "FLOAT")
    with pytest.raises(CompanionError, match="not equally long"):
        export(tmp_path / "set", tmp_path / "out", "1.2")
    (tmp_path / "set" / "bass.wav").unlink()
    with pytest.raises(CompanionError, match=r"bass\.wav"):
        export(tmp_path / "set", tmp_path / "out", "1.2")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    make_take(tmp_path / "set", *STEADY)
    (tmp_path / "out").write_text("a file")
    with pytest.raises(CompanionError, match=r"cannot write .*out"):
        export(tmp_path / "set", tmp_path / "out", "1.2")


def test_six_eight_is_counted_in_quarters(tmp_path: Path) -> None:
    folder = tmp_path / "set"
    # Dotted quarters: 90 quarters a minute, a bar of two takes 2 s.
    make_take(folder, 60.0, [], METERS["6/8"])
    export(folder, tmp_path / "out", "1.2")
    root = project(tmp_path / "out" / "set.dawproject")
    assert root.find("./Transport/Tempo").get("value") == "90"  # type: ignore[union-attr]
    signature = root.find("./Transport/TimeSignature")
    assert signature is not None
    assert (signature.get("numerator"), signature.get("denominator")) == ("6", "8")
    warps = root.findall(".//Clip")[0].findall("Warps/Warp")
    lines = [(float(w.get("time", "")), float(w.get("contentTime", ""))) for w in warps]
    assert lines == [(3.0 * bar, 2.0 * bar) for bar in range(11)]
    file = mido.MidiFile(tmp_path / "out" / "tempo.mid")
    tempi = [m.tempo for m in file.tracks[0] if m.type == "set_tempo"]
    assert mido.tempo2bpm(tempi[0]) == pytest.approx(90.0, abs=1e-3)


@pytest.mark.parametrize("name", list(METERS))
def test_bars_of_every_meter_fall_on_those_of_a_workstation(tmp_path: Path, name: str) -> None:
    meter = METERS[name]
    make_take(tmp_path / "set", *RAMP, meter)  # with a bar of count-in
    export(tmp_path / "set", tmp_path / "out", "1.2")
    heard = clicks_s(tmp_path / "out" / "bass.wav")
    bar = float(meter.quarters_per_bar)
    file = mido.MidiFile(tmp_path / "out" / "tempo.mid")
    at_s, at, tempo, lines = 0.0, 0, 500_000, [(0, 0.0)]
    for message in file.tracks[0]:
        at, at_s = at + message.time, at_s + message.time * tempo / 1e6 / 960
        tempo = message.tempo if message.type == "set_tempo" else tempo
        lines.append((at, at_s))
        if message.type == "marker":
            assert at == bar * 960  # bar 0 after one bar
    ticks, seconds = zip(*lines, strict=True)
    found = np.interp(np.arange(len(heard)) * bar * 960, ticks, seconds)
    inside = found < seconds[-1]
    # Half a sample of the click, and 50 µs of MIDI's whole microseconds.
    assert np.abs(found - heard)[inside].max() < 0.5 / RATE + 0.000_06
    (signature,) = [m for m in file.tracks[0] if m.type == "time_signature"]
    assert f"{signature.numerator}/{signature.denominator}" == name
    assert signature.clocks_per_click == 24 * meter.quarters_per_beat
    root = project(tmp_path / "out" / "set.dawproject")
    (marker,) = root.findall(".//Marker")
    assert float(marker.get("time", "")) == bar
    warps = root.findall(".//Clip")[0].findall("Warps/Warp")
    beats = [float(warp.get("time", "")) for warp in warps]
    times_s = [float(warp.get("contentTime", "")) for warp in warps]
    found = np.interp(np.arange(len(heard)) * bar, beats, times_s)
    assert np.abs(found - heard).max() <= 0.5 / RATE + 1e-6


def texts(folder: Path, name: str) -> tuple[str, str | None]:
    """The titles in the MIDI file and in the project of that name."""
    track = mido.MidiFile(folder / "tempo.mid", charset="utf-8").tracks[0]
    with zipfile.ZipFile(folder / f"{name}.dawproject") as archive:
        title = ElementTree.fromstring(archive.read("metadata.xml")).findtext("Title")
    return track.name, title


@pytest.mark.parametrize("name", ["конcert", "Gig – encore", "東京", "a & <b>", "Grüße 🎺"])
def test_a_take_of_any_title_is_exported_with_it(tmp_path: Path, name: str) -> None:
    make_take(tmp_path / name, *STEADY)
    export(tmp_path / name, tmp_path / "out", "1.2")
    assert texts(tmp_path / "out", name) == (name, name)


@pytest.mark.parametrize("name", [b"caf\xe9", b"a\nb\x1bc", b"\xc3\xa9" * 127, b"x" * 255])
def test_a_take_of_any_name_is_exported(tmp_path: Path, name: bytes) -> None:
    take = tmp_path / os.fsdecode(name)
    make_take(tmp_path / "made", *STEADY)
    (tmp_path / "made").rename(take)
    written = export(take, tmp_path / "out", "1.2")
    assert all(path.is_file() for path in written)
    in_midi, in_project = texts(tmp_path / "out", written[-1].name.removesuffix(".dawproject"))
    assert in_midi == in_project == printable(take.name)


def test_an_export_that_fails_leaves_nothing_and_can_be_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_take(tmp_path / "set", *STEADY)
    with monkeypatch.context() as full:

        def write(*_: Any) -> None:
            raise OSError(28, "No space left on device")

        full.setattr("companion.take.export.write_tempo_midi", write)
        with pytest.raises(CompanionError, match=r"cannot write .*out' \(No space left"):
            export(tmp_path / "set", tmp_path / "out", "1.2")
        assert sorted(path.name for path in tmp_path.iterdir()) == ["set"]
    export(tmp_path / "set", tmp_path / "out", "1.2")
    assert len(list((tmp_path / "out").iterdir())) == 4


def test_an_export_into_the_take_itself_is_refused(tmp_path: Path) -> None:
    make_take(tmp_path / "set", *STEADY)
    before = {path: path.read_bytes() for path in (tmp_path / "set").iterdir()}
    with pytest.raises(CompanionError, match="is there already"):
        export(tmp_path / "set", tmp_path / "set", "1.2")
    assert {path: path.read_bytes() for path in (tmp_path / "set").iterdir()} == before


def test_an_input_of_two_channels_takes_the_place_of_the_one(tmp_path: Path) -> None:
    make_take(tmp_path / "set", *RAMP)
    audio, _ = soundfile.read(tmp_path / "set" / "input.wav")
    pair = np.stack([audio, 0.5 * audio], axis=1)
    soundfile.write(tmp_path / "set" / "input-stereo.wav", pair, RATE, "FLOAT")
    written = export(tmp_path / "set", tmp_path / "out", "1.2")
    names = ["input-stereo.wav", "bass.wav", "tempo.mid", "set.dawproject"]
    assert [path.name for path in written] == names
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(names)
    copied = (tmp_path / "out" / "input-stereo.wav").read_bytes()
    assert copied == (tmp_path / "set" / "input-stereo.wav").read_bytes()
    root = project(tmp_path / "out" / "set.dawproject")
    tracks = {
        track.get("name"): track.find("Channel").get("audioChannels")  # type: ignore[union-attr]
        for track in root.findall("./Structure/Track")
    }
    assert tracks == {"input": "2", "bass": "1", "Master": "2"}
    clips = {
        clip.get("name"): (sound.get("channels"), sound.find("File").get("path"))  # type: ignore[union-attr]
        for clip in root.iter("Clip")
        for sound in clip.iter("Audio")
    }
    assert clips == {"input": ("2", "audio/input-stereo.wav"), "bass": ("1", "audio/bass.wav")}
    with zipfile.ZipFile(tmp_path / "out" / "set.dawproject") as archive:
        assert archive.read("audio/input-stereo.wav") == copied
        assert "audio/input.wav" not in archive.namelist()


def test_two_channels_that_end_elsewhere_are_to_be_recovered_first(tmp_path: Path) -> None:
    make_take(tmp_path / "set", *STEADY)
    soundfile.write(tmp_path / "set" / "input-stereo.wav", np.zeros((10, 2)), RATE, "FLOAT")
    with pytest.raises(CompanionError, match="not equally long"):
        export(tmp_path / "set", tmp_path / "out", "1.2")
