"""The commands beside the stage: what `cli` offers for takes, and for long runs without one."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from companion.errors import CompanionError
from companion.generate.loading import GENERATORS

Take = Annotated[Path, typer.Argument(help="Folder of a take.")]


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
        typer.echo(f"  {change}")
    typer.echo(f"take: {take}, {found.seconds:.2f} s" + ("" if found.changes else ", was whole"))
    if found.picture is not None:
        typer.echo(f"picture: {found.picture}")


def export_command(
    take: Take,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write into.")],
) -> None:
    """Write a take for a workstation: WAV files, tempo map, DAWproject."""
    from companion.take.export import export

    for path in export(take, out, version("companion")):
        typer.echo(str(path))


def replay_command(
    take: Take,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Folder to write the stems into.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Folder with codec.safetensors and stemgen.safetensors.")
    ] = None,
) -> None:
    """Make a take's stems again, from audio, knobs and seeds, and compare."""
    from companion.replay import replay

    with Progress(console=Console(stderr=True), transient=True) as shown:
        task = shown.add_task("replaying", total=1.0)
        replayed = replay(
            take,
            weights,
            out,
            lambda note: typer.echo(f"  {note}"),
            lambda share: shown.update(task, completed=share),
        )
    for name, difference in replayed.differences.items():
        told = "identical to the sample"
        if difference is not None:
            told = f"differs from bar {difference.bar} on, at {difference.time_s:.4f} s"
        typer.echo(f"{name}: {told}")
    typer.echo(f"{replayed.plans} plans, {replayed.seconds:.2f} s")
    if not replayed.identical:
        raise CompanionError(f"take {str(take)!r} does not replay as it was: {replayed.reason}")


def soak_command(
    hours: Annotated[float, typer.Option(help="Hours of music, above 0.")] = 1.0,
    seed: Annotated[int, typer.Option(help="Same seed, same faults.", min=0)] = 0,
    generator: Annotated[str, typer.Option(help="standin or model.")] = "standin",
) -> None:
    """Play for hours on the offline clock, with faults at random, and say what came of it."""
    from companion.soak.run import soak

    names = [name for name in GENERATORS if name == generator]
    if not names:
        raise CompanionError(f"generator is {generator!r}; valid: {', '.join(GENERATORS)}")
    soaked = soak(hours, seed, names[0], typer.echo)
    isr = "none due" if soaked.isr is None else f"{soaked.isr:.4f}"
    slope = soaked.slope_mb_per_hour
    typer.echo(f"bars played {soaked.bars}, {soaked.music_s / 3600:.3f} hours of music")
    typer.echo(f"faults injected {sum(soaked.faults.values())}")
    for kind, count in sorted(soaked.faults.items()):
        typer.echo(f"  {kind} {count}")
    typer.echo(
        f"stems lost {soaked.lost} of {soaked.due} due, {soaked.repeated} repeated, ISR {isr}"
    )
    typer.echo(f"generator restarts {soaked.restarts}")
    for what, count in sorted(soaked.incidents.items()):
        typer.echo(f"  {what} {count}")
    grown = "not known after so short a run" if slope is None else f"{slope:+.2f} MB per hour"
    typer.echo(f"memory slope {grown}")
    typer.echo(f"output peak {soaked.peak:.4f}")
    if soaked.broken:
        raise CompanionError(
            f"{len(soaked.broken)} things went wrong that must not: {'; '.join(soaked.broken[:5])}"
        )
