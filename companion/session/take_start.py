"""What a take begins with: all that its reader, and its replay, need to know of the rig."""

from __future__ import annotations

from companion.clock.transport import Transport
from companion.control.preset import Preset
from companion.generate.protocol import Ready
from companion.session.rig import Rig
from companion.take.events import TakeStarted
from companion.take.machine import machine
from companion.take.take import Provenance


def take_started(
    preset: Preset,
    rig: Rig,
    transport: Transport,
    ready: Ready,
    origin: Provenance,
    *,
    gains: dict[str, float],
    start_samples: int,
    first_bar_s: float,
    seed: int,
) -> TakeStarted:
    """The take's first line.

    Args:
        preset, rig, transport: of the session.
        ready: of its generator.
        origin: what plays it, and what it goes on from.
        gains: of the players, linear.
        start_samples: of the stream, where the take's files begin.
        first_bar_s: when bar 0 begins, seconds since then.
        seed: of every die.
    """
    return TakeStarted(
        preset=preset.name,
        players=tuple(player.name for player in preset.players),
        rate=transport.rate,
        bpm=float(transport.bpm),
        beats_per_bar=transport.beats_per_bar,
        meter=preset.meter.name,
        bars=preset.bars,
        first_bar_s=first_bar_s,
        bar_s=float(transport.bar_samples / transport.rate),
        input=rig.input,
        output=rig.output,
        start_samples=start_samples,
        origin_samples=transport.origin_samples,
        bpm_exact=str(transport.bpm),
        seed=seed,
        device=ready.device,
        threads=ready.threads,
        gains=gains,
        version=origin.version,
        weights=origin.weights,
        continues=origin.continues,
        bars_before=origin.bars_before,
        machine=machine(),
    )
