from __future__ import annotations

import pytest

from companion.remote.place import PORT, ServedAt, read_served_at
from companion.system.errors import CompanionError


@pytest.mark.parametrize(
    ("text", "place", "is_here"),
    [
        ("box", ServedAt("box", PORT), False),
        ("box.local:9", ServedAt("box.local", 9), False),
        ("127.0.0.1", ServedAt("127.0.0.1", PORT), True),
        ("localhost:8000", ServedAt("localhost", 8000), True),
        ("[::1]:8000", ServedAt("::1", 8000), True),
        ("0.0.0.0", ServedAt("0.0.0.0", PORT), False),
    ],
)
def test_a_place_is_a_host_and_perhaps_a_port(text: str, place: ServedAt, is_here: bool) -> None:
    read = read_served_at(text, "remote")
    assert read == place and read.is_here == is_here
    assert read_served_at(str(read), "remote") == read


@pytest.mark.parametrize("text", ["", "box:", "box:0", "box:65536", "a b", "http://box", "::1"])
def test_what_is_no_place_is_named(text: str) -> None:
    with pytest.raises(CompanionError, match=f"remote is {text!r}; valid: a name or an address"):
        read_served_at(text, "remote")
