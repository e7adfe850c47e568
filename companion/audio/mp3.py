"""What the frames of an MP3 say that its decoder does not.

An encoder may write a tag into the first frame, with the number of frames and the delay it has put
before the sound; who decodes the file then cuts that off. Without such a tag the sound comes late,
and the decoder guesses the length from the first frame's bit rate, which is wrong by far where that
changes.
"""

from __future__ import annotations

from typing import NamedTuple

ENCODER_SAMPLES = 576
"""Silence that the usual encoder puts before the sound."""
DECODER_SAMPLES = 529
"""By which every decoder comes late; with a tag, ours cuts that off."""
_VERSION_1 = 3
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}
_KBITS_1 = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
_KBITS_2 = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
_MOST_LOST = 4096  # bytes that are no frame, before it is given up


class _Frame(NamedTuple):
    """The head of one frame of layer III."""

    size: int  # bytes of the frame
    side: int  # bytes between its head and where a tag would be


class WholeMp3(NamedTuple):
    """An MP3 of which every frame is decoded."""

    data: bytes  # of the file
    cut_samples: int  # what the decoder cuts off at its start and would not without our tag
    late_samples: int  # by which the sound comes late when that is put back


def whole_mp3(data: bytes) -> WholeMp3:
    """An MP3 as it is if it has a tag, else with one that tells its length."""
    first = _next_frame(data, _after_tags(data))
    if first is None:
        return WholeMp3(data, 0, 0)
    at, frame = first
    if _tag(data, at, frame):
        return WholeMp3(data, 0, 0 if _tells_delay(data, at, frame) else ENCODER_SAMPLES)
    count, following = 0, _next_frame(data, at)
    while following is not None:
        count += 1
        following = _next_frame(data, following[0] + following[1].size)
    roomy = bytes([0xFF, data[at + 1] | 1, data[at + 2] & 0x0C | 0x90, data[at + 3]])
    size = (_frame(roomy) or frame).size
    told = b"Info" + (1).to_bytes(4, "big") + count.to_bytes(4, "big")
    tag = (roomy + bytes(frame.side) + told).ljust(size, b"\0")
    return WholeMp3(tag + data[at:], DECODER_SAMPLES, ENCODER_SAMPLES + DECODER_SAMPLES)


def _after_tags(data: bytes) -> int:
    """Where the sound may begin: tags of titles and pictures come before it."""
    if data[:3] != b"ID3" or len(data) < 10:
        return 0
    size = sum(byte << 7 * place for byte, place in zip(data[6:10], (3, 2, 1, 0), strict=True))
    return 10 + size + (10 if data[5] & 0x10 else 0)


def _next_frame(data: bytes, start: int) -> tuple[int, _Frame] | None:
    """The next frame from a byte on, and where it is."""
    for at in range(start, min(start + _MOST_LOST, len(data) - 4)):
        if data[at] == 0xFF and (frame := _frame(data[at : at + 4])) is not None:
            return at, frame
    return None


def _frame(head: bytes) -> _Frame | None:
    version, layer = head[1] >> 3 & 3, head[1] >> 1 & 3
    rate, kbits, padding = head[2] >> 2 & 3, head[2] >> 4, head[2] >> 1 & 1
    if head[1] < 0xE0 or layer != 1 or version not in _RATES or rate == 3 or kbits in (0, 15):
        return None
    newest, mono = version == _VERSION_1, head[3] >> 6 == 3
    bits = 1000 * (_KBITS_1 if newest else _KBITS_2)[kbits]
    size = (144 if newest else 72) * bits // _RATES[version][rate] + padding
    return _Frame(size, (17 if mono else 32) if newest else (9 if mono else 17))


def _tag(data: bytes, at: int, frame: _Frame) -> bytes:
    """The encoder's tag in a first frame; empty if there is none."""
    tag = data[at + 4 + frame.side : at + frame.size]
    return tag if tag[:4] in (b"Xing", b"Info") else b""


def _tells_delay(data: bytes, at: int, frame: _Frame) -> bool:
    tag = _tag(data, at, frame)
    has = tag[7] if len(tag) > 7 else 0
    fields = 8 + 4 * (has & 1) + 4 * (has >> 1 & 1) + 100 * (has >> 2 & 1) + 4 * (has >> 3 & 1)
    return len(tag) > fields and tag[fields] != 0  # the encoder's name, then what it tells
