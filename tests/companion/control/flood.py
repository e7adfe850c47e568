"""A flood of OSC from a process of its own, and what became of it.

Most packets turn knobs, one in ten is random or cut short, some are bundles dated ahead, and four
programs have subscribed. At the end each knob is sent its last value once, among others that are
broken: these must stand.

``python -m tests.companion.control.flood PORT SECONDS RATE SEED`` is that process.
"""

from __future__ import annotations

import random
import resource
import socket
import struct
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from pythonosc.osc_message_builder import build_msg

from companion.control.osc import OscServer
from companion.control.osc_out import OscSender
from companion.control.osc_packet import SINCE_1900_S
from companion.control.osc_turning import all_knob_messages
from companion.control.parameters import PARAMETERS
from companion.control.preset import OscPreset
from companion.control.store import ParameterStore

PLAYERS = ("bass", "drums", "keys")
KNOBS = [
    (knob, player)
    for knob in PARAMETERS
    if knob.kind in ("number", "whole") and knob.name != "bpm"
    for player in ((None,) if knob.scope == "rig" else PLAYERS)
]
BROKEN_SHARE, DATED_SHARE = 0.1, 0.02
SUBSCRIBERS = 4
MOST_AT_ONCE = 500
"""Packets, where the sender was held up."""
SETTLED_S = 10.0
"""How long the last values may take to arrive."""
TICK_S = 0.01
ROOT = Path(__file__).parents[3]


@dataclass(frozen=True, slots=True)
class Told:
    """How a flood went."""

    sent: int  # packets, of which `broken` were no OSC
    broken: int
    seconds: float
    taken: int  # messages that turned a knob
    refused: int
    lost: int  # knobs whose last value does not stand
    grown_kb: int  # memory, from after the first second on
    alive: bool  # whether the server still answers


def broken_packet(dice: random.Random) -> bytes:
    """Random bytes, a message that was cut, or one with a byte that is another."""
    whole = bytearray(message(dice))
    match dice.randrange(3):
        case 0:
            return dice.randbytes(dice.randrange(400))
        case 1:
            return bytes(whole[: dice.randrange(len(whole))])
    whole[dice.randrange(8)] ^= 1 << dice.randrange(8)  # within the root: it turns nothing
    return bytes(whole)


def message(dice: random.Random) -> bytes:
    """A knob and any of its values."""
    knob, player = dice.choice(KNOBS)
    return build_msg(knob.address(player), [dice.uniform(knob.minimum, knob.maximum)]).dgram


def dated(dice: random.Random) -> bytes:
    """A bundle that is dated up to a second ahead; the tempo is in it, no other knob."""
    tag = round((time.time() + dice.random() + SINCE_1900_S) * 2**32)
    inner = build_msg("/companion/bpm", [dice.uniform(60, 200)]).dgram
    return b"#bundle\0" + struct.pack(">Q", tag) + struct.pack(">i", len(inner)) + inner


def send(port: int, seconds: float, rate: float, seed: int) -> None:
    """What the process of its own does; prints packets sent, those broken, and seconds."""
    dice = random.Random(seed)
    sent = broken = 0
    # Made before, so that as many can be sent as are asked for.
    good = [message(dice) for _ in range(2000)]
    bad = [broken_packet(dice) for _ in range(500)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", port))
        began = time.perf_counter()
        while (now := time.perf_counter() - began) < seconds:
            for _ in range(min(MOST_AT_ONCE, max(0, round(now * rate) - sent))):
                chance = dice.random()
                if chance < BROKEN_SHARE:
                    client.send(dice.choice(bad))
                    broken += 1
                elif chance < BROKEN_SHARE + DATED_SHARE:
                    client.send(dated(dice))
                else:
                    client.send(dice.choice(good))
                sent += 1
            time.sleep(0.0005)
        for knob, player in KNOBS:
            client.send(build_msg(knob.address(player), [float(last(knob.name, player))]).dgram)
            client.send(dice.choice(bad))
            sent, broken = sent + 2, broken + 1
    print(sent, broken, time.perf_counter() - began)


def last(name: str, player: str | None) -> float | int:
    """The last value of a knob; another for each player."""
    knob = next(each for each, whose in KNOBS if (each.name, whose) == (name, player))
    share = (1 + PLAYERS.index(player)) / 4 if player else 0.25
    value = knob.at(share)
    assert not isinstance(value, (str, bool))
    return value


def flood(seconds: float, rate: float, seed: int) -> Told:
    """Flood a server that a session's thread looks after, as in a jam."""
    store = ParameterStore({}, {player: {} for player in PLAYERS})
    server = OscServer(store, OscPreset(port=0))
    sender = OscSender((), server.places, (server.subscribers, server.latest))
    ears = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(SUBSCRIBERS)]
    for ear in ears:
        ear.bind(("127.0.0.1", 0))
        ear.sendto(build_msg("/companion/subscribe", []).dgram, ("127.0.0.1", server.port))
    words = [sys.executable, "-m", "tests.companion.control.flood", str(server.port)]
    words += [str(seconds), str(rate), str(seed)]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    began, settled, before_kb = time.monotonic(), None, 0
    while settled is None or time.monotonic() < settled:
        store.drain()
        store.drain_refusals()
        for player in (None, *PLAYERS):
            sender.send_more(all_knob_messages(store, player)[:6])
        if before_kb == 0 and time.monotonic() > began + 1.0 + seconds / 10:
            before_kb = memory_kb()
        if settled is None and process.poll() is not None:
            settled = time.monotonic() + SETTLED_S
        if settled is not None and not lost(store):
            break
        time.sleep(TICK_S)
    after_kb, missing = memory_kb(), lost(store)
    told = (process.communicate()[0] or "0 0 0").split()
    accepted = server.accepted
    store.set("metronome", False, None, "preset")
    ears[0].sendto(build_msg("/companion/metronome", [1]).dgram, ("127.0.0.1", server.port))
    give_up = time.monotonic() + SETTLED_S
    while not store.snapshot()["metronome"] and time.monotonic() < give_up:
        time.sleep(TICK_S)
    result = Told(
        sent=int(told[0]),
        broken=int(told[1]),
        seconds=float(told[2]),
        taken=accepted,
        refused=server.rejected,
        lost=missing,
        grown_kb=after_kb - (before_kb or after_kb),
        alive=bool(store.snapshot()["metronome"]),
    )
    sender.close()
    server.close()
    for ear in ears:
        ear.close()
    return result


def lost(store: ParameterStore) -> int:
    """How many knobs do not have their last value (yet)."""
    return sum(
        abs(float(store.snapshot(player)[knob.name]) - float(last(knob.name, player))) > 1e-4
        for knob, player in KNOBS
    )


def memory_kb() -> int:
    """What this process holds in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() // 1024


if __name__ == "__main__":
    to, for_s, packets_s, first = sys.argv[1:]
    send(int(to), float(for_s), float(packets_s), int(first))
