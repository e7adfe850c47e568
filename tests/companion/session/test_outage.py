"""A lost device is told as long as it is away, once, whatever else is said of it meanwhile."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import pytest

from companion.clock.transport import Transport
from companion.device.event import News
from companion.players.journal import Journal
from companion.session.outage import Outage

RATE = 32_000


@dataclass
class Stream:
    """A device whose news the test writes."""

    away: bool = False
    news: list[News] = field(default_factory=list)

    def drain(self) -> list[News]:
        news, self.news = self.news, []
        return news


class AlignedInput:
    gaps: tuple[Any, ...] = ()


class World:
    def __init__(self) -> None:
        self.stream, self.told = Stream(), list[str]()
        transport = Transport(RATE, Fraction(120), 0)
        self.outage = Outage(
            self.stream,
            AlignedInput(),  # type: ignore[arg-type]
            transport,
            Journal(None, transport, 0),
            self.told.append,
        )

    def hears(self, *news: News) -> str:
        self.stream.news += news
        self.outage.tick(0)
        return self.outage.trouble


def test_that_it_is_gone_is_said_until_it_is_back_also_when_it_cannot_be_opened_again() -> None:
    world = World()
    gone = "'USB' is gone: playing on without it"
    assert world.hears(News("lost", gone, 0)) == gone
    for why in ("there is no input device 'USB'", "there is no sound device with an input"):
        assert world.hears(News("lost", why, 0)) == f"{gone} ({why})"
    assert world.outage.times == 1 and world.told == []
    assert world.hears(News("back", "on the line it left", 0, 2.0)) == ""
    assert world.told == ["back after 2.00 s, on the line it left"]
    assert world.hears(News("lost", gone, 0)) == gone
    assert world.outage.times == 2


@pytest.mark.parametrize("notable", [False, True])
def test_of_the_round_trip_only_what_is_notable_is_told(notable: bool) -> None:
    world = World()
    detail = "round trip: 812 samples; a sign in the text decides nothing"
    assert world.hears(News("latency", detail, 0, notable=notable)) == ""
    assert world.told == ([detail] if notable else [])
