"""A network cable between two rooms, each a network namespace of this machine: slow, lossy, cut.

What the kernel sends into one end comes out of the other after a while, or not at all, packet by
packet; who talks over it has the kernel's own TCP. It stands in for `tc netem`, which not every
kernel has, and like that lets packets overtake each other.

*Threading*: one thread, `cable`, carries; the attributes may be set from any.
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import os
import random
import select
import shutil
import struct
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType

TUN = Path("/dev/net/tun")
_SET_INTERFACE, _TUN, _NO_HEADER = 0x400454CA, 0x0001, 0x1000
RIG, BOX = "10.77.0.1", "10.77.0.2"
"""Addresses of the two ends."""
_MOST = 1000
"""Packets under way one way; any more are lost, as in a switch."""


def why_not() -> str:
    """Why there can be no cable here; empty if there can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None:
        return "network namespaces need ip, of iproute2"
    if not TUN.exists():
        return f"there is no {TUN}"
    name = f"try{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    subprocess.run(["ip", "netns", "del", name], capture_output=True, check=False)
    return "" if made.returncode == 0 else f"ip netns: {made.stderr.decode().strip()}"


class Cable:
    """From `rig` to `box`, which are names of namespaces.

    Attributes:
        cut: while True nothing gets through, and nobody is told.
        packets, lost: that went in at either end, and of those that did not come out.
    """

    def __init__(
        self, delay_s: float = 0.02, jitter_s: float = 0.005, loss: float = 0.01, seed: int = 0
    ) -> None:
        """Lay it.

        Args:
            delay_s: of each packet one way, normally distributed with a deviation of `jitter_s`.
            loss: share of packets that are lost, 0..1.
            seed: of both.
        """
        self.delay_s, self.jitter_s, self.loss = delay_s, jitter_s, loss
        self.cut = False
        self.packets = self.lost = 0
        self.rig, self.box = f"rig{os.getpid()}", f"box{os.getpid()}"
        self._dice = random.Random(seed)
        self._ends: list[int] = []
        self._stop = threading.Event()
        try:
            for number, (room, address) in enumerate(((self.rig, RIG), (self.box, BOX))):
                self._lay(room, f"cable{number}", address)
        except BaseException:
            self._take_up()
            raise
        self._thread = threading.Thread(target=self._carry, name="cable", daemon=True)
        self._thread.start()

    def __enter__(self) -> Cable:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._take_up()

    def inside(self, room: str, *command: str) -> list[str]:
        """The command, to be run in a room."""
        return ["ip", "netns", "exec", room, *command]

    def _lay(self, room: str, name: str, address: str) -> None:
        _ip("netns", "add", room)
        end = os.open(TUN, os.O_RDWR | os.O_NONBLOCK)
        self._ends.append(end)
        asked = struct.pack("16sH", f"{name}-{os.getpid()}"[:15].encode(), _TUN | _NO_HEADER)
        given = fcntl.ioctl(end, _SET_INTERFACE, asked)
        device = given[:16].rstrip(b"\0").decode()
        _ip("link", "set", device, "netns", room)
        _ip("-n", room, "addr", "add", f"{address}/24", "dev", device)
        _ip("-n", room, "link", "set", device, "up")
        _ip("-n", room, "link", "set", "lo", "up")

    def _take_up(self) -> None:
        for end in self._ends:
            os.close(end)
        for room in (self.rig, self.box):
            subprocess.run(["ip", "netns", "del", room], capture_output=True, check=False)

    def _carry(self) -> None:
        under_way: list[tuple[float, int, int, bytes]] = []
        while not self._stop.is_set():
            now_s = time.monotonic()
            while under_way and under_way[0][0] <= now_s:
                _, _, end, packet = heapq.heappop(under_way)
                with contextlib.suppress(OSError):  # nobody takes it there
                    os.write(self._ends[end], packet)
            wait_s = max(0.0, under_way[0][0] - now_s) if under_way else 0.05
            for end in select.select(self._ends, [], [], min(wait_s, 0.05))[0]:
                for packet in _waiting(end):
                    self.packets += 1
                    lost = self.cut or self._dice.random() < self.loss
                    if lost or len(under_way) >= 2 * _MOST:
                        self.lost += 1
                        continue
                    delay_s = max(0.0, self._dice.gauss(self.delay_s, self.jitter_s))
                    other = 1 - self._ends.index(end)
                    due_s = time.monotonic() + delay_s
                    heapq.heappush(under_way, (due_s, self.packets, other, packet))


def _waiting(end: int) -> list[bytes]:
    """Packets that wait at an end, up to a few dozen."""
    packets: list[bytes] = []
    with contextlib.suppress(BlockingIOError):
        while len(packets) < 64:
            packets.append(os.read(end, 4096))
    return packets


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
