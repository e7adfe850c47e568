"""The sound fonts a band is rendered with. Both are under the MIT licence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from training.errors import TrainingError


@dataclass(frozen=True, slots=True)
class Font:
    """Where a sound font is installed, and the Debian package it comes in."""

    path: Path
    package: str


FONTS: dict[str, Font] = {
    "fluid": Font(Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"), "fluid-soundfont-gm"),
    "musescore": Font(
        Path("/usr/share/sounds/sf3/MuseScore_General_Full.sf3"), "musescore-general-soundfont"
    ),
}


def check_fonts() -> None:
    """Raise TrainingError that names the first font that is missing and its package."""
    for font in FONTS.values():
        if not font.path.exists():
            raise TrainingError(
                f"sound font {font.path} is missing: apt-get install {font.package}"
            )
