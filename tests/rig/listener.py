"""Hears when the companion's ticks sound, by the host's clock: ``python -m tests.rig.listener S``.

A JACK client that connects to the companion's first output, listens for S seconds, and says the
host times (monotonic seconds) at which a sample that is loud after a while of silence reaches the
loudspeaker: later than the port by what JACK says of the device.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time

import jack
import numpy as np

LOUD = 0.3
QUIET_S = 0.1  # between two ticks at least
CONNECT_LIMIT_S = 30.0
TRIES = 3
Block = tuple[float, int, np.ndarray]
"""Host time, first frame, samples."""


def device_samples() -> int:
    """From a port of the device to the loudspeaker."""
    told = subprocess.run(
        ["jack_lsp", "-l", "system:playback_1"], capture_output=True, text=True, check=True
    ).stdout
    (least,) = re.findall(r"playback latency = \[ (\d+)", told)
    return int(least)


def hear(listen_s: float) -> tuple[list[Block], int, int]:
    """What is heard in so many seconds: blocks, the sample rate, and the device's latency.

    A server that has just started may leave a client out for good; then nothing is heard.
    """
    client = jack.Client("listener", no_start_server=True)
    port = client.inports.register("in")
    heard: list[Block] = []

    def process(frames: int) -> None:
        if listening:
            heard.append((time.monotonic(), client.last_frame_time, port.get_array().copy()))

    listening = False
    client.set_process_callback(process)
    with client:
        deadline_s = time.monotonic() + CONNECT_LIMIT_S
        while not (found := client.get_ports(r"^PortAudio.*:out_[0-9]+$", is_output=True)):
            if time.monotonic() > deadline_s:
                raise SystemExit("the companion has no output port")
            time.sleep(0.01)
        client.connect(found[0], port)
        listening = True
        print(json.dumps({"listening": True}), flush=True)
        time.sleep(listen_s)
        return heard, client.samplerate, device_samples()


def main() -> None:
    """Connect, listen, tell."""
    for _ in range(TRIES):
        heard, rate, latency = hear(float(sys.argv[1]))
        if heard:
            break
    else:
        raise SystemExit(f"the server called no client of ours, {TRIES} times")
    # A period may be heard late, never early: the most punctual one tells when frame 0 was.
    zero_s = min(host_s - frame / rate for host_s, frame, _ in heard) + latency / rate
    ticks: list[float] = []
    for _, first, block in heard:
        start_s = zero_s + first / rate
        for frame in np.flatnonzero(np.abs(block) >= LOUD):
            at_s = start_s + int(frame) / rate
            if not ticks or at_s - ticks[-1] > QUIET_S:
                ticks.append(at_s)
    print(json.dumps({"ticks": ticks}), flush=True)


if __name__ == "__main__":
    main()
