"""Patterns in OSC addresses, as OSC 1.0 has them, for one part of an address.

`?` is any character, `*` any number of them, `[a-c]` one of these, `[!a-c]` one of all others,
`{bass,keys}` one of these texts. A pattern is followed along a name with every way of reading it at
once, so that no pattern takes long.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

MOST_CHARACTERS = 500
"""Longer than all names together."""
_Step = Callable[[str, set[int]], set[int]]
"""From where a reading may be in a name to where it may be after this step of the pattern."""
_PIECES = re.compile(r"\[(?P<some>[^]]*)\]|\{(?P<texts>[^}]*)\}|(?P<one>.)", re.DOTALL)


def is_pattern(part: str) -> bool:
    """Whether a part of an address is more than a name."""
    return not set(part).isdisjoint("?*[]{}")


def matching(pattern: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names that match, in their order.

    Raises:
        ValueError: the pattern is none: a bracket without its other half, or it is too long.
    """
    steps = _steps(pattern)
    return tuple(name for name in names if _matches(steps, name))


def _matches(steps: list[_Step], name: str) -> bool:
    places = {0}
    for step in steps:
        places = step(name, places)
        if not places:
            return False
    return len(name) in places


def _steps(pattern: str) -> list[_Step]:
    if len(pattern) > MOST_CHARACTERS:
        raise ValueError(f"a pattern of {len(pattern)} characters; valid: {MOST_CHARACTERS}")
    steps = []
    for piece in _PIECES.finditer(pattern):
        some, texts, one = piece["some"], piece["texts"], piece["one"]
        if some is not None:
            steps.append(_one_of(some))
        elif texts is not None:
            steps.append(_texts(tuple(texts.split(","))))
        elif one in "[]{}":
            raise ValueError(f"a pattern whose {one} stands alone")
        else:
            steps.append(_anything if one == "*" else _any if one == "?" else _texts((one,)))
    return steps


def _anything(name: str, places: set[int]) -> set[int]:
    return set(range(min(places), len(name) + 1))


def _any(name: str, places: set[int]) -> set[int]:
    return {place + 1 for place in places if place < len(name)}


def _texts(texts: tuple[str, ...]) -> _Step:
    return lambda name, places: {
        place + len(text) for place in places for text in texts if name.startswith(text, place)
    }


def _one_of(characters: str) -> _Step:
    """`a-c`, `abc`, `!abc`; a minus at either end is a character like any other."""
    others = characters.startswith("!")
    ranges = re.findall(r"(.)-(.)|(.)", characters[others:], re.DOTALL)

    def among(character: str) -> bool:
        return any(
            character == single if single else min(first, last) <= character <= max(first, last)
            for first, last, single in ranges
        )

    return lambda name, places: {
        place + 1 for place in places if place < len(name) and among(name[place]) != others
    }
