"""The sound device, opened as a set opens it, and the sound system behind it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from companion.control.preset import AudioPreset
from companion.device.devices import JACK
from companion.device.supervisor import Supervisor
from companion.device.wire import Wanted
from companion.setup.finding import Finding
from companion.system.errors import CompanionError, NoDevice

Open = Callable[[AudioPreset], Supervisor]


def opened(audio: AudioPreset) -> Supervisor:
    """A stream on the device that a preset names; nothing moves yet.

    CompanionError, NoDevice if there is none or it does not open.
    """
    wanted = Wanted(audio.input, audio.output, audio.rate, audio.click_channel)
    return Supervisor(0, wanted, audio.block)


def sound(audio: AudioPreset, open_stream: Open = opened) -> Iterator[Finding]:
    """Open the device, play on it for a second, and let go of it.

    While it opens it plays four quiet bursts of noise, to find the round trip.
    """
    try:
        with closing(open_stream(audio)) as stream:
            stream.start()
            device, latency = stream.device, stream.latency
    except NoDevice as error:
        yield Finding("wrong", "sound", str(error), "connect one; a jam plays the demo until then")
        return
    except CompanionError as error:
        do = "close other programs that use it, or name one of: companion devices"
        yield Finding("wrong", "sound", str(error), do)
        return
    yield Finding("ok", "sound", f"{device.name}, {device.input.host_api}, {device.rate} Hz, plays")
    trip = f"{latency.samples} samples ({1000 * latency.samples / device.rate:.1f} ms)"
    if latency.source == "reported":
        do = "connect an output to the input with a cable once, and type: companion calibrate"
        yield Finding("note", "round trip", f"{trip}, only as the system says", do)
    elif latency.warning:
        yield Finding("note", "round trip", f"{trip}; {latency.warning}", "companion calibrate")
    else:
        yield Finding("ok", "round trip", f"{trip}, {latency.source}")
    yield from sound_system(device.input.host_api)


def sound_system(
    host_api: str, pipewire: Callable[[], bool] | None = None, which: Callable = shutil.which
) -> Iterator[Finding]:
    """Whether there is a quicker way to the device than the one it was opened by; Linux only.

    Args:
        host_api: of the device, as PortAudio calls it.
        pipewire: whether PipeWire runs.
        which: the path of a program, or None.
    """
    if sys.platform != "linux":
        return
    runs = pipewire_runs() if pipewire is None else pipewire()
    if host_api == JACK:
        yield Finding("ok", "sound system", "JACK" + (", PipeWire runs" if runs else ""))
    elif runs and which("pw-jack"):
        do = "for fewer dropouts: pw-jack companion jam"
        yield Finding(
            "note", "sound system", f"PipeWire runs, and is used by way of {host_api}", do
        )
    elif runs:
        do = "for fewer dropouts install pipewire-jack, then: pw-jack companion jam"
        yield Finding(
            "note", "sound system", f"PipeWire runs, and is used by way of {host_api}", do
        )
    else:
        yield Finding("ok", "sound system", f"{host_api} alone; no JACK server, no PipeWire")


def pipewire_runs() -> bool:
    """Whether this user's PipeWire has its socket where clients look for it."""
    folder = os.environ.get("PIPEWIRE_RUNTIME_DIR") or os.environ.get("XDG_RUNTIME_DIR")
    return folder is not None and (Path(folder) / "pipewire-0").exists()
