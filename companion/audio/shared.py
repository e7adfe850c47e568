"""A stretch of memory that two processes see.

*Threading*: made and attached once, by whoever owns it; then plain memory.
"""

from __future__ import annotations

import mmap
import os
import sys
from multiprocessing import resource_tracker, shared_memory

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
_HAS_MEMFD = sys.platform == "linux"
"""A memory file has no name and no size limit of its own; it ends with the last who maps it."""


class SharedBlock:
    """A new block of zeros.

    Attributes:
        handle: what `AttachedBlock` finds it by, while this process lives.
        data: the bytes.
    """

    def __init__(self, size: int) -> None:
        """Map ``size`` bytes; OSError if there are not as many."""
        if _HAS_MEMFD:
            self._file = os.memfd_create("companion-audio")
            os.ftruncate(self._file, size)
            self.handle = f"/proc/{os.getpid()}/fd/{self._file}"
            self.data: Bytes = np.frombuffer(mmap.mmap(self._file, size), np.uint8)
            return
        self._named = shared_memory.SharedMemory(create=True, size=size)
        self.handle = self._named.name
        assert self._named.buf is not None
        self.data = np.frombuffer(self._named.buf, np.uint8)[:size]

    def __del__(self) -> None:
        # Who has it mapped keeps it; nobody finds it any more.
        if _HAS_MEMFD:
            if hasattr(self, "_file"):
                os.close(self._file)
        elif hasattr(self, "_named"):
            self._named.unlink()


class AttachedBlock:
    """Another process's block; every page is in place, so that no callback waits for one."""

    def __init__(self, handle: str, size: int) -> None:
        """Map it; OSError if it is not there."""
        if _HAS_MEMFD:
            file = os.open(handle, os.O_RDWR)
            try:
                whole = mmap.mmap(file, size, flags=mmap.MAP_SHARED | mmap.MAP_POPULATE)
            finally:
                os.close(file)
            self.data: Bytes = np.frombuffer(whole, np.uint8)
            return
        self._named = shared_memory.SharedMemory(handle)
        # It belongs to the other process: this one's end must not remove it.
        resource_tracker.unregister(self._named._name, "shared_memory")  # type: ignore[attr-defined]
        assert self._named.buf is not None
        self.data = np.frombuffer(self._named.buf, np.uint8)[:size]
        self.data[::4096].sum()

    @property
    def address(self) -> int:
        """Where this process has it."""
        return int(self.data.ctypes.data)
