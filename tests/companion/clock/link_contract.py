"""What every client of a Link network promises, be it the fake or Ableton's library."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import pytest

from companion.clock.link import LinkPort, LinkState
from companion.system.errors import CompanionError

ALONE_S = 2.0
"""How long the first has been there before the second joins."""


class Studio(ABC):
    """A network of its own, and somebody who waits for it."""

    @abstractmethod
    def join(self, bpm: float) -> LinkPort:
        """Another client."""

    @abstractmethod
    def wait(self, until: Callable[[], bool]) -> None:
        """Until it is so, or for 10 s."""


class LinkContract:
    """Derived classes have a fixture `studio` that gives a `Studio`."""

    def together(self, studio: Studio, first: float, second: float) -> tuple[LinkPort, LinkPort]:
        one = studio.join(first)
        start_s = one.state().time_s
        # Two that joined at once would agree on the tempo of either.
        studio.wait(lambda: one.state().time_s > start_s + ALONE_S)
        assert (one.state().peers, one.state().bpm) == (0, pytest.approx(first))
        other = studio.join(second)
        studio.wait(lambda: (one.state().peers, other.state().peers) == (1, 1))
        studio.wait(lambda: other.state().bpm == pytest.approx(first))
        return one, other

    def apart_s(self, one: LinkPort, other: LinkPort) -> float:
        """How far their bars are apart, at the same monotonic time."""
        here, there = one.state(), other.state()
        beats = here.beat + (there.time_s - here.time_s) * here.bpm / 60 - there.beat
        return abs((beats + 2) % 4 - 2) * 60 / here.bpm

    def test_alone_it_keeps_its_own_tempo(self, studio: Studio) -> None:
        port = studio.join(101.5)
        state = port.state()
        assert (state.peers, state.playing) == (0, False)
        assert state.bpm == pytest.approx(101.5)
        port.close()

    def test_joining_takes_the_tempo_and_bar_of_those_who_are_there(self, studio: Studio) -> None:
        one, other = self.together(studio, 133.0, 90.0)
        assert one.state().bpm == pytest.approx(133.0)
        assert other.state().bpm == pytest.approx(133.0)
        studio.wait(lambda: self.apart_s(one, other) < 2e-3)
        assert self.apart_s(one, other) < 2e-3
        one.close()
        other.close()

    def test_who_is_alone_says_where_the_beats_lie(self, studio: Studio) -> None:
        one = studio.join(120.0)
        start_s = one.state().time_s
        studio.wait(lambda: one.state().time_s > start_s + ALONE_S)
        state = one.state()
        one.set_beat(state.time_s, state.beat + 1.5)
        moved = one.state()
        passed = (moved.time_s - state.time_s) * 2
        off = (moved.beat - state.beat - 1.5 - passed + 2) % 4 - 2
        assert off == pytest.approx(0.0, abs=5e-3)
        one.close()

    def test_a_tempo_that_one_sets_is_everybodys(self, studio: Studio) -> None:
        one, other = self.together(studio, 120.0, 120.0)
        other.set_tempo(97.0)
        studio.wait(lambda: one.state().bpm == pytest.approx(97.0))
        assert one.state().bpm == pytest.approx(97.0)
        studio.wait(lambda: self.apart_s(one, other) < 2e-3)
        assert self.apart_s(one, other) < 2e-3
        one.close()
        other.close()

    def test_start_and_stop_reach_everybody(self, studio: Studio) -> None:
        one, other = self.together(studio, 120.0, 120.0)
        for playing in (True, False):
            one.set_playing(playing)
            studio.wait(lambda playing=playing: other.state().playing is playing)
            assert other.state().playing is playing
        one.close()
        other.close()

    def test_who_has_left_is_gone(self, studio: Studio) -> None:
        one, other = self.together(studio, 120.0, 120.0)
        other.close()
        other.close()
        studio.wait(lambda: one.state().peers == 0)
        assert one.state().peers == 0
        with pytest.raises(CompanionError, match="has left the Link session"):
            other.state()
        one.close()

    def test_beats_go_on_at_the_tempo(self, studio: Studio) -> None:
        port = studio.join(150.0)
        first: LinkState = port.state()
        studio.wait(lambda: port.state().time_s > first.time_s + 0.8)
        last = port.state()
        passed = (last.beat - first.beat) * 60 / 150
        assert passed == pytest.approx(last.time_s - first.time_s, abs=2e-3)
        port.close()
