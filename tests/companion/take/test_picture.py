"""The picture shows what the events say."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from matplotlib import colors, image

from companion.system.errors import CompanionError
from companion.take.event_log import EventLog
from companion.take.events import (
    BarSounded,
    KnobMoved,
    PlanFailed,
    PlanMade,
    Sounding,
    TakeStarted,
)
from companion.take.picture import draw_take

RATE = 8000
BLUE, PURPLE, GREEN, RED = "#0072b2", "#cc79a7", "#3a7d44", "#c0392b"


def begin_log(folder: Path, bars: int = 4) -> EventLog:
    """The log of a take that has begun."""
    log = EventLog(folder)
    log.write(
        TakeStarted(
            bar=-1,
            time_s=0.0,
            preset="bass",
            players=("bass",),
            rate=RATE,
            bpm=120.0,
            beats_per_bar=4,
            meter="4/4",
            bars=bars,
            first_bar_s=2.0,
            bar_s=2.0,
            input="file",
            output="none",
        )
    )
    return log


def make_take(
    folder: Path, bars: int = 4, sounding: Sounding = "plan", slack_s: float = 1.0
) -> EventLog:
    """A take of `bars` bars of 2 s after a bar of count-in, with one player."""
    samples = (bars + 1) * 2 * RATE
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, samples).astype(np.float32)
    for name in ("input", "bass"):
        soundfile.write(folder / f"{name}.wav", noise, RATE, "PCM_24")
    log = begin_log(folder, bars)
    log.write(
        PlanMade(
            bar=0,
            time_s=3.0,
            player="bass",
            epoch=1,
            first_bar=2,
            bars=4,
            desired_s=3.0 + slack_s,
            actual_s=3.0,
            seed=1,
            instrument="bass",
            knobs={},
        )
    )
    log.write(
        BarSounded(bar=2, time_s=6.0, player="bass", sounding=sounding, desired_s=5.0, actual_s=3.0)
    )
    return log


def shows(path: Path, colour: str) -> bool:
    """Is there any pixel of exactly this colour above the legend?"""
    pixels = np.round(image.imread(path)[..., :3] * 255)
    pixels = pixels[: round(0.9 * len(pixels))]
    wanted = np.round(np.array(colors.to_rgb(colour)) * 255)
    return bool((pixels == wanted).all(axis=-1).any())


@pytest.mark.parametrize("sounding", ["plan", "repeat"])
def test_each_bar_has_the_colour_of_what_sounded(tmp_path: Path, sounding: Sounding) -> None:
    make_take(tmp_path, sounding=sounding).close()
    picture = draw_take(tmp_path)
    assert picture == tmp_path / "take.png"
    assert shows(picture, BLUE) == (sounding == "plan")
    assert shows(picture, PURPLE) == (sounding == "repeat")


@pytest.mark.parametrize("slack_s", [1.0, -0.5])
def test_a_late_plan_stands_out(tmp_path: Path, slack_s: float) -> None:
    make_take(tmp_path, slack_s=slack_s).close()
    picture = draw_take(tmp_path)
    assert shows(picture, GREEN) == (slack_s > 0)
    assert shows(picture, RED) == (slack_s < 0)


def test_a_plan_that_never_came_is_marked(tmp_path: Path) -> None:
    log = make_take(tmp_path)
    log.write(
        PlanFailed(bar=1, time_s=5.0, player="bass", epoch=2, first_bar=3, reason="child died")
    )
    assert shows(draw_take(tmp_path), RED)


def test_knobs_get_a_row_only_when_one_was_moved(tmp_path: Path) -> None:
    log = make_take(tmp_path)
    without = image.imread(draw_take(tmp_path)).shape[0]
    for value in (2.0, 2.5, True, "organ"):
        log.write(
            KnobMoved(bar=1, time_s=4.0, name="level", player=None, value=value, moved_by="osc")
        )
    assert image.imread(draw_take(tmp_path)).shape[0] > without


def test_a_long_take_gets_a_wider_picture(tmp_path: Path) -> None:
    make_take(tmp_path, bars=64).close()
    height, width, _ = image.imread(draw_take(tmp_path)).shape
    assert width > 2000
    assert height < width


def test_a_take_that_was_killed_at_once_can_be_drawn(tmp_path: Path) -> None:
    make_take(tmp_path).close()
    for name in ("input", "bass"):
        soundfile.write(tmp_path / f"{name}.wav", np.zeros(0, np.float32), RATE, "PCM_24")
    assert draw_take(tmp_path).exists()


def test_a_folder_without_a_take_is_named(tmp_path: Path) -> None:
    with pytest.raises(CompanionError, match="events"):
        draw_take(tmp_path)
    EventLog(tmp_path).close()
    with pytest.raises(CompanionError, match="take event"):
        draw_take(tmp_path)


def test_a_missing_stem_is_named(tmp_path: Path) -> None:
    make_take(tmp_path).close()
    (tmp_path / "bass.wav").unlink()
    with pytest.raises(CompanionError, match="bass"):
        draw_take(tmp_path)


def test_a_picture_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    make_take(tmp_path).close()
    (tmp_path / "take.png").mkdir()
    with pytest.raises(CompanionError, match=r"take\.png"):
        draw_take(tmp_path)


@pytest.mark.parametrize("name", [b"caf\xe9", "東京 🎺".encode(), b"$\\foo$ _^{", b"a\nb\x1bc"])
def test_a_take_of_any_name_has_a_picture_and_no_warning(
    tmp_path: Path, name: bytes, recwarn: pytest.WarningsRecorder
) -> None:
    folder = tmp_path / os.fsdecode(name)
    (tmp_path / "made").mkdir()
    make_take(tmp_path / "made").close()
    (tmp_path / "made").rename(folder)
    assert shows(draw_take(folder), BLUE)
    assert not [str(warning.message) for warning in recwarn]
