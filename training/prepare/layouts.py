"""Which layout a folder has."""

from __future__ import annotations

from pathlib import Path

from training.errors import TrainingError
from training.prepare.moises import MOISESDB
from training.prepare.musdb import MUSDB18_HQ
from training.prepare.slakh import SLAKH
from training.prepare.stem_folder import STEM_FOLDER
from training.prepare.tracks import Layout

LAYOUTS: tuple[Layout, ...] = (SLAKH, MOISESDB, MUSDB18_HQ, STEM_FOLDER)
"""The most particular first: a folder of MUSDB18-HQ is a folder of stems, too."""


def find_layout(folder: Path) -> Layout:
    """The layout of a folder.

    Raises:
        TrainingError: it is no folder, or has none of them.
    """
    if not folder.is_dir():
        raise TrainingError(f"{folder} is no folder; valid: the folder of a data set")
    for layout in LAYOUTS:
        if layout.fits(folder):
            return layout
    trees = "; ".join(f"{layout.name} ({layout.tree})" for layout in LAYOUTS)
    raise TrainingError(f"folder {folder} holds no stems in a layout that is known; valid: {trees}")
