"""How long the bundled model is away when its process dies or hangs in the middle of a set.

    python -m benchmarks.recovery

The bundled band plays along a real recording at real speed, without a sound card. Its generator's
process is killed in one run and stopped in another, four bars after the first cycle. Prints when
the next plan was there and what every bar played until then. Needs Linux and an idle machine.
"""

from __future__ import annotations

import os
import signal
import tempfile
from collections import Counter
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from benchmarks.live import tree
from companion.control.preset import load_preset
from companion.generate.worker import process_worker
from companion.session.rig import play_recording
from companion.session.session import Session
from companion.session.status import Status
from companion.take.events import EVENTS_FILE, BarSounded, PlanFailed, PlanMade, read_events
from tests.companion.studio import new_take
from tests.rig.test_jam import real_recording

RATE, BPM, BARS = 48_000, 95, 32
FAULT_BAR = 12
FAULTS = {"killed": signal.SIGKILL, "stopped": signal.SIGSTOP}


def measure(name: str, folder: Path) -> None:
    """Play, break the process, and print what came of it."""
    preset = replace(load_preset("band"), bpm=Fraction(BPM), bars=BARS, count_in_bars=0)
    worker = process_worker("model")
    worker.wait_ready()
    signal_in = real_recording("rock-095.ogg", BPM, 16, BPM, BARS)
    rig = play_recording(len(preset.players), signal_in, RATE, "recording")
    folder.mkdir()
    take = new_take(folder, preset)
    session = Session(preset, rig, worker, preset.store(), take, origin_samples=0)
    broken_s: list[float] = []

    def on_tick(status: Status) -> None:
        if status.bar >= FAULT_BAR and not broken_s:
            broken_s.append(rig.memory.position / RATE)
            os.kill(tree(os.getpid())[-1], FAULTS[name])

    session.run(on_tick)
    events = read_events(take.folder / EVENTS_FILE)
    failed_s = [e.time_s for e in events if isinstance(e, PlanFailed)]
    plans_s = [e.time_s for e in events if isinstance(e, PlanMade)]
    back_s = min(at for at in plans_s if at > max([*failed_s, broken_s[0]]))
    sounding = Counter(
        e.sounding for e in events if isinstance(e, BarSounded) and e.bar >= FAULT_BAR
    )
    print(
        f"{name}: a plan again after {back_s - broken_s[0]:.1f} s, {len(failed_s)} plans lost; "
        f"bars of all players from there on: {dict(sounding)}; {worker.lost_reason}",
        flush=True,
    )


def main() -> None:
    """See the module."""
    with tempfile.TemporaryDirectory() as temporary:
        for name in FAULTS:
            measure(name, Path(temporary) / name)


if __name__ == "__main__":
    main()
