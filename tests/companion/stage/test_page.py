"""The page in a browser, over a session that plays."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from companion.control import parameters
from companion.control import store as control_store
from companion.control.parameters import PARAMETERS
from companion.control.preset import load_preset
from companion.stage import sections
from tests.companion.page import CHORDS, WAIT_S, Performance, performing
from tests.companion.stage.pictures import MOST_BYTES, STAGE, picture_page

AXE = Path(__file__).parent / "axe" / "axe.min.js"
DESK, TABLET, PHONE = (1440, 900), (1024, 768), (390, 844)
ADDED = replace(
    parameters.BY_NAME["temperature"], name="sparkle", description="How much it sparkles.", cc=None
)
"""A row that the table has only here."""


@pytest.fixture(scope="module")
def playing() -> Iterator[Performance]:
    """A band whose table has one more row."""
    with pytest.MonkeyPatch.context() as patch:
        for module in (parameters, control_store, sections):
            patch.setattr(module, "PARAMETERS", (*PARAMETERS, ADDED))
        patch.setitem(parameters.BY_NAME, ADDED.name, ADDED)
        with performing() as performance:
            yield performance


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    expect.set_options(timeout=1000 * WAIT_S)
    with sync_playwright() as driver:
        chromium = driver.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def opened(playing: Performance, browser: Browser) -> Iterator[Page]:
    """The page, opened once; whatever it complains of is an error."""
    complaints: list[str] = []
    page = browser.new_page()
    page.set_default_timeout(1000 * WAIT_S)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda told: told.type == "error" and complaints.append(told.text))
    page.goto(playing.stage.url)
    page.get_by_role("slider", name="sparkle, bass").wait_for()
    yield page
    assert complaints == []


@pytest.fixture
def page(playing: Performance, opened: Page) -> Page:
    """The same, as it was at first, on a desk; it moves only where a test says so."""
    playing.learn.leave()
    look(opened)
    opened.get_by_role("tab", name="bass").click()
    return opened


def look(
    page: Page, size: tuple[int, int] = DESK, theme: Any = "dark", motion: Any = "reduce"
) -> None:
    """Another screen, and what its owner likes."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.emulate_media(color_scheme=theme, reduced_motion=motion)


def until(page: Page, true: Callable[[], bool]) -> None:
    """Wait for what the page causes elsewhere."""
    give_up_s = time.monotonic() + WAIT_S
    while not true():
        assert time.monotonic() < give_up_s, "it never happens"
        page.wait_for_timeout(20)


def plays(playing: Performance) -> bool:
    """Whether the bass plays what was planned for it."""
    return playing.session.status.players[0].sounding in ("plan", "older plan")


def sounds(playing: Performance) -> bool:
    """Whether the bass is heard, be it what it played before."""
    return plays(playing) or playing.session.status.players[0].sounding == "repeat"


def pulled(playing: Performance) -> list[tuple[str, str | None, str]]:
    return [(each.name, each.player, each.source) for each in playing.moved]


def shown(dial: Locator) -> float:
    """Where a dial stands on the page."""
    return float(dial.get_attribute("aria-valuenow") or "nan")


def lane(page: Page, player: str) -> Locator:
    return page.get_by_role("region", name=player, exact=True)


# --- what is read --------------------------------------------------------------------------------


def test_bar_beat_and_chart_move_with_the_music(playing: Performance, page: Page) -> None:
    look(page, motion="no-preference")
    count = page.get_by_role("region", name="bar and beat").locator("b")
    bars, beats, chords = set(), set(), set()

    def all_seen() -> bool:
        bars.add(count.nth(0).inner_text())
        beats.add(count.nth(1).inner_text())
        chords.add(page.get_by_label("chord now").inner_text())
        return len(chords) >= 3 and beats == {"1", "2", "3", "4"}

    until(page, all_seen)
    assert chords <= set(CHORDS)
    assert max(int(bar) for bar in bars if bar != "–") <= playing.session.status.bar + 1


def test_the_waves_are_drawn_past_and_to_come(playing: Performance, page: Page) -> None:
    until(page, lambda: plays(playing))
    # Ink in the middle of a lane's left and right parts: a flat line has next to none.
    ink = """(canvas) => [0.05, 0.6].map((from) => {
        const w = canvas.width, h = canvas.height;
        const part = canvas.getContext("2d").getImageData(w * from, h * 0.45, w * 0.15, h * 0.1);
        return part.data.filter((value, i) => i % 4 === 3 && value > 40).length;
    })"""
    wave = page.get_by_role("img", name=re.compile("^bass: "))
    until(page, lambda: min(wave.evaluate(ink)) > 300)
    assert "planned up to bar" in (wave.get_attribute("aria-label") or "")


def test_what_goes_wrong_is_shown_and_kept(playing: Performance, page: Page) -> None:
    lost = "the sound device 'USB Audio' is gone"
    playing.session.troubles.happened("device", lost)
    expect(page.get_by_role("status").filter(has_text=lost)).to_contain_text("serious")
    page.get_by_role("tab", name="set").click()
    expect(page.get_by_role("tabpanel").get_by_text(lost)).to_be_visible()


# --- what is done --------------------------------------------------------------------------------


def test_a_knob_is_turned_by_hand(playing: Performance, page: Page) -> None:
    dial = page.get_by_role("slider", name="randomness, bass")
    dial.scroll_into_view_if_needed()
    place = dial.bounding_box()
    assert place is not None
    page.mouse.move(place["x"] + 40, place["y"] + 40)
    page.mouse.down()
    page.mouse.move(place["x"] + 40, place["y"] - 10, steps=5)
    page.mouse.up()
    until(page, lambda: playing.knob("randomness", "bass") > 1.3)
    until(page, lambda: shown(dial) == playing.knob("randomness", "bass"))
    dial.dblclick()
    until(page, lambda: playing.knob("randomness", "bass") == 1.0)


def test_a_knob_that_another_hand_turns_is_seen(playing: Performance, page: Page) -> None:
    playing.session.store.set("causal_bias", 0.25, "bass", "midi")
    dial = page.get_by_role("slider", name="causal bias, bass")
    expect(dial).to_have_attribute("aria-valuenow", "0.25")


def test_a_row_of_the_table_appears_by_itself_and_works(playing: Performance, page: Page) -> None:
    page.get_by_role("slider", name="sparkle, bass").press("End")
    until(page, lambda: playing.knob("sparkle", "bass") == 2.0)


def test_hold_again_undo_mute_and_solo(playing: Performance, page: Page) -> None:
    bass = lane(page, "bass")
    until(page, lambda: sounds(playing))
    hold = bass.get_by_role("switch", name="hold")
    hold.click()
    until(page, lambda: playing.session.status.players[0].sounding == "repeat")
    expect(bass.get_by_text("again", exact=True).first).to_be_visible()
    hold.click()
    until(page, lambda: playing.knob("hold", "bass") is False)
    bass.get_by_role("button", name="again").click()
    until(page, lambda: ("again", "bass", "page") in pulled(playing))
    bass.get_by_role("button", name="new").click()
    until(page, lambda: ("regenerate", "bass", "page") in pulled(playing))
    bass.get_by_role("button", name="undo").click()
    expect(hold).to_have_attribute("aria-checked", "true")  # undo holds what it goes back to
    hold.click()
    lane(page, "keys").get_by_role("switch", name="mute").click()
    bass.get_by_role("button", name="solo").click()
    muted = lambda: [playing.knob("mute", name) for name in ("bass", "drums", "keys")]  # noqa: E731
    until(page, lambda: muted() == [False, True, True])
    bass.get_by_role("button", name="solo").click()
    until(page, lambda: muted() == [False, False, True])
    lane(page, "keys").get_by_role("switch", name="mute").click()
    until(page, lambda: not any(muted()))


def test_a_locked_rig_shows_that_it_is(playing: Performance, page: Page) -> None:
    page.get_by_role("switch", name="lock").click()
    dial = page.get_by_role("slider", name="temperature, bass")
    expect(dial).to_have_attribute("aria-disabled", "true")
    dial.press("End")
    lane(page, "bass").get_by_role("slider", name="level").press("ArrowDown")  # free all the same
    until(page, lambda: playing.knob("level", "bass") < 0)
    assert playing.knob("temperature", "bass") == 1.0
    page.get_by_role("switch", name="lock").click()
    expect(dial).to_have_attribute("aria-disabled", "false")


def test_a_controller_is_learnt_without_moving_the_knob(playing: Performance, page: Page) -> None:
    dial = page.get_by_role("slider", name="confidence, bass")
    before = playing.knob("confidence", "bass")
    page.get_by_role("button", name="learn", exact=True).click()
    dial.click()
    expect(page.get_by_text("Move a controller for confidence of bass.")).to_be_visible()
    playing.learn.move(21)
    badge = page.get_by_role("button", name=re.compile("learn a controller for confidence of bass"))
    expect(badge).to_have_text("CC 21 ch 1")
    lane(page, "keys").get_by_role("switch", name="mute").click()
    until(page, lambda: playing.learn.state().chosen == ("keys", "mute"))
    playing.learn.move(21)
    expect(badge).to_have_class(re.compile("clashes"))
    page.get_by_role("button", name="forget CC 21 ch 1 for mute of keys").click()
    expect(badge).not_to_have_class(re.compile("clashes"))
    playing.learn.choose("bass", "confidence")
    playing.learn.move(22, waits_for=0.2)
    expect(badge).to_have_text("CC 22 ch 1 ↕")
    page.get_by_role("button", name="done").click()
    expect(page.get_by_role("region", name="MIDI learn")).to_have_count(0)
    assert (playing.knob("confidence", "bass"), playing.knob("mute", "keys")) == (before, False)


def test_that_something_learnt_is_not_kept_is_shown(playing: Performance, page: Page) -> None:
    page.get_by_role("button", name="learn", exact=True).click()
    playing.learn.fail("cannot write 'mine.yaml' (No space left on device)")
    bar = page.get_by_role("region", name="MIDI learn").get_by_role("status")
    expect(bar).to_contain_text("Not kept: cannot write 'mine.yaml'")
    playing.learn.fail("")
    expect(bar).not_to_contain_text("Not kept")


def test_how_the_rig_stands_is_saved_and_written_over_only_when_asked_again(
    playing: Performance, page: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    playing.session.store.set("guidance_clock", 2.5, "drums", "midi")
    playing.session.store.set("sparkle", ADDED.default, "bass", "test")  # no preset has it
    page.get_by_role("tab", name="set").click()
    name = page.get_by_role("textbox", name="name of the preset")
    name.fill("bridge")
    page.get_by_role("button", name="save", exact=True).click()
    expect(page.get_by_text("Saved as bridge.yaml.")).to_be_visible()
    assert load_preset("bridge.yaml").players[1].knobs["guidance_clock"] == 2.5
    options = page.get_by_role("combobox", name="preset").locator("option")
    expect(options.last).to_have_text("bridge")
    playing.session.store.set("guidance_clock", 3.0, "drums", "midi")
    page.get_by_role("button", name="save", exact=True).click()
    expect(page.get_by_text("bridge is in the set already")).to_be_visible()
    assert load_preset("bridge.yaml").players[1].knobs["guidance_clock"] == 2.5
    page.get_by_role("button", name="write over").click()
    expect(page.get_by_text("Saved as bridge.yaml.")).to_be_visible()
    assert load_preset("bridge.yaml").store().snapshot("drums")["guidance_clock"] == 3.0


def test_presets_are_switched(playing: Performance, page: Page) -> None:
    page.get_by_role("combobox", name="preset").select_option("techno")
    until(page, lambda: playing.presets.current == "techno")


def test_the_guides_pictures_can_be_made(playing: Performance, page: Page, tmp_path: Path) -> None:
    picture_page(page, playing, tmp_path, patience_s=5.0)
    assert {file.name for file in tmp_path.iterdir()} == set(STAGE)
    assert all(2000 < file.stat().st_size < MOST_BYTES for file in tmp_path.iterdir())


# --- who plays -----------------------------------------------------------------------------------

MOST_PLACES = 150
REACHABLE = """() => [...document.querySelectorAll("button, select, input, [role=slider]")]
    .filter((each) => each.tabIndex >= 0 && !each.disabled)
    .filter((each) => each.type !== "radio" || each.checked).length"""
FOCUSED = """() => {
    const all = [...document.querySelectorAll("*")];
    const name = document.activeElement.getAttribute("aria-label");
    return [all.indexOf(document.activeElement), name ?? document.activeElement.textContent];
}"""


def test_the_keyboard_alone_reaches_and_does_everything(playing: Performance, page: Page) -> None:
    places: dict[int, str] = {}
    for _ in range(MOST_PLACES):
        page.keyboard.press("Tab")
        place, name = page.evaluate(FOCUSED)
        if place in places or name is None:
            break
        places[place] = name
        if name == "hold, drums":
            page.keyboard.press("Space")
        elif name == "steps, bass":
            page.keyboard.press("ArrowUp")
        elif name == "level, drums":
            page.keyboard.press("PageDown")
        elif name == "instrument, keys":
            page.keyboard.type("organ")
    assert len(places) >= page.evaluate(REACHABLE)
    until(page, lambda: playing.knob("hold", "drums") is True)
    until(page, lambda: playing.knob("steps", "bass") == 9)
    until(page, lambda: playing.knob("level", "drums") < 0)
    until(page, lambda: playing.knob("instrument", "keys") == "organ")
    page.get_by_role("tab", name="bass").focus()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("slider", name="steps, drums")).to_be_visible()
    page.get_by_role("radio", name="off").first.focus()
    page.keyboard.press("ArrowRight")
    until(page, lambda: playing.knob("take", "bass") == "a")
    playing.session.store.set("hold", False, "drums", "test")
    playing.session.store.set("take", "off", "bass", "test")


@pytest.mark.parametrize(
    ("size", "theme", "learning", "tab"),
    [
        (DESK, "dark", False, "bass"),
        (TABLET, "light", True, "rig"),
        (PHONE, "light", False, "set"),
    ],
)
def test_axe_finds_nothing(
    playing: Performance,
    page: Page,
    size: tuple[int, int],
    theme: Any,
    learning: bool,
    tab: str,
) -> None:
    playing.session.troubles.happened("generator", "bass: it was started again")
    (playing.learn.enter if learning else playing.learn.leave)()
    look(page, size, theme)
    page.get_by_role("tab", name=tab).click()
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found = page.evaluate("axe.run()")
    playing.learn.leave()
    assert [
        (each["id"], [node["html"] for node in each["nodes"]]) for each in found["violations"]
    ] == []
    assert len(found["passes"]) > 20


@pytest.mark.parametrize("size", [DESK, TABLET, PHONE])
def test_nothing_is_wider_than_the_screen(page: Page, size: tuple[int, int]) -> None:
    look(page, size)
    wider = page.evaluate(
        "() => [...document.querySelectorAll('button, select, b, h2, .dial, canvas')]"
        ".filter((each) => each.getBoundingClientRect().right > innerWidth + 1)"
        ".map((each) => each.outerHTML)"
    )
    assert wider == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_with_reduced_motion_hardly_anything_moves(page: Page) -> None:
    drawn = page.evaluate(
        """() => new Promise((done) => {
            const pens = CanvasRenderingContext2D.prototype, own = pens.clearRect;
            let drawn = 0;
            pens.clearRect = function (...all) { drawn++; own.apply(this, all); };
            setTimeout(() => { pens.clearRect = own; done(drawn); }, 1000);
        })"""
    )
    assert drawn <= 6 * page.locator("canvas").count()


def test_the_theme_is_the_systems_until_it_is_chosen(page: Page) -> None:
    look(page, theme="light")
    theme = page.locator("html")
    expect(theme).to_have_attribute("data-theme", "light")
    page.get_by_role("button", name="dark colours").click()
    expect(theme).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(theme).to_have_attribute("data-theme", "dark")
    page.evaluate("localStorage.clear()")


def test_a_page_that_was_cut_off_comes_back(playing: Performance, page: Page) -> None:
    page.evaluate(
        "() => { const own = WebSocket.prototype.send;"
        "WebSocket.prototype.send = function (text) { window.own = this; own.call(this, text); }; }"
    )
    page.get_by_role("slider", name="sparkle, bass").press("Home")
    page.evaluate(
        "() => new Promise((done) => setTimeout(done, 50)).then(() => window.own.close())"
    )
    expect(page.get_by_text("does not answer")).to_be_visible()
    expect(page.get_by_text("does not answer")).to_have_count(0)
    page.get_by_role("slider", name="sparkle, bass").press("PageUp")
    until(page, lambda: playing.knob("sparkle", "bass") > 0.1)


def test_the_end_of_the_set_is_said(playing: Performance, page: Page) -> None:
    playing.stage.close()  # the last of these tests
    expect(page.get_by_text("The set is over.")).to_be_visible()
