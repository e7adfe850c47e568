"""The Link contract with Ableton's library, in a network of its own.

Run as ``python -m tests.rig.link_side`` in a private network namespace, whose only interface is the
loopback: nobody else's session is joined, and nobody joins ours.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import pytest

from companion.clock.link import LinkPort, open_link
from tests.companion.clock.link_contract import LinkContract, Studio


class RealStudio(Studio):
    def join(self, bpm: float) -> LinkPort:
        return open_link(bpm, 4)

    def wait(self, until: Callable[[], bool]) -> None:
        end_s = time.monotonic() + 10
        while not until() and time.monotonic() < end_s:
            time.sleep(0.02)


class TestReal(LinkContract):
    @pytest.fixture
    def studio(self) -> RealStudio:
        return RealStudio()


if __name__ == "__main__":
    sys.exit(pytest.main(["-q", "-p", "no:cacheprovider", __file__]))
