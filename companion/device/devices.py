"""Which sound devices there are, and which two a duplex stream should use.

PortAudio is loaded by ``list_devices`` and not before, so that what needs no sound runs without it.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import Any

from companion.audio.format import check_rate
from companion.system.errors import CompanionError, NoDevice

JACK = "JACK Audio Connection Kit"
MAX_CHANNELS = 2  # we listen to a mono mix and play one


@dataclass(frozen=True, slots=True)
class Device:
    """One sound device as PortAudio lists it.

    ``preference`` orders host APIs, least first; ``default_input`` and ``default_output`` are
    within its host API. ``default_rate`` is in Hz.
    """

    index: int
    name: str
    host_api: str
    input_channels: int
    output_channels: int
    default_rate: float
    default_input: bool
    default_output: bool
    preference: int

    def __str__(self) -> str:
        channels = f"{self.input_channels} in, {self.output_channels} out"
        return f"{self.index} '{self.name}' ({self.host_api}, {channels})"


@dataclass(frozen=True, slots=True)
class DuplexDevice:
    """The two devices of a duplex stream (often one and the same) and what it will run at.

    ``click_channel`` is the output channel, from 1, that has the click alone; None: in the mix.
    """

    input: Device
    output: Device
    rate: int
    input_channels: int
    output_channels: int
    click_channel: int | None = None

    @property
    def name(self) -> str:
        """What to call it in a message."""
        if self.input.index == self.output.index:
            return f"'{self.input.name}'"
        return f"'{self.input.name}' to '{self.output.name}'"


def portaudio() -> Any:
    """The ``sounddevice`` module; PortAudio is loaded and initialised by the first call.

    Raises:
        NoDevice: the PortAudio library is not installed.
    """
    try:
        import sounddevice
    except OSError as error:
        raise NoDevice(
            f"sound is not available ({error}); install PortAudio, "
            "for example with: apt-get install libportaudio2"
        ) from error
    return sounddevice


def list_devices() -> tuple[Device, ...]:
    """Every sound device, in PortAudio's order; empty when there is none.

    Raises:
        NoDevice: the PortAudio library is not installed.
    """
    apis = portaudio().query_hostapis()
    return tuple(
        Device(
            index=info["index"],
            name=info["name"],
            host_api=(api := apis[info["hostapi"]])["name"],
            input_channels=info["max_input_channels"],
            output_channels=info["max_output_channels"],
            default_rate=info["default_samplerate"],
            default_input=api["default_input_device"] == info["index"],
            default_output=api["default_output_device"] == info["index"],
            # A JACK server that runs was started on purpose; then PortAudio's own order.
            preference=-1 if api["name"] == JACK and sys.platform == "linux" else info["hostapi"],
        )
        for info in portaudio().query_devices()
    )


def choose_duplex(
    devices: tuple[Device, ...],
    input: str | int | None = None,
    output: str | int | None = None,
    rate: int | None = None,
    click_channel: int | None = None,
) -> DuplexDevice:
    """Pick the input and the output of a duplex stream.

    Both belong to one host API. What is not named is the same device as the one that is, where
    that can do both, and else the host API's default. On Linux a running JACK comes first.

    Args:
        devices: as ``list_devices`` gives them.
        input: part of a name (any case), a full name, or an index; None to choose.
        output: the same for the output.
        rate: sample rate, Hz; by default the output device's own.
        click_channel: output channel, from 2, that is to have the click alone.

    Raises:
        NoDevice: nothing was named, and there is no input or no output device at all.
        CompanionError: a name fits nothing or too much, the output has no such channel, or the
            rate is not a multiple of 50.
    """
    inputs = _candidates([d for d in devices if d.input_channels], input, "input")
    outputs = _candidates([d for d in devices if d.output_channels], output, "output")
    if not inputs or not outputs:
        missing = "input" if not inputs else "output"
        raise NoDevice(f"there is no sound device with an {missing}")
    pairs = [(i, o) for i in inputs for o in outputs if i.host_api == o.host_api]
    if not pairs:
        raise CompanionError(
            f"input {inputs[0]} and output {outputs[0]} belong to different host APIs; "
            "choose two devices of one"
        )
    one_named = (input is None) != (output is None)

    def order(pair: tuple[Device, Device]) -> tuple[int | bool, ...]:
        source, sink = pair
        return (
            source.preference,
            one_named and source.index != sink.index,
            not source.default_input,
            not sink.default_output,
            source.index,
            sink.index,
        )

    source, sink = min(pairs, key=order)
    _refuse_ambiguous(inputs, source, input, "input")
    _refuse_ambiguous(outputs, sink, output, "output")
    if click_channel is not None and not 2 <= click_channel <= sink.output_channels:
        raise CompanionError(
            f"output {sink} has no channel {click_channel} for the click; "
            f"valid: {f'2 to {sink.output_channels}' if sink.output_channels > 1 else 'none'}"
        )
    return DuplexDevice(
        input=source,
        output=sink,
        rate=check_rate(sink.default_rate if rate is None else rate, f" of device {sink}"),
        input_channels=min(MAX_CHANNELS, source.input_channels),
        output_channels=max(click_channel or 1, min(MAX_CHANNELS, sink.output_channels)),
        click_channel=click_channel,
    )


def _candidates(able: list[Device], wanted: str | int | None, role: str) -> list[Device]:
    """The devices a name or index can mean: exact names if there are any, else parts of names."""
    if wanted is None:
        return able
    if isinstance(wanted, int) or wanted.isdecimal():
        found = [device for device in able if device.index == int(wanted)]
    else:
        folded = wanted.casefold()
        found = [device for device in able if device.name.casefold() == folded]
        found = found or [device for device in able if folded in device.name.casefold()]
    if not found:
        listed = ", ".join(map(str, able)) or "none at all"
        raise CompanionError(f"there is no {role} device {wanted!r}; valid are: {listed}")
    return found


def _refuse_ambiguous(
    found: list[Device], chosen: Device, wanted: str | int | None, role: str
) -> None:
    rivals = [device for device in found if device.host_api == chosen.host_api]
    if wanted is not None and len({device.name for device in rivals}) > 1:
        listed = ", ".join(map(str, rivals))
        raise CompanionError(
            f"{role} device {wanted!r} could be any of: {listed}; give more of its name, or its "
            "number"
        )
