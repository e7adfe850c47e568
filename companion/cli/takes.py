"""The commands beside the stage: what `cli` offers for takes, and for long runs without one."""

from __future__ import annotations

from contextlib import ExitStack
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from companion.cli.typed import Weights, path_option, typed_number, typed_path
from companion.generate.loading import GENERATORS
from companion.system.errors import CompanionError
from companion.system.printing import say
from companion.system.whole import new_folder
from companion.take.events import EVENTS_FILE, read_events, start_of

Take = Annotated[Path, typer.Argument(help="Folder of a take.", parser=typed_path)]


def take_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    app.command("recover")(recover_command)
    app.command("export")(export_command)
    app.command("replay")(replay_command)
    app.command("soak")(soak_command)


def recover_command(take: Take) -> None:
    """Make a valid take of what a crash left."""
    from companion.take.recover import recover

    found = recover(take)
    for change in found.changes:
        say(f"  {change}")
    say(f"take: {take}, {found.seconds:.2f} s" + ("" if found.changes else ", was whole"))
    if found.picture is not None:
        say(f"picture: {found.picture}")


def export_command(
    take: Take,
    out: Annotated[Path, path_option("Folder to write into.", "--out", "-o")],
) -> None:
    """Write a take for a workstation: WAV files, tempo map, DAWproject."""
    from companion.take.export import export

    for path in export(take, out, version("companion")):
        say(str(path))


def replay_command(
    take: Take,
    out: Annotated[
        Path | None, path_option("Folder to write the stems into.", "--out", "-o")
    ] = None,
    weights: Weights = None,
) -> None:
    """Make a take's stems again, from audio, knobs and seeds, and compare."""
    from companion.replay.replay import replay

    with ExitStack() as work:
        console = Console(stderr=True)
        bar = Progress(console=console, transient=True, disable=not console.is_terminal)
        shown = work.enter_context(bar)
        folder = None if out is None else work.enter_context(new_folder(out, stems_of(take)))
        task = shown.add_task("replaying", total=1.0)
        replayed = replay(
            take,
            weights,
            folder,
            lambda note: say(f"  {note}"),
            lambda share: shown.update(task, completed=share),
        )
    for name, difference in replayed.differences.items():
        told = "identical to the sample"
        if difference is not None:
            told = f"differs from bar {difference.bar} on, at {difference.time_s:.4f} s"
        say(f"{name}: {told}")
    say(f"{replayed.plans} plans, {replayed.seconds:.2f} s")
    if not replayed.identical:
        raise CompanionError(f"take {str(take)!r} does not replay as it was: {replayed.reason}")


def stems_of(take: Path) -> tuple[str, ...]:
    """Names of the files that a replay of a take writes; none where it is no take."""
    try:
        begun = start_of(read_events(take / EVENTS_FILE))
    except CompanionError:  # the replay will say so
        return ()
    return () if begun is None else tuple(f"{player}.wav" for player in begun.players)


def soak_command(
    hours: Annotated[
        float,
        typer.Option(
            help="Hours of music, above 0.",
            parser=typed_number("hours", "above 0"),
            metavar="FLOAT",
        ),
    ] = 1.0,
    seed: Annotated[int, typer.Option(help="Same seed, same faults.", min=0)] = 0,
    generator: Annotated[str, typer.Option(help="standin or model.")] = "standin",
) -> None:
    """Play for hours on the offline clock, with faults at random, and say what came of it."""
    from companion.soak.run import soak

    names = [name for name in GENERATORS if name == generator]
    if not names:
        raise CompanionError(f"generator is {generator!r}; valid: {', '.join(GENERATORS)}")
    soaked = soak(hours, seed, names[0], say)
    tally = soaked.tally
    isr = "none due" if tally.isr is None else f"{tally.isr:.4f}"
    lost = tally.due - tally.ready - tally.repeated
    slope = soaked.slope_mb_per_hour
    say(f"bars played {soaked.bars}, {soaked.music_s / 3600:.3f} hours of music")
    say(f"faults injected {sum(soaked.faults.values())}")
    for kind, count in sorted(soaked.faults.items()):
        say(f"  {kind} {count}")
    say(f"stems lost {lost} of {tally.due} due, {tally.repeated} repeated, ISR {isr}")
    say(f"generator restarts {soaked.restarts}")
    for what, count in sorted(soaked.incidents.items()):
        say(f"  {what} {count}")
    grown = "not known after so short a run" if slope is None else f"{slope:+.2f} MB per hour"
    say(f"memory slope {grown}")
    say(f"output peak {soaked.peak:.4f}")
    if soaked.broken:
        raise CompanionError(
            f"{len(soaked.broken)} things went wrong that must not: {'; '.join(soaked.broken[:5])}"
        )
