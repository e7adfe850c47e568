"""The bundled weights: whether they are whole, and under which licence."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import Path

from companion.setup.finding import Finding

SUMS, CARD = "SHA256SUMS", "CARD.md"
AGAIN = "install the companion again"


def weights(folder: Path) -> Iterator[Finding]:
    """Each file that the sums name, as `sha256sum --check` would look at it."""
    try:
        sums = (folder / SUMS).read_text(encoding="utf-8")
        card = (folder / CARD).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        yield Finding("wrong", "weights", f"cannot be checked ({error})", AGAIN)
        return
    broken = [
        name
        for total, name in re.findall(r"^([0-9a-f]{64})  (\S+)$", sums, re.MULTILINE)
        if _sum(folder / name) != total
    ]
    if broken:
        said = f"{' and '.join(broken)} in {str(folder)!r} are not what was published"
        yield Finding("wrong", "weights", said, AGAIN)
        return
    licence = re.search(r"^Licence: ([\w.-]*\w)", card, re.MULTILINE)
    under = f", under {licence[1]}; see {CARD}" if licence else ""
    yield Finding("ok", "weights", f"whole{under}")


def _sum(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return hashlib.file_digest(opened, "sha256").hexdigest()
    except OSError:
        return ""
