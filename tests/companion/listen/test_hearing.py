"""How far a plan hears depends on the sample it hears up to, and on nothing else."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from companion.audio.aligned_input import Look
from companion.clock.transport import Transport
from companion.listen.hearing import Hearing
from companion.listen.retimed_input import HEARD_S, RetimedInput
from companion.system.errors import CompanionError

RATE = 8000


class Everything:
    """A source that keeps all it ever heard; each sample tells its number."""

    def __init__(self) -> None:
        self.position = 0

    def look(self) -> Look:
        return Look(self, self.position)

    def capture(self, start: int, n: int) -> np.ndarray:
        return np.arange(start, start + n, dtype=np.float32)


def test_it_hears_up_to_where_it_looked_and_38_seconds_back() -> None:
    source = Everything()
    source.position = 100 * RATE
    transport = Transport(RATE, Fraction(120), 0)
    hearing = Hearing(source.look, transport)
    hearing.look()
    source.position = 110 * RATE
    assert hearing.heard.position == 100 * RATE
    oldest = round((100 - HEARD_S) * RATE)
    retimed = RetimedInput(hearing.heard, transport, transport.grid())
    np.testing.assert_array_equal(retimed.capture(oldest, 3), oldest + np.arange(3))
    with pytest.raises(CompanionError, match="long ago"):
        retimed.capture(oldest - 1, 3)
