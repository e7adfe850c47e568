"""What a take tells: ``python examples/read_a_take.py TAKE``."""

from __future__ import annotations

import sys
from pathlib import Path

import soundfile

from companion.take.events import EVENTS_FILE, read_events


def main(take: str) -> None:
    """Each player's plans, and how much of the set it sounds in."""
    events = read_events(Path(take) / EVENTS_FILE)
    players = events[0]["players"]
    for name in players:
        plans = [event for event in events if event["type"] == "plan" and event["player"] == name]
        bars = [event for event in events if event["type"] == "bar" and event["player"] == name]
        sounding = sum(bar["sounding"] != "silence" for bar in bars)
        seconds = soundfile.info(str(Path(take) / f"{name}.wav")).duration
        print(
            f"{name}: {len(plans)} plans; sounds in {sounding} of {len(bars)} bars, {seconds:.1f} s"
        )


if __name__ == "__main__":
    main(sys.argv[1])
