"""What the parts of a session work at together."""

from __future__ import annotations

from dataclasses import dataclass, field

from companion.audio.memory import AudioMemory
from companion.clock.transport import Transport
from companion.control.store import ParameterStore
from companion.listen.harmony import Harmony
from companion.players.journal import Journal
from companion.players.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Desk:
    """The stream and its bars, the knobs, and where it is written down what happens."""

    memory: AudioMemory  # has the stream's position, and the players' gains and timelines
    transport: Transport  # the bar grid
    store: ParameterStore  # the knobs
    journal: Journal  # is told of all that happens
    metrics: Metrics  # hears what the journal is told
    harmony: Harmony = field(default_factory=Harmony)  # the chords, as far as any are told
