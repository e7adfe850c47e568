"""What a device is called: its port's name without the numbers that change when it is plugged in.

Of two devices of one name the second is told apart by its place, `nanoKONTROL2 #2`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

_NUMBERS = re.compile(r"\s+\d+:\d+$|(?<=\w)-\d\d(?=:)| \[\d+\](?= \()")
"""ALSA's behind a name, JACK's behind the second program of a name, a2jmidid's in the middle."""
_PLACE = re.compile(r"^(.*?)(?: #(\d+))?$", re.DOTALL)


def device_names(ports: Iterable[str]) -> dict[str, str]:
    """The device at each port, by the port's name."""
    seen: Counter[str] = Counter()
    devices = {}
    for port in ports:
        name = _NUMBERS.sub("", port)
        seen[name.casefold()] += 1
        place = seen[name.casefold()]
        devices[port] = name if place == 1 else f"{name} #{place}"
    return devices


def is_meant(wanted: str | None, device: str) -> bool:
    """Whether a device is the one that is wanted: by a part of its name, whatever its case.

    A place is compared if one is wanted; a whole name without a place is that of the first.
    """
    if wanted is None:
        return True
    part, place = _split(wanted)
    name, at = _split(device)
    if place is None and part == name:
        place = 1
    return part in name and place in (None, at or 1)


def _split(name: str) -> tuple[str, int | None]:
    found = _PLACE.match(name.casefold())
    assert found is not None, "everything matches"
    return found[1], None if found[2] is None else int(found[2])
