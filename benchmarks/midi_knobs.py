"""How long a controller's message takes to its knob, and what becomes of a flood of them.

    python -m benchmarks.midi_knobs [--seconds 60]

Through real ports, as JACK (or the system's MIDI) has them; a second client of this process sends.
First single messages, from the call that sends to the store that has the value, beside what the
port alone takes; then 5,000 a second, some cut off and some of no meaning among them. What the port
itself drops is counted apart: every control's last value that came in has to be in the store.

JACK drops messages by itself. A period that a client has not finished when the next one begins is
begun anew: the sender's buffer is emptied before the late receiver has read it. So beside each
message that never came out of the port stands how many of them JACK told an xrun within
`XRUN_S` of; those are the machine's, the shorter the period the more. One that came out and turned
no knob would be ours, and ends the benchmark.
"""

from __future__ import annotations

import argparse
import random
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any, NamedTuple, Self

import jack
import numpy as np

from companion.control.midi import MidiInput, open_midi
from companion.control.midi_mapping import MidiMapping
from companion.control.midi_message import Move
from companion.control.midi_port import is_own, open_client
from companion.control.midi_ports import KNOBS
from companion.control.preset import MidiPreset
from companion.control.store import ParameterStore

CC = 0xB0
SINGLE = 1000
RATE_HZ = 5000
CONTROLS = (20, 21, 22, 23)
MAPPINGS = tuple(
    MidiMapping(number, knob, "bass", 1)
    for number, knob in zip(
        CONTROLS,
        ("guidance_audio", "guidance_instrument", "guidance_clock", "temperature"),
        strict=True,
    )
)
BATCH_S = 0.002
MOST_AT_ONCE = 40
"""A port of JACK takes no more than some dozens in a period."""
LIMIT_S = 5.0
DROPPED_S = 1.0
"""A message that has not come out of the port by then never does."""
XRUN_S = 0.05


class Xruns:
    """When JACK told of an xrun, while in use as a context; never where there is no JACK.

    Ports are opened and closed before and after: rtmidi holds the interpreter meanwhile, and JACK
    would wait for the thread that is to hear of an xrun.

    *Threading*: JACK's notification thread appends, anybody reads.
    """

    def __init__(self) -> None:
        self.at_s: list[float] = []
        self._client: jack.Client | None = None

    def __enter__(self) -> Self:
        with suppress(jack.JackOpenError):
            self._client = jack.Client("xruns", no_start_server=True)
            self._client.set_xrun_callback(lambda _: self.at_s.append(time.perf_counter()))
            self._client.activate()
        return self

    def __exit__(self, *_: object) -> None:
        if self._client is not None:
            self._client.deactivate()
            self._client.close()

    def beside(self, sent_s: float) -> bool:
        """Whether one was told soon after a message was sent."""
        return any(sent_s <= at_s < sent_s + XRUN_S for at_s in self.at_s)


class Sent(NamedTuple):
    """How single messages went."""

    took_ms: list[float]
    dropped_s: list[float]  # when those were sent that never came out of the port

    def words(self, xruns: Xruns) -> str:
        """One line."""
        p50, p99 = np.percentile(self.took_ms, [50, 99])
        told = f"p50 {p50:.2f} ms  p99 {p99:.2f} ms  max {max(self.took_ms):.2f} ms"
        beside = sum(map(xruns.beside, self.dropped_s))
        return f"{told}; dropped by the port: {len(self.dropped_s)} of {SINGLE}, {beside} by xruns"


def connected(ours: Callable[[str], bool]) -> Any:
    """A sender that is connected to the port that is ours."""
    sender = open_client(output=True, name="benchmark")
    sender.open_port(next(n for n, name in enumerate(sender.get_ports()) if ours(name)), "out")
    time.sleep(0.5)
    return sender


def sent_until(
    sender: Any, arrived: Callable[[int], bool], out: Callable[[int], bool] | None = None
) -> Sent:
    """Send single messages, one after the other has arrived.

    Args:
        sender: sends them.
        arrived: whether the one with this value has arrived.
        out: whether it has come out of the port, where that is something else.
    """
    took, dropped, die = list[float](), list[float](), random.Random(1)
    number = 0
    while len(took) + len(dropped) < SINGLE:
        time.sleep(die.uniform(0.002, 0.02))
        value, number = number % 2 * 127, number + 1
        began_s = time.perf_counter()
        sender.send_message([CC, CONTROLS[0], value])
        while not (there := arrived(value)):
            waited_s = time.perf_counter() - began_s
            if waited_s > DROPPED_S and not (out or arrived)(value):
                break
            if waited_s > LIMIT_S:
                raise SystemExit("a message came out of the port and turned no knob")
            time.sleep(0.0001)
        if there:
            took.append(1000 * (time.perf_counter() - began_s))
        else:
            dropped.append(began_s)
            number -= 1  # the same once more: the other would change nothing
    return Sent(took, dropped)


def port_alone() -> str:
    """The same with nobody but the port between."""
    port = open_client(name="alone")
    port.open_virtual_port("in")
    sender = connected(lambda name: name.startswith("alone"))
    with Xruns() as xruns:
        words = sent_until(sender, lambda _: port.get_message() is not None).words(xruns)
    for client in (sender, port):
        client.close_port()
        client.delete()
    return words


def flood(sender: Any, store: ParameterStore, midi: MidiInput, seconds: float) -> None:
    """Send as fast as that; print what was lost and whether memory grew."""
    die, arrived = random.Random(2), dict.fromkeys(CONTROLS, 0)
    came = 0

    def note(_: str, move: Move, __: float) -> bool:
        nonlocal came
        came += move.control.kind in ("cc", "note")
        if move.control.kind == "cc":
            arrived[move.control.number] = move.value
        return False

    midi.knobs.listen(note)
    kept, sent, meant, began_s = [], 0, 0, time.monotonic()
    while (now_s := time.monotonic()) < began_s + seconds:
        for _ in range(min(MOST_AT_ONCE, round((now_s - began_s) * RATE_HZ) - sent)):
            value, kind = die.randrange(128), die.random()
            if kind < 0.05:
                sender.send_message([CC, die.choice(CONTROLS)])  # cut off
            elif kind < 0.1:
                sender.send_message([0x90 | die.randrange(16), die.randrange(128), value])
            else:
                sender.send_message([CC, die.choice(CONTROLS), value])
            sent += 1
            meant += kind >= 0.05
        store.drain()
        if now_s > began_s + (len(kept) + 1) * seconds / 5:
            kept.append(sys.getallocatedblocks())
        time.sleep(BATCH_S)
    time.sleep(1.0)
    values = store.snapshot("bass")
    lost = sum(values[m.parameter] != m.scale.value(arrived[m.number] / 127) for m in MAPPINGS)
    print(f"flood: {sent / seconds:.0f} a second for {seconds:g} s; last values lost: {lost}")
    print(f"  dropped by the port: {meant - came} of {meant}")
    print(f"  blocks of memory at each fifth: {', '.join(map(str, kept))}")


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    seconds = parser.parse_args().seconds
    print(f"the port alone: {port_alone()}")
    store = ParameterStore({}, {"bass": {}})
    with closing(open_midi(store, MidiPreset(None, MAPPINGS))) as midi:
        sender = connected(lambda name: is_own(name) and name.endswith(f":{KNOBS}"))
        knob = MAPPINGS[0].parameter
        arrived = lambda value: store.snapshot("bass")[knob] == value / 127 * 6  # noqa: E731
        came: list[float] = []  # what came out of the port last

        def note(_: str, move: Move, __: float) -> bool:
            came[:] = [move.value]
            return False

        midi.knobs.listen(note)
        out = lambda value: came == [value]  # noqa: E731
        with Xruns() as xruns:
            print(f"CC to the store: {sent_until(sender, arrived, out).words(xruns)}")
        flood(sender, store, midi, seconds)
        sender.close_port()
        sender.delete()


if __name__ == "__main__":
    main()
