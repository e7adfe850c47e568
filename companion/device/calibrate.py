"""`companion calibrate`: measure the round trip through a cable, and keep it for the devices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from companion.audio.format import BLOCK_SAMPLES
from companion.device.calibration import Calibration, keep_calibration
from companion.device.supervisor import OpenLink, Supervisor
from companion.device.wire import Wanted
from companion.system.errors import CompanionError

TIMES = 3


@dataclass(frozen=True, slots=True)
class Calibrated:
    """What was measured and kept.

    Attributes:
        device: what the devices are called.
        round_trip_samples, rate: at that many samples a second.
        reported_samples: what the sound system says.
        file: where it is kept.
    """

    device: str
    round_trip_samples: int
    reported_samples: int
    rate: int
    file: Path


def calibrate(
    wanted: Wanted,
    block: int = BLOCK_SAMPLES,
    open_link: OpenLink | None = None,
    file: Path | None = None,
) -> Calibrated:
    """Measure three times, and keep what they agree on.

    Args:
        wanted: the devices.
        block: frames a call of the callback.
        open_link: how to reach them, if not PortAudio.
        file: where to keep it, if not in the user's configuration folder.

    Raises:
        CompanionError: the devices do not open, nothing came back, or not always as late.
    """
    stream = Supervisor(0, wanted, block, *(() if open_link is None else (open_link,)))
    try:
        stream.start()
        device, rate = stream.device, stream.memory.rate
        trips = [stream.measure() for _ in range(TIMES)]
        reported = stream.reported_samples
    finally:
        stream.close()
    found = [trip.samples for trip in trips if trip is not None]
    if len(found) < TIMES:
        raise CompanionError(
            f"nothing came back from {device.name}; connect its output to its input with a cable, "
            "or turn up loudspeaker and microphone"
        )
    if max(found) - min(found) > 1:
        raise CompanionError(
            f"the round trip of {device.name} is {', '.join(map(str, found))} samples; valid: the "
            "same each time; close other programs, or use a larger block"
        )
    trip = sorted(found)[TIMES // 2]
    kept = keep_calibration(device, Calibration(rate, block, trip, reported), file)
    return Calibrated(device.name, trip, reported, rate, kept)
