"""The bundled recording loops on a bar line."""

from __future__ import annotations

from importlib import resources

from companion.demo import DEMO_BARS, DEMO_BPM, read_demo


def test_the_recording_is_whole_bars_of_sound() -> None:
    audio, rate = read_demo()
    assert audio.ndim == 1
    assert abs(len(audio) - DEMO_BARS * 4 * 60 * rate / DEMO_BPM) < 2
    assert 0.3 < abs(audio).max() <= 1.0


def test_its_licence_lies_beside_it() -> None:
    licence = resources.files("companion.demo").joinpath("LICENCE.txt").read_text()
    assert "Carlos Viola Iborra" in licence
