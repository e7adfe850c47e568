"""`companion jam`: open everything a preset asks for, play, leave a take."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import numpy as np

from companion.clock.grid import Grid
from companion.clock.link import LinkSource, open_link
from companion.clock.midi_clock import MidiClock
from companion.clock.midi_out import MidiClockOut
from companion.control.keyboard import Keyboard
from companion.control.learn import Learn
from companion.control.midi import MidiInput, open_midi
from companion.control.midi_knobs import OnClock
from companion.control.midi_message import Move
from companion.control.midi_port import NoMidi, open_port
from companion.control.osc import OscServer
from companion.control.osc_learn import OscLearn
from companion.control.osc_out import Ear, OscSender
from companion.control.osc_peers import Peers
from companion.control.osc_query import OscTree
from companion.control.osc_query_server import NoQuery, QueryServer
from companion.control.preset import Preset, load_preset
from companion.control.store import ParameterStore
from companion.demo import DEMO_BPM, DEMO_FILE, read_demo, read_demo_channels
from companion.device.wire import Wanted
from companion.generate.loading import weights_digest
from companion.generate.stem_worker import StemWorker
from companion.generate.worker import process_worker, thread_worker
from companion.listen.harmony import Harmony
from companion.remote.fallback import RemoteFirst
from companion.remote.link import box_of
from companion.session.conductor import OpenSource
from companion.session.count_in import first_bar_samples
from companion.session.osc_presets import add_presets
from companion.session.resume import Resumed, cut_off
from companion.session.rig import Rig, open_device, play_recording, to_device_rate
from companion.session.session import Session
from companion.session.set_list import SetList
from companion.session.status import Status
from companion.session.trouble import Trouble
from companion.system.errors import CompanionError, NoDevice
from companion.system.whole import check_folder
from companion.take.picture import draw_take
from companion.take.take import Provenance, Take, make_take_folder

TAKES = Path("takes")
ENOUGH_SHARE = 0.5
"""A generator that makes the plans of all players in this share of a bar needs no more threads."""
DEMO_MOST_BARS = 256
"""How long the bundled recording is looped at most, 11 minutes: it is held in memory."""

Say = Callable[[str], None]
OnTick = Callable[[Status], None]


@dataclass(frozen=True, slots=True)
class Jammed:
    """What a jam left."""

    folder: Path  # the take
    picture: Path | None  # `take.png` in it; None if it could not be drawn
    figures: dict[str, float]  # the session in numbers
    error: str | None  # why the jam or its take ended early, one line; None if they did not
    troubles: tuple[Trouble, ...] = ()  # what went wrong in it, the gravest first


def jam(
    preset: Preset,
    seed: int = 0,
    takes: Path = TAKES,
    weights: Path | None = None,
    resumed: Resumed | None = None,
    say: Say = lambda _: None,
    on_session: Callable[[Session], OnTick | None] = lambda _: None,
) -> Jammed:
    """Play a preset until its last bar or `Session.stop`.

    What goes wrong once it plays, a lost device or a full disk, is in the result, beside the take
    of what was played until then.

    Args:
        takes: where to make the take's folder.
        weights: folder of the model's weights, if not the bundled ones.
        resumed: the take that this one goes on from; its preset is to be `preset`.
        say: told what a player should know, a line at a time.
        on_session: given the session before it starts; returns what to call at every tick.

    Raises:
        CompanionError: something the preset asks for is not there; nothing was played.
    """
    error: str | None = None
    with ExitStack() as open_things:
        store = preset.store()
        midi_clock = MidiClock()
        harmony = Harmony(preset.chart())
        first = preset if resumed is None else resumed.begun
        presets = [first, *(load_preset(str(path)) for path in preset.presets)]
        set_list = SetList(presets, store, harmony)
        if resumed is not None:
            set_list.go_on(resumed.playing, resumed.chart_from)
        server = _open_osc(preset, store, harmony, set_list, open_things, say)
        keyboard = Keyboard(harmony, preset.midi.keyboard if preset.midi else False)
        midi = _open_midi(preset, store, open_things, say, midi_clock.receive, keyboard, set_list)
        query = _open_query(preset, store, server, open_things, say)
        sender = _open_sender(preset, server, query, open_things, say)
        origin = _origin(preset, weights, takes, resumed, say)
        check_folder(takes)
        worker = open_worker(preset, weights, set_list.recordings)
        open_things.callback(worker.close)
        asked_bpm = preset.bpm
        rig, preset = open_rig(preset, say)
        open_things.callback(rig.stream.close)
        if preset.bpm != asked_bpm:  # a recording's
            set_list.begins_at(preset.bpm)
        store.set("bpm", float(preset.bpm), None, "preset")
        say(f"{rig.input} → {rig.output}, {rig.rate} Hz; loading the generator")
        ready = worker.wait_ready()
        say(f"generator on {ready.device}: {ready.plan_s:.2f} s a plan, {ready.threads} threads")
        if isinstance(worker, RemoteFirst):
            say(worker.told)
        meter = preset.meter

        def link() -> LinkSource:
            bpm = meter.quarters(float(store.snapshot()["bpm"]))
            return LinkSource(open_link(bpm, float(meter.quarters_per_bar)))

        clocks: dict[str, OpenSource] = {"link": link}
        if midi is not None:
            clocks["midi"] = lambda: midi_clock
        # Only now: whatever ends the process while it loads leaves nothing behind.
        folder = make_take_folder(takes, datetime.now())
        voices = {player.name: number for number, player in enumerate(preset.players, 1)}
        take = Take(folder, voices, threaded=True, origin=origin)
        open_things.callback(take.close)
        session = Session(
            *(preset, rig, worker, store, take, seed),
            clocks=clocks,
            osc=sender,
            harmony=harmony,
            set_list=set_list,
            on_turned=(lambda _: None) if midi is None else midi.turned,
        )
        if isinstance(worker, RemoteFirst):
            worker.made_by = session.made_by
            worker.failed = lambda why: session.troubles.happened("generator", why, about="plan")
            session.troubles.watch("generator", lambda: worker.trouble, "remote")
        if midi is not None:
            _open_learn(preset, session, open_things, midi, server)
        session.prepare()
        _open_clock_out(preset, session, open_things, say, midi)
        try:
            session.run(on_session(session))
        except CompanionError as problem:
            if not take.begun:
                raise
            error = str(problem)
    picture, no_picture = _draw(folder)
    why = error or take.error or no_picture
    return Jammed(folder, picture, session.figures(), why, session.troubles.summary())


def _origin(
    preset: Preset, weights: Path | None, takes: Path, resumed: Resumed | None, say: Say
) -> Provenance:
    """Where the take comes from; says from which other, or which was cut off."""
    origin = Provenance(version("companion"), weights_digest(preset.generator.name, weights))
    if resumed is not None:
        for line in resumed.lost:
            say(f"take {resumed.continues}: {line}")
        say(f"going on from take {resumed.continues}, at bar {resumed.bars_before + 1}")
        return replace(origin, continues=resumed.continues, bars_before=resumed.bars_before)
    if (cut := cut_off(takes)) is not None:
        say(f"take {cut} was cut off; to go on with it: companion jam --resume {cut}")
    return origin


def _open_learn(
    preset: Preset,
    session: Session,
    open_things: ExitStack,
    midi: MidiInput,
    server: OscServer | None,
) -> None:
    """Have controllers learnt, from the session's hands and over OSC."""
    session.learn = learn = Learn(preset, midi.knobs)
    open_things.callback(learn.close)
    midi.hear_every(lambda: learn.on)
    if server is not None:
        learning = OscLearn(server, learn)
        server.more.append(learning.messages)
        session.tell_also(learning.news)
    session.troubles.watch("midi", lambda: learn.trouble, "learn")
    session.troubles.watch("midi", lambda: _gone("input", midi.missing), "input")


def _open_osc(
    preset: Preset,
    store: ParameterStore,
    harmony: Harmony,
    set_list: SetList,
    open_things: ExitStack,
    say: Say,
) -> OscServer | None:
    """OSC in, where the preset has it."""
    if preset.osc is None:
        return None
    server = OscServer(store, preset.osc, harmony)
    add_presets(server, set_list)
    open_things.callback(server.close)
    say(f"OSC: {server.address}{server.only}")
    return server


def _open_midi(
    preset: Preset,
    store: ParameterStore,
    open_things: ExitStack,
    say: Say,
    on_clock: OnClock,
    keyboard: Keyboard,
    set_list: SetList,
) -> MidiInput | None:
    """MIDI in, where the preset has it and this machine has any."""
    if preset.midi is None:
        return None

    def on_free(device: str, move: Move) -> None:
        if move.control.kind != "program":
            keyboard.moved(device, move)
            return
        try:
            set_list.switch(move.value + 1)  # programs are sent from 0
        except CompanionError as error:
            store.refuse(f"MIDI: {error}", "MIDI program")

    try:
        midi = open_midi(store, preset.midi, on_clock, on_free, keyboard.forget)
    except NoMidi as missing:
        say(f"{missing}: playing without")
        return None
    open_things.callback(midi.close)
    say(f"MIDI: {midi.name}")
    return midi


def _open_clock_out(
    preset: Preset, session: Session, open_things: ExitStack, say: Say, midi: MidiInput | None
) -> None:
    """MIDI clock, where the preset has it sent and this machine has MIDI."""
    if preset.midi is None or not preset.midi.clock_out:
        return
    wanted = preset.midi.clock_out
    try:
        sender = open_port(None if wanted is True else str(wanted), "clock", output=True)
    except NoMidi as missing:
        say(f"{missing}: playing without a clock out")
        return
    if midi is not None:  # which knows when JACK's server has died
        sender.follow(lambda: midi.server)
    conductor = session.conductor
    running = lambda: conductor.running  # noqa: E731
    clock = MidiClockOut(sender, session.transport, conductor.host_time, running)
    open_things.enter_context(closing(clock))
    gone = lambda: _gone("output", () if sender.connected else (sender.name,))  # noqa: E731
    session.troubles.watch("midi", gone, "output")
    say(f"MIDI clock: {sender.name}")


def _gone(end: str, names: Sequence[str]) -> str:
    """What is told as long as MIDI ports are gone; `end` is input or output."""
    return f"MIDI {end} {', '.join(map(repr, names))} is gone" if names else ""


def _open_query(
    preset: Preset,
    store: ParameterStore,
    server: OscServer | None,
    open_things: ExitStack,
    say: Say,
) -> QueryServer | None:
    """OSCQuery, where the preset has it and it is installed."""
    if preset.osc is None or not preset.osc.query or server is None:
        return None
    tree = OscTree(store, server.latest, server.port)
    port = server.port if preset.osc.query is True else int(preset.osc.query)
    try:
        query = QueryServer(tree, preset.osc.host, port, Peers(preset.osc.peers), server.port)
    except NoQuery as missing:
        say(f"{missing}: playing without")
        return None
    open_things.callback(query.close)
    say(f"OSCQuery: {query.address}")
    return query


def _open_sender(
    preset: Preset,
    server: OscServer | None,
    query: QueryServer | None,
    open_things: ExitStack,
    say: Say,
) -> OscSender | None:
    """OSC out, to where the preset sends it and to who subscribes."""
    if preset.osc is None or server is None:
        return None
    ears: list[Ear] = [server.subscribers, server.latest]
    if query is not None:
        ears.append(query)
    sender = OscSender(preset.osc.send, server.places, ears)
    open_things.callback(sender.close)
    if preset.osc.send:
        say(f"OSC to {', '.join(f'{target.host}:{target.port}' for target in preset.osc.send)}")
    return sender


def open_worker(
    preset: Preset, weights: Path | None, recordings: Sequence[Path] = ()
) -> StemWorker:
    """The generator in a child process, or in this one by the preset's option, or elsewhere.

    It is to tell what `recordings` sound like.

    Raises:
        CompanionError: the generator is elsewhere, and its key or a library is missing.
    """
    generator = preset.generator
    opened = thread_worker if generator.in_process else process_worker
    bar_s = 60.0 / float(preset.bpm) * preset.meter.beats_per_bar
    enough_s = ENOUGH_SHARE * bar_s / len(preset.players)
    box = None  # found before anything is started
    if generator.remote is not None:
        box = box_of(generator.remote, generator.key, generator.name, weights)
    here = opened(generator.name, generator.device, weights, recordings, enough_s)
    return here if box is None else RemoteFirst(box, here)


def open_rig(preset: Preset, say: Say) -> tuple[Rig, Preset]:
    """The sound device, or the bundled recording at real speed where there is none at all.

    The preset comes back with the recording's tempo where that plays.

    Raises:
        CompanionError: a device was named and is not there, or it does not open.
    """
    audio, players = preset.audio, len(preset.players)
    wanted = Wanted(audio.input, audio.output, audio.rate, audio.click_channel)
    try:
        rig = open_device(players, wanted, audio.block)
    except NoDevice as missing:
        if audio.input is not None or audio.output is not None:
            raise
        bars = min(preset.bars or DEMO_MOST_BARS, DEMO_MOST_BARS)
        preset = replace(preset, bpm=DEMO_BPM, bars=bars)
        say(f"{missing}: playing {DEMO_FILE}, {bars} bars at {float(DEMO_BPM):g} BPM, instead")
        return _demo_rig(preset, bars), preset
    rig.stream.start()
    if rig.supervisor is not None:
        say(f"round trip: {rig.supervisor.latency}")
    return rig, preset


def _demo_rig(preset: Preset, bars: int) -> Rig:
    """The bundled recording behind the count-in, looped over `bars` bars."""
    recording, rate = to_device_rate(*read_demo())
    channels, _ = to_device_rate(*read_demo_channels())
    bar_samples = Grid(rate, preset.bpm, 0, preset.meter.beats_per_bar).bar_samples
    first = first_bar_samples(preset, rate)
    looped = round(bars * bar_samples)
    signal = np.pad(np.resize(recording, looped), (first, 0))
    stereo = np.pad(np.resize(channels, (looped, 2)), ((first, 0), (0, 0)))
    return play_recording(len(preset.players), signal, rate, DEMO_FILE, stereo)


def _draw(folder: Path) -> tuple[Path | None, str | None]:
    """The take's picture, or why there is none."""
    try:
        return draw_take(folder), None
    except CompanionError as error:
        return None, str(error)
