"""Every stem of a report, made once: worker processes, a file a stem, named by all that decides it.

An interrupted run goes on where it stopped, and what was made can be measured again at no cost.
"""

from __future__ import annotations

import hashlib
import json
import math
import random
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from rich.progress import track
from safetensors import safe_open
from safetensors.numpy import save_file

from model.abilities import Abilities
from model.checkpoint import CODEC_FILE, STEMGEN_FILE
from model.generator import StemGenerator, load_generator
from model.instruments import instrument_index
from training.evaluation.anchors import as_it_is, random_stem, through_codec, true_stem
from training.evaluation.examples import CYCLE, Example
from training.evaluation.held_out import find_song
from training.evaluation.live import Session, Stem, play_live, play_whole, without_clock
from training.evaluation.scenarios import Scenario, Variant
from training.loop import prepare_process
from training.stemgen.chart import told_chart

REVISION = 4
"""To be raised when the same settings give other stems than before."""


class Recipe(Protocol):
    """How one stem is made. A frozen dataclass: its fields decide the stem."""

    def make(self, generator: StemGenerator) -> Stem:
        """Make it."""
        ...


@dataclass(frozen=True, slots=True)
class Generated:
    """A stem of ours for an example.

    Attributes:
        held_out: folder of the songs.
        example: what is heard and what is to be made.
        scenario, variant: how.
        take: 0, or more for the same with other dice.
    """

    held_out: Path
    example: Example
    scenario: Scenario
    variant: Variant
    take: int

    def make(self, generator: StemGenerator) -> Stem:
        """Make it, tokens [4, frames] and audio [samples]: from the context, never the target."""
        play = play_live if self.scenario.live else play_whole
        heard_by = generator if self.scenario.clock else without_clock(generator)
        return play(heard_by, self.session(generator.abilities), self.scenario, self.variant)

    def session(self, abilities: Abilities) -> Session:
        """What is played along with, by a generator of such abilities."""
        example, song = self.example, find_song(self.held_out, self.example.song)
        end_bar = CYCLE + example.bars
        samples = example.grid.start_samples(end_bar)
        text = f"{example.name}/{self.take}".encode()
        grid = example.grid
        frames = math.ceil(grid.start_frames(end_bar))
        first = song.grid.start_frames(example.first_bar)
        chords, _ = told_chart(song.chart, grid.tempo, grid.beats_per_bar, float(first), frames)
        instrument = instrument_index(example.instrument)
        # The same dice in every scenario and variant, so that they differ in nothing else.
        seed = int.from_bytes(hashlib.blake2b(text, digest_size=6).digest(), "big")
        return Session(
            context=song.mix(example.context, example.first_bar, samples),
            grid=example.grid,
            instrument=instrument,
            first_bar=CYCLE,
            end_bar=end_bar,
            seed=seed,
            harmony=chords[: frames if self.scenario.chart else 0].astype(np.float32),
            sound=abilities.sound(instrument, seed),  # as a player without a wish has it
        )


@dataclass(frozen=True, slots=True)
class TrueStem:
    """The true stem of an example.

    Attributes:
        held_out: folder of the songs.
        example: whose target it is.
        codec: whether it goes through the codec, as every stem of ours does.
    """

    held_out: Path
    example: Example
    codec: bool = False

    def make(self, generator: StemGenerator) -> Stem:
        """Cut it, tokens [4, frames] (no frames without the codec) and audio [samples]."""
        audio = true_stem(find_song(self.held_out, self.example.song), self.example)
        return through_codec(generator, audio) if self.codec else as_it_is(audio)


@dataclass(frozen=True, slots=True)
class RandomStem:
    """A stem of another song, not through the codec.

    Attributes:
        held_out: folder of the songs.
        example: whose place it takes.
        which: the first (0) or the second (1) of `Example.others`.
        on_the_bar: whether its bars lie on the example's; else it begins anywhere in a beat.
    """

    held_out: Path
    example: Example
    which: int = 0
    on_the_bar: bool = True

    def make(self, generator: StemGenerator) -> Stem:
        """Stretch it, tokens [4, 0] and audio [samples]."""
        other = self.example.others[self.which]
        dice = random.Random(f"{self.example.name}/late")
        late_beats = 0.0 if self.on_the_bar else dice.random()
        song = find_song(self.held_out, other.song)
        return as_it_is(random_stem(song, other, self.example, late_beats))


class Store:
    """The folder of stems that were made with some weights."""

    def __init__(self, folder: Path, weights: Path | None) -> None:
        """Stems lie in `folder`; `weights` is the folder of the generator, None the bundled one."""
        self.folder, self.weights = folder, weights
        folder.mkdir(parents=True, exist_ok=True)
        self.digest = weights_digest(weights)

    def path(self, recipe: Recipe) -> Path:
        """The file of a stem."""
        fields = {"recipe": type(recipe).__name__, **_plain(recipe)}
        decides = json.dumps([REVISION, self.digest, fields], sort_keys=True)
        return self.folder / f"{hashlib.sha256(decides.encode()).hexdigest()[:24]}.safetensors"

    def make(self, recipes: Mapping[str, Sequence[Recipe]], workers: int) -> dict[str, float]:
        """Make the stems that are missing.

        Args:
            recipes: what is wanted, by the name of its condition.
            workers: processes.

        Returns:
            the seconds that the workers together spent on each condition that lacked some.
        """
        missing = {
            path: (name, recipe)
            for name, wanted in recipes.items()
            for recipe in wanted
            if not (path := self.path(recipe)).exists()
        }
        jobs = [(self.weights, path, recipe) for path, (_, recipe) in missing.items()]
        seconds: dict[str, float] = {}
        spent = track(each(_make, jobs, workers), "making stems", len(jobs), disable=not jobs)
        for (name, _), taken in zip(missing.values(), spent, strict=True):
            seconds[name] = seconds.get(name, 0.0) + taken
        return seconds

    def read(self, recipe: Recipe) -> Stem:
        """A stem that was made: tokens int16 [4, frames] and audio [samples]."""
        return read_stem(self.path(recipe))


def read_stem(path: Path) -> Stem:
    """The stem in a file: tokens int16 [4, frames] and audio [samples]."""
    with safe_open(path, "np") as file:
        return Stem(file.get_tensor("tokens"), file.get_tensor("audio").astype(np.float32))


def each(function: Any, jobs: Sequence[Any], workers: int) -> Iterator[Any]:
    """The function of each job, in order; in this process if there is but one worker, or no job."""
    if workers == 1 or not jobs:
        yield from map(function, jobs)
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), prepare_process, (1,)) as pool:
        yield from pool.map(function, jobs)


def weights_digest(weights: Path | None) -> str:
    """Names the weights, codec and network, by what is in their files."""
    digest = hashlib.sha256()
    for bundled in (CODEC_FILE, STEMGEN_FILE):
        path = weights / bundled.name if weights else bundled
        if path.is_file():  # what is missing is told when it is loaded
            digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


_GENERATORS: dict[Path | None, StemGenerator] = {}
"""The generator that this process has loaded."""


def _make(job: tuple[Path | None, Path, Recipe]) -> float:
    weights, path, recipe = job
    if weights not in _GENERATORS:
        _GENERATORS[weights] = load_generator("cpu", weights)
    started = time.perf_counter()
    stem = recipe.make(_GENERATORS[weights])
    part = path.with_suffix(".part")
    # Half precision is 66 dB below each sample, far below what the codec leaves out; what has not
    # been through it is kept to the bit. A slice is copied: safetensors writes the memory behind it
    # as if nothing had been cut.
    kept = np.float16 if stem.tokens.size else np.float32
    arrays = {"tokens": stem.tokens.copy(), "audio": stem.audio.astype(kept)}
    save_file(arrays, part)
    part.replace(path)
    return time.perf_counter() - started


def _plain(recipe: Recipe) -> dict[str, Any]:
    """The fields of a recipe as JSON has them, without what does not decide the stem."""
    fields = asdict(recipe)  # type: ignore[call-overload]
    fields.pop("held_out", None)
    for kind in ("scenario", "variant"):
        if kind in fields:
            fields[kind].pop("text")
    return json.loads(json.dumps(fields, default=str))
