"""The command line: the only place that prints.

Every error that a user can put right is one line on standard error and exit code 2.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from math import log10
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live
from rich.text import Text

from companion.cli.layouts import layout_commands
from companion.cli.listening import listening
from companion.cli.machine import machine_commands
from companion.cli.midi import midi_command
from companion.cli.serve import serve_command
from companion.cli.stage import StageJam, open_stage, stage_option
from companion.cli.status_view import StatusView
from companion.cli.takes import take_commands
from companion.cli.typed import Weights, path_option, typed_number, typed_path
from companion.cli.view import open_view, view_option
from companion.clock.grid import MAX_BPM, MIN_BPM
from companion.control.midi_port import list_midi_ports
from companion.control.preset import (
    DEVICES,
    GeneratorPreset,
    Preset,
    bundled_presets,
    load_preset,
)
from companion.device.calibrate import calibrate
from companion.device.devices import list_devices
from companion.device.wire import Wanted
from companion.players.metrics import PlayerMetrics
from companion.session.jam import TAKES, jam
from companion.session.render import render
from companion.session.resume import resume as go_on_from
from companion.session.session import Session
from companion.session.status import Status
from companion.session.trouble import summary_lines
from companion.system.ending import Stopped, ended_by, stopped
from companion.system.errors import CompanionError, NoDevice, nearest
from companion.system.printing import not_printed, printable, printed_text, say
from companion.system.stderr import hushed
from model.instruments import INSTRUMENTS

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="A band that listens.",
)
take_commands(app)
app.add_typer(listening, name="listen-test")
machine_commands(app)
layout_commands(app)
app.command("midi")(midi_command)
app.command("serve")(serve_command)

TEMPI = f"{MIN_BPM} to {MAX_BPM}"
Bpm = {"parser": typed_number("tempo", TEMPI), "metavar": "FLOAT"}
Device = Annotated[str | None, typer.Option(help="Where the model runs: auto, cuda, mps or cpu.")]


@app.command("jam", cls=StageJam)
def jam_command(
    preset: Annotated[
        str | None,
        typer.Argument(
            help=f"Preset: {', '.join(bundled_presets())}, or a YAML file.", show_default="bass"
        ),
    ] = None,
    input: Annotated[str | None, typer.Option(help="Input device: name, part of it, number.")] = (
        None
    ),
    output: Annotated[str | None, typer.Option(help="Output device.")] = None,
    bpm: Annotated[float | None, typer.Option(help=f"Tempo, {TEMPI}.", **Bpm)] = None,
    bars: Annotated[int | None, typer.Option(help="Stop after so many bars.", min=1)] = None,
    takes: Annotated[Path, path_option("Folder for takes.")] = TAKES,
    device: Device = None,
    seed: Annotated[
        int | None, typer.Option(help="Same seed, same choices.", min=0, show_default="0")
    ] = None,
    weights: Weights = None,
    resume: Annotated[
        Path | None, path_option("Go on with a take that was cut off, in place of a preset.")
    ] = None,
    remote: Annotated[
        str | None,
        typer.Option(help="Machine that serves the generator.", metavar="HOST[:PORT]"),
    ] = None,
    stage: Annotated[str | None, stage_option()] = None,
    view: Annotated[bool, view_option()] = False,
) -> None:
    """Play with the companion. Ctrl-C ends the take."""
    if resume is not None and preset is not None:
        raise CompanionError(
            f"preset is {preset!r}, and --resume goes on with that of {str(resume)!r}; "
            "valid: one of them"
        )
    resumed = None if resume is None else go_on_from(resume)
    chosen = load_preset(preset or "bass") if resumed is None else resumed.preset
    if seed is None:
        seed = 0 if resumed is None else resumed.seed
    audio = replace(
        chosen.audio,
        input=chosen.audio.input if input is None else input,
        output=chosen.audio.output if output is None else output,
    )
    chosen = replace(
        chosen,
        audio=audio,
        bpm=chosen.bpm if bpm is None else tempo(bpm),
        named=chosen.named if bpm is None else chosen.named | {"bpm"},
        bars=chosen.bars if bars is None else bars,
        generator=replace(with_device(chosen, device), remote=remote or chosen.generator.remote),
    )
    # Plain lines, as long as they are: names of devices and files may hold anything.
    console = Console(highlight=False, markup=False, emoji=False, soft_wrap=True)
    display = Live(console=console, refresh_per_second=8, transient=True)
    with ExitStack() as until_told:
        page = open_stage(stage, console, until_told)
        with hushed(), open_view(view) as seen, display as live:
            jammed = jam(
                chosen,
                seed=seed,
                resumed=resumed,
                takes=takes,
                weights=weights,
                say=seen.also(page.also(lambda line: live.console.print(printable(line)))),
                on_session=lambda session: page.watch(
                    session, seen.watch(session, _follow(session, live, until_told), live)
                ),
            )
        for name, value in sorted(jammed.figures.items()):
            say(f"  {name} {value:.3g}")
        for line in summary_lines(jammed.troubles):
            say(line)
        say(f"take: {jammed.folder}")
        if jammed.picture is not None:
            say(f"picture: {jammed.picture}")
        if jammed.error is not None:
            raise CompanionError(jammed.error)


@app.command("render")
def render_command(
    recording: Annotated[
        Path,
        typer.Argument(
            help="Recording that starts on a bar line, or see --start.", parser=typed_path
        ),
    ],
    bpm: Annotated[float, typer.Option(help=f"Its tempo, {TEMPI}.", **Bpm)],
    out: Annotated[Path, path_option("The stem, WAV.", "--out", "-o")],
    instrument: Annotated[
        str, typer.Option(help="What to play: a preset of one player, or an instrument class.")
    ] = "bass",
    mix: Annotated[Path | None, path_option("Recording and stem together, WAV.")] = None,
    start: Annotated[
        float | None,
        typer.Option(
            help="Where in the recording its first bar starts, seconds.",
            parser=typed_number("start", "seconds from the recording's start"),
            metavar="SECONDS",
        ),
    ] = None,
    cycle: Annotated[
        int | None, typer.Option(help="Bars after which the music repeats; else the preset's.")
    ] = None,
    device: Device = None,
    seed: Annotated[int, typer.Option(help="Same seed, same choices.", min=0)] = 0,
    weights: Weights = None,
) -> None:
    """Play along a recording, as fast as the machine can."""
    preset = player_of(instrument)
    knobs = preset.knobs if cycle is None else {**preset.knobs, "cycle": cycle, "find_cycle": False}
    preset = replace(preset, knobs=knobs, generator=with_device(preset, device))
    session = render(recording, preset, tempo(bpm), out, mix, seed, weights, start)
    name = preset.players[0].name
    plans = session.figures()[f"{name}.plans"]
    listened = session.store.snapshot()["cycle"]
    silent = "" if plans else f"; the first {listened} bars are only listened to"
    say(f"{name}: {plans:.0f} plans{silent}")
    say(f"stem: {out}")
    if mix is not None:
        say(f"mix: {mix}")


@app.command("calibrate")
def calibrate_command(
    input: Annotated[str | None, typer.Option(help="Input device.")] = None,
    output: Annotated[str | None, typer.Option(help="Output device.")] = None,
) -> None:
    """Measure the round trip: connect the output to the input with a cable first."""
    device, found, file = calibrate(Wanted(input, output))
    milliseconds = 1000 * found.round_trip_samples / found.rate
    say(
        f"{device}: {found.round_trip_samples} samples at {found.rate} Hz, "
        f"{milliseconds:.2f} ms (the system says {found.reported_samples})"
    )
    say(f"kept in {file}")


@app.command("devices")
def devices_command() -> None:
    """List sound devices and MIDI inputs."""
    try:
        with hushed():
            sounds = [f"{device}, {device.default_rate:g} Hz" for device in list_devices()]
    except NoDevice as error:
        sounds = [str(error)]
    for sound in sounds or ["no device"]:
        say(f"sound  {sound}")
    for port in list_midi_ports() or ["no input"]:
        say(f"midi   {port}")


def player_of(name: str) -> Preset:
    """The preset of one player by its name or file, or the bass's with another instrument."""
    if name in INSTRUMENTS and name not in bundled_presets():
        return load_preset("bass").with_instrument(name)
    alone = {each: load_preset(each) for each in bundled_presets()}
    alone = {each: preset for each, preset in alone.items() if len(preset.players) == 1}
    if name in alone:
        return alone[name]
    if Path(name).is_file():
        return load_preset(name)
    valid = tuple(dict.fromkeys((*alone, *INSTRUMENTS)))
    raise CompanionError(
        f"there is no instrument {name!r}{nearest(name, valid)}; valid: {', '.join(valid)}"
    )


def tempo(bpm: float) -> Fraction:
    """A tempo as typed, exactly in decimals; CompanionError outside 40 to 240."""
    if not MIN_BPM <= bpm <= MAX_BPM:
        raise CompanionError(f"tempo is {bpm:g} BPM; valid: {MIN_BPM} to {MAX_BPM}")
    return Fraction(str(bpm))


def with_device(preset: Preset, device: str | None) -> GeneratorPreset:
    """The preset's generator, on another device if one was asked for."""
    if device is None:
        return preset.generator
    if device not in DEVICES:
        raise CompanionError(f"device is {device!r}; valid: {', '.join(DEVICES)}")
    return replace(preset.generator, device=device)


def status_line(status: Status) -> Text:
    """The session in one line: bar, cycle, level, and for each player what sounds and how."""
    before = status.bars_before
    bars = "" if status.bars is None else f"/{status.bars + before}"
    bar = f"bar {status.bar + 1 + before}{bars}" if status.bar >= 0 else "count-in"
    if status.song_bar is not None:
        bar += f", song {status.song_bar + 1}"
    cycle = f"cycle {status.cycle}" + ("" if status.cycle_holds else " broken")
    parts = [bar, cycle, f"in {_db(status.input_level)}", f"out {_db(status.output_level)}"]
    for player in status.players:
        slack = "" if player.slack_s is None else f" slack {player.slack_s:.1f} s"
        isr = "" if player.isr is None else f" {player.isr:.0%}"
        how = "" if player.metrics is None else _how(player.metrics)
        sounding = player.sounding or "listening"
        parts.append(f"{player.name}: {sounding}{how}{slack}{isr} {_db(player.level)}")
    if status.xruns:
        parts.append(f"xruns {status.xruns}")
    return Text(" | ".join(parts))


def _how(metrics: PlayerMetrics) -> str:
    """Steps, staleness, and what a plan had to do without."""
    steps = "" if metrics.steps is None else f" {metrics.steps} steps"
    stale = f" {metrics.staleness_bars} old" if metrics.staleness_bars else ""
    without = metrics.fallback in ("fewer steps", "finished at once")  # the others are its sounding
    return f"{steps}{stale}{f' ({metrics.fallback})' if without else ''}"


def _db(level: float) -> str:
    return "-inf dB" if level < 1e-5 else f"{20 * log10(level):.0f} dB"


def _follow(session: Session, live: Live, until_told: ExitStack) -> Callable[[Status], None]:
    """Who asks to end ends the session from now on; each tick refreshes the status line.

    Where no terminal draws it, each trouble is printed once.
    """
    until_told.enter_context(ended_by(lambda _: session.stop()))
    console, printed = live.console, set[tuple[str, str, float]]()
    drawn = console.is_terminal and not console.is_dumb_terminal

    def on_tick(status: Status) -> None:
        live.update(StatusView(status_line(status), status.troubles))
        if drawn:
            return
        for each in status.troubles:
            told = each.kind, each.about, each.since_s
            if told not in printed:
                printed.add(told)
                console.print(printable(each.line))
        printed.intersection_update((e.kind, e.about, e.since_s) for e in status.troubles)

    return on_tick


def main() -> None:
    """Entry point."""
    with printed_text():
        code = _run()
        lost = not_printed()
        if lost is not None and not code:
            _complain(lost)
            code = 2
    raise SystemExit(code)


def _run() -> int:
    """Do what was typed; the exit code."""
    try:
        with stopped():
            app(prog_name="companion")
    except CompanionError as error:
        _complain(str(error))
        return 2
    except Stopped as asked:
        return 128 + asked.number
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 0
    return 0


def _complain(why: str) -> None:
    print(f"error: {printable(' '.join(why.split()))}", file=sys.stderr)


if __name__ == "__main__":
    main()
