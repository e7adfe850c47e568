"""What a device computes with."""

from __future__ import annotations

import os
import subprocess
import sys

ASK = """
import torch
from model.device import has_bfloat16

print(has_bfloat16(torch.device("cpu")))
"""


def test_wide_instructions_that_are_switched_off_are_not_reckoned_with():
    """Where oneDNN may not use what bfloat16 needs, float32 is computed with."""
    narrow = {**os.environ, "ONEDNN_MAX_CPU_ISA": "AVX2"}
    asked = subprocess.run(
        [sys.executable, "-c", ASK], env=narrow, capture_output=True, text=True, check=True
    )
    assert asked.stdout.strip() == "False"
