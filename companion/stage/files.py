"""The page's own files: read once, kept in memory, and nothing else is ever given out."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import dataclass, field
from hashlib import sha256
from importlib import resources
from importlib.resources.abc import Traversable

START = "index.html"
MEDIA_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
    "txt": "text/plain; charset=utf-8",
}
_INLINE = re.compile(r"<script type=\"importmap\">(.*?)</script>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class PageFile:
    """One file as it is sent."""

    content: bytes
    media_type: str
    headers: dict[str, str] = field(default_factory=dict)


class PageFiles:
    """Files by their path in a URL."""

    def __init__(self) -> None:
        """Read them all."""
        self._files = dict(_read(resources.files("companion.stage").joinpath("page"), "/"))
        self._files["/"] = self._files.pop(f"/{START}")

    def find(self, path: str) -> PageFile | None:
        """The file, or None."""
        return self._files.get(path)


def _read(folder: Traversable, path: str) -> list[tuple[str, PageFile]]:
    found: list[tuple[str, PageFile]] = []
    for each in folder.iterdir():
        if each.is_dir():
            found += _read(each, f"{path}{each.name}/")
            continue
        suffix = each.name.rsplit(".", 1)[-1]
        if suffix in MEDIA_TYPES:
            content = each.read_bytes()
            headers = _policy(content.decode()) if suffix == "html" else {}
            found.append((f"{path}{each.name}", PageFile(content, MEDIA_TYPES[suffix], headers)))
    return found


def _policy(page: str) -> dict[str, str]:
    """What a page may load: its own files, and the one script that stands in it."""
    hashes = [b64encode(sha256(each.encode()).digest()).decode() for each in _INLINE.findall(page)]
    scripts = " ".join(["'self'", *(f"'sha256-{each}'" for each in hashes)])
    return {
        "Content-Security-Policy": (
            f"default-src 'none'; script-src {scripts}; style-src 'self'; font-src 'self'; "
            "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
            "frame-ancestors 'none'"
        )
    }
