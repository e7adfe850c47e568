"""Imported by the fork server before it forks: the workers then share the loaded fonts."""

from __future__ import annotations

import signal

from training.band.render import load_fonts

# Ctrl-C reaches every process; the one that started this one decides what to finish.
signal.signal(signal.SIGINT, signal.SIG_IGN)
load_fonts()
