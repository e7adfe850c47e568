"""Whether blocks keep coming is told by their counter and a clock alone."""

from __future__ import annotations

from companion.audio.memory import AudioMemory
from companion.audio.timebase import BlockWatch
from tests.companion.audio.driving import pass_time


def test_a_counter_that_moves_is_never_stalled_and_one_that_stands_is() -> None:
    memory = AudioMemory(8000, 0, ring_samples=1024)
    now_s = [0.0]
    watch = BlockWatch(memory, lambda: now_s[0])
    for _ in range(3):
        now_s[0] += 10.0
        pass_time(memory, 8)
        assert not watch.stalled
    now_s[0] += 0.5
    assert not watch.stalled
    now_s[0] += 0.1
    assert watch.stalled
    pass_time(memory, 8)
    assert not watch.stalled
