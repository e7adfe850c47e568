"""The process that holds PortAudio, when it is gone."""

from __future__ import annotations

import pytest

from companion.device.wire import DeviceLink, Wanted
from companion.system.errors import CompanionError


def test_a_process_that_has_ended_says_so_however_often_it_is_asked() -> None:
    link = DeviceLink()
    link.kill()
    for _ in range(3):
        with pytest.raises(CompanionError, match="process has ended"):
            link.choose(Wanted())
    link.close()
    link.kill()
