"""`companion calibrate`: measure the round trip through a cable, and keep it for the devices."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from companion.audio.format import BLOCK_SAMPLES
from companion.device.calibration import Calibration, keep_calibration
from companion.device.supervisor import Supervisor
from companion.device.wire import Wanted
from companion.system.errors import CompanionError

TIMES = 3


def calibrate(wanted: Wanted) -> tuple[str, Calibration, Path]:
    """Measure three times, and keep what they agree on.

    Returns:
        what the devices are called, what is kept of them, and where.

    Raises:
        CompanionError: the devices do not open, nothing came back, or not always as late.
    """
    with closing(Supervisor(0, wanted)) as stream:
        stream.start()
        device, rate = stream.device, stream.memory.rate
        trips = [stream.measure() for _ in range(TIMES)]
        reported = stream.reported_samples
    found = sorted(trip for trip in trips if trip is not None)
    if len(found) < TIMES:
        raise CompanionError(
            f"nothing came back from {device.name}; connect its output to its input with a cable, "
            "or turn up loudspeaker and microphone"
        )
    if found[-1] - found[0] > 1:
        raise CompanionError(
            f"the round trip of {device.name} is {', '.join(map(str, trips))} samples; valid: the "
            "same each time; close other programs, or use a larger block"
        )
    kept = Calibration(rate, BLOCK_SAMPLES, found[TIMES // 2], reported)
    return device.name, kept, keep_calibration(device, kept)
