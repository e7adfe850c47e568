"""What was measured, a line a cell: a run that was killed goes on where it stopped."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any


class Ledger:
    """A file of JSON lines, each a cell and what was found for it."""

    def __init__(self, file: Path) -> None:
        """Read what there is. A last line that was cut off, as by a kill, counts for nothing."""
        self._file = file
        self._found: dict[str, dict[str, Any]] = {}
        text = file.read_text(encoding="utf-8") if file.exists() else ""
        # Whatever is appended begins a line of its own.
        self._cut = bool(text) and not text.endswith("\n")
        for line in text.splitlines():
            try:
                entry = json.loads(line)
            except json.JSONDecodeError:
                continue
            self._found[_key(entry["cell"])] = entry["found"]

    def __len__(self) -> int:
        """How many cells were measured."""
        return len(self._found)

    def measure(
        self, cell: Mapping[str, Any], work: Callable[[], Mapping[str, Any]]
    ) -> dict[str, Any]:
        """What was found for a cell; measured now, and on disk when this returns, if it is new.

        Args:
            cell: all that decides what is found, as JSON can say it: what is measured, the digest
                of the weights, the seed, the number of examples.
            work: measures it; what it returns can be told in JSON.
        """
        key = _key(cell)
        if key not in self._found:
            found = dict(work())
            self._file.parent.mkdir(parents=True, exist_ok=True)
            with self._file.open("a", encoding="utf-8") as out:
                line = json.dumps({"cell": cell, "found": found}, sort_keys=True)
                out.write("\n" * self._cut + line + "\n")
                out.flush()
                os.fsync(out.fileno())
            self._cut = False
            # As it will be read again, lists for tuples and all.
            self._found[key] = json.loads(line)["found"]
        return self._found[key]


def _key(cell: Mapping[str, Any]) -> str:
    return json.dumps(cell, sort_keys=True)
