"""Command line of the training package: `python -m training COMMAND`."""

from __future__ import annotations

import re
import sys
from importlib import import_module
from importlib.metadata import requires
from importlib.util import find_spec

import typer

from training.errors import TrainingError

COMMANDS = {
    "band": "training.band.command:band",
    "midi-band": "training.midi.command:midi_band",
    "kit-loops": "training.codec.command:kit_loops",
    "codec": "training.codec.command:codec",
    "codec-decoder": "training.codec.command:codec_decoder",
    "codec-report": "training.codec.command:codec_report",
    "prepare": "training.prepare.command:prepare",
    "stemgen": "training.stemgen.command:stemgen",
    "coherence": "training.coherence.command:coherence",
    "coherence-report": "training.coherence.command:coherence_report",
    "fit": "training.evaluation.command:fit_report",
    "evaluate": "training.evaluation.command:evaluate_report",
    "experiment": "training.experiments.command:experiment",
}
EXTRA = "train"
NEED_NO_EXTRA = ("band", "midi-band", "kit-loops", "fit")


def _root() -> None:
    """Data sets and training of the companion's models."""


def make_app(chosen: str = "") -> typer.Typer:
    """The command line; of its commands the chosen one alone is imported, where there is one."""
    app = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        help=__doc__,
    )
    app.callback()(_root)
    for name in [chosen] if chosen in COMMANDS else COMMANDS:
        module, function = COMMANDS[name].split(":")
        app.command(name)(getattr(import_module(module), function))
    return app


def _check_extra() -> None:
    """Before hours of work, not in the middle of them."""
    wanted = [need for need in requires("companion") or () if f'extra == "{EXTRA}"' in need]
    packages = [re.split(r"[^\w.-]", need)[0] for need in wanted]
    missing = ", ".join(package for package in packages if find_spec(package) is None)
    if missing:
        raise TrainingError(f"{missing} missing; valid: pip install 'companion[{EXTRA}]' first")


def main() -> None:
    """Run a command; an error that the user can put right is one line and exit code 2."""
    chosen = sys.argv[1] if len(sys.argv) > 1 else ""
    helps = chosen not in COMMANDS or "--help" in sys.argv
    try:
        if not helps and chosen not in NEED_NO_EXTRA:
            _check_extra()
        make_app(chosen)()
    except (TrainingError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
