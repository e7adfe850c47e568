"""`companion midi`: which ports there are, and which control turns which knob."""

from __future__ import annotations

from typing import Annotated

import typer

from companion.control.controller import bundled_controllers
from companion.control.learn import Learn
from companion.control.mapped import Mapped
from companion.control.midi_knobs import MidiKnobs
from companion.control.midi_mapping import TABLE, WRITTEN_OUT
from companion.control.midi_port import list_midi_ports
from companion.control.preset import Preset, load_preset
from companion.system.errors import CompanionError
from companion.system.printing import say
from companion.system.stderr import hushed


def midi_command(
    preset: Annotated[
        str, typer.Argument(help="Preset whose mappings are listed: a name, or a YAML file.")
    ] = "bass",
    forget: Annotated[
        int | None, typer.Option(help="Number of a mapping to take out of its file.", min=1)
    ] = None,
) -> None:
    """List MIDI ports, controller files and mappings, or forget a mapping."""
    played = load_preset(preset)
    learn = _learn(played)
    mapped = learn.state().mappings
    if forget is not None:
        if forget > len(mapped):
            raise CompanionError(f"mapping is {forget}; valid: 1 to {len(mapped)}")
        gone = mapped[forget - 1]
        learn.forget(gone.mapping)
        learn.close()
        if learn.trouble:
            raise CompanionError(learn.trouble)
        say(f"forgotten: {_line(gone)}")
        return
    with hushed():
        ports = {"in ": list_midi_ports(), "out": list_midi_ports(output=True)}
    for end, names in ports.items():
        for name in names or ("none",):
            say(f"{end}  {name}")
    say(f"controllers  {', '.join(bundled_controllers())}")
    for number, each in enumerate(mapped, 1):
        say(f"{number:3}  {_line(each)}")


def _learn(preset: Preset) -> Learn:
    """Learn mode of a rig that nobody plays; CompanionError if it has no MIDI."""
    if preset.midi is None:
        raise CompanionError(f"preset {preset.name} has no midi; valid: one with `midi: {{}}`")
    return Learn(preset, MidiKnobs(preset.store(), preset.midi.mappings))


def _line(mapped: Mapped) -> str:
    whose = "" if mapped.player is None else f"{mapped.player} "
    origin = {"": "preset", WRITTEN_OUT: "preset"}.get(mapped.mapping.origin, mapped.mapping.origin)
    of = "" if origin == TABLE else f"  ({origin})"
    clashes = f"  clashes with {', '.join(mapped.clashes)}" if mapped.clashes else ""
    return f"{whose}{mapped.knob}: {mapped.text}{of}{clashes}"
