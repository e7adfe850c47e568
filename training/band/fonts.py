"""The sound fonts a band is rendered with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from training.errors import TrainingError

AVL_KEYS: dict[int, int] = {
    **{key: key for key in (*range(36, 48), 49, 51, *range(53, 58), 59)},
    **{35: 36, 48: 45, 50: 47, 52: 60},
    **{69: 61, 70: 61, 82: 61},
}
"""Where the AVL drum kits have the drums of General MIDI: they have one tom and no hand drums."""
PLAYABLE = 0.95
"""Share of the notes that a drum kit must have to be chosen for a part."""


@dataclass(frozen=True, slots=True)
class Font:
    """Where a sound font is installed, and the Debian package it comes in.

    `keys` is for one that is a single drum kit: its keys by those of General MIDI's drum map.
    """

    path: Path
    package: str
    keys: Mapping[int, int] | None = None


FONTS: dict[str, Font] = {
    "fluid": Font(Path("/usr/share/sounds/sf2/FluidR3_GM.sf2"), "fluid-soundfont-gm"),
    "musescore": Font(
        Path("/usr/share/sounds/sf3/MuseScore_General_Full.sf3"), "musescore-general-soundfont"
    ),
    "black-pearl": Font(
        Path("/usr/share/sounds/sf2/Black_Pearl_4_LV2.sf2"), "avldrums.lv2-soundfont", AVL_KEYS
    ),
    "red-zeppelin": Font(
        Path("/usr/share/sounds/sf2/Red_Zeppelin_4_LV2.sf2"), "avldrums.lv2-soundfont", AVL_KEYS
    ),
}
"""Those of a training set: two under the MIT licence, two drum kits under CC-BY-SA-3.0.

`training/DATA.md` names those that were left out, and why.
"""
HELD_OUT_FONTS: dict[str, Font] = {
    "timgm6mb": Font(Path("/usr/share/sounds/sf2/TimGM6mb.sf2"), "timgm6mb-soundfont"),
}
"""Those of a held-out set. Under the GPL: weights must never be trained on what they sound like."""


def fonts_of(held_out: bool) -> dict[str, Font]:
    """The fonts of a held-out set or of a training set, by name."""
    return HELD_OUT_FONTS if held_out else FONTS


def pitched_fonts(held_out: bool = False) -> list[str]:
    """Names of the fonts that have every instrument of General MIDI, sorted."""
    return sorted(name for name, font in fonts_of(held_out).items() if font.keys is None)


def drum_fonts(pitches: Iterable[int], held_out: bool = False) -> list[str]:
    """Names of the fonts that have nearly all of these drums, sorted; never none."""
    played = list(pitches)

    def plays(font: Font) -> bool:
        if font.keys is None:
            return True
        return sum(pitch in font.keys for pitch in played) >= PLAYABLE * len(played)

    return sorted(name for name, font in fonts_of(held_out).items() if plays(font))


def check_fonts(held_out: bool = False) -> None:
    """Raise TrainingError that names the first font that is missing and its package."""
    for font in fonts_of(held_out).values():
        if not font.path.exists():
            raise TrainingError(
                f"sound font {font.path} is missing: apt-get install {font.package}"
            )
