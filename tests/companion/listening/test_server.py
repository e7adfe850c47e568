"""Many listen at once, the server may die at any moment, and no answer is lost or counted twice."""

from __future__ import annotations

import json
import random
import resource
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from companion.cli.app import app
from companion.listening.answers import AnswerStore, read_answers
from companion.listening.design import trials_of
from companion.listening.server import serve
from companion.listening.study import Study
from companion.system.errors import CompanionError
from tests.companion.listening.browser import Browser, Served, ask
from tests.companion.listening.people import ARMS, write_study

BROWSERS = 20


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("served")
    write_study(folder)
    server = Served(folder)
    server.start()
    yield server
    assert server.end() in (0, 130)


def test_twenty_listen_while_the_server_is_killed_and_no_answer_is_lost(tmp_path: Path) -> None:
    study = write_study(tmp_path)
    server = Served(tmp_path)
    server.start()
    browsers = [Browser(server.port) for _ in range(BROWSERS)]
    whole = BROWSERS * len(trials_of(study, 0))
    with ThreadPoolExecutor(BROWSERS) as pool:
        listening = [
            pool.submit(browser.listen, partial(of_taste, study, random.Random(browser.id)))
            for browser in browsers
        ]
        while sum(len(browser.confirmed) for browser in browsers) < 0.4 * whole:
            time.sleep(0.005)
        server.kill()
        assert sum(len(browser.confirmed) for browser in browsers) < whole
        server.start()
        for each in listening:
            each.result()
    assert server.end() in (0, 130)
    assert sum(browser.retries for browser in browsers) > 0
    answers = read_answers(tmp_path / "answers.sqlite")
    assert len(answers) == whole
    assert len({(each.listener, each.trial) for each in answers}) == whole
    store = AnswerStore(tmp_path / "answers.sqlite")
    numbers = [store.number(browser.id) for browser in browsers]
    assert sorted(numbers) == list(range(BROWSERS))  # type: ignore[type-var]
    stored = {(each.listener, each.trial): each.value for each in answers}
    for number, browser in zip(numbers, browsers, strict=True):
        assert {t: v for (who, t), v in stored.items() if who == number} == browser.confirmed
    store.close()
    done = CliRunner().invoke(app, ["listen-test", "analyse", str(tmp_path)])
    assert done.output.startswith("20 listeners, 20 finished, 0 left out\n")
    for better, worse in pairwise(ARMS[: study.arms]):
        assert f"{better} fits better than {worse}: p" in done.output


def of_taste(study: Study, dice: random.Random, trial: dict[str, Any]) -> int:
    """What somebody answers to a trial as the page is told it, who likes each arm a point more."""
    names = trial["sounds"]
    if trial["kind"] == "headphones":
        return 6
    beeps = [study.beeps.index(name) + 1 for name in names if name in study.beeps]
    if beeps:
        return beeps[0] if trial["kind"] == "rating" else 1 + (names[1] in study.beeps)
    worth = {name: 4.5 - arm for row in study.sounds for arm, name in enumerate(row)}
    felt = [worth[name] + dice.gauss(0, 0.5) for name in names]
    if trial["kind"] == "pair":
        return 1 + (felt[1] > felt[0])
    return min(5, max(1, round(felt[0])))


def test_who_comes_back_goes_on_where_they_were(served: Served) -> None:
    browser = Browser(served.port)
    first = browser.join()
    assert first["answered"] == {}
    assert [trial["kind"] for trial in first["trials"]][:4] == [
        *("headphones", "rating", "rating", "pair")
    ]
    browser.answer(0, 6)
    browser.answer(1, 4)
    again = Browser(served.port, browser.id).join()
    assert again == {**first, "answered": {"0": 6, "1": 4}}


def test_a_second_answer_to_a_trial_is_refused_and_a_retry_is_not(served: Served) -> None:
    browser = Browser(served.port)
    browser.join()
    told = {"listener": browser.id, "trial": 1, "id": "a" * 32, "value": 2}
    told = {**told, "seconds": 3, "plays": 1}
    kept = [ask(served.port, "POST", "/api/answers", told) for _ in range(3)]
    assert [(status, json.loads(body)["kept"]) for status, _, body in kept] == [
        *[(200, "stored"), (200, "known")],
        (200, "known"),
    ]
    other = {**told, "id": "b" * 32, "value": 5}
    status, _, body = ask(served.port, "POST", "/api/answers", other)
    assert (status, json.loads(body)["kept"]) == (409, "answered")
    assert browser.join()["answered"] == {"1": 2}


def test_a_full_disk_is_said_to_be_one_and_the_answer_is_taken_once_there_is_room(
    served: Served,
) -> None:
    browser, limit = Browser(served.port), resource.RLIMIT_FSIZE
    browser.join()
    pid = served.process.pid
    before = resource.prlimit(pid, limit)
    resource.prlimit(pid, limit, (1, before[1]))
    told = {**GOOD, "listener": browser.id, "id": "1" * 32}
    try:
        status, _, body = ask(served.port, "POST", "/api/answers", told)
        assert (status, json.loads(body)["error"][:9]) == (503, "not kept:")
        assert browser.join()["answered"] == {}
    finally:
        resource.prlimit(pid, limit, before)
    status, _, body = ask(served.port, "POST", "/api/answers", told)
    assert (status, json.loads(body)["kept"]) == (200, "stored")
    assert browser.join()["answered"] == {"1": 3}


def test_nothing_tells_a_listener_what_a_sound_is(served: Served) -> None:
    told = json.dumps(Browser(served.port).join())
    for word in ("human", "best", "naive", "another", "arm", "context"):
        assert word not in told
    trials = json.loads(told)["trials"]
    assert [
        trial["kind"] for trial in trials if "expected" in trial and not trial["practice"]
    ] == []
    for path in ("/key/key.json", "/audio/..%2fkey%2fkey.json", "/audio/key.json", "/study.json"):
        assert ask(served.port, "GET", path)[0] == 404


def test_sounds_and_the_page_are_served_with_their_kinds(served: Served) -> None:
    name = Browser(served.port).join()["trials"][1]["sounds"][0]
    status, headers, content = ask(served.port, "GET", f"/audio/{name}")
    assert (status, headers["content-type"]) == (200, "audio/flac")
    assert content == (served.folder / "audio" / name).read_bytes()
    status, headers, _ = ask(served.port, "GET", "/")
    assert (status, headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in headers["content-security-policy"]
    for part in Path("companion/listening/page").iterdir():
        assert ask(served.port, "GET", f"/page/{part.name}")[0] == 200


GOOD = {"listener": "c" * 32, "trial": 1, "id": "d" * 32, "value": 3, "seconds": 1.0, "plays": 1}


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"value": 6}, 400),
        ({"value": 0}, 400),
        ({"value": True}, 400),
        ({"value": "3"}, 400),
        ({"trial": -1}, 400),
        ({"trial": 10_000}, 400),
        ({"trial": 10**400}, 400),
        ({"seconds": float("nan")}, 400),
        ({"id": "d" * 33}, 400),
        ({"id": "x" * 32}, 400),
        ({"listener": "e" * 32}, 404),
        ({"more": 1}, 400),
    ],
    ids=str,
)
def test_an_answer_out_of_bounds_is_refused(served: Served, change: dict, status: int) -> None:
    Browser(served.port, GOOD["listener"]).join()
    assert ask(served.port, "POST", "/api/answers", {**GOOD, **change})[0] == status
    assert Browser(served.port, GOOD["listener"]).join()["answered"] == {}


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 400),
        (b"[" * 2000, 400),
        (b"[]", 400),
        (b"\xff\xfe", 400),
        (b" " * 5000, 413),
    ],
)
def test_what_is_no_answer_is_refused(served: Served, body: bytes, status: int) -> None:
    for path in ("/api/listeners", "/api/answers"):
        assert ask(served.port, "POST", path, body)[0] == status


def test_pages_of_other_sites_get_nothing(served: Served) -> None:
    body = {"id": "f" * 32}
    here = f"127.0.0.1:{served.port}"
    assert ask(served.port, "POST", "/api/listeners", body, Origin="http://evil.example")[0] == 403
    assert ask(served.port, "POST", "/api/listeners", body, Origin="null")[0] == 403
    for host in ("evil.example", "[", "", "127.0.0.1.evil.example"):
        assert ask(served.port, "GET", "/", Host=host)[0] == 403
    assert ask(served.port, "POST", "/api/listeners", body, Content_Type="text/plain")[0] == 415
    assert ask(served.port, "POST", "/api/listeners", body, Origin=f"http://{here}")[0] == 200


def test_only_the_owner_sees_how_far_it_is(served: Served) -> None:
    browser = Browser(served.port)
    browser.join()
    browser.answer(0, 6)
    assert ask(served.port, "GET", "/status")[0] == 403
    assert ask(served.port, "GET", "/status?token=" + "a" * 16)[0] == 403
    status, _, page = ask(served.port, "GET", served.owner)
    assert status == 200
    assert b"missing to 50" in page
    for word in (b"human", b"best", b"naive"):
        assert word not in page


def test_a_flood_of_answers_is_held_back(served: Served) -> None:
    browser = Browser(served.port)
    browser.join()
    told = {**GOOD, "listener": browser.id}
    codes = [ask(served.port, "POST", "/api/answers", told)[0] for _ in range(140)]
    assert codes[0] == 200
    assert 429 in codes


@pytest.mark.parametrize(
    ("host", "port", "message"),
    [("192.0.2.1", 0, "cannot listen on 192.0.2.1"), ("no.such.host.invalid", 0, "cannot listen")],
)
def test_an_address_that_is_not_here_is_named(
    tmp_path: Path, host: str, port: int, message: str
) -> None:
    write_study(tmp_path)
    with pytest.raises(CompanionError, match=message):
        serve(tmp_path, host, port, lambda line: None)


def test_there_is_nothing_to_serve_without_a_study(tmp_path: Path) -> None:
    with pytest.raises(CompanionError, match="a folder that listen-test make has written"):
        serve(tmp_path, "127.0.0.1", 0, lambda line: None)
    assert not (tmp_path / "answers.sqlite").exists()
