"""Arms as the tables of a page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from model.generator import StemGenerator
from model.request import DecodeSettings
from training.evaluation.generation import weights_digest
from training.experiments.arms import FIT, POPULATION, TRUE, Arms
from training.experiments.page import Table

INTERVALS = (
    "In brackets are 95 % bootstrap intervals over examples: percentiles for means, the normal "
    "interval for FAD and MIRDD."
)


def weights_text(weights: Path | None, generator: StemGenerator) -> str:
    """Which network it is: a sentence."""
    config = generator.network.config
    parameters = sum(weight.numel() for weight in generator.network.parameters())
    return (
        f"Weights {weights_digest(weights)}, {'the bundled ones' if weights is None else 'given'}: "
        f"{config.backbone}, {config.layers} layers of width {config.width}, "
        f"{parameters / 1e6:.1f} M parameters."
    )


def decoding_text(decode: DecodeSettings) -> str:
    """How tokens are chosen, in words."""
    return (
        f"steps {'/'.join(map(str, decode.steps))}, causal bias {decode.causal_bias:g}, "
        f"confidence {decode.confidence:g}, randomness {decode.randomness:g}, temperature "
        f"{decode.temperature:g}"
    )


def measures_text(arms: Arms) -> str:
    """What the measures are and what they stand on, for the part of a page that says how."""
    songs = len({example.song for example in arms.examples})
    windows = sum(len(stem.vectors[next(iter(stem.vectors))]) for stem in arms.measured[TRUE])
    return (
        f"Every figure stands on the same {len(arms.examples)} windows of {songs} held-out songs, "
        "whose chords repeat after four bars, all of a window heard at once and nothing of the "
        "stem given. Populations are held against "
        f"{len(arms.reference)} true stems of other songs; the true stems of our own windows "
        "stand in the tables as well, and no method can do better than they do. Learned "
        "coherence is what a network hears that was trained to tell a stem of a mix from another "
        "song's; notes in the chord, a share of their time; grid onsets and onsets with the "
        "context's, shares of the onsets. FAD 1 and 2 are Fréchet distances in two musicnn "
        f"embeddings (MagnaTagATune, Million Song), of about {windows} windows of 3 s: so few "
        "that they can be compared within this page only. MIRDD is made of open estimators, and "
        f"so is ours and not comparable with the paper's. {INTERVALS}"
    )


def arms_table(arms: Arms, names: Sequence[str], caption: str) -> Table:
    """A row for each of some arms, and one for the true stems."""
    rows = [
        (
            name,
            *(arms.estimate(name, label).text() for label in (*FIT, *POPULATION)),
            f"{arms.silent(name):.0%}",
        )
        for name in (*names, TRUE)
    ]
    return Table(caption, ("", *FIT, *POPULATION, "silent"), rows)
