"""The sound fonts a band is rendered with."""

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
"""Those of a training set. Both are under the MIT licence."""
HELD_OUT_FONTS: dict[str, Font] = {
    "timgm6mb": Font(Path("/usr/share/sounds/sf2/TimGM6mb.sf2"), "timgm6mb-soundfont"),
}
"""Those of a held-out set. Under the GPL: weights must never be trained on what they sound like."""


def fonts_of(held_out: bool) -> dict[str, Font]:
    """The fonts of a held-out set or of a training set, by name."""
    return HELD_OUT_FONTS if held_out else FONTS


def check_fonts(held_out: bool = False) -> None:
    """Raise TrainingError that names the first font that is missing and its package."""
    for font in fonts_of(held_out).values():
        if not font.path.exists():
            raise TrainingError(
                f"sound font {font.path} is missing: apt-get install {font.package}"
            )
