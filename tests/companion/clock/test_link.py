"""Link without a network: the fake keeps the contract, and the source says what it hears."""

from __future__ import annotations

import sys
from collections.abc import Callable

import pytest

from companion.clock.link import LinkSource, open_link
from companion.system.errors import CompanionError
from tests.companion.clock.fake_link import FakeLinkNetwork, FakeLinkPort
from tests.companion.clock.link_contract import LinkContract, Studio
from tests.companion.clock.master import RATE, START_S, exact_host_time


class FakeStudio(Studio):
    def __init__(self) -> None:
        self.seconds = START_S
        self.network = FakeLinkNetwork(lambda: self.seconds)

    def join(self, bpm: float) -> FakeLinkPort:
        return self.network.join(bpm)

    def wait(self, until: Callable[[], bool]) -> None:
        end_s = self.seconds + 10
        while not until() and self.seconds < end_s:
            self.seconds += 0.01


class TestFake(LinkContract):
    @pytest.fixture
    def studio(self) -> FakeStudio:
        return FakeStudio()


def test_the_source_follows_and_stops_only_after_somebody_has_started() -> None:
    studio = FakeStudio()
    host_time = exact_host_time()
    other = studio.join(96.0)
    source = LinkSource(studio.join(120.0))
    studio.seconds += 5

    def read() -> tuple[float, float, bool]:
        reading = source.read(round(studio.seconds * RATE), host_time)
        return round(reading.beat, 3), round(reading.bpm, 3), reading.running

    assert read() == (8.0, 96.0, True)
    other.set_playing(True)
    assert read() == (8.0, 96.0, True)
    other.set_playing(False)
    assert read() == (8.0, 96.0, False)
    source.set_tempo(100.0)
    assert other.state().bpm == 100.0
    source.close()
    assert other.state().peers == 0


def test_alone_on_the_network_only_the_tempo_counts_and_our_beats_are_those_to_join() -> None:
    studio = FakeStudio()
    host_time = exact_host_time()
    source = LinkSource(studio.join(120.0))
    studio.seconds += 5
    reading = source.read(round(studio.seconds * RATE), host_time)
    assert (reading.lock, reading.bpm) == ("tempo", pytest.approx(120.0))
    source.set_beat(studio.seconds, 17.25)
    other = studio.join(90.0)
    assert (other.state().beat, other.state().bpm) == (pytest.approx(17.25), 120.0)
    assert source.read(round(studio.seconds * RATE), host_time).lock == "bar"
    source.set_beat(studio.seconds, 3.0)
    assert other.state().beat == pytest.approx(17.25)


def test_without_the_library_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "link", None)
    with pytest.raises(CompanionError, match=r'pip install "companion\[link\]"') as error:
        open_link(120.0, 4)
    assert len(str(error.value).splitlines()) == 1
