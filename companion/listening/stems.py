"""The stem of each condition for a context, of the stretch that is listened to.

A player listens to the context's first cycle and plays from then on, so the stretch begins on the
bar line after the first cycle. What takes long, to generate, is done once: a file a stem, named by
all that decides it.
"""

from __future__ import annotations

import hashlib
import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
import soxr

from companion.audio.memory import Samples
from companion.audio.recording import read_sound
from companion.clock.warp import warped
from companion.control.preset import GeneratorPreset, Preset, bundled_presets, load_preset
from companion.generate.loading import weights_digest
from companion.listening.conditions import ANOTHER, BEST, HUMAN, MUSICGEN, Condition
from companion.listening.contexts import Context
from companion.listening.loudness import RATE
from companion.listening.musicgen import MusicGen
from companion.session.render import render
from companion.system.errors import CompanionError
from companion.system.whole import new_file

REVISION = 1
"""To be raised when the same settings give other stems than before."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A context as it is used, at `RATE`.

    Attributes:
        context: where it is from.
        sound: [samples, 1 or 2] from its first bar on: a cycle, the stretch, and a bar of margin.
        human: [samples] of the human stem, from there on to its end; None if there is none.
        samples: length of the stretch.
    """

    context: Context
    sound: Samples
    human: Samples | None
    samples: int

    @property
    def first(self) -> int:
        """The sample of `sound` at which the stretch begins."""
        return round(self.context.cycle * self.context.bar_s * RATE)

    def cut(self, sound: Samples) -> Samples:
        """The stretch of a sound that begins with the context's first bar, as long as it is."""
        piece = sound[self.first : self.first + self.samples]
        missing = self.samples - len(piece)
        return np.pad(piece, [(0, missing)] + [(0, 0)] * (sound.ndim - 1))


def read_excerpt(context: Context, seconds: float) -> Excerpt:
    """A context's recordings, to be listened to for so long.

    Raises:
        CompanionError: a recording cannot be read or is too short.
    """
    sound, late = _read(context.file)
    start = round(context.start_s * RATE) if context.start_s else round(late)
    whole = context.cycle * context.bar_s + seconds
    if len(sound) - start < round(whole * RATE):
        raise CompanionError(
            f"recording {context.file} has {max(0, len(sound) - start) / RATE:.2f} s from its "
            f"first bar on; valid: {whole:.2f} s, {context.cycle} bars and {seconds:g} s"
        )
    human = None
    if context.human is not None:
        stem, _ = _read(context.human)
        human = stem[start:].mean(1)
    end = start + round((whole + context.bar_s) * RATE)
    return Excerpt(context, sound[start:end], human, round(seconds * RATE))


class Stems:
    """Stems for a set of contexts."""

    def __init__(
        self,
        excerpts: Sequence[Excerpt],
        folder: Path,
        generator: GeneratorPreset,
        weights: Path | None,
        musicgen: MusicGen | None,
    ) -> None:
        """What was generated is kept in `folder`; `weights` as for `companion render`."""
        self._excerpts, self._folder = tuple(excerpts), folder
        self._generator, self._weights, self._musicgen = generator, weights, musicgen
        self._digest = weights_digest(generator.name, weights)

    def stem(self, index: int, condition: Condition) -> Samples:
        """The stem of a condition for one of the contexts: [samples] of the stretch.

        Raises:
            CompanionError: it cannot be made.
        """
        excerpt = self._excerpts[index]
        if condition is HUMAN:
            assert excerpt.human is not None
            return excerpt.cut(excerpt.human)
        if condition is ANOTHER:
            return self._another(index)
        if condition is MUSICGEN:
            return self._kept(excerpt, condition)[: excerpt.samples]
        return excerpt.cut(self._kept(excerpt, condition))

    def _another(self, index: int) -> Samples:
        """Bars of another context's stem, each on one of this: a person's if there is one.

        Of the same instrument if there is one; of several the next in the order of names.
        """
        here = self._excerpts[index]
        others = [*self._excerpts[index + 1 :], *self._excerpts[:index]]
        donor = min(  # the first of those that are best
            others,
            key=lambda o: (o.human is None, o.context.instrument != here.context.instrument),
        )
        sound = self._kept(donor, BEST) if donor.human is None else donor.human
        bar, its_bar = (round(each.context.bar_s * RATE) for each in (here, donor))
        sound = sound[donor.first :]
        sound = np.pad(sound, (0, max(0, its_bar - len(sound))))
        bars = len(sound) // its_bar
        moved = warped(sound, (0, bars * its_bar), (0, bars * bar), RATE)
        return np.tile(moved, math.ceil(here.samples / len(moved)))[: here.samples]

    def _kept(self, excerpt: Excerpt, condition: Condition) -> Samples:
        """A generated stem [samples] from the context's first bar on; made if it is not there."""
        path = self._folder / f"{excerpt.context.name}.{self._named(excerpt, condition)}.wav"
        if not path.is_file():
            sound = self._generate(excerpt, condition)
            self._folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory() as scratch, new_file(path, 0) as put:
                soundfile.write(Path(scratch) / "stem.wav", sound, RATE, subtype="FLOAT")
                put((Path(scratch) / "stem.wav").read_bytes())
        return soundfile.read(path, dtype="float32")[0]

    def _generate(self, excerpt: Excerpt, condition: Condition) -> Samples:
        context, seed = excerpt.context, seed_of(excerpt.context)
        if condition is MUSICGEN:
            assert self._musicgen is not None
            return self._musicgen.play(excerpt.samples, seed)
        with tempfile.TemporaryDirectory() as scratch:
            heard, stem = Path(scratch) / "heard.wav", Path(scratch) / "stem.wav"
            soundfile.write(heard, excerpt.sound, RATE, subtype="FLOAT")
            preset = replace(preset_of(context, condition), generator=self._generator)
            bpm = Fraction(str(context.bpm))
            render(heard, preset, bpm, stem, None, seed, self._weights, 0.0)
            return soundfile.read(stem, dtype="float32")[0]

    def _named(self, excerpt: Excerpt, condition: Condition) -> str:
        context = excerpt.context
        decides = [
            *(REVISION, condition.name, dict(condition.knobs or {}), self._generator.name),
            *(self._digest, context.bpm, context.instrument, context.cycle, excerpt.samples),
            hashlib.sha256(np.ascontiguousarray(excerpt.sound).tobytes()).hexdigest(),
        ]
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]


def seed_of(context: Context) -> int:
    """The same dice for a context in every condition, so that these differ in nothing else."""
    return int.from_bytes(hashlib.blake2b(context.name.encode(), digest_size=6).digest(), "big")


def preset_of(context: Context, condition: Condition) -> Preset:
    """The rig that plays: the bundled preset of the instrument, or the bass's with another."""
    own = context.instrument in bundled_presets()
    preset = load_preset(context.instrument if own else "bass").with_instrument(context.instrument)
    player = replace(
        preset.players[0], knobs={**preset.players[0].knobs, **(condition.knobs or {})}
    )
    knobs = {**preset.knobs, "cycle": context.cycle, "find_cycle": False}
    return replace(preset, players=(player,), knobs=knobs)


def _read(path: Path) -> tuple[Samples, float]:
    """A recording [samples, 1 or 2] at `RATE`, and how many samples too late everything comes."""
    read = read_sound(path)
    sound = soxr.resample(read.channels, read.rate, RATE, quality="HQ")
    return sound, read.late_samples * RATE / read.rate
