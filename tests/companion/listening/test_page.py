"""The page in a real browser: by keyboard alone, through a server that dies and a reload."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from companion.listening.answers import read_answers
from companion.listening.design import Trial, trials_of
from companion.listening.study import read_study
from tests.companion.listening.browser import Served
from tests.companion.listening.people import write_study

TIMEOUT_MS = 60_000


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    assert path, "Debian's package chromium is missing"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """With the study of two contexts and two conditions."""
    folder = tmp_path_factory.mktemp("served")
    write_study(folder, contexts=2, arms=2)
    served = Served(folder)
    served.start()
    yield served
    assert served.end() in (0, 130)


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(re.compile(text), timeout=TIMEOUT_MS)


def button(page: Page, name: str) -> None:
    """Come to a button with Tab, and press it."""
    wanted = page.get_by_role("button", name=name)
    expect(wanted).to_be_enabled(timeout=TIMEOUT_MS)
    for _ in range(12):
        if wanted.evaluate("it => it === document.activeElement"):
            page.keyboard.press("Enter")
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no Tab leads to {name!r}")


def answer(page: Page, trial: Trial, value: int) -> None:
    """Listen and answer as the page says one can."""
    for key in ("a", "b") if trial.kind == "pair" else (" ",):
        page.keyboard.press(key)
        heard = page.locator(".hint", has_text=re.compile("^heard$"))
        expect(heard).to_have_count(2 if key == "b" else 1, timeout=TIMEOUT_MS)
    page.keyboard.press(str(value))
    expect(page.get_by_role("radio", checked=True)).to_have_count(1)
    page.keyboard.press("Enter")


def test_a_listener_comes_through_by_keyboard_and_every_answer_is_kept(
    chromium: Browser, server: Served
) -> None:
    trials, errors = trials_of(read_study(server.folder), 0), list[str]()
    page = chromium.new_page()
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"http://127.0.0.1:{server.port}/")
    heading(page, "How well do they play together")
    button(page, "I agree")
    heading(page, "What to do")
    button(page, "Go on")
    heading(page, "Headphones: 1 of 6")
    button(page, "I have no headphones here")
    given = {0: 0}
    for place, trial in enumerate(trials[1:], 1):
        expect(page.locator("#place")).to_have_text(f"{place + 1} of {len(trials)}")
        heading(page, "fit")
        value = given[place] = trial.answers[place % len(trial.answers)]
        if place == 3:  # a reload in the middle of a trial
            page.reload()
            heading(page, "Welcome back")
            button(page, "Go on")
            expect(page.locator("#place")).to_have_text(f"{place + 1} of {len(trials)}")
        if place == 5:  # its sounds are there, but nobody takes the answer
            expect(page.get_by_text("Practice")).to_have_count(0)
            page.wait_for_load_state("networkidle")
            server.kill()
            answer(page, trial, value)
            told = page.get_by_role("status")
            expect(told).to_contain_text("cannot be reached", timeout=TIMEOUT_MS)
            server.start()
            page.reload()  # before it has been sent again
            heading(page, "Welcome back")
            button(page, "Go on")
            continue
        answer(page, trial, value)
        if trial.practice and trial.expected:
            heading(page, "right|quite")
            button(page, "Go on")
    heading(page, "Thank you")
    stored = read_answers(server.folder / "answers.sqlite")
    assert {each.trial: each.value for each in stored} == given
    assert all(each.plays == len(trials[each.trial].sounds) for each in stored)
    assert not errors
    page.close()


IN_ORDER = """
Math.random = () => 0;  // draws the tones in the order plain, quiet, against
AudioBufferSourceNode.prototype.start = function () {
  window.tones = this.buffer;
  setTimeout(() => this.onended?.(), 10);
};
"""


@pytest.mark.long
def test_the_headphones_check_plays_three_tones_and_counts_the_quiet_one(
    chromium: Browser, server: Served
) -> None:
    page = chromium.new_page()
    page.add_init_script(IN_ORDER)
    page.goto(f"http://127.0.0.1:{server.port}/")
    for name in ("I agree", "Go on"):
        page.get_by_role("button", name=name).click()
    for number, value in enumerate("222213", 1):
        heading(page, f"Headphones: {number} of 6")
        page.keyboard.press(" ")
        expect(page.get_by_role("group", name="Which tone")).to_be_enabled(timeout=TIMEOUT_MS)
        page.keyboard.press(value)
        page.keyboard.press("Enter")
    each_20th = "Array.from(tones.getChannelData(channel)).filter((_, n) => n % 20 === 0)"
    left, right = page.evaluate(f"[0, 1].map((channel) => {each_20th})")
    heading(page, "That was hard")
    listener = page.evaluate("localStorage.getItem('listener')")
    with page.expect_response("**/api/answers") as sent:
        button(page, "Go on")
    assert sent.value.request.post_data_json["value"] == 4
    assert sent.value.request.post_data_json["listener"] == listener
    tones = np.array_split(np.array([left, right]).T, 3)
    plain, quiet, against = (np.sqrt(np.mean(part**2)) for part in tones)
    assert quiet == pytest.approx(plain / 2, rel=0.1)
    assert against == pytest.approx(plain, rel=0.1)
    assert np.allclose(*tones[0].T)
    assert np.allclose(tones[2][:, 0], -tones[2][:, 1])
    page.close()


def test_what_is_on_the_page_has_names_and_waits_to_be_heard(
    chromium: Browser, server: Served
) -> None:
    phone = chromium.new_context(viewport={"width": 390, "height": 844}, has_touch=True)
    page = phone.new_page()
    page.goto(f"http://127.0.0.1:{server.port}/")
    for name in ("I agree", "Go on", "I have no headphones"):
        page.get_by_role("button", name=name).tap()
    heading(page, "How well does the added instrument fit")
    scale = page.get_by_role("group", name="It fits")
    names = ("1 not at all", "2 poorly", "3 fairly", "4 well", "5 perfectly")
    for name in names:
        expect(scale.get_by_role("radio", name=name)).to_be_disabled()
    expect(page.get_by_role("button", name="Next")).to_be_disabled()
    expect(page.get_by_role("progressbar", name="How much of the test is done")).to_be_visible()
    page.get_by_role("button", name="Play the sound").tap()
    expect(page.get_by_role("status")).to_contain_text("You can answer now", timeout=TIMEOUT_MS)
    scale.get_by_role("radio", name="4 well").tap(force=True)
    expect(page.get_by_role("button", name="Next")).to_be_enabled()
    overflows = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not page.evaluate(overflows)
    phone.close()
