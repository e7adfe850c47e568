"""What an examination finds, a line each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Grade = Literal["ok", "note", "wrong"]
"""How it is: good, good enough to play, or not."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    grade: Grade
    about: str  # what was looked at
    said: str  # how it is
    do: str = ""  # what to do about it; empty where nothing is to be done

    @property
    def line(self) -> str:
        """All of it, for a person."""
        what = f"{self.grade:6}{self.about}: {self.said}"
        return f"{what}; {self.do}" if self.do else what
