from __future__ import annotations

import pytest

from training.band.grooves import IDIOM_SHARES, Style, load_styles
from training.band.mma import play_chart


def test_every_style_has_a_known_idiom_and_a_playable_tempo() -> None:
    for style in load_styles() + load_styles(held_out=True):
        assert style.idiom in IDIOM_SHARES
        assert style.feel in ("straight", "swing")
        assert 70 <= style.tempo[0] < style.tempo[1] <= 160
        assert style.grooves


def test_every_idiom_has_a_style() -> None:
    assert {style.idiom for style in load_styles()} == set(IDIOM_SHARES)


STYLES = load_styles() + load_styles(held_out=True)


@pytest.mark.parametrize("style", STYLES, ids=lambda style: style.file)
def test_the_installed_mma_has_every_groove_of_the_list(style: Style) -> None:
    names = style.grooves + style.fills
    lines = ["RndSeed 1", "Tempo 100"]
    for bar, name in enumerate(names, start=1):
        lines += [f"Groove {style.file}:{name}", f"{bar} C"]
    tracks = play_chart("\n".join(lines) + "\n")
    assert any(track.drums for track in tracks)
    assert sum(not track.drums for track in tracks) >= 2
    last = max(note.beat for track in tracks for note in track.notes)
    assert 4 * len(names) - 4 <= last <= 4 * len(names), "not in 4/4"
