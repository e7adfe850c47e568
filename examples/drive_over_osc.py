"""Turn a jam's knobs over OSC, bar by bar: ``python examples/drive_over_osc.py 9000 9001``.

For a jam whose preset has ``osc: {port: 9000, send: [{port: 9001}]}``: from one bar to the next the
bass leans harder on what it hears, then it falls silent.
"""

from __future__ import annotations

import sys

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import BlockingOSCUDPServer
from pythonosc.udp_client import SimpleUDPClient

BARS = 4


def main(jam_port: int, own_port: int, player: str = "bass") -> None:
    """Wait for the bars that the jam tells, and send a knob in each."""
    jam = SimpleUDPClient("127.0.0.1", jam_port)
    bars: list[int] = []
    dispatcher = Dispatcher()
    dispatcher.map("/companion/bar", lambda _, bar: bars.append(bar))
    with BlockingOSCUDPServer(("127.0.0.1", own_port), dispatcher) as server:
        while len(bars) < BARS:
            server.handle_request()
            if bars:
                jam.send_message(f"/companion/{player}/guidance_audio", 1.0 + len(bars))
                print(f"bar {bars[-1]}: guidance_audio {1.0 + len(bars):g}")
    jam.send_message(f"/companion/{player}/mute", True)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
