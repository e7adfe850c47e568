"""Who may come in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from companion.stage.door import Door, door_to
from companion.stage.place import Place

HOME = Door(Place("127.0.0.1", 8700), ("127.0.0.1", "localhost"), "")
OPEN = Door(Place("0.0.0.0", 8700), ("192.168.1.5", "stage.local"), "secret")


def test_on_this_machine_its_own_page_needs_no_token() -> None:
    for name in ("127.0.0.1:8700", "localhost:8700", "LOCALHOST:8700"):
        assert not HOME.refusal({"host": name}, "")
        assert not HOME.refusal({"host": name, "origin": f"http://{name}"}, "")


def test_a_name_that_was_made_to_mean_this_machine_is_refused() -> None:
    for host in ("evil.example:8700", "127.0.0.1.evil.example:8700", "127.0.0.1:8701", ""):
        assert HOME.refusal({"host": host}, "")
        assert OPEN.refusal({"host": host}, "secret")
    assert HOME.refusal({}, "")


def test_another_page_in_the_same_browser_is_refused() -> None:
    for origin in (
        "http://evil.example",
        "https://127.0.0.1:8700",
        "http://127.0.0.1:3000",
        "null",
        "",
    ):
        assert HOME.refusal({"host": "127.0.0.1:8700", "origin": origin}, "")


def test_on_the_network_everybody_needs_the_token() -> None:
    asked = {"host": "192.168.1.5:8700", "origin": "http://192.168.1.5:8700"}
    assert not OPEN.refusal(asked, "secret")
    for wrong in ("", "secre", "secret ", "SECRET", "sécret"):
        assert "token" in OPEN.refusal(asked, wrong)


@given(st.text(), st.text(), st.text())
def test_no_request_is_too_odd_to_be_refused(host: str, origin: str, token: str) -> None:
    assert OPEN.refusal({"host": host, "origin": origin}, token)


def test_the_address_for_others_has_the_token_and_every_jam_has_another() -> None:
    doors = [door_to(Place("192.168.1.5", 8700)) for _ in range(2)]
    for door in doors:
        assert door.url == f"http://192.168.1.5:8700/?token={door.token}"
        assert len(door.token) >= 16
    assert doors[0].token != doors[1].token
    assert door_to(Place("::1", 8700)).url == "http://[::1]:8700/"
