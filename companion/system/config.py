"""Where what the companion keeps for a user lies, beside presets and takes."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs

FOLDER_VARIABLE = "COMPANION_CONFIG"


def config_folder() -> Path:
    """The user's folder of the companion; it need not be there."""
    return Path(os.environ.get(FOLDER_VARIABLE) or platformdirs.user_config_dir("companion", False))
