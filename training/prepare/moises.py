"""MoisesDB.

    moisesdb_v0.1/<song's UUID>/data.json   {"artist": ..., "song": ..., "stems": [{"stemName":
                                            "bass", "tracks": [{"id": ..., "extension": "wav",
                                            "trackType": "bass guitar", "has_bleed": false}]}]}
                                bass/<track's id>.wav

A stem here is what the tracks of one `stemName` that have one class sound like together.
"""

from __future__ import annotations

import json
from pathlib import Path

from training.prepare.classes import moises_class
from training.prepare.tracks import AUDIO, Found, Layout, Stem, Track, folders_in, split_of

META_BYTES = 1_000_000
"""A larger `data.json` is none."""
CLICKS = "click track"


def _songs(folder: Path) -> list[Path]:
    inside = [song for provider in folders_in(folder) for song in folders_in(provider)]
    return [song for song in (*folders_in(folder), *inside) if (song / "data.json").is_file()]


def _read(folder: Path) -> Found:
    found = Found()
    songs = _songs(folder)
    for number, song in enumerate(songs):
        path = song / "data.json"
        try:
            if path.stat().st_size > META_BYTES:
                raise ValueError("too large")
            tracks = _tracks(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            found.leave_out("data.json tells no stems", song.name)
            continue
        stems: dict[tuple[str, str], list[Path]] = {}
        for stem, kind, file, bleeds in tracks:
            instrument = moises_class(stem, kind)
            named = f"{song.name}/{file}"
            if instrument is None:
                found.leave_out(f"stemName {stem!r} is none of MoisesDB's", named)
            elif kind.strip().lower() == CLICKS:
                found.leave_out("click tracks", named)
            elif bleeds:
                found.leave_out("tracks in which others are heard (has_bleed)", named)
            elif Path(file).suffix.lower() not in AUDIO or not (song / file).is_file():
                found.leave_out("tracks that are missing", named)
            else:
                stems.setdefault((stem, instrument), []).append(song / file)
        found.add(
            Track(
                song.name,
                split_of(number, len(songs)),
                tuple(
                    Stem(f"{stem} ({instrument})", instrument, tuple(files))
                    for (stem, instrument), files in sorted(stems.items())
                ),
            )
        )
    return found


def _tracks(told: dict) -> list[tuple[str, str, str, bool]]:
    """Of each track: `stemName`, `trackType`, where it lies in its song's folder, `has_bleed`."""
    rows = []
    for stem in told["stems"]:
        name = str(stem["stemName"])
        for track in stem["tracks"]:
            # Names only: a path in them would lead out of the song's folder.
            parts = [Path(name).name, f"{Path(str(track['id'])).name}.{track['extension']}"]
            file = str(Path(parts[0]) / Path(parts[1]).name)
            rows.append((name, str(track["trackType"]), file, bool(track.get("has_bleed"))))
    return rows


MOISESDB = Layout(
    name="MoisesDB",
    tree="moisesdb_v0.1/<UUID>/data.json",
    licence=None,
    fits=lambda folder: bool(_songs(folder)),
    read=_read,
)
