"""The waves: what was played, and what is to come."""

from __future__ import annotations

import numpy as np

from companion.audio.aligned_input import AlignedInput
from companion.audio.memory import AudioMemory
from companion.audio.offline import OfflineStream
from companion.stage.peaks import AHEAD, KEPT, Peaks, Stretch

RATE = 8_000
HOP = RATE // 50


class Lanes:
    """What a page would have kept of them."""

    def __init__(self, lanes: int) -> None:
        self.kept = [np.full(4 * KEPT, -1) for _ in range(lanes)]

    def take(self, stretches: list[Stretch]) -> None:
        for each in stretches:
            found = np.frombuffer(each.peaks, np.uint8)
            self.kept[each.lane][each.first : each.first + len(found)] = found


def rig(seconds: float = 10.0, trip: int = 0) -> tuple[AudioMemory, OfflineStream, Peaks]:
    memory = AudioMemory(RATE, 2, ring_samples=1 << 18)
    loud = np.repeat(np.linspace(0, 1, round(seconds * 50)), HOP).astype(np.float32)
    stream = OfflineStream(memory, loud)
    return memory, stream, Peaks(memory, AlignedInput(memory, trip))


def test_the_past_is_what_was_heard_column_by_column() -> None:
    memory, stream, peaks = rig()
    page = Lanes(3)
    for seconds in (0.5, 0.51, 0.533, 2.0):
        stream.advance(round(seconds * RATE))
        page.take(peaks.advance([None, None], [1.0, 1.0]))
    columns = memory.position // HOP
    told = page.kept[0][:columns]
    assert np.allclose(told, 255 * np.sqrt(np.arange(columns) / 499), atol=1)
    assert page.kept[0][columns] == -1


def test_the_input_lies_where_it_was_played_along() -> None:
    _, stream, peaks = rig(trip=5 * HOP)
    stream.advance(RATE)
    page = Lanes(3)
    page.take(peaks.advance([None, None], [1.0, 1.0]))
    assert page.kept[0][20] == round(255 * np.sqrt(25 / 499))
    assert page.kept[0][44] >= 0 > page.kept[0][45]


def test_what_is_laid_is_seen_before_it_sounds_at_the_players_level() -> None:
    memory, stream, peaks = rig()
    stream.advance(RATE)
    page = Lanes(3)
    page.take(peaks.advance(["nothing", "nothing"], [1.0, 0.25]))
    memory.write(2, 3 * RATE, np.full(RATE, 0.64, np.float32))
    page.take(peaks.advance(["nothing", "a plan"], [1.0, 0.25]))
    assert not page.kept[1][60:300].any()
    assert not page.kept[2][60:150].any()
    assert np.all(page.kept[2][150:200] == round(255 * np.sqrt(0.64 * 0.25)))
    assert not page.kept[2][200 : 52 + AHEAD - 10].any()


def test_what_changes_unsaid_is_seen_half_a_second_later() -> None:
    memory, stream, peaks = rig()
    stream.advance(RATE)
    page = Lanes(3)
    page.take(peaks.advance([None, None], [1.0, 1.0]))
    memory.write(1, 3 * RATE, np.ones(RATE, np.float32))
    page.take(peaks.advance([None, None], [1.0, 1.0]))
    assert not page.kept[1][150:200].any()
    stream.advance(RATE + RATE // 2 + HOP)
    page.take(peaks.advance([None, None], [1.0, 1.0]))
    assert page.kept[1][150:200].all()


def test_who_comes_later_is_told_the_same() -> None:
    memory, stream, peaks = rig()
    early, late = Lanes(3), Lanes(3)
    memory.write(1, RATE // 2, np.full(2 * RATE, 0.5, np.float32))
    for step in range(1, 40):
        stream.advance(step * RATE // 30)
        early.take(peaks.advance([step // 10, None], [1.0, 1.0]))
    late.take(peaks.all())
    for one, other in zip(early.kept, late.kept, strict=True):
        known = (one >= 0) & (other >= 0)
        assert known.sum() > 60
        assert np.array_equal(one[known], other[known])
    assert not (late.kept[0] >= 0)[memory.position // HOP + 1 :].any()


def test_a_set_longer_than_what_is_kept_shows_no_old_columns() -> None:
    memory, stream, peaks = rig(2 * KEPT / 50)
    page = Lanes(3)
    for second in range(1, round(1.9 * KEPT / 50)):
        stream.advance(second * RATE)
        peaks.advance([None, None], [1.0, 1.0])
    page.take(peaks.all())
    now = memory.position // HOP
    assert not page.kept[1][now + 2 : now + AHEAD].any()
    assert (page.kept[0] >= 0).sum() <= KEPT
