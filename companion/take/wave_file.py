"""WAV files that are valid at every moment while they grow: one channel or two, 32-bit float.

What is appended is written first and counted in the header after it, in one write of 94 bytes: a
process that is killed leaves a header that never counts more than is there. Float holds what goes
over full scale. The header keeps room for 64-bit lengths: a file that passes 4 GiB (6.2 hours at
48 kHz) becomes RF64, the broadcast extension of WAV, by its next header; until then it is a plain
WAV file.
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
from io import FileIO
from pathlib import Path

import numpy as np
import soundfile

from companion.audio.recording import open_sound
from companion.system.errors import CompanionError

SAMPLE_BYTES = 4
_FLOAT = 3  # WAVE_FORMAT_IEEE_FLOAT
_MOST = 0xFFFF_FFFF  # what a 32-bit length can say; in RF64, that the 64-bit one says it
_ROOM = 28  # bytes of the chunk with 64-bit lengths
_HEAD = struct.Struct("<4sI4s 4sI28s 4sIHHIIHHH 4sII 4sI")
HEADER_BYTES = _HEAD.size


class WaveWriter:
    """One growing file.

    Attributes:
        frames: samples of each channel that the header counts.
    """

    def __init__(self, path: Path, rate: int, channels: int = 1) -> None:
        """Make an empty file; OSError, and no file, if it is there already or cannot be made."""
        self.path, self.rate, self.channels, self.frames = path, rate, channels, 0
        file = path.open("xb", buffering=0)
        try:
            with file:
                _write_all(file, wave_header(rate, 0, channels))
        except OSError:
            path.unlink()
            raise

    def append(self, samples: np.ndarray) -> None:
        """Append `[n]` or `[n, channels]`; OSError leaves the file as it was before."""
        data = np.ascontiguousarray(samples, "<f4").tobytes()
        with FileIO(self.path, "r+") as file:
            end = file_bytes(self.frames, self.channels)
            file.seek(end)
            try:
                _write_all(file, data)
            except OSError:
                with contextlib.suppress(OSError):
                    file.truncate(end)
                raise
            file.seek(0)
            _write_all(file, wave_header(self.rate, self.frames + len(samples), self.channels))
        self.frames += len(samples)

    def append_silence(self, frames: int) -> None:
        """Append samples that are 0, of which most file systems keep only how many."""
        with FileIO(self.path, "r+") as file:
            file.truncate(file_bytes(self.frames + frames, self.channels))
            _write_all(file, wave_header(self.rate, self.frames + frames, self.channels))
        self.frames += frames


def file_bytes(frames: int, channels: int = 1) -> int:
    """How large a file of so many samples a channel is."""
    return HEADER_BYTES + frames * channels * SAMPLE_BYTES


def wave_header(rate: int, frames: int, channels: int = 1) -> bytes:
    """The header of a file of so many samples a channel at `rate` Hz."""
    riff_bytes = file_bytes(frames, channels) - 8
    data_bytes = riff_bytes + 8 - HEADER_BYTES
    frame_bytes = channels * SAMPLE_BYTES
    large = riff_bytes > _MOST
    lengths = struct.pack("<QQQI", riff_bytes, data_bytes, frames, 0) if large else b""
    return _HEAD.pack(
        *(b"RF64" if large else b"RIFF", min(riff_bytes, _MOST), b"WAVE"),
        *(b"ds64" if large else b"JUNK", _ROOM, lengths),
        *(b"fmt ", 18, _FLOAT, channels, rate, rate * frame_bytes, frame_bytes, 32, 0),
        *(b"fact", 4, min(frames, _MOST)),
        *(b"data", min(data_bytes, _MOST)),
    )


def whole_frames(path: Path) -> int:
    """Samples a channel that a file has, whatever its header counts; 0 if it has not even a header.

    CompanionError if the file is missing, or not one of `WaveWriter`'s.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(HEADER_BYTES)
    except OSError as error:
        raise CompanionError(
            f"cannot read {str(path)!r} ({error.strerror}); valid: a take's WAV file"
        ) from error
    if len(head) < HEADER_BYTES:
        return 0
    fields = _HEAD.unpack(head)
    marks = (fields[2], fields[6], fields[8], fields[-2])
    if fields[0] not in (b"RIFF", b"RF64") or marks != (b"WAVE", b"fmt ", _FLOAT, b"data"):
        raise CompanionError(f"{str(path)!r} was not recorded in a take; valid: a take's WAV file")
    return (size - HEADER_BYTES) // (max(1, fields[9]) * SAMPLE_BYTES)


def set_frames(path: Path, rate: int, frames: int, channels: int = 1) -> None:
    """Make a file of `WaveWriter`'s exactly so long: cut, or with silence at its end."""
    with path.open("r+b" if path.exists() else "xb") as file:
        file.write(wave_header(rate, frames, channels))
        file.truncate(file_bytes(frames, channels))


def open_recorded(path: Path) -> soundfile.SoundFile:
    """A file of a take, to read; CompanionError if it cannot be."""
    try:
        return open_sound(path)
    except soundfile.SoundFileError as error:
        raise CompanionError(f"cannot read {str(path)!r} ({error}); valid: a WAV file") from error


def length_s(path: Path) -> float:
    """Seconds of a file of a take; CompanionError if it cannot be read."""
    with open_recorded(path) as file:
        return file.frames / file.samplerate


def _write_all(file: FileIO, data: bytes) -> None:
    """Write every byte: where a disk fills up, a write may stop half way without an error."""
    left = memoryview(data)
    while left:
        written = file.write(left)
        if not written:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        left = left[written:]
