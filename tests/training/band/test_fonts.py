from __future__ import annotations

import numpy as np
import pytest

from training.band.drums import PATTERNS, TOMS
from training.band.fluidsynth import SAMPLE_RATE, Control
from training.band.fonts import AVL_KEYS, FONTS, drum_fonts, pitched_fonts
from training.band.humanise import Strike
from training.band.parts import Part
from training.band.render import Line, Performance, render_stems

KITS = [name for name, font in FONTS.items() if font.keys is not None]


def test_a_drum_kit_plays_no_pitched_part() -> None:
    assert pitched_fonts() == ["fluid", "musescore"]
    assert pitched_fonts(held_out=True) == drum_fonts([36], held_out=True) == ["timgm6mb"]


def test_a_kit_is_chosen_only_where_it_has_the_drums() -> None:
    for pattern in PATTERNS:
        played = [drum for drum, _ in pattern.lines]
        assert drum_fonts([*played, *TOMS]) == sorted(FONTS)
    congas = [36, 38, 62, 63, 64]
    assert drum_fonts(congas) == ["fluid", "musescore"]
    assert drum_fonts([]) == sorted(FONTS)


@pytest.mark.parametrize("kit", KITS)
def test_a_kit_sounds_on_every_key_that_stands_for_a_drum(kit: str) -> None:
    drums = sorted(AVL_KEYS)
    strikes = tuple(Strike(0.5 * n, 0.5 * n + 0.1, drum, 110) for n, drum in enumerate(drums))
    part = Part("drums", 16, True, kit, ())
    loud = Control(0.0, 7, 127)
    stems = render_stems(
        np.random.default_rng(0),
        [Performance(part, (Line(strikes, (loud,)),))],
        len(drums) * SAMPLE_RATE // 2,
    )
    hits = stems["drums"].reshape(len(drums), -1)
    levels = np.abs(hits[:, : SAMPLE_RATE // 4]).max(1)
    assert levels.min() > 0.01 * levels.max()


def test_lines_of_a_part_sound_together_and_parts_apart() -> None:
    def line(pitch: int) -> Line:
        return Line((Strike(0.0, 1.0, pitch, 100),))

    def stems(*parts: tuple[str, tuple[Line, ...]]) -> dict[str, np.ndarray]:
        played = [Performance(Part(name, 80, False, "fluid", ()), lines) for name, lines in parts]
        return render_stems(np.random.default_rng(1), played, SAMPLE_RATE)

    together = stems(("a", (line(60), line(76))), ("b", (line(50),)))
    assert set(together) == {"a", "b"}
    spectrum = np.abs(np.fft.rfft(together["a"]))

    def at(pitch: int) -> float:
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        return float(spectrum[round(hertz) - 3 : round(hertz) + 4].max())

    assert min(at(60), at(76)) > 10 * at(50)
