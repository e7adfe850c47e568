"""What was used of a data set, what was left out and why, under which licence: lines to read."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from training.prepare.pieces import Piece
from training.prepare.tracks import Found, Layout

NAMED = 5
"""How many of a kind are named in what is printed; the card names all."""
LICENCE_FILES = ("licence", "license", "copying", "terms", "readme")


def licence_of(layout: Layout, folder: Path) -> str:
    """Under which licence a data set is given, as far as anybody says so."""
    if layout.licence is not None:
        return layout.licence
    names = [
        path.name
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name.lower().startswith(LICENCE_FILES)
    ]
    said = f"see {', '.join(names)} in it" if names else "no file in it says so"
    return f"not known here: {said}; ask those who gave it to you before you pass weights on"


def summary(
    layout: Layout, folder: Path, found: Found, pieces: list[Piece], every: bool = False
) -> list[str]:
    """The lines.

    Args:
        pieces: what is used.
        every: name all that is left out, not the first few.
    """
    lines = [f"{folder.name}: {layout.name}", f"licence: {licence_of(layout, folder)}"]
    for split in ("train", "valid"):
        mine = [piece for piece in pieces if piece.track.split == split]
        songs = len({piece.track.name for piece in mine})
        hours = sum(piece.seconds for piece in mine) / 3600
        lines.append(f"{split}: {songs} songs in {len(mine)} pieces, {hours:.2f} hours")
    stems = Counter[str]()
    for piece in pieces:
        for instrument in {stem.instrument for stem in piece.track.stems}:
            stems[instrument] += round(piece.seconds)
    hours_of = [f"{name} {s / 3600:.2f} h" for name, s in stems.most_common()]
    lines.append(f"instruments: {', '.join(hours_of) or 'none'}")
    for reason, names in sorted(found.left_out.items(), key=lambda entry: -len(entry[1])):
        shown = names if every else names[:NAMED]
        more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
        lines.append(f"left out, {len(names)}, {reason}: {', '.join(shown)}{more}")
    return lines


def write_card(path: Path, lines: list[str]) -> None:
    """A data card beside the shards, in Markdown."""
    head, *rest = lines
    text = "\n".join([f"# {head}", "", *(f"- {line}" for line in rest), ""])
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
