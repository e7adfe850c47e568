"""A real set of the model replays to the sample, whatever leads it and whatever it began with.

By `link` and by `tap` as well: `python -m tests.rig.replay_side CLOCK`, a minute each.
"""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.rig.jack import ROOT

LIMIT_S = 600.0


@pytest.mark.parametrize("clock", ["internal", "midi"])
def test_a_set_of_the_model_led_by_a_clock_replays_to_the_sample(clock: str) -> None:
    play = [sys.executable, "-m", "tests.rig.replay_side", clock]
    done = subprocess.run(play, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S)
    print(done.stdout)
    assert done.returncode == 0, done.stdout[-4000:] + done.stderr[-4000:]
    assert done.stdout.count("identical to the sample") == 2
