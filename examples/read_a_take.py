"""What a take tells: ``python examples/read_a_take.py TAKE``."""

from __future__ import annotations

import sys
from pathlib import Path

import soundfile

from companion.take.events import EVENTS_FILE, BarSounded, PlanMade, read_events, start_of


def main(take: str) -> None:
    """Each player's plans, and how much of the set it sounds in."""
    events = read_events(Path(take) / EVENTS_FILE)
    start = start_of(events)
    for name in start.players if start is not None else ():
        plans = [e for e in events if isinstance(e, PlanMade) and e.player == name]
        bars = [e for e in events if isinstance(e, BarSounded) and e.player == name]
        sounding = sum(bar.sounding != "silence" for bar in bars)
        seconds = soundfile.info(str(Path(take) / f"{name}.wav")).duration
        print(
            f"{name}: {len(plans)} plans; sounds in {sounding} of {len(bars)} bars, {seconds:.1f} s"
        )


if __name__ == "__main__":
    main(sys.argv[1])
