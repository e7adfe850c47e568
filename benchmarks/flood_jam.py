"""What a flood of OSC and MIDI does to a jam that plays: the sound, the memory, the last values.

    python -m benchmarks.flood_jam
    python -m benchmarks.flood_jam --seconds 60 --osc 10000 --midi 5000 --generator model

Two jams are played, each as on stage: `companion jam` with the bundled band over a JACK server of
its own in real time, a real recording coming in. Once all three players play, the first is left
alone for a minute. In the other's minute processes of their own send so many OSC packets a second,
one in ten of them random bytes or cut short, and so many MIDI messages a second, some cut short and
some of no meaning. Then each knob is sent its last value once, and asked for over OSC.

Printed of both, side by side: what the companion lost by its own count, the xruns that JACK told,
and of these how many no stall of the machine explains; how many bars had a stem ready; how the
memory of each of its processes grew from a tenth of the minute on; how the log of the take grew.

Needs `jackd2`, and a machine that does nothing else. It takes about five minutes.
"""

from __future__ import annotations

import argparse
import json
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from pythonosc.osc_message_builder import build_msg

from benchmarks.live import STALL_S, in_a_stall, memory_mb, tree
from companion.control.midi_mapping import MidiMapping
from companion.control.midi_port import is_own, open_client
from companion.control.osc_packet import read_packet
from companion.control.parameters import BY_NAME
from tests.companion.control.flood import broken_packet
from tests.rig.feeder import Feeder
from tests.rig.jack import ROOT, JackServer
from tests.rig.jam_run import Jam
from tests.rig.stall_watch import StallWatch
from tests.rig.test_jam import bar_samples, real_recording
from tests.rig.test_osc_out import free_port

RATE, PERIOD, BPM, CYCLE = 48_000, 256, 95, 4
START_S, SETTLE_S, READ_S, END_S = 120, 10.0, 30.0, 300.0
PLAYERS = ("bass", "drums", "keys")
BY_OSC = ("guidance_audio", "guidance_instrument", "guidance_clock", "level")
BY_MIDI = ("temperature", "causal_bias", "confidence", "randomness")
BROKEN_SHARE = 0.1
MOST_PACKETS, MOST_MESSAGES = 500, 40
"""At once, where the sender was held up; a port of JACK takes no more than some dozens a period."""
LAST_POSITION = {player: (number + 1) / 4 for number, player in enumerate(PLAYERS)}
LAST_CC = 32
"""Both are another than any default."""


# --- outside: processes of their own -------------------------------------------------------------


def due(rate: float, seconds: float, most: int) -> Iterator[int]:
    """How many to send, again and again, until the time is over."""
    sent, began = 0, time.monotonic()
    while (now := time.monotonic() - began) < seconds:
        number = min(most, max(0, round(now * rate) - sent))
        yield number
        sent += number
        time.sleep(0.001)


def send_osc(port: int, seconds: float, rate: float) -> None:
    """Flood with packets, then say each knob's last value once; prints how many were sent."""
    dice, sent = random.Random(1), 0
    knobs = [(BY_NAME[name], player) for name in BY_OSC for player in PLAYERS]
    good = []
    for _ in range(2000):
        knob, player = dice.choice(knobs)
        good.append(build_msg(knob.address(player), [float(knob.at(dice.random()))]).dgram)
    bad = [broken_packet(dice) for _ in range(500)]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.connect(("127.0.0.1", port))
        for number in due(rate, seconds, MOST_PACKETS):
            for _ in range(number):
                client.send(dice.choice(bad if dice.random() < BROKEN_SHARE else good))
            sent += number
        for knob, player in knobs:
            value = float(knob.at(LAST_POSITION[player]))
            client.send(build_msg(knob.address(player), [value]).dgram)
            client.send(dice.choice(bad))
    print(sent)


def send_midi(seconds: float, rate: float) -> None:
    """The same with controllers; the last values once JACK has taken all that came before."""
    dice, sent = random.Random(2), 0
    sender = open_client(output=True, name="flood")
    ports = enumerate(sender.get_ports())
    sender.open_port(next(n for n, name in ports if is_own(name) and "knobs" in name), "out")
    time.sleep(0.5)
    numbers = [BY_NAME[name].cc or 0 for name in BY_MIDI]
    for number in due(rate, seconds, MOST_MESSAGES):
        for _ in range(number):
            channel, value, kind = dice.randrange(len(PLAYERS)), dice.randrange(128), dice.random()
            if kind < 0.05:
                sender.send_message([0xB0 | channel, dice.choice(numbers)])  # cut short
            elif kind < 0.1:
                sender.send_message([0x90 | dice.randrange(16), dice.randrange(128), value])
            else:
                sender.send_message([0xB0 | channel, dice.choice(numbers), value])
        sent += number
    for controller in numbers:
        time.sleep(0.2)
        for channel in range(len(PLAYERS)):
            sender.send_message([0xB0 | channel, controller, LAST_CC])
            sender.send_message([0xB0 | channel, controller])
    time.sleep(0.5)
    sender.close_port()
    sender.delete()
    print(sent)


# --- the jam -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Minute:
    """What a minute of a jam left; seconds are monotonic."""

    began_s: float
    ended_s: float
    sent: dict[str, int]  # OSC packets and MIDI messages
    lost: dict[str, int]  # last values that do not stand, by way
    grown_mb: list[float]  # each process of the jam, the session's first
    log_mb: float
    bars: list[dict[str, Any]]  # the events of those that lie in it
    counted: dict[str, float]  # by the companion, of the whole jam
    hitches: np.ndarray
    xruns_s: np.ndarray


def told_knobs(port: int) -> dict[str, Any]:
    """What every knob says now, by address, as the companion tells who asks."""
    told: dict[str, Any] = {}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(1.0)
        client.sendto(build_msg("/companion/dump", []).dgram, ("127.0.0.1", port))
        with suppress(TimeoutError):
            while True:
                for address, arguments in read_packet(client.recv(65536)):
                    told[address] = arguments[0] if arguments else None
    return told


def missing(port: int) -> dict[str, int]:
    """How many knobs do not have their last value, by way, once what was sent has been read."""
    give_up_s = time.monotonic() + READ_S
    while any((lost := lost_of(told_knobs(port))).values()) and time.monotonic() < give_up_s:
        time.sleep(0.2)
    return lost


def lost_of(told: dict[str, Any]) -> dict[str, int]:
    """The same of what was told."""
    lost = {"OSC": 0, "MIDI": 0}
    for player in PLAYERS:
        for name in BY_OSC:
            wanted = float(BY_NAME[name].at(LAST_POSITION[player]))
            lost["OSC"] += not is_near(told.get(BY_NAME[name].address(player)), wanted)
        for name in BY_MIDI:
            mapping = MidiMapping(BY_NAME[name].cc or 0, name, player, 1)
            wanted = float(mapping.scale.value(LAST_CC / 127))
            lost["MIDI"] += not is_near(told.get(BY_NAME[name].address(player)), wanted)
    return lost


def is_near(value: Any, wanted: float) -> bool:
    """Whether a knob says this, but for the digits of OSC."""
    return value is not None and abs(float(value) - wanted) < 1e-4


def lines_of(log: Path, kind: str, first: int = 0, last: int | None = None) -> list[dict[str, Any]]:
    """The events of a type in a stretch of a log, which may be long, in bytes."""
    with log.open("rb") as file:
        file.seek(first)
        stretch = file.read() if last is None else file.read(last - first)
    begins = json.dumps({"type": kind})[:-1].encode()
    return [json.loads(line) for line in stretch.splitlines() if line.startswith(begins)]


def play_minute(
    folder: Path,
    preset: dict[str, Any],
    signal: np.ndarray,
    flood: dict[str, float],
    seconds: float,
) -> Minute:
    """Play a jam, with a flood or without: `flood` is rates by way."""
    port = free_port()
    path = folder / "flood.yaml"
    path.write_text(yaml.safe_dump(preset | {"osc": {"port": port}, "midi": {}}))
    module = [sys.executable, "-m", "benchmarks.flood_jam"]
    words = {"OSC": [str(port)], "MIDI": []}
    with JackServer(folder, real_time=True, rate=RATE, period=PERIOD) as server:
        server.environment["COMPANION_CONFIG"] = str(folder / "config")
        feeder = Feeder(server, signal, RATE)
        with Jam(server, str(path)) as jam:
            feeder.wait_connected(float(START_S))
            jam.wait_event("bar", limit_s=2.0 * START_S, player=PLAYERS[-1], sounding="plan")
            (take,) = jam.takes.iterdir()
            time.sleep(SETTLE_S)
            log = take / "events.jsonl"
            machine, began_s, first = StallWatch(), time.monotonic(), log.stat().st_size
            senders = {
                way: subprocess.Popen(
                    [*module, way, *words[way], str(seconds), str(rate)],
                    env=server.environment,
                    cwd=ROOT,
                    stdout=subprocess.PIPE,
                    text=True,
                )
                for way, rate in flood.items()
            }
            time.sleep(seconds / 10)
            before = {pid: memory_mb(pid) for pid in tree(jam.pid)}
            time.sleep(max(0.0, began_s + seconds - time.monotonic()))
            after = {pid: memory_mb(pid) for pid in before}
            ended_s, hitches = time.monotonic(), machine.finish()
            last = log.stat().st_size
            sent = {way: int(each.communicate()[0] or 0) for way, each in senders.items()}
            lost = missing(port) if flood else {}
            jam.interrupt()
            jam.wait(END_S)
            xruns_s = feeder.finish().xruns_s
        bars, (end,) = lines_of(log, "bar", first, last), lines_of(log, "end", last)
    grown = [after[pid] - before[pid] for pid in before]
    counted = {name: value for name, value in end["figures"].items() if "." not in name}
    heard = bars, counted, hitches, xruns_s
    return Minute(began_s, ended_s, sent, lost, grown, (last - first) / 1e6, *heard)


def report(minute: Minute) -> None:
    """Print what there is to say of one."""
    span_s = minute.ended_s - minute.began_s
    for way, sent in minute.sent.items():
        print(f"  {way}: {sent / span_s:.0f} a second; last values lost: {minute.lost[way]}")
    print(f"  the companion's own count, of the whole jam: {minute.counted}")
    within = (minute.xruns_s >= minute.began_s) & (minute.xruns_s <= minute.ended_s)
    xruns_s = minute.xruns_s[within]
    stalls = minute.hitches[minute.hitches[:, 1] > STALL_S]
    ours = int(np.count_nonzero(~in_a_stall(xruns_s, stalls))) if len(stalls) else len(xruns_s)
    print(f"  xruns in the minute: {len(xruns_s)}, outside stalls of the machine: {ours}")
    print(f"  stalls of the machine over {1000 * STALL_S:g} ms: {len(stalls)}")
    for player in PLAYERS:
        bars = Counter(each["sounding"] for each in minute.bars if each["player"] == player)
        print(f"  {player}: {dict(bars)}")
    grown = ", ".join(f"{each:+.1f}" for each in minute.grown_mb)
    print(f"  memory of its processes, MB: {grown}; log of the take: {minute.log_mb:+.1f} MB")


def main() -> None:
    """See the module."""
    match sys.argv[1:]:
        case ["OSC", port, seconds, rate]:
            return send_osc(int(port), float(seconds), float(rate))
        case ["MIDI", seconds, rate]:
            return send_midi(float(seconds), float(rate))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--osc", type=float, default=10_000.0, help="packets a second")
    parser.add_argument("--midi", type=float, default=5_000.0, help="messages a second")
    parser.add_argument("--generator", choices=("model", "standin"), default="model")
    asked = parser.parse_args()
    preset = yaml.safe_load((ROOT / "presets" / "band.yaml").read_text()) | {
        "bpm": BPM,
        "cycle": CYCLE,
        "audio": {"block": PERIOD},
        "generator": {"name": asked.generator},
    }
    bars = round((START_S + asked.seconds + SETTLE_S + READ_S) * RATE / bar_samples(BPM))
    signal = real_recording("rock-095.ogg", BPM, 16, BPM, bars)
    floods = {"left alone": {}, "flooded": {"OSC": asked.osc, "MIDI": asked.midi}}
    for what, flood in floods.items():
        print(f"{what}:", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            report(play_minute(Path(folder), preset, signal, flood, asked.seconds))


if __name__ == "__main__":
    main()
