"""How a set goes whose generator is in another room, on a bad network, as it dies and comes back.

    python -m benchmarks.remote
    python -m benchmarks.remote --minutes 1 --generator standin --fault killed cut

Five minutes by default, with the bundled model: the recording that comes with the companion is
played at real speed in one network namespace, `companion serve` runs in another, and the cable
between them delays each packet by 20 ms with a deviation of 5 ms and loses 1 %. In one run nothing
happens, in one the box is killed and started again 16 bars later, in one the cable is cut for 16
bars. Prints the ISR of each, what every bar played, and how long it took to notice, until the next
plan was there, and until the box made plans again once it could be reached. Each run also says what
the two processes on the rig weigh.

Needs root and Linux (`iproute2`, /dev/net/tun), and an idle machine with two cores at least.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.live import tree
from companion.demo import DEMO_BPM
from companion.remote.place import PORT
from companion.take.events import EVENTS_FILE, BarSounded, PlanMade, TroubleTold, read_events
from tests.rig.cable import BOX, Cable, why_not

FAULTS = ("none", "killed", "cut")
FAULT_BAR, AWAY_BARS = 20, 16
LOAD_S = 300.0
PLAYERS = ("bass", "drums")


class Box:
    """`companion serve` in its room, killed and started again."""

    def __init__(self, cable: Cable, generator: str, folder: Path) -> None:
        self._command = cable.inside(
            cable.box,
            *(sys.executable, "-m", "companion", "serve", "--generator", generator),
            *("--listen", f"{BOX}:{PORT}"),
        )
        self._log, self._settings = folder / "serve.log", folder / "settings"

    def start(self) -> None:
        """Start it, and do not wait."""
        environment = os.environ | {"COMPANION_CONFIG": str(self._settings)}
        with self._log.open("ab") as log:
            self._began = log.tell()
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log, env=environment)

    def serves(self) -> bool:
        """Whether it can be reached by now."""
        if self._process.poll() is not None:
            raise SystemExit(f"the box ended: {self._log.read_text()}")
        return b"serving" in self._log.read_bytes()[self._began :]

    def kill(self) -> None:
        """As when the mains fail."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()


class Watched:
    """The take as it grows: the bar that is played, and when what was written down."""

    def __init__(self, takes: Path) -> None:
        self._takes, self._read, self.bar = takes, 0, -1
        # Plans, and what was told of the generator: when, on this process's clock, which, and
        # whether it was over.
        self.seen: list[tuple[float, str, bool]] = []

    def look(self) -> None:
        """Read what is new."""
        for file in self._takes.glob(f"*/{EVENTS_FILE}"):
            data = file.read_bytes()
            whole = data.rfind(b"\n") + 1
            for line in data[self._read : whole].splitlines():
                event = json.loads(line)
                self.bar = max(self.bar, event["bar"] if event["type"] == "bar" else -1)
                if event["type"] == "plan" or event.get("kind") == "generator":
                    self.seen.append((time.monotonic(), event["type"], event.get("over", False)))
            self._read = whole


@contextmanager
def jam(cable: Cable, generator: str, bars: int, folder: Path) -> Iterator[subprocess.Popen]:
    """A set on the rig."""
    players = ", ".join(f"{{name: {name}, instrument: {name}}}" for name in PLAYERS)
    served = f"{{name: {generator}, remote: '{BOX}:{PORT}'}}"
    preset = folder / "rig.yaml"
    preset.write_text(f"bars: {bars}\nplayers: [{players}]\ngenerator: {served}\n")
    words = (
        sys.executable,
        "-m",
        "companion",
        "jam",
        str(preset),
        "--takes",
        str(folder / "takes"),
    )
    environment = os.environ | {"COMPANION_CONFIG": str(folder / "settings")}
    with (folder / "jam.log").open("wb") as log:
        process = subprocess.Popen(
            cable.inside(cable.rig, *words), stdout=log, stderr=log, env=environment
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait()


def measure(fault: str, options: argparse.Namespace, folder: Path) -> None:
    """One run."""
    folder.mkdir()
    bars = round(options.minutes * float(DEMO_BPM) / 4)
    lossy = options.delay_ms / 1000, options.jitter_ms / 1000, options.loss
    gone_s = there_s = float("inf")
    sizes = ""
    with Cable(*lossy) as cable:
        box = Box(cable, options.generator, folder)
        box.start()
        try:
            wait_until(box.serves)
            watched = Watched(folder / "takes")
            with jam(cable, options.generator, bars, folder) as playing:
                while playing.poll() is None:
                    watched.look()
                    if fault != "none" and watched.bar >= FAULT_BAR and gone_s == float("inf"):
                        gone_s = time.monotonic()
                        sizes = weights(playing.pid)
                        if fault == "killed":
                            box.kill()
                        cable.cut = fault == "cut"
                    if watched.bar >= FAULT_BAR + AWAY_BARS and there_s == float("inf"):
                        if fault == "killed" and not playing_box(box):
                            box.start()
                        cable.cut = False
                        if box.serves():
                            there_s = time.monotonic()
                    time.sleep(0.01)
        finally:
            box.kill()
        lost = cable.lost / max(1, cable.packets)
    tell(fault, folder)
    if fault != "none":
        tell_times(watched.seen, gone_s, there_s)
    print(f"  {cable.packets} packets, {lost:.1%} lost; {sizes}", flush=True)


def playing_box(box: Box) -> bool:
    """Whether it was started and lives."""
    return box._process.poll() is None


def wait_until(true: object) -> None:
    """Wait for as long as loading may take."""
    until_s = time.monotonic() + LOAD_S
    while not true():  # type: ignore[operator]
        if time.monotonic() > until_s:
            raise SystemExit(f"the box does not serve after {LOAD_S:g} s")
        time.sleep(0.05)


def weights(pid: int) -> str:
    """Resident memory and processor seconds of the rig's processes."""
    told = []
    for each in tree(pid):
        status = Path(f"/proc/{each}/status").read_text()
        rss = next(line for line in status.splitlines() if line.startswith("VmRSS"))
        cells = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
        spent_s = (int(cells[11]) + int(cells[12])) / os.sysconf("SC_CLK_TCK")
        command = Path(f"/proc/{each}/cmdline").read_bytes().split(b"\0")
        name = next((c for c in command if c.startswith(b"companion.")), b"companion").decode()
        told.append(f"{name} {int(rss.split()[1]) / 1024:.0f} MB, {spent_s:.1f} processor s")
    return "; ".join(told)


def tell(fault: str, folder: Path) -> None:
    """What the take says of a run."""
    (file,) = (folder / "takes").glob(f"*/{EVENTS_FILE}")
    events = read_events(file)
    bars = [event for event in events if isinstance(event, BarSounded)]
    due = [bar for bar in bars if bar.expected]
    for player in PLAYERS:
        own = [bar for bar in due if bar.player == player]
        ready = sum(bar.sounding == "plan" for bar in own)
        print(
            f"{fault}: {player}: ISR {ready / max(1, len(own)):.3f} of {len(own)} bars, "
            f"{dict(Counter(bar.sounding for bar in own))}"
        )
    plans = [event for event in events if isinstance(event, PlanMade)]
    slack = sorted(plan.slack_s for plan in plans)
    took = sorted(plan.actual_s - plan.asked_s for plan in plans)
    print(
        f"  {len(plans)} plans took {took[len(took) // 2]:.2f} s, at most {took[-1]:.2f} s; "
        f"least slack {slack[0]:.2f} s"
    )
    troubles = [e for e in events if isinstance(e, TroubleTold) and e.kind == "generator"]
    for each in troubles:
        print(f"  {each.time_s:.1f} s: {'over: ' if each.over else ''}{each.detail}")


def tell_times(seen: list[tuple[float, str, bool]], gone_s: float, there_s: float) -> None:
    """How long it took to notice, to do without, and to come back."""
    never, bar_s = float("nan"), 240 / float(DEMO_BPM)
    told = [(at_s, over) for at_s, kind, over in seen if kind == "trouble"]
    noticed_s = next((at_s for at_s, over in told if at_s > gone_s and not over), never)
    plans_s = [at_s for at_s, kind, _ in seen if kind == "plan"]
    local_s = next((at_s for at_s in plans_s if at_s > noticed_s), never)
    back_s = next((at_s for at_s, over in told if at_s > there_s and over), never)
    print(
        f"  told {noticed_s - gone_s:.2f} s after it was gone, the next plan was there after "
        f"{(local_s - gone_s) / bar_s:.2f} bars; back {(back_s - there_s) / bar_s:.2f} bars after "
        "it could be reached"
    )


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.remote")
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--generator", choices=("model", "standin"), default="model")
    parser.add_argument("--delay-ms", type=float, default=20.0)
    parser.add_argument("--jitter-ms", type=float, default=5.0)
    parser.add_argument("--loss", type=float, default=0.01)
    parser.add_argument("--fault", nargs="+", choices=FAULTS, default=FAULTS)
    options = parser.parse_args()
    if reason := why_not():
        raise SystemExit(reason)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # nothing is left running
    with tempfile.TemporaryDirectory() as temporary:
        for fault in options.fault:
            measure(fault, options, Path(temporary) / fault)


if __name__ == "__main__":
    main()
