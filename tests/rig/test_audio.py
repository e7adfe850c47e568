"""The duplex stream over a real PortAudio device: exact, and deaf to the interpreter."""

from __future__ import annotations

import os
import signal as signal_numbers
import time
from pathlib import Path

import numpy as np
import pytest

from tests.companion.audio.stream_contract import (
    LENGTH,
    SIGNAL_AT,
    THRESHOLD,
    Outcome,
    StreamContract,
    signal,
)
from tests.rig.feeder import Feeder
from tests.rig.jack import JackServer, RigError

SIDE = "tests.rig.companion_side"


class TestDuplexOverJack(StreamContract):
    """The same scene as offline, through PortAudio, JACK and another process."""

    @pytest.fixture(scope="class", params=[(48000, 256), (44100, 1024)], ids=str)
    @classmethod
    def outcome(
        cls, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
    ) -> Outcome:
        rate, period = request.param
        folder = tmp_path_factory.mktemp("duplex")
        result = folder / "memory.npz"
        with JackServer(folder, rate=rate, period=period) as server:
            feeder = Feeder(server, signal(), 60 * rate, THRESHOLD, SIGNAL_AT)
            companion = server.python("-m", SIDE, "contract", str(result))
            device = companion.expect("device")
            assert (device["rate"], device["output"]["name"]) == (rate, "system")
            feeder.wait_connected()
            companion.say("go")
            companion.expect("done")
            assert companion.wait() == 0
            recording = feeder.finish()
        assert recording.heard_at is not None
        assert recording.signal_at == recording.heard_at + SIGNAL_AT
        output = recording.output[recording.heard_at :][:LENGTH]
        np.testing.assert_array_equal(output[:, 0], output[:, 1])
        with np.load(result) as data:
            captured = data["captured"]
            return Outcome(
                rate=rate,
                output=output[:, 0],
                captured=captured,
                played=data["played"],
                round_trip=int(np.flatnonzero(captured)[0]) - SIGNAL_AT,
                zeroed=int(data["zeroed"]),
            )

    def test_the_round_trip_is_whole_blocks(self, outcome: Outcome) -> None:
        print(f"\nround trip at {outcome.rate} Hz: {outcome.round_trip} frames")
        assert outcome.round_trip > 0
        assert outcome.round_trip % 256 == 0


def test_a_thread_that_hogs_the_interpreter_loses_no_block(tmp_path: Path) -> None:
    with JackServer(tmp_path, real_time=True) as server:
        companion = server.python("-m", SIDE, "load")
        idle = companion.expect("idle")
        hogged = companion.expect("hogged")
        assert companion.wait() == 0
    for name, counted in (("idle, the floor", idle), ("hogged", hogged)):
        lost = counted["periods"] - counted["blocks"]
        print(
            f"\n{name}: {counted['blocks']} of {counted['periods']:.0f} periods, {lost:.0f} lost, "
            f"{counted['missed']:.0f} counted as missed, {counted['xruns']} marked as xruns",
            end="",
        )
    print(f"\nlock held {hogged['holds']} times, up to {1000 * hogged['longest_hold_s']:.0f} ms")
    # The machine itself wakes threads late now and then; a callback that had to wait for the
    # lock would run hardly at all.
    assert hogged["longest_hold_s"] > 0.02
    floor = idle["periods"] - idle["blocks"]
    assert hogged["periods"] - hogged["blocks"] <= floor + 0.05 * hogged["periods"]
    assert hogged["missed"] <= idle["missed"] + 0.05 * hogged["periods"]


def test_what_a_server_that_stood_still_has_cost_is_known_to_a_millisecond(tmp_path: Path) -> None:
    with JackServer(tmp_path, real_time=True) as server:
        companion = server.python("-m", SIDE, "stall")
        companion.expect("ready")
        for _ in range(3):
            os.kill(server.pid, signal_numbers.SIGSTOP)
            time.sleep(0.03)
            os.kill(server.pid, signal_numbers.SIGCONT)
            time.sleep(0.2)
        companion.say("go")
        lost_s, missed_s = companion.expect("cost_s")
        assert companion.wait() == 0
    print(f"\nlost {1000 * lost_s:.1f} ms, counted {1000 * missed_s:.1f} ms")
    assert lost_s > 0.05
    assert missed_s == pytest.approx(lost_s, abs=0.003)


def test_a_server_that_dies_is_noticed_and_let_go(jack_server: JackServer) -> None:
    companion = jack_server.python("-m", SIDE, "unplug")
    companion.expect("started")
    jack_server.kill()
    assert "stands still" in companion.expect("error")
    assert companion.expect("closed_after_s") < 10
    assert companion.wait() == 0


def test_a_stream_that_is_started_again_goes_on_where_it_was(jack_server: JackServer) -> None:
    companion = jack_server.python("-m", SIDE, "restart")
    first, stopped, still, again = companion.expect("positions")
    assert first <= stopped == still < again
    assert companion.wait() == 0


def test_devices_are_found_by_name(jack_server: JackServer) -> None:
    companion = jack_server.python("-m", SIDE, "choose", "SYS")
    chosen = companion.expect("chosen")
    assert companion.wait() == 0
    assert chosen["input"]["name"] == chosen["output"]["name"] == "system"
    assert chosen["rate"] == jack_server.rate
    companion = jack_server.python("-m", SIDE, "choose", "Scarlett")
    error = companion.expect("error")
    assert companion.wait() == 0
    assert error.startswith("there is no input device 'Scarlett'; valid are: 0 'system' (JACK")


def test_a_server_that_cannot_start_fails_the_test(tmp_path: Path) -> None:
    server = JackServer(tmp_path)
    server._command[server._command.index("dummy")] = "no-such-driver"
    with pytest.raises(RigError, match=r"jackd .* ended; its log"), server:
        pass
