"""The answers of a study: each is on the disk before anybody is told that it is.

SQLite with a write-ahead log, synchronised at each commit. An answer has an id that its sender
chose: sent again, it is known, and a second answer to the same trial is refused, so that none
counts twice. Nothing is kept of who the listeners are.

*Threading*: any thread may call anything and waits until it is done; one does at a time.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from companion.system.errors import CompanionError

Kept = Literal["stored", "known", "answered"]
"""A new answer; the same once more; another answer to a trial that has one, which stays."""
MOST_LISTENERS = 10_000
_TABLES = """
CREATE TABLE IF NOT EXISTS listeners (
    id TEXT PRIMARY KEY,
    number INTEGER NOT NULL UNIQUE
) STRICT;
CREATE TABLE IF NOT EXISTS answers (
    listener INTEGER NOT NULL REFERENCES listeners (number),
    trial INTEGER NOT NULL,
    id TEXT NOT NULL UNIQUE,
    value INTEGER NOT NULL,
    seconds REAL NOT NULL,
    plays INTEGER NOT NULL,
    stored_s REAL NOT NULL,
    PRIMARY KEY (listener, trial)
) STRICT;
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a listener answered to a trial.

    Attributes:
        listener: number, from 0 up.
        trial: place in `companion.listening.design.trials_of`.
        value: see `Trial.answers`.
        id: chosen by the sender.
        seconds: from when the trial was shown.
        plays: how often its sounds were played.
    """

    listener: int
    trial: int
    value: int
    id: str
    seconds: float = 0.0
    plays: int = 0


class TooManyListeners(CompanionError):
    """The study has as many as it may have."""


class AnswerStore:
    """The file of answers."""

    def __init__(self, path: Path) -> None:
        """Open it, or make it; CompanionError if it is something else or cannot be written."""
        self._lock = threading.Lock()
        try:
            self._connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(_TABLES)
        except sqlite3.Error as error:
            raise CompanionError(
                f"answers cannot be kept in {str(path)!r} ({error}); valid: a file of answers, "
                "on a disk with room"
            ) from error

    def join(self, id: str) -> int:
        """The number of a listener with an id that it chose; the next one if the id is new.

        Raises:
            TooManyListeners: there are as many as there may be.
        """
        with self._lock, self._connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            known = self._number(id)
            if known is not None:
                return known
            (number,) = connection.execute("SELECT count(*) FROM listeners").fetchone()
            if number >= MOST_LISTENERS:
                raise TooManyListeners(
                    f"the study has {number} listeners; valid: {MOST_LISTENERS} at most"
                )
            connection.execute("INSERT INTO listeners VALUES (?, ?)", (id, number))
            return int(number)

    def number(self, id: str) -> int | None:
        """The number of a listener; None if nobody has joined under that id."""
        with self._lock:
            return self._number(id)

    def keep(self, answer: Answer) -> Kept:
        """Put an answer on the disk; it is there when this returns.

        Raises:
            sqlite3.Error: it could not be put there.
        """
        row = (
            *(answer.listener, answer.trial, answer.id, answer.value),
            *(answer.seconds, answer.plays, time.time()),
        )
        with self._lock:
            try:
                self._connection.execute("INSERT INTO answers VALUES (?, ?, ?, ?, ?, ?, ?)", row)
            except sqlite3.IntegrityError:
                same = self._connection.execute(
                    "SELECT count(*) FROM answers "
                    "WHERE (listener, trial, id, value) = (?, ?, ?, ?)",
                    row[:4],
                )
                return "known" if same.fetchone()[0] else "answered"
            return "stored"

    def of(self, listener: int) -> dict[int, int]:
        """What a listener has answered: value by trial."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT trial, value FROM answers WHERE listener = ?", (listener,)
            ).fetchall()
        return dict(rows)

    def all(self) -> list[Answer]:
        """Every answer, by listener and trial."""
        with self._lock:
            rows = self._connection.execute(
                "SELECT listener, trial, value, id, seconds, plays FROM answers "
                "ORDER BY listener, trial"
            ).fetchall()
        return [Answer(*row) for row in rows]

    def close(self) -> None:
        """End; what was kept stays. Any number of times."""
        with self._lock:
            self._connection.close()

    def _number(self, id: str) -> int | None:
        row = self._connection.execute(
            "SELECT number FROM listeners WHERE id = ?", (id,)
        ).fetchone()
        return None if row is None else int(row[0])


def read_answers(path: Path) -> list[Answer]:
    """Every answer in a file of them; CompanionError if there is none."""
    if not path.is_file():
        raise CompanionError(f"{str(path)!r} is missing; valid: a study that was served")
    store = AnswerStore(path)
    try:
        return store.all()
    finally:
        store.close()
