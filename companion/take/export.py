"""`companion export`: a take for a workstation, on its grid."""

from __future__ import annotations

import shutil
from pathlib import Path

import soundfile

from companion.clock.meter import METERS
from companion.errors import CompanionError
from companion.take.dawproject import write_dawproject
from companion.take.disk import disk_message
from companion.take.events import EVENTS_FILE, read_events
from companion.take.recorder import INPUT_NAME
from companion.take.tempo_map import tempo_map
from companion.take.tempo_midi import write_tempo_midi

TEMPO_FILE = "tempo.mid"


def export(take: Path, folder: Path, version: str) -> list[Path]:
    """Write a take's WAV files, `tempo.mid` and a DAWproject into a folder; returns them.

    The WAV files begin at tick 0 of `tempo.mid`.

    Args:
        take: its folder.
        folder: made if it is not there; files in it are not overwritten.
        version: of the companion.

    Raises:
        CompanionError: it holds no take that has ended, or a file is there already, or cannot be
            written.
    """
    events = read_events(take / EVENTS_FILE)
    if not events or events[0]["type"] != "take" or events[-1]["type"] != "end":
        raise CompanionError(
            f"take {str(take)!r} has no end; valid: one that was ended, or recovered by "
            "`companion recover`"
        )
    begun = events[0]
    sources = {name: take / f"{name}.wav" for name in (INPUT_NAME, *begun["players"])}
    seconds = _length_s(sources)
    meter = METERS[begun["meter"]]
    tempo = tempo_map(events).in_quarters(meter)
    copies = {name: folder / source.name for name, source in sources.items()}
    title = take.resolve().name
    midi, project = folder / TEMPO_FILE, folder / f"{title}.dawproject"
    written = [*copies.values(), midi, project]
    for path in written:
        if path.exists():
            raise CompanionError(f"{str(path)!r} is there already; valid: an empty folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, copy in copies.items():
            shutil.copyfile(sources[name], copy)
        write_tempo_midi(midi, title, tempo, meter.name, seconds)
        write_dawproject(project, title, version, copies, tempo, meter.name, begun["rate"], seconds)
    except OSError as error:
        raise CompanionError(disk_message(folder, error)) from error
    return written


def _length_s(sources: dict[str, Path]) -> float:
    lengths = {}
    for path in sources.values():
        try:
            lengths[path.name] = float(soundfile.info(path).duration)
        except soundfile.SoundFileError as error:
            raise CompanionError(
                f"cannot read {str(path)!r} ({error}); valid: a WAV file"
            ) from error
    if len(set(lengths.values())) > 1:
        raise CompanionError(
            f"the files of the take are not equally long ({lengths}); valid: a take recovered by "
            "`companion recover`"
        )
    return next(iter(lengths.values()))
