"""The commands about the machine: what it can do, whether it can play, a preset for it."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from companion.cli.typed import Weights, path_option, typed_path
from companion.control.midi_port import list_midi_ports
from companion.control.preset import load_preset
from companion.device.devices import list_devices
from companion.session.jam import TAKES
from companion.system.errors import CompanionError, NoDevice
from companion.system.printing import printable, say
from companion.system.stderr import hushed
from companion.system.whole import check_folder, new_file

LONGEST_ANSWER = 1000
Force = Annotated[bool, typer.Option("--force", help="Write over a file that is there.")]


def machine_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    app.command("bench")(bench_command)
    app.command("doctor")(doctor_command)
    app.command("new")(new_command)


def bench_command(
    preset: Annotated[
        str, typer.Option(help="Preset whose tempo, players and knobs are measured with.")
    ] = "band",
    weights: Weights = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure what this machine can do; takes about a minute on a slow laptop."""
    from companion.bench.report import lines, whole
    from companion.bench.run import bench

    with Console(stderr=True).status("measuring") as status:
        measured, _ = bench(load_preset(preset), weights, status.update)
    for line in [whole(measured)] if as_json else lines(measured):
        say(line)


def doctor_command(
    preset: Annotated[str, typer.Argument(help="What is to be played.")] = "band",
    write: Annotated[
        Path | None, path_option("Write a preset of as much as this machine carries.")
    ] = None,
    force: Force = False,
) -> None:
    """Look whether this machine can play; exit code 0 if it can. Takes about a minute."""
    from companion.setup.doctor import Doctor
    from companion.setup.rig_file import rig_text

    if write is not None:
        _check_free(write, force)
    doctor = Doctor(load_preset(preset), TAKES)
    grades = set[str]()
    with hushed(), Console(stderr=True).status("looking") as status:
        for finding in doctor.findings(status.update):
            grades.add(finding.grade)
            status.stop()  # while it is drawn it takes what is printed to standard error
            say(finding.line)
            status.start()
    if write is not None and doctor.rig is None:
        raise CompanionError(f"{str(write)!r} is not written: nothing is known to be carried here")
    if write is not None and doctor.rig is not None:
        _write(write, rig_text(doctor.rig))
    if "wrong" in grades:
        raise typer.Exit(1)


def new_command(
    file: Annotated[Path, typer.Argument(help="Preset to write.", parser=typed_path)] = Path(
        "my-rig.yaml"
    ),
    force: Force = False,
) -> None:
    """Ask five questions and write a preset. Answers may be piped in, a line each."""
    from companion.setup.questions import interview
    from companion.setup.rig_file import rig_text

    _check_free(file, force)
    try:
        with hushed():
            inputs = [each.name for each in list_devices() if each.input_channels]
    except NoDevice:
        inputs = []
    ports, typed = list_midi_ports(), sys.stdin is not None and sys.stdin.isatty()
    _write(file, rig_text(interview(_ask, say, ports, list(dict.fromkeys(inputs)), typed)))


def _ask(question: str, default: str) -> str:
    """Print a question and read a line; CompanionError where there is none left."""
    print(f"{printable(question)} [{printable(default)}] ", end="", flush=True)
    try:
        line = "" if sys.stdin is None else sys.stdin.readline(LONGEST_ANSWER)
    except (UnicodeDecodeError, OSError) as error:
        raise CompanionError(
            f"an answer cannot be read ({error}); valid: a line of text"
        ) from error
    if not line:
        print()
        raise CompanionError(
            f"no answer to {question!r}; valid: five lines, an empty one for what is in brackets"
        )
    if sys.stdin is not None and not sys.stdin.isatty():
        say(line.rstrip("\n"))  # as it would stand there if it had been typed
    return line


def _check_free(file: Path, force: bool) -> None:
    """CompanionError, before the work, where a preset could not be written."""
    if file.suffix not in (".yaml", ".yml"):
        raise CompanionError(f"cannot write {str(file)!r}; valid: a name that ends in .yaml")
    if file.exists() and not force:
        raise CompanionError(f"{str(file)!r} is there already; valid: another name, or --force")
    if not file.parent.is_dir():
        raise CompanionError(
            f"cannot write {str(file)!r} (there is no folder {str(file.parent)!r}); "
            "valid: a file in a folder"
        )
    check_folder(file.parent)


def _write(file: Path, preset: str) -> None:
    content = preset.encode()
    with new_file(file, len(content)) as put:
        put(content)
    say(f"preset: {file}")
    say(f"play it: companion jam {shlex.quote(str(file))}")
