"""Where the page is served."""

from __future__ import annotations

import socket

import pytest

from companion.stage.place import PORT, Place, listen, looks_like_a_place, reached_by, read_place
from companion.system.errors import CompanionError


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("127.0.0.1", Place("127.0.0.1", PORT)),
        ("localhost:9", Place("127.0.0.1", 9)),
        ("0.0.0.0:8701", Place("0.0.0.0", 8701)),
        ("[::1]:0", Place("::1", 0)),
        (" 192.168.1.5 ", Place("192.168.1.5", PORT)),
    ],
)
def test_a_place_is_an_address_and_perhaps_a_port(text: str, place: Place) -> None:
    assert read_place(text) == place
    assert looks_like_a_place(text)


@pytest.mark.parametrize("text", ["", "band", "0.0.0.0:", "0.0.0.0:65536", "1.2.3", "::1:80:x"])
def test_anything_else_is_an_error_that_shows_one(text: str) -> None:
    with pytest.raises(CompanionError, match=r"^stage is .*; valid: .*0\.0\.0\.0"):
        read_place(text)


@pytest.mark.parametrize("word", ["band", "mine.yaml", "--bars", "", "drums-2.yaml"])
def test_a_preset_is_not_taken_for_a_place(word: str) -> None:
    assert not looks_like_a_place(word)


@pytest.mark.parametrize("word", ["1.2.3", "0.0.0.0:x", "localhost:x"])
def test_a_place_with_a_slip_is_not_taken_for_a_preset(word: str) -> None:
    assert looks_like_a_place(word)


def test_only_loopback_is_closed_to_others() -> None:
    assert not Place("127.0.0.1", 1).is_open
    assert not Place("::1", 1).is_open
    assert Place("0.0.0.0", 1).is_open
    assert Place("192.168.1.5", 1).is_open


def test_a_port_that_is_taken_is_named() -> None:
    first, place = listen(Place("127.0.0.1", 0))
    with first, pytest.raises(CompanionError, match=rf"127\.0\.0\.1:{place.port} \(Addr.*valid: "):
        listen(place)


def test_it_can_be_reached_by_what_it_listens_on() -> None:
    listener, place = listen(Place("127.0.0.1", 0))
    with listener:
        assert place.port
        for name in reached_by(place):
            socket.create_connection((name, place.port), 5).close()


def test_on_all_networks_it_is_reached_by_numbers_and_by_its_own_name() -> None:
    names = reached_by(Place("0.0.0.0", 1))
    assert {"127.0.0.1", "localhost", socket.gethostname()} <= set(names)
    assert "0.0.0.0" not in names
