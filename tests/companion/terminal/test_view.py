"""The view over a session at real speed: what is seen, and what keys do to the knobs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from companion.control.preset import load_preset
from companion.stage.commands import MAX_CHARACTERS
from tests.companion.page import CHORDS, WAIT_S, Performance, performing
from tests.companion.terminal.viewing import Seen, seen_on, told_by


@pytest.fixture(scope="module")
def playing() -> Iterator[Performance]:
    with performing(bpm=120) as performance:
        yield performance


def look(
    playing: Performance,
    do: Callable[[Seen], Awaitable[None]],
    size: tuple[int, int] = (80, 24),
) -> list[bool]:
    """Do something at the view; how often the end was asked for."""
    ended: list[bool] = []

    async def run() -> None:
        async with seen_on(link, size) as seen:
            await do(seen)

    with told_by(playing, ended) as link:
        asyncio.run(run())
    return ended


def test_bar_beat_chords_levels_and_every_player_are_seen(playing: Performance) -> None:
    async def do(seen: Seen) -> None:
        counts: set[str] = set()

        def moves() -> bool:
            counts.add(str(seen.view._drawn["count"]))
            return len(counts) > 4

        await seen.until(moves)
        await seen.until(lambda: "next" in seen.text and any(c in seen.text for c in CHORDS))
        await seen.until(lambda: "dB" in next(line for line in seen.lines if "bass" in line))
        for name in ("live mix", "bass", "drums", "keys", "120.0 BPM", "ISR", "slack"):
            assert name in seen.text
        assert len(seen.lines) == 24 and max(map(len, seen.lines)) == 80

    look(playing, do)


def test_keys_turn_knobs_and_the_take_knows_by_whom(playing: Performance) -> None:
    async def do(seen: Seen) -> None:
        before = playing.knob("guidance_audio", "bass")
        await seen.press("right", "right")
        await seen.until(lambda: playing.knob("guidance_audio", "bass") == before + 0.1)
        await seen.press("2", ".", "5", "enter")
        await seen.until(lambda: playing.knob("guidance_audio", "bass") == 2.5)
        await seen.until(lambda: "guidance audio      2.50" in seen.text)
        await seen.press("9", "9", "enter")
        await seen.until(lambda: "guidance_audio is 99; valid: from 0 to 6" in seen.text)
        await seen.press("a", "tab", "s")
        await seen.until(lambda: playing.knob("mute", "bass") and not playing.knob("mute", "drums"))
        await seen.press("s")
        await seen.until(lambda: not playing.knob("mute", "bass"))
        await seen.until(lambda: ("again", "bass", "view") in moved(playing))

    look(playing, do)


def moved(playing: Performance) -> list[tuple[str, str | None, str]]:
    return [(each.name, each.player, each.source) for each in playing.moved]


def test_what_another_hand_turns_and_what_goes_wrong_is_seen(playing: Performance) -> None:
    async def do(seen: Seen) -> None:
        playing.session.store.set("causal_bias", 0.25, "bass", "midi")
        await seen.until(lambda: "causal bias         0.250" in seen.text)
        playing.session.troubles.happened("generator", "bass: it was started again")
        await seen.until(lambda: "bass: it was started again" in seen.text)

    look(playing, do)


def test_a_controller_is_learnt_and_one_that_is_not_kept_is_told(playing: Performance) -> None:
    async def do(seen: Seen) -> None:
        await seen.press("l")
        await seen.until(lambda: "LEARN" in seen.text)
        await seen.press("down", "enter")
        await seen.until(lambda: "move a controller for guidance instrument of bass" in seen.text)
        playing.learn.move(21)
        await seen.until(lambda: "CC 21" in seen.text)
        playing.learn.fail("no room")
        await seen.until(lambda: "not kept: no room" in seen.text)
        playing.learn.fail("")
        await seen.press("delete", "escape")
        await seen.until(lambda: "CC 21" not in seen.text and "LEARN" not in seen.text)

    look(playing, do)


def test_the_rig_is_written_as_a_preset_and_switched_to(
    playing: Performance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    async def do(seen: Seen) -> None:
        playing.session.store.set("steps", 11, "drums", "midi")
        await seen.press("w", *"bridge", "enter")
        await seen.until(lambda: "saved as bridge.yaml" in seen.text)
        assert load_preset("bridge.yaml").players[1].knobs["steps"] == 11
        playing.session.store.set("steps", 12, "drums", "midi")
        for answer, steps in (("n", 11), ("y", 12)):
            await seen.press("w", *"bridge", "enter")
            await seen.until(lambda: "Write over it?" in seen.text)
            await seen.press(answer)
            await seen.until(lambda: "Write over it?" not in seen.text)
            await seen.until(
                lambda: load_preset("bridge.yaml").players[1].knobs["steps"] == steps  # noqa: B023
            )
        await seen.press("p")
        await seen.until(lambda: "from the next bar on" in seen.text)
        await seen.press("end", "enter")
        await seen.until(lambda: playing.presets.current == "bridge")

    look(playing, do)


def test_only_ctrl_c_asks_for_the_end_and_the_keys_are_told(playing: Performance) -> None:
    async def do(seen: Seen) -> None:
        await seen.press("question_mark")
        await seen.until(lambda: "any key: back to the stage" in seen.text)
        await seen.press("q")
        await seen.until(lambda: "any key" not in seen.text)
        await seen.press("q", "ctrl+z")
        assert ended == []
        await seen.press("ctrl+c")
        await seen.until(lambda: ended)

    ended: list[bool] = []

    async def run() -> None:
        async with seen_on(link, (140, 45)) as seen:
            await do(seen)

    with told_by(playing, ended) as link:
        asyncio.run(run())


def test_a_view_that_does_not_read_holds_nobody_up_and_is_then_told_everything(
    playing: Performance,
) -> None:
    with told_by(playing, []) as link:
        time.sleep(0.5)  # its buffers fill
        began_s = time.monotonic()
        link.settimeout(WAIT_S)
        lines = link.makefile("rb")
        kinds = [json.loads(lines.readline())["kind"] for _ in range(5)]
        assert kinds[0] == "hello"
        link.sendall(b'{"set": "bpm", "value": 119}\nnonsense\n')
        while json.loads(line := lines.readline())["kind"] != "refused":
            assert time.monotonic() < began_s + WAIT_S
        assert b"is no JSON" in line
        assert playing.knob("bpm") == 119.0
        link.sendall(b"x" * 8 * MAX_CHARACTERS)
        while lines.readline():  # too long a line: it is hung up
            assert time.monotonic() < began_s + 2 * WAIT_S
