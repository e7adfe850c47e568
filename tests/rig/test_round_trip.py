"""The round trip over JACK: to the sample, at each opening, and kept."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.rig.jack import JackServer

pytestmark = pytest.mark.side_by_side  # the server waits for everybody
SIDE, LOOP = "tests.rig.trip_side", "tests.rig.loop"


def opening(server: JackServer, delay: int | None, config: Path) -> dict[str, Any]:
    """Open, with a cable of so many frames or none; what was measured."""
    server.environment["COMPANION_CONFIG"] = str(config)
    side = server.python("-m", SIDE, "start")
    side.expect("opened")
    if delay is not None:
        loop = server.python("-m", LOOP, str(delay))
        loop.expect("plugged")
    side.say("go")
    told = side.expect("latency")
    assert side.wait() == 0
    if delay is not None:
        loop.close_input()
        loop.wait()
        # A single sample that was played is performed on the frame it was played on.
        assert told["truth"] == told["samples"]
        assert told["performed"] > 0.5
    return told


@pytest.fixture
def config(tmp_path: Path) -> Path:
    return tmp_path / "config"


def test_it_is_measured_to_the_sample_at_each_opening(tmp_path: Path, config: Path) -> None:
    with JackServer(tmp_path) as server:
        trips = [opening(server, delay, config) for delay in (0, 1, 777)]
    samples = [trip["samples"] for trip in trips]
    print(f"\nround trips with cables of 0, 1 and 777 frames: {samples}")
    assert {trip["source"] for trip in trips} == {"measured"}
    assert [trip - samples[0] for trip in samples] == [0, 1, 777]


def test_without_a_way_back_it_is_what_the_system_says(tmp_path: Path, config: Path) -> None:
    with JackServer(tmp_path) as server:
        told = opening(server, None, config)
    assert (told["source"], told["samples"]) == ("reported", 3 * 256)


def test_a_latency_that_is_drawn_anew_is_caught(tmp_path: Path, config: Path) -> None:
    with JackServer(tmp_path) as server:
        server.environment["COMPANION_CONFIG"] = str(config)
        loop = server.python("-m", LOOP, "100")
        side = server.python("-m", SIDE, "calibrate")
        loop.expect("plugged")
        found = side.expect("found")
        assert side.wait() == 0
        loop.close_input()
        loop.wait()
        same = opening(server, 100, config)
        server.kill()
        server.start(period=1024)
        other = opening(server, 100, config)
        alone = opening(server, None, config)
    print(f"\ncalibrated {found}; then {same}; with a period of 1024 {other}; no cable {alone}")
    assert same["samples"] == found["round_trip_samples"]
    assert same["warning"] == ""
    assert other["source"] == "measured"
    assert f"{found['round_trip_samples']} when it was calibrated" in other["warning"]
    assert alone["source"] == "calibrated"
    assert "run: companion calibrate" in alone["warning"]
