"""Errors a user can do something about.

Every message is one line that names the thing, its value and what would be valid; the command
line prints it and leaves with exit code 2.
"""

from __future__ import annotations


class CompanionError(Exception):
    """Something the user can put right: a wrong device, tempo, preset key, file."""


class NoDevice(CompanionError):
    """There is no sound device to open at all; the rig may fall back to the paced clock."""
