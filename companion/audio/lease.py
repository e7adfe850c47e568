"""A stream's right to move a memory: one at a time has it.

*Threading*: a lease may be opened and closed from any thread but the audio thread's; what the audio
thread does with it is told in ``companion.audio.callback``.
"""

from __future__ import annotations

import time
from typing import Protocol

import numpy as np
import numpy.typing as npt

from companion.audio import callback as layout
from companion.audio.machine import HOST_CLOCK

BUSY_LIMIT_S = 1.0  # a call takes microseconds, but its thread may have to wait for a processor
Slots = npt.NDArray[np.int64]


class Addressed(Protocol):
    """A memory block: ``AudioMemory``, or one of another process."""

    @property
    def address(self) -> int:
        """Where it is."""
        ...


class LeaseView:
    """A lease as whoever opens and closes it sees it; another process may have signed it."""

    def __init__(self, slots: Slots) -> None:
        """On int64 [LEASE_SLOTS]."""
        self._slots = slots

    @property
    def calls(self) -> int:
        """Calls of the callback so far, whether it was open or not."""
        return int(self._slots[layout.LEASE_CALLS])

    def open(self) -> None:
        """From the next block on the stream moves the memory; no other lease on it may be open."""
        self._slots[layout.LEASE_BLOCKS] = 0
        self._slots[layout.LEASE_OPEN] = 1

    def close(self, limit_s: float = BUSY_LIMIT_S) -> bool:
        """The stream moves the memory no longer; False if it does not come out of it in time."""
        self._slots[layout.LEASE_OPEN] = 0
        deadline_s = time.monotonic() + limit_s
        while self._slots[layout.LEASE_BUSY]:
            if time.monotonic() > deadline_s:
                return False
            time.sleep(0.0001)
        return True


class Lease(LeaseView):
    """What a stream hands to the callback; closed until it is opened.

    Args:
        memory: what it is a lease on; it lives as long as the lease.
        inputs, outputs: channels of the stream, at least 1.
        click: output channel, from 1, that has the click and nothing else; None: in the mix.
        slots: int64 [LEASE_SLOTS] to write it into; by default its own.
        host_clock: count what is missed by the host's clock; for a device that plays in real time.
        heard: how many of the inputs, the first ones, are listened to; by default all.

    Attributes:
        latency_s: what it adds to input and output, seconds.
    """

    latency_s: tuple[float, float] = 0.0, 0.0

    def __init__(
        self,
        memory: Addressed,
        inputs: int = 1,
        outputs: int = 1,
        click: int | None = None,
        slots: Slots | None = None,
        host_clock: bool = False,
        heard: int | None = None,
    ) -> None:
        if inputs < 1 or outputs < 1:
            raise ValueError(f"channels must be 1 or more, not {inputs} in, {outputs} out")
        if heard is not None and not 1 <= heard <= inputs:
            raise ValueError(f"{heard} inputs are listened to; valid: 1..{inputs}")
        if click is not None and not 2 <= click <= outputs:
            raise ValueError(f"click on channel {click}; valid: 2..{outputs}")
        super().__init__(np.zeros(layout.LEASE_SLOTS, np.int64) if slots is None else slots)
        self.memory = memory
        self._slots[:] = 0
        self._slots[layout.LEASE_MEMORY] = memory.address
        self._slots[layout.LEASE_INPUTS] = inputs
        self._slots[layout.LEASE_OUTPUTS] = outputs
        self._slots[layout.LEASE_CLICK] = -1 if click is None else click - 1
        self._slots[layout.LEASE_HEARD] = inputs if heard is None else heard
        self._slots[layout.LEASE_HOST_CLOCK] = host_clock and HOST_CLOCK

    @property
    def address(self) -> int:
        """For the callback's ``userData``. Keep the lease alive with it."""
        return int(self._slots.ctypes.data)
