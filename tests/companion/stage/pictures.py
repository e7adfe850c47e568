"""The guide's pictures, made by the page and the take that they show: `make pictures`."""

from __future__ import annotations

import io
import shutil
import sys
import tempfile
import time
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from companion.generate.inline import InlineWorker
from companion.generate.loading import Loading
from companion.session.rig import play_recording
from companion.take.picture import draw_take
from tests.companion.page import RATE, WAIT_S, Performance, Riffs, performing, song
from tests.companion.studio import play, solo, turn

FOLDER = Path(__file__).parents[3] / "docs" / "images"
DESK, TABLET, PHONE = (1440, 900), (1024, 768), (390, 844)
MOST_BYTES = 150_000
STAGE = ("stage-desk.webp", "stage-learn.webp", "stage-phone.webp")
TAKE = "take.webp"
QUALITY = 82
PATIENCE_S = 30.0
BPM = 96


def picture_page(
    page: Page, playing: Performance, folder: Path, patience_s: float = PATIENCE_S
) -> None:
    """Picture the stage page while everybody plays: at a desk, learning on a tablet, on a phone.

    Where the machine is so busy that they do not within `patience_s`, as it is then.
    """
    _look(page, DESK, "dark")
    page.get_by_role("tab", name="bass").click()
    _wait_for_everybody(page, playing, patience_s)
    _keep(page.screenshot(), folder / STAGE[0])

    _look(page, TABLET, "light")
    playing.learn.enter()
    for player, knob, number in (("bass", "guidance_audio", 20), ("bass", "temperature", 21)):
        playing.learn.choose(player, knob)
        playing.learn.move(number)
    playing.learn.choose("bass", "level")
    page.get_by_text("Move a controller for level of bass.").wait_for()
    _keep(page.screenshot(), folder / STAGE[1])
    playing.learn.leave()
    page.get_by_role("region", name="MIDI learn").wait_for(state="detached")

    _look(page, PHONE, "dark")
    _keep(page.screenshot(), folder / STAGE[2])


def picture_take(folder: Path) -> None:
    """Picture a take of twelve bars, in which the drums are held for two."""
    with tempfile.TemporaryDirectory() as takes:
        preset = solo("bass", "drums", bpm=Fraction(120), bars=12, knobs={"cycle": 2})
        preset = replace(preset, name="band")
        moves = {7.5: turn("hold", True, "drums"), 9.5: turn("hold", False, "drums")}
        worker = InlineWorker(Loading(Riffs))
        played = play(Path(takes), preset, song(120), worker, moves)
        with Image.open(draw_take(played.take)) as drawn:
            _save(drawn, folder / TAKE)


def _look(page: Page, size: tuple[int, int], theme: Any) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=theme, reduced_motion="reduce")


def _wait_for_everybody(page: Page, playing: Performance, patience_s: float) -> None:
    plays, give_up_s = ("plan", "older plan"), time.monotonic() + patience_s
    while not all(each.sounding in plays for each in playing.session.status.players):
        if time.monotonic() > give_up_s:
            break
        page.wait_for_timeout(50)
    page.wait_for_timeout(1500)  # until the waves reach back through the whole lane


def _keep(shot: bytes, file: Path) -> None:
    with Image.open(io.BytesIO(shot)) as picture:
        _save(picture, file)


def _save(picture: Image.Image, file: Path) -> None:
    picture.convert("RGB").save(file, "WEBP", quality=QUALITY, method=6)


def main() -> None:
    """Make all of them anew."""
    FOLDER.mkdir(exist_ok=True)
    picture_take(FOLDER)
    music = np.tile(song(BPM), 10)  # for as long as a busy machine may take
    rig = play_recording(3, music, RATE, "song.wav")
    with performing(bpm=BPM, rig=rig, name="band", bars=96) as playing, sync_playwright() as driver:
        for player, instrument in (("drums", "drums"), ("keys", "piano")):
            playing.session.store.set("instrument", instrument, player, "preset")
        chromium = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        page = chromium.new_page(color_scheme="dark")
        page.set_default_timeout(5000 * WAIT_S)
        page.goto(playing.stage.url)
        page.get_by_role("tab", name="bass").wait_for()
        page.wait_for_timeout(5_000)  # some bars of everybody
        picture_page(page, playing, FOLDER)
        chromium.close()
    for file in sorted(FOLDER.iterdir()):
        sys.stdout.write(f"{file}: {file.stat().st_size // 1000} kB\n")


if __name__ == "__main__":
    main()
