"""A take's log as any other program sees it: JSON, a line each, by the keys that are on disk."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def read_lines(path: Path) -> list[dict[str, Any]]:
    """Every whole line of a log."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n")[:-1]]
