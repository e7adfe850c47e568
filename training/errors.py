"""The one error that training commands raise for anything the user can put right."""

from __future__ import annotations


class TrainingError(Exception):
    """One line that names what is wrong, its value, and what would be valid."""


class Stopped(TrainingError):
    """A run was interrupted: its checkpoint is there, its weights are not."""
