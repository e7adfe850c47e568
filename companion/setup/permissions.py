"""What the system lets this user do: real-time priority, and memory that stays where it is.

*Threading*: whether real-time priority is to be had is tried in a thread that ends with it.
"""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable, Iterator

from companion.setup.finding import Finding

LEAST_LOCKED_BYTES = 128 << 20
"""What a JACK server and its clients lock, with room to spare."""
GROUP = (
    "sudo usermod -aG audio $USER, with '@audio - rtprio 95' and '@audio - memlock unlimited' in "
    "/etc/security/limits.d/audio.conf; then log in again"
)


def permissions(
    may_run_first: Callable[[], bool | None] | None = None,
    lockable: Callable[[], int | None] | None = None,
) -> Iterator[Finding]:
    """Real-time priority, and memory that may be locked; nothing where the system asks for neither.

    Args:
        may_run_first: whether real-time priority is to be had; None where nobody needs to ask.
        lockable: how many bytes may be locked; None for any number.
    """
    first = (real_time if may_run_first is None else may_run_first)()
    if first:
        yield Finding("ok", "real-time priority", "to be had")
    elif first is not None:
        said = "not to be had: sound drops out when other programs are busy"
        yield Finding("note", "real-time priority", said, GROUP)
    else:
        return
    most = (lockable_bytes if lockable is None else lockable)()
    if most is None or most >= LEAST_LOCKED_BYTES:
        yield Finding("ok", "locked memory", "enough")
    else:
        said = f"{most / (1 << 20):.0f} MiB at most: JACK's memory may be swapped out"
        yield Finding("note", "locked memory", said, GROUP)


def real_time() -> bool | None:
    """Whether a thread of ours may have real-time priority; None where it is given to audio anyway.

    On macOS and Windows the sound system gives it to who plays.
    """
    if sys.platform != "linux":
        return None
    had: list[bool] = []

    def run() -> None:
        try:
            os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))  # of this thread alone
            had.append(True)
        except OSError:
            had.append(False)

    thread = threading.Thread(target=run, name="doctor-priority", daemon=True)
    thread.start()
    thread.join()
    return had == [True]


def lockable_bytes() -> int | None:
    """How much memory this process may lock, on Linux; None for any amount."""
    import resource

    limit, _ = resource.getrlimit(resource.RLIMIT_MEMLOCK)
    return None if limit == resource.RLIM_INFINITY or os.geteuid() == 0 else limit
