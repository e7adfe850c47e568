"""What the tests share that drive the rig: a JACK server, memory that is no other worker's, and a
second try on a machine that was taken away."""

from __future__ import annotations

import ctypes
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.runner import runtestprotocol  # what every plugin that tries again stands on

from tests.rig.jack import JackServer

TRIES = 3
TAKEN_S = 0.03
"""Longer than what the rig allows a stall to cost; the host takes some 2 ms a second on average."""


CLONE_NEWNS, CLONE_NEWIPC = 0x00020000, 0x08000000  # see unshare(2)


def pytest_configure(config: pytest.Config) -> None:
    """Workers side by side do not meet in what all JACK servers of a machine share."""
    if hasattr(config, "workerinput"):
        own_shared_memory()


def own_shared_memory() -> bool:
    """Give this thread, and the processes it starts, shared memory of their own; whether it could.

    All JACK servers of a machine write themselves down in one place there, which holds eight, and
    a client that looks for its server while another one starts or ends may not find it. Only root
    may do this; elsewhere it stays as it is.
    """
    mounts = "mount --make-rprivate / && mount -t tmpfs tmpfs /dev/shm"
    try:  # in a process that ends: half of it would be worse than nothing
        subprocess.run(["unshare", "-m", "-i", "sh", "-c", mounts], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    if ctypes.CDLL(None).unshare(CLONE_NEWNS | CLONE_NEWIPC):
        return False
    subprocess.run(["sh", "-c", mounts], check=True)
    return True


@pytest.fixture
def jack_server(tmp_path: Path) -> Iterator[JackServer]:
    """A server in synchronous mode, for this test alone; a test fails where none can start."""
    with JackServer(tmp_path) as server:
        yield server


def taken_s(statistics: str) -> float:
    """For how long the host has given this machine's processors to others: "steal" in proc(5)."""
    return int(statistics.split()[8]) / os.sysconf("SC_CLK_TCK")


def _taken_s() -> float:
    return taken_s(Path("/proc/stat").read_text())


def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Run a test; once more if it fails while the host has taken the machine away.

    What the rig promises it promises on a machine that runs. A test that fails on one that does is
    judged at once.
    """
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for left in reversed(range(TRIES)):
        before_s = _taken_s()
        reports = runtestprotocol(item, nextitem=nextitem, log=False)
        away_s = _taken_s() - before_s
        if not left or away_s < TAKEN_S or not any(report.failed for report in reports):
            break
        item._initrequest()
        print(f"\n{item.nodeid}: the host took {1000 * away_s:.0f} ms; played again")
    for report in reports:
        item.ihook.pytest_runtest_logreport(report=report)
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True
