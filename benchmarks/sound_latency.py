"""How long level and mute take to the sound and guidance to the plan: by CC, by OSC, by the page.

    python -m benchmarks.sound_latency
    python -m benchmarks.sound_latency --turns 200 --period 128

A session plays through a JACK server of its own in real time. Its generator plays one constant
level and takes no time, so that any change of the output is a change of the gain. Outside, in a
process of its own, is a JACK client that plays noise into the companion and hears its output; it
sends a CC, an OSC message or what the page would send, and looks for the first frame after it that
is another than before by `CHANGED`. Both moments are frames of the server's clock: when it was sent
is the frame that the server is at (`jack_frame_time`), the sound is the frame that leaves the
output port. What the sound device adds to that is not in it. The gain takes 10 ms for a step of 1;
the first frame that is changed is the first of these, to within 0.2 ms.

When the knob's store had the value, and when the first request was made for a plan that carries a
guidance, is written down in the session's process by the machine's monotonic clock. Beside it
stand the requests made after the store had the value that did not carry it: at most those that were
being made in that moment.

Needs `jackd2`. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import socket
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from pythonosc.osc_message_builder import build_msg
from websockets.sync.client import connect

from companion.control.midi import open_midi
from companion.control.midi_mapping import MidiMapping
from companion.control.midi_port import is_own, open_client
from companion.control.osc import OscServer
from companion.control.parameters import BY_NAME, Parameter
from companion.control.preset import MidiPreset, OscPreset
from companion.device.wire import Wanted
from companion.generate.inline import InlineWorker
from companion.generate.loading import Loading
from companion.generate.standin import StandInDecoding, StandInGenerator
from companion.session.rig import open_device
from companion.session.session import Session
from companion.stage.stage import Stage
from model.request import StemRequest, StemResult
from tests.companion.studio import solo
from tests.rig.jack import JackServer

RATE, PLAYER = 48_000, "bass"
STEADY, CHANGED = 0.25, 0.004
NOISE = 0.1
WAYS = ("CC", "OSC", "page")
CCS = {"level": 7, "mute": 29, "guidance_audio": 20}
TURNS: dict[str, tuple[tuple[int, float | bool], ...]] = {
    "level": ((0, -60.0), (115, 0.0)),
    "mute": ((127, True), (0, False)),
}
"""A knob's positions, as a controller and as everybody else says them."""
PAUSE_S, PATIENCE_S = 0.15, 3.0
JOINED_S = 60.0


# --- outside: a process of its own ---------------------------------------------------------------


class Outside:
    """Plays noise into the companion, hears it, and has all three ways to its knobs.

    *Threading*: JACK's thread appends what is heard; the main thread reads it.
    """

    def __init__(self, osc_port: int, url: str) -> None:
        import jack

        # First: rtmidi holds the interpreter while it opens, and JACK's thread would wait for that.
        self._midi = open_client(output=True, name="outside-midi")
        ports = enumerate(self._midi.get_ports())
        self._midi.open_port(
            next(n for n, name in ports if is_own(name) and "knobs" in name), "out"
        )
        self.client = jack.Client("outside", no_start_server=True)
        self._hears = self.client.inports.register("in")
        self._plays = self.client.outports.register("out")
        self._heard: list[tuple[int, np.ndarray]] = []  # first frame, and samples, of each block
        self._noise = NOISE * np.random.default_rng(1).standard_normal(8192).astype(np.float32)
        self.xruns = 0
        self.client.set_process_callback(self._process)
        self.client.set_xrun_callback(self._xrun)
        self.client.activate()
        (out, *_), ins = self._found("out", True), self._found("in", False)
        self.client.connect(out, self._hears)
        for port in ins:
            self.client.connect(self._plays, port)
        self._osc = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._osc.connect(("127.0.0.1", osc_port))
        origin: Any = url.rstrip("/")
        self._page = connect(f"ws{origin[4:]}/socket", origin=origin, max_size=None)
        threading.Thread(target=self._read_page, daemon=True).start()

    def send(self, way: str, knob: str, position: int, value: float | bool) -> None:
        """Turn a knob."""
        if way == "CC":
            self._midi.send_message([0xB0, CCS[knob], position])
        elif way == "OSC":
            argument = int(value) if isinstance(value, bool) else value
            self._osc.send(build_msg(BY_NAME[knob].address(PLAYER), [argument]).dgram)
        else:
            self._page.send(json.dumps({"set": knob, "player": PLAYER, "value": value}))

    def changed_at(self, sent: int) -> int | None:
        """The first frame after this one that is another than before; None if it stays."""
        give_up_s = time.monotonic() + PATIENCE_S
        before = float("nan")
        while time.monotonic() < give_up_s:
            time.sleep(0.005)
            for first, block in list(self._heard):
                if np.isnan(before):
                    before = float(block[0])
                other = np.flatnonzero(np.abs(block - before) > CHANGED)
                if len(other) and first + int(other[0]) >= sent:
                    return first + int(other[0])
        return None

    def settled(self, sounds: bool) -> None:
        """Wait until the output is steady, the player's level or silence; then listen anew."""
        give_up_s = time.monotonic() + JOINED_S
        while time.monotonic() < give_up_s:
            self._heard.clear()
            time.sleep(PAUSE_S)
            blocks = np.concatenate([np.zeros(0), *(block for _, block in list(self._heard))])
            steady = len(blocks) > 0 and np.ptp(blocks) < CHANGED / 4
            if steady and (blocks[-1] > STEADY / 2) == sounds:
                self._heard.clear()
                return
        raise SystemExit(f"the output is never steady; valid: {STEADY if sounds else 0.0}")

    def close(self) -> None:
        """Go."""
        self.client.deactivate()
        self.client.close()
        self._midi.close_port()
        self._midi.delete()

    def _process(self, frames: int) -> None:
        self._heard.append((self.client.last_frame_time, self._hears.get_array().copy()))
        self._plays.get_array()[:] = self._noise[:frames]

    def _xrun(self, _: float) -> None:
        self.xruns += 1

    def _found(self, ends: str, output: bool) -> list[Any]:
        give_up_s = time.monotonic() + JOINED_S
        name = rf"^PortAudio.*:{ends}_[0-9]+$"
        while not (found := self.client.get_ports(name, is_output=output, is_input=not output)):
            if time.monotonic() > give_up_s:
                raise SystemExit("the companion has no port")
            time.sleep(0.01)
        return list(found)

    def _read_page(self) -> None:
        for _ in self._page:
            pass


def outside(osc_port: int, url: str, turns: int) -> None:
    """What the process of its own does: turn knobs, and tell of each when and what was heard."""
    there, die = Outside(osc_port, url), random.Random(1)
    sys.stdin.readline()  # once it sounds
    turned: list[dict[str, Any]] = []

    def turn(way: str, knob: str, position: int, value: float | bool, listen: bool) -> None:
        time.sleep(die.uniform(0.0, 0.05))
        sent, sent_s = there.client.frame_time, time.monotonic()
        there.send(way, knob, position, value)
        frame = there.changed_at(sent) if listen else None
        frames = None if frame is None else frame - sent
        told = {"way": way, "knob": knob, "sent_s": sent_s, "value": value, "frames": frames}
        turned.append(told)

    for _ in range(0, turns, 2):
        for way in WAYS:
            for knob, places in TURNS.items():
                for place in places:
                    there.settled(sounds=place == places[0])
                    turn(way, knob, *place, listen=True)
    for number in range(turns * len(WAYS)):
        time.sleep(PAUSE_S)
        position = 1 + number % 126
        value = float(BY_NAME["guidance_audio"].at(position / 127))
        turn(WAYS[number % len(WAYS)], "guidance_audio", position, value, listen=False)
    time.sleep(PAUSE_S)
    there.close()
    print(json.dumps({"told": {"turned": turned, "xruns": there.xruns}}), flush=True)


# --- the companion -------------------------------------------------------------------------------


class Steady(StandInGenerator):
    """Plays one level all the time."""

    def start(self, request: StemRequest) -> StandInDecoding:
        """Begin a stem of it."""
        return _Level(request)


class _Level(StandInDecoding):
    def result(self) -> StemResult:
        made = super().result()
        audio = np.full_like(made.audio, STEADY)
        return StemResult(made.tokens, audio, steps=made.steps, passes=made.passes)


class Asked(InlineWorker):
    """Writes down when it was asked for which guidance."""

    def __init__(self) -> None:
        super().__init__(Loading(Steady))
        self.guidance: list[tuple[float, float]] = []  # monotonic seconds, of the audio

    def submit(self, plan: int, requests: Sequence[StemRequest], *more: Any, **named: Any) -> None:
        """Make the plan now."""
        self.guidance += [(time.monotonic(), each.guidance["audio"]) for each in requests]
        super().submit(plan, requests, *more, **named)


class Playing(NamedTuple):
    """A session that plays, and what was written down of it."""

    osc_port: int
    url: str
    asked: Asked
    stored: list[tuple[str, Any, float]]  # knob, value, and when the store had it


@contextmanager
def playing(period: int) -> Iterator[Playing]:
    """A session on the sound device, with all three ways to its knobs."""
    preset = solo(PLAYER, bpm=Fraction(120), knobs={"cycle": 1}, bars=100_000)
    store, asked, stored = preset.store(), Asked(), list[tuple[str, Any, float]]()
    put = store._put

    def stamped(knob: Parameter, player: str | None, value: Any, *more: Any) -> None:
        put(knob, player, value, *more)
        stored.append((knob.name, value, time.monotonic()))

    store._put = stamped  # type: ignore[method-assign]
    mappings = tuple(MidiMapping(number, knob, PLAYER, 1) for knob, number in CCS.items())
    rig = open_device(1, Wanted(), period)
    rig.stream.start()
    with ExitStack() as opened:
        opened.enter_context(closing(open_midi(store, MidiPreset(None, mappings))))
        server = opened.enter_context(closing(OscServer(store, OscPreset(port=0))))
        stage = opened.enter_context(Stage("127.0.0.1:0"))
        session = Session(preset, rig, asked, store)
        session.prepare()
        thread = threading.Thread(target=session.run, args=(stage.attach(session),))
        thread.start()
        try:
            yield Playing(server.port, stage.url, asked, stored)
        finally:
            session.stop()
            thread.join()


def until_it_sounds(heard: Playing) -> None:
    """A bar is listened to first."""
    give_up_s = time.monotonic() + JOINED_S
    while not heard.asked.guidance:
        if time.monotonic() > give_up_s:
            raise SystemExit("no plan was asked for")
        time.sleep(0.05)
    time.sleep(5.0)


def say(what: str, spans_ms: Sequence[float], missing: int, period: int | None = None) -> None:
    """One line of a distribution."""
    if not spans_ms:
        print(f"{what:34} none of {missing}")
        return
    p50, p99, most = np.percentile(spans_ms, [50, 99, 100])
    blocks = (
        ""
        if period is None
        else "  in blocks {:.2f}, {:.2f}".format(
            *(each * RATE / 1000 / period for each in (p50, p99))
        )
    )
    lost = f", {missing} never came" if missing else ""
    print(f"{what:34} p50 {p50:6.2f} ms  p99 {p99:6.2f} ms  most {most:6.2f} ms{blocks}{lost}")


def report(turned: Sequence[dict[str, Any]], heard: Playing, period: int) -> None:
    """Print what became of every turn."""
    for way in WAYS:
        for knob in CCS:
            turns = [each for each in turned if (each["way"], each["knob"]) == (way, knob)]
            store, sound, rest, plan, without = [list[float]() for _ in range(5)]
            for turn in turns:
                at_s = first_s(heard.stored, turn)
                if at_s is None:
                    continue
                store.append(1000 * (at_s - turn["sent_s"]))
                if turn["frames"] is not None:
                    sound.append(1000 * turn["frames"] / RATE)
                    rest.append(sound[-1] - store[-1])
                if knob == "guidance_audio":
                    later = [each for each in heard.asked.guidance if each[0] >= at_s]
                    carries = (n for n, (_, value) in enumerate(later) if is_near(value, turn))
                    if (number := next(carries, None)) is not None:
                        plan.append(1000 * (later[number][0] - turn["sent_s"]))
                        without.append(number)
            say(f"{knob} by {way} to the store", store, len(turns) - len(store))
            if knob == "guidance_audio":
                say("  to the plan that carries it", plan, len(turns) - len(plan))
                print(f"  plans asked for before it, after the store had it: {sum(without):.0f}")
            else:
                say("  to the sound", sound, len(turns) - len(sound), period)
                say("  from the store to the sound", rest, len(turns) - len(rest), period)


def first_s(stored: Sequence[tuple[str, Any, float]], turn: dict[str, Any]) -> float | None:
    """When the store had what was sent."""
    of = (at_s for name, value, at_s in stored if name == turn["knob"] and is_near(value, turn))
    return next((at_s for at_s in of if at_s >= turn["sent_s"]), None)


def is_near(value: Any, turn: dict[str, Any]) -> bool:
    """Whether this is the value that was sent, but for the digits of OSC."""
    return bool(abs(float(value) - float(turn["value"])) < 1e-4)


def main() -> None:
    """Measure and print."""
    if sys.argv[1:2] == ["outside"]:
        outside(int(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
        return
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--turns", type=int, default=100, help="of each knob, each way")
    parser.add_argument("--period", type=int, default=256, help="frames of a block")
    asked = parser.parse_args()
    with (
        tempfile.TemporaryDirectory() as folder,
        JackServer(Path(folder), real_time=True, rate=RATE, period=asked.period) as server,
    ):
        os.environ.update(server.environment)
        with playing(asked.period) as heard:
            words = ["outside", str(heard.osc_port), heard.url, str(asked.turns)]
            child = server.python("-m", "benchmarks.sound_latency", *words)
            until_it_sounds(heard)
            child.say("now")
            told = child.expect("told", JOINED_S + 5 * PATIENCE_S * asked.turns)
            child.wait()
        report(told["turned"], heard, asked.period)
    print(f"xruns: {told['xruns']}; load: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
