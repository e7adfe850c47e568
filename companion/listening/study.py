"""What lies in the folder of a study.

study.json      which sounds there are: those of a context in a row, a column a condition, but
                which is which is not in it
audio/          the sounds, under names that tell nothing
key/            key.json says what the rows and columns are; the stems as they were made. Nobody
                needs it before the analysis: it can be kept elsewhere until then
answers.sqlite  what listeners answered
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from companion.listening.conditions import BY_NAME
from companion.system.errors import CompanionError, one_line
from companion.system.json_value import made, plain
from companion.system.whole import new_file

FORMAT = 1
STUDY, KEY, AUDIO, ANSWERS = "study.json", "key/key.json", "audio", "answers.sqlite"
STEMS = "key/stems"
SOUND = re.compile(r"[0-9a-f]{16}\.flac")
BEEPS = 5
"""In a check so many beeps at most: as many as there are points on the scale."""
Kind = TypeVar("Kind")


@dataclass(frozen=True, slots=True)
class Study:
    """What listeners hear.

    Attributes:
        sounds: names in `audio/`; a row a context, a column an arm, which is a condition.
        beeps: names of sounds with 1, 2, ... 5 beeps over them.
        plain: name of a sound without any.
        seconds: length of each.
        checks_right: who has fewer of the four checks right than this is left out of the analysis.
            It is fixed before the first answer is given; who answers by chance gets so many in 1 of
            18 cases.
        format: of this file.
    """

    sounds: tuple[tuple[str, ...], ...]
    beeps: tuple[str, ...]
    plain: str
    seconds: float
    checks_right: int = 3
    format: int = FORMAT

    def __post_init__(self) -> None:
        """ValueError where it is not a study that listeners could be given."""
        arms = {len(row) for row in self.sounds}
        if self.format != FORMAT:
            raise ValueError(f"format is {self.format}; valid: {FORMAT}")
        if len(self.sounds) < 2 or len(arms) != 1 or min(arms) < 2 or len(self.beeps) != BEEPS:
            raise ValueError("it lacks sounds; valid: two contexts and two conditions at least")
        for name in self.names:
            if not SOUND.fullmatch(name):
                raise ValueError(f"sound is {name!r}; valid: 16 hexadecimal digits and .flac")

    @property
    def contexts(self) -> int:
        """How many there are."""
        return len(self.sounds)

    @property
    def arms(self) -> int:
        """How many conditions there are."""
        return len(self.sounds[0])

    @property
    def names(self) -> frozenset[str]:
        """Of all sounds."""
        return frozenset((*(name for row in self.sounds for name in row), *self.beeps, self.plain))


@dataclass(frozen=True, slots=True)
class Key:
    """What the rows and columns of a study are.

    Attributes:
        contexts: name of each row's.
        arms: name of each column's condition.
        silent: "context, condition" for each stem that hardly sounds.
        recipe: digest of what the study was made of.
    """

    contexts: tuple[str, ...]
    arms: tuple[str, ...]
    silent: tuple[str, ...]
    recipe: str

    def __post_init__(self) -> None:
        """ValueError for a condition that is none."""
        for arm in self.arms:
            if arm not in BY_NAME:
                raise ValueError(f"condition is {arm!r}; valid: {', '.join(BY_NAME)}")


def read_study(folder: Path) -> Study:
    """The study in a folder; CompanionError if there is none."""
    return _read(folder / STUDY, Study, "a folder that listen-test make has written")


def read_key(folder: Path) -> Key:
    """The key of the study in a folder; CompanionError if it is not there."""
    return _read(folder / KEY, Key, "the key that listen-test make wrote, put back at its place")


def write_json(path: Path, content: Study | Key) -> None:
    """Put a study or its key at its place, whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    told: Mapping[str, object] = plain(content, False)
    with new_file(path, 0) as put:
        put((json.dumps(told, indent=1) + "\n").encode())


def _read(path: Path, kind: type[Kind], valid: str) -> Kind:
    try:
        return made(kind, json.loads(path.read_text(encoding="utf-8")), exact=True)
    except OSError as error:
        raise CompanionError(
            f"cannot read {str(path)!r} ({error.strerror}); valid: {valid}"
        ) from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise CompanionError(f"{path} is not whole ({one_line(error)}); valid: {valid}") from error
