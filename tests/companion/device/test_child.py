"""The process that holds PortAudio: where there is no device at all it looks once more."""

from __future__ import annotations

import io
from typing import Any

import pytest

from companion.device import child
from companion.device.devices import Device

WANTED = {"input": None, "output": None, "rate": None, "click_channel": None}
DEVICE = Device(0, "system", "JACK Audio Connection Kit", 2, 2, 48_000.0, True, True, -1)


class PortAudio:
    """Lists so many times nothing, then a device; counts how often it was begun again."""

    def __init__(self, nothing: int) -> None:
        self.nothing, self.begun = nothing, 0

    def _terminate(self) -> None:
        pass

    def _initialize(self) -> None:
        self.begun += 1

    def devices(self) -> tuple[Device, ...]:
        self.nothing -= 1
        return () if self.nothing >= 0 else (DEVICE,)


@pytest.mark.parametrize(
    ("nothing", "found", "begun"), [(0, True, 0), (1, True, 1), (2, False, 1), (9, False, 1)]
)
def test_where_there_is_no_device_at_all_it_looks_once_more(
    nothing: int, found: bool, begun: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    portaudio, waited = PortAudio(nothing), list[float]()
    monkeypatch.setattr(child, "portaudio", lambda: portaudio)
    monkeypatch.setattr(child, "list_devices", portaudio.devices)
    monkeypatch.setattr(child.time, "sleep", waited.append)
    answer: dict[str, Any] = child.Holder(io.BytesIO()).answer({"do": "choose", "wanted": WANTED})
    assert ("device" in answer, "missing" in answer) == (found, not found)
    assert portaudio.begun == begun and waited == [child.AGAIN_S] * begun
