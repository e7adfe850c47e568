"""The server, with real sockets and without a browser."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection

from companion.stage import server as serving
from companion.stage.commands import BURST
from companion.stage.observer import CHORD_BARS
from companion.stage.stage import Stage
from companion.system.errors import CompanionError
from tests.companion.page import CHORDS, WAIT_S, Performance, performing, told


@pytest.fixture(scope="module")
def playing() -> Iterator[Performance]:
    with performing() as performance:
        yield performance


def ask(page: ClientConnection, **given: Any) -> None:
    page.send(json.dumps(given))


def everything(page: ClientConnection) -> dict[str, Any]:
    return told(page, lambda message: message if "opening" in message else None)


def section(page: ClientConnection, name: str) -> Any:
    return told(page, lambda message: message.get(name))


def knob_told(message: dict[str, Any], player: str, name: str) -> Any:
    return message.get("knobs", {}).get(player, {}).get(name)


# --- what is told --------------------------------------------------------------------------------


def test_a_page_is_told_everything_once_then_what_changes(playing: Performance) -> None:
    with playing.watch() as page:
        first = everything(page)
        assert first["opening"]["names"] == ["bass", "drums", "keys"]
        assert first["opening"]["rate"] == 32_000
        assert {"place", "knobs", "players", "chords", "clock", "trouble", "log"} <= set(first)
        assert first["said"] == ["OSC: 127.0.0.1:9000"]
        following = [json.loads(page.recv(WAIT_S)) for _ in range(12)]
    assert all({"moving", "waves"} < set(message) for message in following)
    assert min(len(message) for message in following) == 3
    times = [message["moving"]["now"] for message in following]
    assert times == sorted(times)
    heard = [first for each in following for lane, first, _ in each["waves"] if lane == 0]
    assert heard == sorted(set(heard))


def test_every_row_of_the_table_is_told(playing: Performance) -> None:
    with playing.watch() as page:
        first = everything(page)
    table = {knob["name"]: knob for knob in first["opening"]["table"]}
    values = first["knobs"]
    for scope, players in (("rig", [""]), ("player", ["bass", "drums", "keys"])):
        names = {name for name, knob in table.items() if knob["scope"] == scope}
        for player in players:
            assert set(values[player]) == names


def test_a_knob_that_anybody_moves_is_told_to_all_pages(playing: Performance) -> None:
    with playing.watch() as one, playing.watch() as other:
        for page in (one, other):
            section(page, "knobs")
        playing.session.store.set("randomness", 0.5, "keys", "midi")
        for page in (one, other):
            told(
                page, lambda m: m.get("knobs", {}).get("keys", {}).get("randomness") == 0.5 or None
            )


def test_the_beat_goes_on_and_the_chart_moves(playing: Performance) -> None:
    with playing.watch() as page:
        first, then = section(page, "chords"), section(page, "chords")
    assert then[0][0] > first[0][0]
    for told_then in (first, then):
        bars = [bar for bar, _, _ in told_then]
        assert bars == list(range(bars[0], bars[0] + CHORD_BARS))
        assert [name for _, _, name in told_then] == [CHORDS[bar % len(CHORDS)] for bar in bars]


def test_what_goes_wrong_is_told_and_kept(playing: Performance) -> None:
    with playing.watch() as page:
        section(page, "trouble")
        playing.session.troubles.happened("generator", "bass: it was started again")
        found = told(page, lambda m: m.get("trouble") or None)
        assert (found[0]["severity"], found[0]["text"]) == (2, "bass: it was started again")
    with playing.watch() as page:
        assert "bass: it was started again" in [each["text"] for each in section(page, "log")]


# --- what is asked for ---------------------------------------------------------------------------


def test_a_page_turns_knobs_and_pulls_triggers(playing: Performance) -> None:
    with playing.watch() as page:
        section(page, "knobs")
        ask(page, set="temperature", player="bass", value=1.25)
        ask(page, set="again", player="drums", value=True)
        told(page, lambda m: knob_told(m, "bass", "temperature") == 1.25 or None)
    assert playing.knob("temperature", "bass") == 1.25


def test_only_who_asked_is_told_that_it_cannot_be(playing: Performance) -> None:
    with playing.watch() as page:
        ask(page, set="temperature", player="bass", value=99)
        assert told(page, lambda m: m.get("why")) == "temperature is 99; valid: from 0.1 to 2"
        page.send("what?")
        assert "no JSON" in told(page, lambda m: m.get("why"))
        page.send(b"\x00")
        with pytest.raises(ConnectionClosed):
            told(page, lambda m: None)


def test_learning_goes_both_ways(playing: Performance) -> None:
    with playing.watch() as page:
        ask(page, learn="enter")
        ask(page, learn="choose", player="bass", knob="temperature")
        told(page, lambda m: (m.get("learn") or {}).get("chosen"))
        playing.learn.move(21)
        bound = told(page, lambda m: (m.get("learn") or {}).get("mappings") or None)
        assert (bound[0]["knob"], bound[0]["number"]) == ("temperature", 21)
        ask(page, learn="leave")
        told(page, lambda m: (m.get("learn") and not m["learn"]["on"]) or None)


# --- who may come in -----------------------------------------------------------------------------


def test_the_pages_own_files_are_served_and_no_others(playing: Performance) -> None:
    start = playing.get("/")
    assert start.status == 200
    assert start.headers["Content-Security-Policy"].startswith("default-src 'none'")
    assert playing.get("/app.js").headers["Content-Type"].startswith("text/javascript")
    assert playing.get("/vendor/inter.woff2").status == 200
    for path in ("/server.py", "/../server.py", "/%2e%2e/server.py", "/vendor/", "//etc/passwd"):
        assert playing.get(path).status == 404


def test_names_and_pages_of_others_are_refused(playing: Performance) -> None:
    assert playing.get("/", Host="evil.example").status == 403
    assert playing.get("/app.js", Host="evil.example").status == 403
    here = f"127.0.0.1:{playing.port}"
    for origin in ("http://evil.example", f"https://{here}"):
        with pytest.raises(InvalidStatus, match="403"), playing.watch(origin=origin):
            pass
    with playing.watch(origin=f"http://{here}") as page:
        section(page, "knobs")


def test_too_many_pages_are_sent_away(playing: Performance) -> None:
    with ExitStack() as pages:
        for _ in range(serving.MOST_PAGES):
            section(pages.enter_context(playing.watch()), "knobs")
        with playing.watch() as late, pytest.raises(ConnectionClosed, match="8 pages"):
            late.recv(WAIT_S)


def test_a_page_that_floods_or_sends_too_much_is_cut_off_and_the_others_stay(
    playing: Performance,
) -> None:
    with playing.watch() as calm:
        for flood in (['{"set": "hold"}'] * 4 * int(BURST), ["x" * 100_000]):
            with playing.watch() as page, pytest.raises(ConnectionClosed):
                for text in flood:
                    page.send(text)
                told(page, lambda m: None)
        ask(calm, set="bpm", value=239)
        told(calm, lambda m: knob_told(m, "", "bpm") == 239 or None)


def test_on_the_network_the_token_is_needed() -> None:
    with performing("0.0.0.0:0") as playing:
        query = "?" + playing.stage.url.split("?")[1]
        assert playing.get("/").status == 403
        assert playing.get("/?token=wrong").status == 403
        assert playing.get(f"/{query}").status == 200
        assert playing.get("/app.js").status == 200
        with pytest.raises(InvalidStatus, match="403"), playing.watch():
            pass
        with playing.watch(query) as page:
            section(page, "knobs")
            playing.stage.close()
            with pytest.raises(ConnectionClosed, match="the set is over"):
                told(page, lambda m: None)
        assert playing.stage.code


# --- without a session, without the extra --------------------------------------------------------


def test_before_the_set_the_page_says_what_the_terminal_says() -> None:
    with Stage("127.0.0.1:0") as stage:
        port = int(stage.url.split(":")[2].strip("/"))
        waiting = Performance(None, stage, None, None, port)  # type: ignore[arg-type]
        with waiting.watch() as page:
            stage.said("loading the generator")
            told(page, lambda m: m["said"] == ["loading the generator"] or None)
            ask(page, set="bpm", value=100)
            assert told(page, lambda m: m.get("why")) == "nothing plays yet"
    stage.close()


@pytest.mark.parametrize("library", ["starlette", "uvicorn", "websockets", "segno"])
def test_without_the_extra_it_says_what_to_install(
    library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == library]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, library, None)
    for name in ("companion.stage.server", "companion.stage.code"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    with pytest.raises(CompanionError, match=rf'{library}.*pip install "companion\[stage\]"'):
        Stage("127.0.0.1:0")
