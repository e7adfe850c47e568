"""What a request brings, bounded: its size, its keys, their kinds."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import ClientDisconnect, Request

MOST_BYTES = 2048
ID = re.compile(r"[0-9a-f]{32}")


class Refused(Exception):
    """What a request gets that cannot be done: a status and one line."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


async def read_body(request: Request, kinds: Mapping[str, type]) -> dict[str, Any]:
    """The JSON of a request: these keys, of these kinds."""
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        raise Refused(415, "valid: application/json")
    content = bytearray()
    try:
        async for chunk in request.stream():
            content += chunk
            if len(content) > MOST_BYTES:
                raise Refused(413, f"valid: {MOST_BYTES} bytes at most")
    except ClientDisconnect as error:
        raise Refused(400, "the sender has gone") from error
    try:
        told = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "valid: JSON") from error
    if not isinstance(told, dict) or told.keys() != kinds.keys():
        raise Refused(400, f"valid: the keys {', '.join(kinds)}")
    for key, kind in kinds.items():
        value = told[key]
        if isinstance(value, bool) or not isinstance(
            value, (int, float) if kind is float else kind
        ):
            raise Refused(400, f"{key} is no {kind.__name__}")
        if isinstance(value, (int, float)) and not abs(value) < 1e9:  # NaN is not
            raise Refused(400, f"{key} is out of range")
    return told


def checked_id(text: str) -> str:
    """An id that a listener or an answer goes by; Refused if it is none."""
    if not ID.fullmatch(text):
        raise Refused(400, "valid: an id of 32 hexadecimal digits")
    return text
