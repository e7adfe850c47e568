"""Folders of other music."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile


@pytest.fixture(scope="session")
def music(tmp_path_factory) -> Path:
    """Two stereo recordings at 44.1 kHz, one of them in a folder below."""
    folder = tmp_path_factory.mktemp("music")
    time_s = np.arange(2 * 44_100) / 44_100
    for name, pitch in (("a.wav", 440.0), ("deeper/b.ogg", 660.0)):
        tone = 0.5 * np.sin(2 * np.pi * pitch * time_s)
        (folder / name).parent.mkdir(exist_ok=True)
        soundfile.write(folder / name, np.stack([tone, 0.5 * tone], 1), 44_100)
    (folder / "cover.txt").write_text("no audio")
    return folder
