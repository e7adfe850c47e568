"""How much of a processor a jam takes beside its generator: a band of three over JACK.

    python -m benchmarks.load
    python -m benchmarks.load --minutes 3

Prints the processor seconds that each process took for a minute of music, once all players play,
and of the session's process those of each thread. The stand-in makes the stems, so that what is
left is the rig. It counts time on the processor, so the machine may be busy; JACK waits for it.

Needs `jackd2`, and Linux for its `/proc`.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

import yaml

from benchmarks.live import CLICK, tree
from tests.rig.feeder import Feeder
from tests.rig.jack import ROOT, JackServer
from tests.rig.jam_run import Jam
from tests.rig.test_jam import bar_samples, real_recording

RATE, PERIOD, BPM, CYCLE = 48_000, 256, 95, 4
TICKS_S = os.sysconf("SC_CLK_TCK")


def spent(stat: Path) -> float:
    """Processor seconds of a process or thread, by its `stat` file; 0 where it has gone."""
    try:
        cells = stat.read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(cells[11]) + int(cells[12])) / TICKS_S


def all_spent(pid: int) -> tuple[dict[str, float], dict[str, float]]:
    """Processor seconds of a process with its children, by command, and of its threads."""
    processes = {
        f"{each} {' '.join(Path(f'/proc/{each}/cmdline').read_text().split(chr(0))[1:4])}": spent(
            Path(f"/proc/{each}/stat")
        )
        for each in tree(pid)
    }
    threads = {
        f"{task.name} {(task / 'comm').read_text().strip()}": spent(task / "stat")
        for task in Path(f"/proc/{pid}/task").iterdir()
    }
    return processes, threads


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=1.0)
    parser.add_argument("--generator", choices=("model", "standin"), default="standin")
    arguments = parser.parse_args()
    bar_s = bar_samples(BPM) / RATE
    bars = CYCLE + 4 + round(arguments.minutes * 60 / bar_s)
    signal = real_recording("rock-095.ogg", BPM, 16, BPM, bars)
    preset = yaml.safe_load((ROOT / "presets" / "band.yaml").read_text()) | {
        "bpm": BPM,
        "bars": bars,
        "osc": {"port": 0},
        "audio": {"block": PERIOD},
        "generator": {"name": arguments.generator},
    }
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        path = folder / "load.yaml"
        path.write_text(yaml.safe_dump(preset))
        with JackServer(folder, real_time=False, rate=RATE, period=PERIOD) as server:
            feeder = Feeder(server, signal, len(signal), CLICK, round(bar_samples(BPM)))
            with Jam(server, str(path)) as jam:
                feeder.wait_connected(120.0)
                first = jam.wait_event("bar", limit_s=300.0, bar=CYCLE + 1)
                before, began_s = all_spent(jam.pid), time.monotonic()
                jam.wait_event("bar", after=first, limit_s=600.0 + len(signal) / RATE, bar=bars - 2)
                after, took_s = all_spent(jam.pid), time.monotonic() - began_s
            minutes = (bars - 3 - CYCLE) * bar_s / 60
    print(
        f"{minutes:.2f} minutes of music in {took_s / 60:.2f} minutes; processor seconds a minute:"
    )
    for kind, (now, then) in {
        "process": (after[0], before[0]),
        "thread": (after[1], before[1]),
    }.items():
        for name in sorted(now, key=lambda each: then.get(each, 0.0) - now[each]):
            a_minute = (now[name] - then.get(name, 0.0)) / minutes
            if a_minute >= 0.05:
                print(f"  {kind} {name}: {a_minute:.2f}")


if __name__ == "__main__":
    main()
