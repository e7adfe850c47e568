"""What is printed, whatever stands at the other end.

Standard output and error may have any encoding, names may hold any bytes, and a reader may go
away, a disk be full or a terminal close at any write. None of that is a reason to stop playing:
what an encoding lacks is spelled out, and from the first write that fails a stream takes
everything and keeps nothing.

*Threading*: any thread may print inside `printed_text`, which belongs to the main thread.
"""

from __future__ import annotations

import codecs
import errno
import io
import os
import select
import sys
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO

ERRORS = "companion"
"""Name of the codecs' error handler that spells out what an encoding does not have."""
SPELLED = {"→": "->", "…": "...", "–": "-", "—": "-", "−": "-", "×": "x", "±": "+-"}
NOBODY_READS = (errno.EPIPE, errno.EIO, errno.EBADF, errno.ENXIO, errno.ECONNRESET)
"""What a write fails with where the reader or the terminal has gone."""


def printable(text: str) -> str:
    """A text as it can be shown, drawn and written into XML: one line, of characters only.

    Bytes of a name that are no text, and control characters, become escapes such as ``\\xe9``.
    """
    return "".join(each if _is_shown(each) else _escape(each) for each in text)


def say(line: str) -> None:
    """Print one line on standard output."""
    print(printable(line))


class _Unfailing(io.RawIOBase):
    """The bytes of a stream; see the module.

    Attributes:
        error: of the first write that failed; None while all went well.
    """

    def __init__(self, raw: io.RawIOBase) -> None:
        self._raw = raw
        self.error: OSError | None = None

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._raw.fileno()

    def isatty(self) -> bool:
        return self._raw.isatty()

    def write(self, data: object) -> int:
        left = memoryview(data).cast("B")  # type: ignore[arg-type]
        whole = len(left)
        while left and self.error is None:
            try:
                written = self._raw.write(left)
            except OSError as error:
                self.error = error
                break
            if written is None:  # it does not block by itself: wait here
                with suppress(OSError, ValueError):
                    select.select([], [self._raw], [])
            left = left[written or 0 :]
        return whole


def text_stream(
    raw: io.RawIOBase, encoding: str, line_buffering: bool, write_through: bool = False
) -> TextIO:
    """A stream of text on one of bytes, to which every write succeeds; it does not close `raw`."""
    return io.TextIOWrapper(
        _Unfailing(raw),  # type: ignore[type-var]
        encoding,
        ERRORS,
        line_buffering=line_buffering,
        write_through=write_through,
    )


@contextmanager
def printed_text() -> Iterator[None]:
    """Meanwhile everything that Python prints in this process is printed as the module says.

    A stream that was closed when the process began stands open towards nowhere, so that no file
    comes to have its number.
    """
    _open_standard_descriptors()
    kept = {name: getattr(sys, name) for name in ("stdout", "stderr")}
    for name, stream in kept.items():
        if stream is None:
            setattr(sys, name, text_stream(io.FileIO(os.devnull, "w"), "utf-8", False))
        elif stream is getattr(sys, f"__{name}__"):  # else it is somebody's who knows better
            with suppress(OSError):
                stream.flush()
            raw = getattr(stream.buffer, "raw", stream.buffer)
            how = stream.encoding, stream.line_buffering, stream.write_through
            setattr(sys, name, text_stream(raw, *how))
    try:
        yield
    finally:
        for name, stream in kept.items():
            getattr(sys, name).flush()
            setattr(sys, name, stream)


def not_printed() -> str | None:
    """Why standard output is not whole, one line; None if it is, or if nobody reads it any more."""
    sys.stdout.flush()
    raw = getattr(sys.stdout, "buffer", None)
    error = raw.error if isinstance(raw, _Unfailing) else None
    if error is None or error.errno in NOBODY_READS:
        return None
    return f"cannot write standard output ({error.strerror}); valid: a reader or a disk with room"


def _open_standard_descriptors() -> None:
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # gets the lowest that is free, which is this one


def _is_shown(each: str) -> bool:
    return unicodedata.category(each) not in ("Cc", "Cs", "Zl", "Zp") and ord(each) & 0xFFFE != (
        0xFFFE
    )


def _escape(each: str) -> str:
    if "\udc80" <= each <= "\udcff":  # a byte of a file's name
        return f"\\x{ord(each) - 0xDC00:02x}"
    return each.encode("unicode_escape").decode("ascii")


def _spell(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(SPELLED.get(each) or _escape(each) for each in missing), error.end


codecs.register_error(ERRORS, _spell)
