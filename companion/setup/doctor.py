"""`companion doctor`: all that a set will need, looked at one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from companion.bench.measured import Bench
from companion.bench.report import verdict
from companion.bench.run import bench
from companion.control.preset import Preset
from companion.setup.choice import carries, choose, rig_for
from companion.setup.disk import disk
from companion.setup.finding import Finding
from companion.setup.permissions import permissions
from companion.setup.ports import midi, osc
from companion.setup.rig_file import Rig
from companion.setup.sound import Open, opened, sound
from companion.setup.weights import weights
from companion.system.errors import CompanionError

DEVICE_RATE = 48_000
"""Of a device that was not opened."""


class Doctor:
    """One examination.

    Attributes:
        rig: what this machine carries, once that is known; None before, and where it is nothing.
    """

    def __init__(self, preset: Preset, takes: Path, open_stream: Open = opened) -> None:
        """Nothing looked at yet.

        Args:
            preset: what is to be played.
            takes: where its takes will go.
            open_stream: opens a sound device.
        """
        self._preset, self._takes, self._open_stream = preset, takes, open_stream
        self.rig: Rig | None = None

    def findings(self, say: Callable[[str], None] = lambda _: None) -> Iterator[Finding]:
        """Look at everything; what takes a minute comes last, and `say` is told what it is at."""
        preset = self._preset
        say("sound")
        yield from sound(preset.audio, self._open_stream)
        yield from permissions()
        yield from midi(preset.midi)
        yield from osc(preset.osc)
        say("disk")
        yield from disk(self._takes, len(preset.players), preset.audio.rate or DEVICE_RATE)
        if preset.generator.name != "model":
            yield Finding("ok", "generator", "the stand-in: no weights, and plans take no time")
            return
        from model.checkpoint import BUNDLED

        yield from weights(BUNDLED)
        yield from self._machine(say)

    def _machine(self, say: Callable[[str], None]) -> Iterator[Finding]:
        preset = self._preset
        try:
            measured, capacity = bench(preset, None, say)
        except CompanionError as error:
            yield Finding("wrong", "generator", str(error), "companion bench says more")
            return
        yield Finding("ok", "processor", f"{_named(measured)}; {verdict(measured)}")
        yield carries(capacity, len(preset.players), preset.bpm)
        chosen = choose(capacity, preset.bpm)
        self.rig = None if chosen is None else rig_for(chosen, measured.processor.name)


def _named(measured: Bench) -> str:
    processor = measured.processor
    cores = f"{processor.cores} core{'s' * (processor.cores > 1)}"
    return ", ".join((processor.name, cores, *processor.features))
