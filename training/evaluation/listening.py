"""A few examples to listen to, beside the page: the context, and it with each of four stems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from model.grid import SAMPLE_RATE
from training.evaluation.anchors import context_of
from training.evaluation.examples import Example, group_of
from training.evaluation.fit import Audio
from training.evaluation.generation import Recipe, Store
from training.evaluation.held_out import find_song
from training.evaluation.scenarios import CYCLE
from training.evaluation.summary import CODED, RANDOM, TRUE, condition

A_GROUP = 2
"""Examples of each group of instruments, the first that were drawn: they are not chosen by ear."""
OPUS_RATE = 48_000
OPUS_LEVEL = 0.9
"""Of libsndfile's compression levels: about 30 kbit/s."""
PEAK = 0.9


@dataclass(frozen=True, slots=True)
class Listening:
    """Files of one example.

    Attributes:
        title: what it is.
        files: name of a file by what is to be heard in it.
    """

    title: str
    files: Mapping[str, str]


def write_listening(
    folder: Path,
    held_out: Path,
    store: Store,
    examples: Sequence[Example],
    recipes: Sequence[Mapping[str, Recipe]],
) -> list[Listening]:
    """Write the files into `folder / "audio"`."""
    (folder / "audio").mkdir(parents=True, exist_ok=True)
    found = []
    counts: dict[str, int] = {}
    for example, wanted in zip(examples, recipes, strict=True):
        group = group_of(example.instrument)
        counts[group] = counts.get(group, 0) + 1
        if counts[group] > A_GROUP:
            continue
        context = context_of(find_song(held_out, example.song), example)
        assert context is not None
        stems = {"ours": condition(CYCLE), **{name: name for name in (CODED, TRUE, RANDOM)}}
        sounds = {"context": context} | {
            heard: context + store.read(wanted[name]).audio for heard, name in stems.items()
        }
        gain = PEAK / max(1e-6, *(float(np.abs(sound).max()) for sound in sounds.values()))
        files = {}
        for name, sound in sounds.items():
            files[name] = f"audio/{example.name}-{name.replace(',', '').replace(' ', '-')}.ogg"
            write_opus(folder / files[name], sound * np.float32(gain))
        heard = ", ".join(stem.split(".")[0] for stem in example.context)
        title = f"{example.instrument}, {example.tempo:g} BPM; heard: {heard}"
        found.append(Listening(title, files))
    return found


def write_opus(path: Path, audio: Audio) -> None:
    """Write mono audio [samples] at 32 kHz as Ogg Opus."""
    wide = np.clip(soxr.resample(audio, SAMPLE_RATE, OPUS_RATE), -1.0, 1.0)
    soundfile.write(
        path, wide, OPUS_RATE, format="OGG", subtype="OPUS", compression_level=OPUS_LEVEL
    )
