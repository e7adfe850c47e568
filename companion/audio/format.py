"""What a stream of sound may be like: its rate, and how much of it comes at once."""

from __future__ import annotations

from companion.system.errors import CompanionError
from model.grid import FRAME_RATE

BLOCK_SAMPLES = 256
"""What a device is asked for at a time, where nobody says otherwise."""


def check_rate(rate: float, of: str = "") -> int:
    """The rate as a whole number of Hz, if a codec frame is whole samples of it.

    Args:
        rate: device sample rate, Hz.
        of: whose rate it is, for the message.

    Raises:
        CompanionError: it is not a positive multiple of 50.
    """
    if rate <= 0 or rate % FRAME_RATE:
        raise CompanionError(
            f"sample rate {rate:g} Hz{of} cannot be used; it must be a multiple of "
            f"{FRAME_RATE} Hz (44100, 48000 and 96000 are)"
        )
    return int(rate)
