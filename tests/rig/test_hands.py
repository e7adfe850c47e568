"""Hands on a jam: what is played on a controller and a keyboard at real ports is seen on the page.

One jam, started as a musician starts it, with its page in a browser; each device is a process of
its own.
"""

from __future__ import annotations

import contextlib
import itertools
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect, sync_playwright

from companion.control.parameters import BY_NAME
from tests.companion.studio import music
from tests.rig.feeder import Feeder
from tests.rig.jack import Child, JackServer, RigError
from tests.rig.jam_run import START_LIMIT_S, Jam

pytestmark = [pytest.mark.side_by_side, pytest.mark.xdist_group("hands")]

SIDE = "tests.rig.midi_side"
LIMIT_S = 30.0
SECONDS = 240
"""What is played along with lasts longer than the tests do."""
CC, PROGRAM, NOTE_ON, NOTE_OFF = 0xB0, 0xC0, 0x90, 0x80
KNOB = BY_NAME["confidence"]
INSTRUMENTS = BY_NAME["instrument"].choices
D_MINOR = (62, 65, 69)
VERSE = """# our verse
bpm: 240
count_in_bars: 0
cycle: 1
chords: [C]
presets: [chorus.yaml]
osc: {port: 0}
generator: {name: standin, in_process: true}
players:
  - name: bass   # low
  - name: keys
midi:
  keyboard: piano
  map:
    # the pedal board
    - {program: 0, channel: 2, device: pad, parameter: instrument, player: bass}
    - {cc: 9, device: pad, parameter: temperature, player: keys}
"""
CHORUS = "players: [{name: bass}, {name: keys, level: -12}]\n"


class Rig:
    """A jam with its page open, and devices that are plugged in."""

    def __init__(self, server: JackServer, jam: Jam, page: Page, file: Path) -> None:
        self.jam, self.page, self.file = jam, page, file
        self._devices: dict[str, Child] = {}
        self._from = -1  # line of the log after which something counts
        for name in ("pad", "piano"):
            self._devices[name] = server.python("-m", SIDE, "controller", name)
            self._devices[name].expect("ready")

    def send(self, device: str, *messages: tuple[int, ...]) -> None:
        for message in messages:
            self._devices[device].say(" ".join(map(str, message)))

    def event(self, kind: str, **values: Any) -> dict[str, Any]:
        """The next event of a type with these values; later ones come after it."""
        self._from = self.jam.wait_event(kind, self._from, LIMIT_S, **values)
        return self.jam.event(self._from)

    def pad_is_heard(self) -> bool:
        """Whether a knob that the pad turns now is turned."""
        with contextlib.suppress(RigError):
            self.jam.wait_event("knob", self._from, 0.2, name="temperature", player="keys")
            return True
        return False

    def dial(self, knob: str, player: str) -> Locator:
        return self.page.get_by_role("slider", name=f"{knob}, {player}")

    def unplug(self) -> None:
        for child in self._devices.values():
            child.close_input()
            assert child.wait() == 0


def until_told(jam: Jam, pattern: str) -> str:
    """What it prints."""
    give_up_s = time.monotonic() + START_LIMIT_S
    while not (found := re.search(pattern, jam.printed)):
        assert time.monotonic() < give_up_s, jam.printed + jam.errors
        time.sleep(0.02)
    return found[1]


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    folder = tmp_path_factory.mktemp("set")
    file = folder / "verse.yaml"
    file.write_text(VERSE)
    (folder / "chorus.yaml").write_text(CHORUS)
    expect.set_options(timeout=1000 * LIMIT_S)
    with JackServer(tmp_path_factory.mktemp("hands")) as server, sync_playwright() as driver:
        server.environment["COMPANION_CONFIG"] = str(folder / "config")
        feeder = Feeder(server, music(SECONDS / 2, 48_000), server.rate)
        with Jam(server, str(file), "--stage", "127.0.0.1:0") as jam:
            chromium = driver.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )
            page = chromium.new_page(reduced_motion="reduce")
            page.set_default_timeout(1000 * LIMIT_S)
            page.goto(until_told(jam, r"stage: (\S+)"))
            rig = Rig(server, jam, page, file)
            feeder.wait_connected()
            jam.wait_event("asked", player="bass")
            for value in itertools.cycle(range(1, 128)):  # JACK takes a moment to connect
                rig.send("pad", (CC, 9, value))
                if rig.pad_is_heard():
                    break
            yield rig
            chromium.close()
            rig.unplug()
            jam.interrupt()
            assert jam.wait() == 0, jam.errors
            feeder.finish()
            assert "Traceback" not in jam.errors + jam.printed


def test_a_controller_is_learnt_on_the_page_and_kept_in_the_preset(rig: Rig) -> None:
    page, dial = rig.page, rig.dial("confidence", "bass")
    page.get_by_role("tab", name="bass").click()
    page.get_by_role("button", name="learn", exact=True).click()
    dial.click()
    expect(page.get_by_text("Move a controller for confidence of bass.")).to_be_visible()
    rig.send("pad", (CC, 74, 50), (CC, 74, 51))
    badge = page.get_by_role("button", name=re.compile("learn a controller for confidence of bass"))
    expect(badge).to_have_text("CC 74 ch 1")
    expect(dial).to_have_attribute("aria-valuenow", str(KNOB.default))  # learning moves nothing
    page.get_by_role("button", name="done").click()
    for value, stands in ((127, KNOB.maximum), (0, KNOB.minimum)):
        rig.send("pad", (CC, 74, value))
        rig.event("knob", name="confidence", player="bass", value=stands, moved_by="midi")
        expect(dial).to_have_attribute("aria-valuenow", f"{stands:g}")
    give_up_s = time.monotonic() + LIMIT_S
    while "cc: 74" not in (text := rig.file.read_text()):
        assert time.monotonic() < give_up_s, text
        time.sleep(0.05)
    for line in VERSE.splitlines():
        assert line in text


def test_keys_that_are_held_on_a_keyboard_are_the_chord(rig: Rig) -> None:
    now = rig.page.get_by_label("chord now")
    expect(now).to_have_text("C")
    rig.send("piano", *((NOTE_ON, note, 90) for note in D_MINOR))
    expect(now).to_have_text("Dm")
    while not any(chord[1] == [2, 5, 9] for chord in rig.event("chords")["changes"]):
        pass  # plans that were begun before
    rig.send("piano", *((NOTE_OFF, note, 0) for note in D_MINOR))
    expect(now).to_have_text("C")  # the chart has it again


def test_a_program_switches_the_preset_on_the_bar(rig: Rig) -> None:
    preset = rig.page.get_by_role("combobox", name="preset")
    for program, name, level in ((1, "chorus", -12.0), (0, "verse", 0.0)):
        rig.send("pad", (PROGRAM, program))
        rig.event("preset", preset=name)
        rig.event("knob", name="level", player="keys", value=level, moved_by="preset")
        expect(preset).to_have_value(name)


def test_a_program_that_a_mapping_means_chooses_the_instrument(rig: Rig) -> None:
    for program in (3, 0):
        rig.send("pad", (PROGRAM + 1, program))
        rig.event("knob", name="instrument", player="bass", value=INSTRUMENTS[program])
    assert rig.page.get_by_role("combobox", name="preset").input_value() == "verse"
