"""Checkpoints are read to the letter; what is none, or is cut short, is one error."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest

from training.errors import TrainingError
from training.evaluation.bundle import MAGIC, read_bundle


def varint(value: int) -> bytes:
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number: int, value: int | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def block(entries: list[tuple[bytes, bytes]], compressed: bool = False) -> bytes:
    out, before = b"", b""
    for key, value in entries:
        shared = 0
        while shared < min(len(key), len(before)) and key[shared] == before[shared]:
            shared += 1
        own = key[shared:]
        out += varint(shared) + varint(len(own)) + varint(len(value)) + own + value
        before = key
    return out + struct.pack("<II", 0, 1) + bytes([compressed]) + b"\0\0\0\0"


def write(folder: Path, arrays: dict[str, np.ndarray], **how: bool) -> tuple[Path, Path]:
    """A checkpoint as TensorFlow lays it out."""
    entries, data = [(b"", field(1, 1))], b""
    for name, array in sorted(arrays.items()):
        shape = b"".join(field(2, field(1, size)) for size in array.shape)
        dtype = 1 if array.dtype == np.float32 else 9
        # As protocol buffers do, an offset of 0 is left out.
        offset = field(4, len(data)) if data else b""
        entry = field(1, dtype) + field(2, shape) + offset + field(5, array.nbytes)
        entries.append((name.encode(), entry + b"\x35" + b"\0\0\0\0"))
        data += array.tobytes()
    first = block(entries, **how)
    index = block([(entries[-1][0], varint(0) + varint(len(first) - 5))])
    footer = varint(0) + varint(0) + varint(len(first)) + varint(len(index) - 5)
    table = first + index + footer.ljust(40, b"\0") + struct.pack("<Q", MAGIC)
    files = folder / ".index", folder / ".data-00000-of-00001"
    files[0].write_bytes(table)
    files[1].write_bytes(data)
    return files


ARRAYS = {
    "model/conv/kernel": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
    "model/conv/bias": np.array([1.5, -2.0], np.float32),
    "model/scale": np.float32(3.0).reshape(()),
    "model/long": np.arange(300, dtype=np.float32),
}


def test_arrays_come_back_as_they_were(tmp_path):
    found = read_bundle(*write(tmp_path, ARRAYS))
    assert set(found) == set(ARRAYS)
    for name, array in ARRAYS.items():
        assert found[name].shape == array.shape
        assert np.array_equal(found[name], array)


def test_what_is_no_float32_is_left_out(tmp_path):
    found = read_bundle(*write(tmp_path, {**ARRAYS, "step": np.array([7], np.int64)}))
    assert set(found) == set(ARRAYS)


def test_a_missing_file_is_named(tmp_path):
    index, data = write(tmp_path, ARRAYS)
    data.unlink()
    with pytest.raises(TrainingError, match="data-00000"):
        read_bundle(index, data)


@pytest.mark.parametrize("content", [b"", b"short", b"x" * 4000])
def test_what_is_no_checkpoint_is_refused(tmp_path, content):
    index, data = write(tmp_path, ARRAYS)
    index.write_bytes(content)
    with pytest.raises(TrainingError, match="no TensorFlow checkpoint"):
        read_bundle(index, data)


def test_data_cut_short_are_refused(tmp_path):
    index, data = write(tmp_path, ARRAYS)
    data.write_bytes(data.read_bytes()[:-4])
    with pytest.raises(TrainingError, match="lies outside of the data"):
        read_bundle(index, data)


def test_a_compressed_block_is_refused(tmp_path):
    with pytest.raises(TrainingError, match="compressed"):
        read_bundle(*write(tmp_path, ARRAYS, compressed=True))
