"""What is printed arrives, or is lost, but never ends what is being done."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.system.printing import ERRORS, printable, text_stream

ENCODINGS = (
    "utf-8",
    "ascii",
    "latin-1",
    "cp1252",
    "cp437",
    "koi8-r",
    "shift_jis",
    "utf-16",
    "cp037",
)
names = st.binary(min_size=1, max_size=60).map(os.fsdecode) | st.text(max_size=60)
EXAMPLES = int(os.environ.get("PRINTING_EXAMPLES", "100"))


class Failing(io.RawIOBase):
    """Takes so many bytes, a few at a time, then fails as a stream can."""

    def __init__(self, room: int, code: int) -> None:
        self.taken, self.room, self.code = b"", room, code

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        if self.room == 0:
            raise OSError(self.code, os.strerror(self.code))
        some = bytes(data)[: min(3, self.room)]  # type: ignore[call-overload]
        self.taken += some
        self.room -= len(some)
        return len(some)


@given(names, st.sampled_from(ENCODINGS))
@settings(max_examples=EXAMPLES)
def test_any_name_can_be_printed_in_any_encoding(name: str, encoding: str) -> None:
    raw = io.BytesIO()
    for text in (name, printable(name)):
        stream = text_stream(raw, encoding, line_buffering=True)
        print(text, file=stream)
        stream.flush()
    assert raw.getvalue().decode(encoding).count("\n") >= 2  # a line each, whatever is in them


@given(names)
@settings(max_examples=EXAMPLES)
def test_a_printable_name_is_one_line_of_text_that_xml_can_hold(name: str) -> None:
    shown = printable(name)
    assert len(shown.splitlines()) <= 1
    assert "\x1b" not in shown
    element = ElementTree.Element("Title")
    element.text = shown
    read = ElementTree.fromstring(ElementTree.tostring(element, encoding="UTF-8"))
    assert (read.text or "") == shown
    assert printable(shown) == shown


def test_what_can_be_shown_is_shown_as_it_is() -> None:
    for name in ("Gig – encore", "конcert", "東京", "café 🎺", "a & <b> 'c'"):
        assert printable(name) == name
    assert printable("caf\udce9\n\x1b[2J") == r"caf\xe9\n\x1b[2J"


def test_what_an_encoding_lacks_is_spelled_out() -> None:
    assert "system → system – 東".encode("cp1252", ERRORS) == b"system -> system \x96 \\u6771"
    assert os.fsdecode(b"caf\xe9").encode("utf-8", ERRORS) == b"caf\\xe9"


@given(
    st.lists(names, max_size=6),
    st.integers(0, 60),
    st.sampled_from([errno.EPIPE, errno.ENOSPC, errno.EIO, errno.EBADF]),
    st.sampled_from(ENCODINGS),
    st.booleans(),
)
@settings(max_examples=EXAMPLES)
def test_a_stream_may_end_at_any_write(
    lines: list[str], room: int, code: int, encoding: str, buffered: bool
) -> None:
    raw, whole = Failing(room, code), Failing(10**6, code)
    for each in (raw, whole):
        stream = text_stream(each, encoding, line_buffering=buffered)
        for line in lines:
            print(line, file=stream)
        stream.flush()
        stream.close()
    assert raw.taken == whole.taken[:room]


SCRIPT = """
import os, sys
from companion.system.printing import not_printed, printed_text
with printed_text():
    opened = os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT)
    print("results \\u2192")
    print("errors \\u2192", file=sys.stderr)
    os.write(opened, str(not_printed()).encode())
"""


@pytest.mark.parametrize("redirected", [">&-", "2>&-", ">&- 2>&- <&-", ">/dev/full 2>/dev/full"])
def test_closed_and_full_streams_harm_nothing(tmp_path: Path, redirected: str) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    done = subprocess.run(
        ["sh", "-c", f'exec "$0" script.py log {redirected}', sys.executable],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        capture_output=True,
        check=False,
    )
    log = (tmp_path / "log").read_text()
    assert done.returncode == 0
    assert log == ("None" if "full" not in redirected else log)
    assert ("No space left" in log) == ("full" in redirected)


def test_a_reader_that_has_gone_is_no_error(tmp_path: Path) -> None:
    (tmp_path / "script.py").write_text(SCRIPT)
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "script.py", "log"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    done = subprocess.run(command, cwd=tmp_path, env=environment, stdout=writing, check=False)
    os.close(writing)
    assert (done.returncode, (tmp_path / "log").read_text()) == (0, "None")
