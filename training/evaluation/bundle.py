"""Arrays from a TensorFlow checkpoint, read without TensorFlow and without running anything in it.

A checkpoint is two files: the index is a sorted table (LevelDB's format: prefix-compressed keys
in blocks, the last 48 bytes say where the block of blocks is) whose values are small protocol
buffers; they say where in the data file each array lies.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainingError

MAGIC = 0xDB4775248B80FB57
FOOTER = 48
FLOAT = 1
"""TensorFlow's number for float32."""
DTYPE_FIELD, SHAPE_FIELD, SHARD_FIELD, OFFSET_FIELD, SIZE_FIELD = 1, 2, 3, 4, 5


def read_bundle(index_file: Path, data_file: Path) -> dict[str, NDArray[np.float32]]:
    """The float32 arrays of a checkpoint by name, each in its own shape [...]; others are left out.

    Raises:
        TrainingError: a file is missing, or is not of this format.
    """
    try:
        index, data = index_file.read_bytes(), data_file.read_bytes()
    except OSError as error:
        raise TrainingError(f"cannot read {error.filename}: {error.strerror}") from error
    try:
        return _arrays(index, data)
    except (ValueError, IndexError, KeyError, struct.error) as error:
        raise TrainingError(
            f"{index_file} and {data_file.name} are no TensorFlow checkpoint: {error}"
        ) from error


def _arrays(index: bytes, data: bytes) -> dict[str, NDArray[np.float32]]:
    if len(index) < FOOTER or struct.unpack("<Q", index[-8:])[0] != MAGIC:
        raise ValueError("the table's last bytes are wrong")
    at = len(index) - FOOTER
    for _ in range(2):  # where the block of filters is: it is not needed
        _, at = _varint(index, at)
    offset, at = _varint(index, at)
    size, at = _varint(index, at)
    arrays = {}
    for _, handle in _entries(index, offset, size):
        block, at = _varint(handle, 0)
        length, _ = _varint(handle, at)
        for key, value in _entries(index, block, length):
            entry = _fields(value)
            # The empty key is the header of the whole.
            if not key or entry.get(DTYPE_FIELD, [0])[0] != FLOAT:
                continue
            if entry.get(SHARD_FIELD, [0])[0] != 0:
                raise ValueError("its data are in several files")
            start, count = entry.get(OFFSET_FIELD, [0])[0], entry[SIZE_FIELD][0]
            shape = _shape(entry[SHAPE_FIELD][0]) if SHAPE_FIELD in entry else ()
            if start + count > len(data):
                raise ValueError(f"{key.decode()} lies outside of the data")
            flat = np.frombuffer(data, "<f4", count // 4, start)
            arrays[key.decode()] = flat.reshape(shape).astype(np.float32)
    return arrays


def _entries(table: bytes, offset: int, size: int) -> Iterator[tuple[bytes, bytes]]:
    """Keys and values of one block. A key repeats so many bytes of the one before."""
    if table[offset + size] != 0:
        raise ValueError("a block is compressed")
    block = table[offset : offset + size]
    (restarts,) = struct.unpack("<I", block[-4:])
    at, end, key = 0, size - 4 - 4 * restarts, b""
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + own]
        yield key, block[at + own : at + own + length]
        at += own + length


def _fields(message: bytes) -> dict[int, list]:
    """Fields of a protocol buffer by number: whole numbers, or bytes."""
    fields: dict[int, list] = {}
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        number, kind = tag >> 3, tag & 7
        value: int | bytes
        if kind == 0:
            value, at = _varint(message, at)
        elif kind in (1, 2, 5):
            length = 8 if kind == 1 else 4
            if kind == 2:
                length, at = _varint(message, at)
            value = message[at : at + length]
            at += length
        else:
            raise ValueError(f"a field of kind {kind}")
        fields.setdefault(number, []).append(value)
    return fields


def _shape(message: bytes) -> tuple[int, ...]:
    return tuple(_fields(size).get(1, [0])[0] for size in _fields(message).get(2, []))


def _varint(data: bytes, at: int) -> tuple[int, int]:
    """A number of seven bits a byte, the least first, and where it ends."""
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
