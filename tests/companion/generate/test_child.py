"""The child process, run in this one: its pipes are its standard input and output."""

from __future__ import annotations

import io
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from companion.generate.protocol import NO_PLAN, Failed, Hello, Ready, pack, read_message
from companion.generate.wire import child_command


def run_child(said: bytes) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        child_command("standin"), input=said, capture_output=True, timeout=60, check=False
    )


def test_it_ends_when_its_input_does() -> None:
    import io

    done = run_child(b"")
    stream = io.BytesIO(done.stdout)
    assert done.returncode == 0 and done.stderr == b""
    assert isinstance(read_message(stream), Hello)
    assert isinstance(read_message(stream), Ready)
    assert read_message(stream) is None


def test_nonsense_ends_it_with_a_line_that_says_so() -> None:
    done = run_child(pack(Hello()) + b"rm -rf /\n\n\n\n")
    assert done.returncode == 1
    assert done.stderr.decode().splitlines() == [
        "message starts with b'rm -rf /\\n\\n\\n\\n'; valid: b'STEM'"
    ]


def test_the_stand_in_needs_no_torch() -> None:
    script = (
        "import sys, companion.generate.child, companion.generate.worker\n"
        "from companion.generate.loading import loading; loading('standin').load()\n"
        "print([name for name in ('torch', 'numba', 'soxr') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert done.stdout == b"[]\n" or done.stdout == b"[]\r\n"


def test_an_unknown_generator_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    from companion.generate.child import main

    with pytest.raises(SystemExit):
        main(["--generator", "choir"])
    assert "choir" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries keep what they have")
def test_memory_that_is_free_goes_back_to_the_system() -> None:
    script = (
        "import ctypes, os; from companion.generate.child import memory_trimmer\n"
        "def held(): return int(open('/proc/self/statm').read().split()[1]) * 4096 / 2**20\n"
        "c = ctypes.CDLL(None); c.malloc.restype = ctypes.c_void_p\n"
        "blocks = [c.malloc(100_000) for _ in range(1000)]\n"
        "for block in blocks: ctypes.memset(block, 1, 100_000)\n"
        "for block in blocks[:-1]: c.free(ctypes.c_void_p(block))\n"
        "before = held(); memory_trimmer()(); print(before - held())"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True)
    assert float(done.stdout) > 80


def test_it_says_what_recordings_sound_like(tmp_path: Path) -> None:
    for name, level in (("loud", 0.5), ("quiet", 0.125)):
        soundfile.write(tmp_path / f"{name}.wav", level * np.ones(3200, np.float32), 32_000)
    paths = [tmp_path / "loud.wav", tmp_path / "quiet.wav"]
    command = child_command("standin", recordings=paths)
    done = subprocess.run(command, input=b"", capture_output=True, timeout=60, check=False)
    stream = io.BytesIO(done.stdout)
    read_message(stream)
    ready = read_message(stream)
    assert isinstance(ready, Ready)
    assert ready.recorded.tolist() == [[0.5], [0.125]]


def test_a_recording_that_is_missing_is_named(tmp_path: Path) -> None:
    command = child_command("standin", recordings=[tmp_path / "gone.wav"])
    done = subprocess.run(command, input=b"", capture_output=True, timeout=60, check=False)
    stream = io.BytesIO(done.stdout)
    read_message(stream)
    failed = read_message(stream)
    missing = f"recording {tmp_path / 'gone.wav'} is missing; valid: an audio file"
    assert failed == Failed(NO_PLAN, missing)
