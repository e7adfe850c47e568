"""Memory that two processes see."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from companion.audio.shared import AttachedBlock, SharedBlock

SIZE = 3 * 4096 + 17
OTHER_SIDE = """
import sys
from companion.audio.shared import AttachedBlock
block = AttachedBlock(sys.argv[1], int(sys.argv[2]))
assert len(block.data) == int(sys.argv[2]) and block.data[-1] == 7
block.data[0] = 5
"""


def test_a_new_block_is_zeros() -> None:
    assert not SharedBlock(SIZE).data.any()


def test_another_process_sees_and_is_seen() -> None:
    block = SharedBlock(SIZE)
    block.data[-1] = 7
    command = [sys.executable, "-c", OTHER_SIDE, block.handle, str(SIZE)]
    subprocess.run(command, check=True, timeout=60)
    assert block.data[0] == 5


def test_who_has_it_mapped_keeps_it_when_its_maker_has_gone() -> None:
    block = SharedBlock(SIZE)
    attached = AttachedBlock(block.handle, SIZE)
    block.data[:] = np.arange(SIZE) % 251
    handle = block.handle
    del block
    np.testing.assert_array_equal(attached.data, np.arange(SIZE) % 251)
    with pytest.raises(OSError):
        AttachedBlock(handle, SIZE)
