"""Keeps C libraries quiet: JACK, ALSA and PortAudio print about servers and devices that come and
go, on the process's standard error and past Python. It would only alarm the performer, and what
matters of it comes back as an error anyway.

*Threading*: standard error belongs to the whole process; one thread at a time may hush.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

from companion.system.printing import text_stream


@contextmanager
def hushed() -> Iterator[None]:
    """Meanwhile what is written to descriptor 2 is lost, but for what Python itself writes."""
    sys.stderr.flush()
    kept, own = os.dup(2), sys.stderr
    ours = _descriptor(own) == 2  # it may be somebody else's, who knows where it writes
    if ours:
        raw = io.FileIO(os.dup(2), "w")
        sys.stderr = text_stream(raw, own.encoding, line_buffering=True)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    try:
        yield
    finally:
        if ours:
            sys.stderr.close()
            raw.close()
            sys.stderr = own
        os.dup2(kept, 2)
        os.close(kept)


def _descriptor(stream: TextIO) -> int | None:
    try:
        return stream.fileno()
    except OSError:  # it has none
        return None
