"""Command line of the training package: `python -m training COMMAND`."""

from __future__ import annotations

import sys

import typer

from training.band.command import band
from training.codec.command import codec, codec_decoder, codec_report, kit_loops
from training.coherence.command import coherence, coherence_report
from training.errors import TrainingError
from training.evaluation.command import evaluate_report, fit_report, speed_report
from training.midi.command import midi_band
from training.stemgen.command import stemgen

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=__doc__,
)
app.command()(band)
app.command()(midi_band)
app.command()(kit_loops)
app.command()(codec)
app.command()(codec_decoder)
app.command()(codec_report)
app.command()(stemgen)
app.command()(coherence)
app.command()(coherence_report)
app.command("fit")(fit_report)
app.command("speed")(speed_report)
app.command("evaluate")(evaluate_report)


@app.callback()
def _root() -> None:
    """Data sets and training of the companion's models."""


def main() -> None:
    """Run a command; an error that the user can put right is one line and exit code 2."""
    try:
        app()
    except (TrainingError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(2) from error


if __name__ == "__main__":
    main()
