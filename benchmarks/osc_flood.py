"""What a flood of OSC costs: packets a second, last values lost, memory grown.

    python -m benchmarks.osc_flood [SECONDS] [RATE]

A process of its own sends so many packets a second (10,000 for 60 s, unless told otherwise) to an
OSC port as a jam opens it, among them random ones, ones cut short and bundles dated ahead.
"""

from __future__ import annotations

import sys

from tests.companion.control.flood import KNOBS, flood


def main() -> None:
    """Print the figures."""
    given = [float(each) for each in sys.argv[1:]]
    seconds, rate = (*given, *(60.0, 10_000.0)[len(given) :])
    told = flood(seconds, rate, seed=1)
    print(
        f"sent          {told.sent} packets in {told.seconds:.1f} s, {told.broken} of them broken"
    )
    print(f"packets/s     {told.sent / told.seconds:.0f}")
    print(f"messages      {told.taken} taken, {told.refused} refused")
    print(f"last values   {told.lost} of {len(KNOBS)} lost")
    print(f"memory        {told.grown_kb:+d} KiB")
    print(f"still there   {'yes' if told.alive else 'no'}")


if __name__ == "__main__":
    main()
