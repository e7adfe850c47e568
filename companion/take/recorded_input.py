"""What the players of a take listened to, from its files and events: for a replay.

*Threading*: belongs to the thread that replays.
"""

from __future__ import annotations

from pathlib import Path

from companion.audio.aligned_input import Gaps, Look
from companion.audio.memory import AudioMemory, Samples
from companion.system.errors import CompanionError
from companion.take.recorder import ECHO_NAME, INPUT_NAME
from companion.take.recover import UNEVEN_S
from companion.take.wave_file import open_recorded


class HeardInput:
    """What the players listened to; where there was no device it is not kept.

    A plan hears up to the position, a round trip behind what had been placed by then.

    Attributes:
        position: stream samples before it are heard.
        gaps: without a device.
    """

    def __init__(self, memory: AudioMemory, first: int) -> None:
        """Nothing heard yet.

        Args:
            memory: the one that the recorded input plays into.
            first: stream sample that the take begins with.
        """
        self._memory, self._first = memory, first
        self.position = 0
        self.gaps: Gaps = ()

    def look(self) -> Look:
        """What had been heard then."""
        return Look(self._memory, self.position, self._first, self.gaps)


def read_heard(folder: Path) -> Samples:
    """The input, without what was taken out of it; as far as both go.

    CompanionError if what was taken out ends long before.
    """
    heard = _read(folder / f"{INPUT_NAME}.wav")
    path = folder / f"{ECHO_NAME}.wav"
    if not path.exists():
        return heard
    echo = _read(path)
    both = min(len(heard), len(echo))
    with open_recorded(path) as file:
        rate = file.samplerate
    if both < len(heard) - UNEVEN_S * rate:
        raise CompanionError(
            f"{str(path)!r} has {len(echo)} samples, {INPUT_NAME}.wav {len(heard)}; "
            "valid: a take that was ended, or mended by `companion recover`"
        )
    return heard[:both] - echo[:both]


def _read(path: Path) -> Samples:
    with open_recorded(path) as file:
        return file.read(dtype="float32")
