"""C libraries are kept quiet, Python is not."""

from __future__ import annotations

import subprocess
import sys

SCRIPT = """
import os, sys
from companion.system.stderr import hushed
try:
    with hushed():
        os.write(2, b"theirs, during;")
        print("ours, during;", end="", file=sys.stderr)
        raise ValueError
except ValueError:
    pass
os.write(2, b"theirs, after;")
print("ours, after", end="", file=sys.stderr)
"""


def test_only_what_libraries_print_meanwhile_is_lost() -> None:
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stderr == "ours, during;theirs, after;ours, after"
