"""A cable from the companion's first output to its inputs, so many frames longer than the shortest:
``python -m tests.rig.loop FRAMES``. It says when it is plugged in, and ends when its input does.
"""

from __future__ import annotations

import json
import sys
import time

import jack
import numpy as np


def main() -> None:
    """Connect, and delay."""
    client = jack.Client("loop", no_start_server=True)
    into, out = client.inports.register("in"), client.outports.register("out")
    late = np.zeros(int(sys.argv[1]), np.float32)

    def process(frames: int) -> None:
        nonlocal late
        whole = np.concatenate([late, into.get_array()])
        out.get_array()[:] = whole[:frames]
        late = whole[frames:]

    client.set_process_callback(process)
    with client:
        while not (
            (sources := client.get_ports(r"^PortAudio.*:out_[0-9]+$", is_output=True))
            and (sinks := client.get_ports(r"^PortAudio.*:in_[0-9]+$", is_input=True))
        ):
            time.sleep(0.01)
        time.sleep(0.2)  # it has ports, but may not be active yet
        client.connect(sources[0], into)
        for sink in sinks:
            client.connect(out, sink)
        print(json.dumps({"plugged": True}), flush=True)
        sys.stdin.read()


if __name__ == "__main__":
    main()
