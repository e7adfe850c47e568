"""`companion jam`: open everything a preset asks for, play, leave a take."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

import numpy as np

from companion.audio.memory import Samples
from companion.clock.transport import Transport
from companion.control.midi import NoMidi, open_midi
from companion.control.osc import OscServer
from companion.control.preset import Preset
from companion.demo import DEMO_BPM, DEMO_FILE, read_demo
from companion.errors import NoDevice
from companion.generate.stem_worker import StemWorker
from companion.generate.worker import process_worker, thread_worker
from companion.rig import Rig, open_device, play_recording, to_device_rate
from companion.session import Session, Status, first_bar_samples
from companion.take.folder import make_take_folder
from companion.take.picture import draw_take
from companion.take.take import Take

TAKES = Path("takes")
ENDLESS_BARS = 512
"""How long the bundled recording is looped where the preset has no last bar: 20 minutes."""


@dataclass(frozen=True, slots=True)
class Jammed:
    """What a jam left.

    Attributes:
        folder: the take.
        picture: `take.png` in it.
        figures: the session in numbers.
        error: why the take is not whole, one line; None if it is.
    """

    folder: Path
    picture: Path
    figures: dict[str, float]
    error: str | None


def jam(
    preset: Preset,
    seed: int = 0,
    takes: Path = TAKES,
    weights: Path | None = None,
    say: Callable[[str], None] = lambda _: None,
    on_session: Callable[[Session], Callable[[Status], None] | None] = lambda _: None,
) -> Jammed:
    """Play a preset until its last bar or `Session.stop`.

    Args:
        say: told what a player should know, a line at a time.
        on_session: given the session before it starts; returns what to call at every tick.

    Raises:
        CompanionError: something the preset asks for is not there, or the device is lost. What
            was played until then is in the take.
    """
    with ExitStack() as open_things:
        store = preset.store()
        if preset.osc is not None:
            server = open_things.enter_context(OscServer(store, preset.osc))
            say(f"OSC: {server.address}")
        if preset.midi is not None:
            try:
                midi = open_things.enter_context(open_midi(store, preset.midi))
                say(f"MIDI: {midi.name}")
            except NoMidi as missing:
                say(f"{missing}: playing without")
        worker = open_worker(preset, weights)
        open_things.callback(worker.close)
        rig, preset = open_rig(preset, say)
        open_things.callback(rig.stream.close)
        say(f"{rig.input} → {rig.output}, {rig.rate} Hz; loading the generator")
        ready = worker.wait_ready()
        say(f"generator on {ready.device}: {ready.plan_s:.2f} s a plan, {ready.threads} threads")
        folder = make_take_folder(takes, datetime.now())
        voices = {player.name: index + 1 for index, player in enumerate(preset.players)}
        take = Take(folder, voices, threaded=True)
        session = Session(preset, rig, worker, store, take, seed)
        session.prepare()
        session.run(on_session(session))
    return Jammed(folder, draw_take(folder), session.figures(), take.error)


def open_worker(preset: Preset, weights: Path | None) -> StemWorker:
    """The generator in a child process, or in this one by the preset's option."""
    generator = preset.generator
    opened = thread_worker if generator.in_process else process_worker
    return opened(generator.name, generator.device, weights)


def open_rig(preset: Preset, say: Callable[[str], None]) -> tuple[Rig, Preset]:
    """The sound device, or the bundled recording at real speed where there is none at all."""
    audio = preset.audio
    try:
        rig = open_device(len(preset.players), audio.input, audio.output, audio.rate, audio.block)
    except NoDevice as missing:
        if audio.input is not None or audio.output is not None:
            raise
        preset = replace(preset, bpm=DEMO_BPM)
        say(f"{missing}: playing {DEMO_FILE} at {float(DEMO_BPM):g} BPM instead")
        return _demo_rig(preset), preset
    return rig, preset


def _demo_rig(preset: Preset) -> Rig:
    """The bundled recording behind the count-in, looped for as long as the preset lasts."""
    signal, rate = to_device_rate(*read_demo())
    transport = Transport(rate, preset.bpm, 0, preset.beats_per_bar)
    bars = preset.bars or ENDLESS_BARS
    length = round(bars * transport.bar_samples)
    lead = np.zeros(first_bar_samples(preset, rate), np.float32)
    looped: Samples = np.concatenate([lead, np.resize(signal, length)])
    return play_recording(len(preset.players), looped, rate, DEMO_FILE)
