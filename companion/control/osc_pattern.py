"""Patterns in OSC addresses, as OSC 1.0 has them, for one part of an address.

`?` is any character, `*` any number of them, `[a-c]` one of these, `[!a-c]` one of all others,
`{bass,keys}` one of these texts. A pattern is followed along a name with every way of reading it at
once, so that no pattern takes long.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

MOST_CHARACTERS = 500
"""Longer than all names together."""
_PIECES = re.compile(r"\[(?P<some>[^]]*)\]|\{(?P<texts>[^}]*)\}|(?P<one>.)", re.DOTALL)
_Piece = tuple[re.Pattern[str], ...] | None
"""What may stand at this place of a name, each in full; None for any number of characters."""


def is_pattern(part: str) -> bool:
    """Whether a part of an address is more than a name."""
    return not set(part).isdisjoint("?*[]{}")


def matching(pattern: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names that match, in their order.

    ValueError for a pattern that is none: a bracket without its other half, or too long.
    """
    if len(pattern) > MOST_CHARACTERS:
        raise ValueError(f"a pattern of {len(pattern)} characters; valid: {MOST_CHARACTERS}")
    pieces = [_piece(found) for found in _PIECES.finditer(pattern)]
    return tuple(name for name in names if _matches(pieces, name))


def _matches(pieces: list[_Piece], name: str) -> bool:
    places = {0}  # where readings of the pattern may be in the name
    for piece in pieces:
        if not places:
            return False
        if piece is None:
            places = set(range(min(places), len(name) + 1))
        else:
            found = (each.match(name, place) for place in places for each in piece)
            places = {each.end() for each in found if each is not None}
    return len(name) in places


def _piece(found: re.Match[str]) -> _Piece:
    if found["some"] is not None:
        return (_one_of(found["some"]),)
    if found["texts"] is not None:
        return tuple(re.compile(re.escape(text)) for text in found["texts"].split(","))
    if found["one"] in "[]{}":
        raise ValueError(f"a pattern whose {found['one']} stands alone")
    if found["one"] == "*":
        return None
    return (re.compile("." if found["one"] == "?" else re.escape(found["one"]), re.DOTALL),)


def _one_of(characters: str) -> re.Pattern[str]:
    """`a-c`, `abc`, `!abc`; a minus at either end is a character like any other."""
    others = characters.startswith("!")
    ranges = re.findall(r"(.)-(.)|(.)", characters[others:], re.DOTALL)
    if not ranges:
        return re.compile("." if others else "(?!)", re.DOTALL)
    ends = [(one, one) if one else sorted((first, last)) for first, last, one in ranges]
    among = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in ends)
    return re.compile(f"[{'^' * others}{among}]", re.DOTALL)
