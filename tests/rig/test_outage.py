"""The sound server is killed while the companion plays, and comes back: the music is in time."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest

from tests.rig.jack import Child, JackServer
from tests.rig.outage_side import TICK_S

SIDE, LISTENER = "tests.rig.outage_side", "tests.rig.listener"
DOWN_S = 2.0
NOTICED_S = 0.5
PHASE_S = 0.004
RECOVERED_S = 6.0  # with the server's own start; far less on a machine that is not busy


def phase_s(ticks: list[float]) -> float:
    """Where the ticks lie in their quarter second, seconds."""
    assert len(ticks) >= 4
    turns = np.exp(2j * np.pi * np.array(ticks) / TICK_S)
    return float(np.angle(turns.mean()) / (2 * np.pi) * TICK_S)


def sounds_s(side: Child) -> float:
    """When the side says that its frame 0 sounded."""
    side.say("")
    return side.expect("zero_s")


def listen(server: JackServer) -> list[float]:
    listener = server.python("-m", LISTENER, "2.5")
    ticks = listener.expect("ticks")
    assert listener.wait() == 0
    return ticks


class TestKilled:
    """`kill -9` of a running server, another one two seconds later."""

    @pytest.mark.parametrize(("rate", "period"), [(48_000, 256), (44_100, 1024)], ids=str)
    def test_ticks_go_on_where_they_would_have_been(
        self, tmp_path: Path, rate: int, period: int
    ) -> None:
        with JackServer(tmp_path, real_time=True) as server:
            side: Child = server.python("-m", SIDE)
            side.expect("started")
            before, zero_s = listen(server), sounds_s(side)
            killed_s = time.monotonic()
            server.kill()
            lost = side.expect("lost")
            noticed_s = time.monotonic() - killed_s
            time.sleep(max(0.0, DOWN_S - (time.monotonic() - killed_s)))
            server.start(rate, period)
            up_s = time.monotonic()
            side.expect("latency")
            returned_s = time.monotonic()
            back = side.expect("back")
            after, zero_after_s = listen(server), sounds_s(side)
            side.close_input()
            end = side.expect("end")
            assert side.wait() == 0
        off_s = (phase_s(after) - phase_s(before) + TICK_S / 2) % TICK_S - TICK_S / 2
        slipped_s = zero_after_s - zero_s  # a busy machine loses a period now and then
        print(
            f"\n{rate} Hz, {period} frames: noticed after {noticed_s:.2f} s, playing again "
            f"{returned_s - up_s:.2f} s after the server was up, {back['seconds']:.2f} s without; "
            f"ticks {1000 * off_s:+.2f} ms off at the output, of which "
            f"{1000 * slipped_s:+.2f} ms are periods lost while it played; {back['detail']}"
        )
        assert noticed_s < NOTICED_S
        assert returned_s - up_s < RECOVERED_S
        assert abs(back["off_s"]) < PHASE_S
        assert abs(off_s - slipped_s) < PHASE_S
        assert end == {"whole": False, "away": False}
        assert lost["position"] < back["position"]
