"""Round trips that were measured with a cable, kept for each pair of devices.

They are one JSON file in the user's configuration folder. Where a stream finds no way back from
its output to its input, what was kept for its devices stands in.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from companion.device.devices import DuplexDevice
from companion.system.config import config_folder
from companion.system.errors import CompanionError

FILE = "calibration.json"
LONGEST_SAMPLES = 384_000
DRIFT_S = 0.001  # a latency that differs by more than this was drawn anew


@dataclass(frozen=True, slots=True)
class Calibration:
    """One pair of devices, measured once.

    Attributes:
        rate, block: what the stream was opened with, Hz and frames.
        round_trip_samples: what was measured.
        reported_samples: what the sound system said at that time.
    """

    rate: int
    block: int
    round_trip_samples: int
    reported_samples: int

    def at(self, rate: int) -> Calibration:
        """These times, counted in samples of another rate."""
        samples = (self.round_trip_samples, self.reported_samples)
        return Calibration(rate, self.block, *(round(n * rate / self.rate) for n in samples))


@dataclass(frozen=True, slots=True)
class Latency:
    """The round trip to reckon with.

    Attributes:
        samples: at the memory's rate.
        source: how it is known: "measured" now, "calibrated" before, or "reported" by the system.
        warning: one line, if it is not what it was when the devices were calibrated; else empty.
    """

    samples: int
    source: str
    warning: str = ""

    def __str__(self) -> str:
        warning = f"; {self.warning}" if self.warning else ""
        return f"{self.samples} samples, {self.source}{warning}"


def settle(
    rate: int, block: int, measured: int | None, reported: int, kept: Calibration | None
) -> Latency:
    """The best of what is known, in samples: now measured, else calibrated, else reported.

    A calibration moves along with what the system reports, at the same rate and block.
    """
    suits = kept is not None and (kept.rate, kept.block) == (rate, block)
    warning = ""
    if measured is not None:
        if kept and suits and abs(measured - kept.round_trip_samples) > DRIFT_S * rate:
            warning = (
                f"the round trip is {measured} samples now, {kept.round_trip_samples} when it was "
                "calibrated; the new one is used"
            )
        return Latency(measured, "measured", warning)
    if kept is None:
        return Latency(reported, "reported")
    if not suits:
        warning = (
            f"calibrated at {kept.rate} Hz with {kept.block} frames, not at {rate} Hz with {block}"
            "; run: companion calibrate"
        )
        return Latency(reported, "reported", warning)
    moved = reported - kept.reported_samples
    if abs(moved) > DRIFT_S * rate:
        warning = (
            f"the sound system reports {reported} samples of latency, {kept.reported_samples} when "
            "it was calibrated; run: companion calibrate"
        )
    return Latency(max(0, kept.round_trip_samples + moved), "calibrated", warning)


def default_file() -> Path:
    """Where calibrations are kept."""
    return config_folder() / FILE


def read_calibration(device: DuplexDevice) -> Calibration | None:
    """What is kept for a pair of devices, None if nothing is.

    Raises:
        CompanionError: the file is there and cannot be used.
    """
    file = default_file()
    found = _read(file).get(_pair(device))
    return None if found is None else _checked(found, file)


def keep_calibration(device: DuplexDevice, kept: Calibration) -> Path:
    """Keep it in place of what was kept for the pair; where it is.

    Raises:
        CompanionError: the file cannot be read or written.
    """
    file = default_file()
    whole = {**_read(file), _pair(device): asdict(kept)}
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        new = file.with_suffix(".new")
        new.write_text(json.dumps(whole, indent=2) + "\n", encoding="utf-8")
        new.replace(file)
    except OSError as error:
        raise CompanionError(f"cannot keep the calibration in {file} ({error})") from error
    return file


def _pair(device: DuplexDevice) -> str:
    return f"{device.input.host_api}: {device.input.name} <- {device.output.name}"


def _read(file: Path) -> dict[str, object]:
    try:
        whole = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise CompanionError(
            f"calibrations {file} cannot be read ({error}); valid: what `companion calibrate` "
            "writes, or no file"
        ) from error
    if not isinstance(whole, dict):
        raise CompanionError(f"calibrations {file} hold no pairs of devices; valid: no file")
    return whole


def _checked(found: object, file: Path) -> Calibration:
    keys = Calibration.__dataclass_fields__
    if isinstance(found, dict) and set(found) == set(keys):
        numbers = [found[key] for key in keys]
        if all(type(number) is int and 0 <= number <= LONGEST_SAMPLES for number in numbers):
            return Calibration(*numbers)
    raise CompanionError(
        f"calibrations {file} hold {found!r}; valid: {', '.join(keys)}, whole numbers from 0 to "
        f"{LONGEST_SAMPLES}; run: companion calibrate"
    )
