"""A real set of the model led by each clock replays to the sample, whatever it began with."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.rig.jack import ROOT
from tests.rig.test_link import PRIVATE

LIMIT_S = 600.0


@pytest.mark.parametrize("clock", ["internal", "midi", "link", "tap"])
def test_a_set_of_the_model_led_by_a_clock_replays_to_the_sample(clock: str) -> None:
    play = [sys.executable, "-m", "tests.rig.replay_side", clock]
    if clock == "link":
        play = ["unshare", "--net", "bash", "-c", PRIVATE, "bash", *play]
    done = subprocess.run(play, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert done.stdout.count("identical to the sample") == 2
