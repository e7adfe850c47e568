"""Two Link peers on loopback agree on the bar, and joining leaves the other's tempo alone."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.rig.jack import ROOT

PRIVATE = (
    "ip link set lo up && ip link set lo multicast on && ip route add 224.0.0.0/4 dev lo && "
    'exec "$@"'
)
"""Link finds its peers by multicast, which a new namespace's loopback does not carry yet."""


@pytest.mark.side_by_side
def test_peers_of_ableton_link_keep_the_contract_that_the_fake_keeps() -> None:
    private = ["unshare", "--net", "bash", "-c", PRIVATE, "bash"]
    done = subprocess.run(
        [*private, sys.executable, "-m", "tests.rig.link_side"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-2000:]
    assert "7 passed" in done.stdout
