"""The wire to a child process, also when the child is not what it should be."""

from __future__ import annotations

import sys
from queue import SimpleQueue

import pytest

from companion.generate.protocol import Finish, Message
from companion.generate.wire import Lost, ProcessLink, child_command
from companion.generate.worker import process_worker
from companion.system.errors import CompanionError

WAIT_S = 60.0


def open_script(script: str) -> tuple[ProcessLink, SimpleQueue[Message | Lost]]:
    heard: SimpleQueue[Message | Lost] = SimpleQueue()
    return ProcessLink((sys.executable, "-S", "-c", script), heard.put), heard


def last_words(script: str) -> str:
    link, heard = open_script(script)
    message = heard.get(timeout=WAIT_S)
    assert isinstance(message, Lost)
    link.send(Finish(1))  # to nobody
    link.close()
    link.close()
    return message.reason


def test_garbage_from_the_child_is_a_clean_loss() -> None:
    reason = last_words("import time; print('Loading weights...', flush=True); time.sleep(60)")
    assert "spoke nonsense (message starts with b'Loading weig'; valid: b'STEM')" in reason
    assert "\n" not in reason


def test_a_child_that_dies_is_quoted() -> None:
    reason = last_words("import sys; print('line 1\\nno such thing', file=sys.stderr); sys.exit(3)")
    assert reason == "the generator's process ended with code 3: no such thing"


def test_a_child_that_stops_in_the_middle_of_a_message_is_a_clean_loss() -> None:
    script = r"import os; os.write(1, b'STEM\0\0\0\x09\0\0\0\0abc')"
    assert "message of 9 bytes ends at 3" in last_words(script)


def test_a_child_that_does_not_listen_is_ended_and_holds_up_nobody(make_request) -> None:
    from companion.generate.protocol import Plan

    link, heard = open_script("import time; time.sleep(60)")
    for number in range(5):  # far more than a pipe holds
        link.send(Plan(number, (make_request(),)))
    link.close(0.0)
    message = heard.get(timeout=WAIT_S)
    assert isinstance(message, Lost) and "ended with code" in message.reason


def test_a_child_is_told_to_end_before_it_is_made_to() -> None:
    link, heard = open_script("import sys; sys.stdin.read()")
    link.close(WAIT_S)
    message = heard.get(timeout=WAIT_S)
    assert message == Lost("the generator's process ended with code 0")


def test_the_command_names_generator_device_and_weights(tmp_path) -> None:
    command = child_command("model", "cpu", tmp_path)
    assert command[:3] == (sys.executable, "-m", "companion.generate.child")
    assert command[3:] == (
        *("--generator", "model", "--device", "cpu"),
        *("--weights", str(tmp_path)),
    )


def test_weights_that_are_missing_are_named_by_the_real_child(tmp_path) -> None:
    worker = process_worker("model", "cpu", tmp_path / "nothing")
    with pytest.raises(CompanionError, match=r"nothing.*missing"):
        worker.wait_ready(WAIT_S)
    worker.close()
