"""MIDI and OSC, opened as a set opens them, and closed again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from companion.control.midi_port import MidiPort, NoMidi, list_midi_ports, open_port
from companion.control.osc_address import open_listeners
from companion.control.preset import MidiPreset, OscPreset
from companion.setup.finding import Finding
from companion.system.errors import CompanionError


def midi(
    wanted: MidiPreset | None,
    open_midi: Callable[[str | None, str], MidiPort] = open_port,
    listed: Callable[[], tuple[str, ...]] = list_midi_ports,
) -> Iterator[Finding]:
    """The MIDI input of a preset."""
    if wanted is None:
        yield Finding("ok", "MIDI", "the preset has none")
        return
    if isinstance(wanted.port, tuple):
        for name in wanted.port:
            yield from midi(replace(wanted, port=name), open_midi, listed)
        return
    try:
        port = open_midi(wanted.port, "midi")
    except NoMidi as error:
        yield Finding("note", "MIDI", str(error), "a set plays without")
        return
    except CompanionError as error:
        yield Finding("wrong", "MIDI", str(error), "connect it, or name another in the preset")
        return
    name = port.name
    port.close()
    others = [each for each in listed() if not each.startswith(name)]
    if wanted.port is None and others:
        do = f"connect your controller to it, or in the preset: midi: {{port: {others[0]!r}}}"
        yield Finding("note", "MIDI", f"{name}, which nothing is connected to yet", do)
    else:
        yield Finding("ok", "MIDI", name)


def osc(wanted: OscPreset | None) -> Iterator[Finding]:
    """The port that a preset receives OSC at."""
    if wanted is None:
        yield Finding("ok", "OSC", "the preset has none")
        return
    try:
        for listener in open_listeners(wanted.host, wanted.port):
            listener.close()
    except CompanionError as error:
        do = f"end the program that has it, or in the preset: osc: {{port: {wanted.port + 10}}}"
        yield Finding("wrong", "OSC", str(error), do)
        return
    yield Finding("ok", "OSC", f"port {wanted.port} of {wanted.host} is free")
