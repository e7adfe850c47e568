"""A take as a DAWproject, an open exchange format of workstations: a zip with two XML files.

Each file of the take is a track with one clip, whose warp markers pin its bar lines to the bars of
the arrangement; the arrangement's tempo is the take's, so that nothing is stretched.
"""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path
from xml.etree import ElementTree

from companion.take.tempo_map import TempoMap

FORMAT_VERSION = "1.0"
SHIFT_BPM = 0.001
"""Tempi that differ by less are one tempo."""

Element = ElementTree.Element


def write_dawproject(
    path: Path,
    title: str,
    version: str,
    files: Mapping[str, tuple[Path, int]],
    tempo: TempoMap,
    meter: str,
    rate: int,
    seconds: float,
) -> None:
    """Write the project; OSError if the disk fails.

    Args:
        path: of the zip.
        title: of the song.
        version: of the companion.
        files: name of the track to its WAV file and how many channels that has; all of the same
            length.
        tempo: of the take, counted in quarter notes.
        meter: as it is written, "6/8".
        rate: Hz.
        seconds: length of the files.
    """
    project = _project(version, files, tempo, meter, rate, seconds)
    metadata = Element("MetaData")
    _add(metadata, "Title").text = title
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("project.xml", _text(project), zipfile.ZIP_DEFLATED)
        archive.writestr("metadata.xml", _text(metadata), zipfile.ZIP_DEFLATED)
        for file, _ in files.values():
            archive.write(file, _path_of(file))


def _project(
    version: str,
    files: Mapping[str, tuple[Path, int]],
    tempo: TempoMap,
    meter: str,
    rate: int,
    seconds: float,
) -> Element:
    """The content of `project.xml`; its time starts at the take's first beat."""
    first, bpm = tempo.first_beat, tempo.segments[0].bpm
    project = Element("Project", version=FORMAT_VERSION)
    _add(project, "Application", name="companion", version=version)
    transport = _add(project, "Transport")
    _add(transport, "Tempo", id="tempo", unit="bpm", value=bpm, min=20, max=666)
    numerator, denominator = meter.split("/")
    signature = {"numerator": numerator, "denominator": denominator}
    _add(transport, "TimeSignature", id="meter", **signature)
    structure = _add(project, "Structure")
    for number, (name, (_, channels)) in enumerate(files.items()):
        track = _add(structure, "Track", id=f"track{number}", name=name, contentType="audio")
        routed = {"role": "regular", "destination": "master-channel"}
        _add(track, "Channel", id=f"channel{number}", audioChannels=channels, **routed)
    master = _add(structure, "Track", id="master", name="Master", contentType="audio")
    _add(master, "Channel", id="master-channel", role="master", audioChannels=2)

    arrangement = _add(project, "Arrangement", id="arrangement")
    lanes = _add(arrangement, "Lanes", id="lanes", timeUnit="beats")
    for number, (name, file) in enumerate(files.items()):
        lane = _add(lanes, "Lanes", id=f"lane{number}", track=f"track{number}")
        clips = _add(lane, "Clips", id=f"clips{number}")
        _add_clip(clips, number, name, file, tempo, rate, seconds)
    markers = _add(arrangement, "Markers", id="markers", timeUnit="beats")
    _add(markers, "Marker", time=0.0 - first, name="bar 0")
    points = _add(arrangement, "TempoAutomation", id="tempo-points", timeUnit="beats", unit="bpm")
    _add(points, "Target", parameter="tempo")
    for beat, value in _tempi(tempo, seconds):
        _add(points, "RealPoint", time=beat - first, value=value, interpolation="hold")
    meters = _add(arrangement, "TimeSignatureAutomation", id="meter-points", timeUnit="beats")
    _add(meters, "Target", parameter="meter")
    _add(meters, "TimeSignaturePoint", time=0, **signature)
    return project


def _add_clip(
    clips: Element,
    number: int,
    name: str,
    file: tuple[Path, int],
    tempo: TempoMap,
    rate: int,
    seconds: float,
) -> None:
    """One clip over the whole arrangement, pinned at its ends, bar lines and changes of tempo."""
    first = tempo.first_beat
    length = tempo.beat_at(seconds) - first
    whole = {"time": 0, "duration": length, "playStart": 0}
    clip = _add(clips, "Clip", name=name, contentTimeUnit="beats", **whole)
    warps = _add(clip, "Warps", id=f"warps{number}", timeUnit="beats", contentTimeUnit="seconds")
    path, channels = file
    sound = {"channels": channels, "sampleRate": rate, "duration": seconds}
    audio = _add(warps, "Audio", id=f"audio{number}", timeUnit="seconds", **sound)
    _add(audio, "File", path=_path_of(path))
    pinned = {0.0: 0.0, length: seconds}
    for bar in tempo.bars(seconds):
        pinned[bar * tempo.beats_per_bar - first] = max(0.0, tempo.bar_s(bar))
    for segment in tempo.segments:
        if 0.0 < segment.time_s < seconds:
            pinned[segment.beat - first] = segment.time_s
    for beat, time_s in sorted(pinned.items()):
        _add(warps, "Warp", time=beat, contentTime=time_s)


def _tempi(tempo: TempoMap, seconds: float) -> list[tuple[float, float]]:
    """Beat and BPM where the tempo changes, from the take's first beat on."""
    found = [(float(tempo.first_beat), tempo.segments[0].bpm)]
    for segment in tempo.segments:
        if segment.time_s <= 0.0:
            found = [(float(tempo.first_beat), segment.bpm)]
        elif segment.time_s < seconds and abs(segment.bpm - found[-1][1]) > SHIFT_BPM:
            found.append((segment.beat, segment.bpm))
    return found


def _path_of(file: Path) -> str:
    return f"audio/{file.name}"


def _add(parent: Element, tag: str, **attributes: str | float) -> Element:
    told = {
        name: value if isinstance(value, str) else f"{value:.9f}".rstrip("0").rstrip(".")
        for name, value in attributes.items()
    }
    return ElementTree.SubElement(parent, tag, told)


def _text(root: Element) -> bytes:
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True)
