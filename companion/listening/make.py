"""`companion listen-test make`: a study of a folder of contexts.

What was generated stays, so a study that was cut off goes on where it stopped. Everything else is
written at the end, under names drawn by chance.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from companion.audio.memory import Samples
from companion.control.preset import GeneratorPreset
from companion.generate.loading import weights_digest
from companion.listening.conditions import CONDITIONS, HUMAN, MUSICGEN, Condition
from companion.listening.contexts import Context, read_contexts
from companion.listening.loudness import (
    STEM_LU,
    Level,
    flac,
    level,
    loudness,
    mixed,
    turned_down,
    with_beeps,
    with_fades,
)
from companion.listening.musicgen import MusicGen
from companion.listening.stems import REVISION, Excerpt, Stems, read_excerpt
from companion.listening.study import (
    AUDIO,
    BEEPS,
    KEY,
    SOUND,
    STEMS,
    STUDY,
    Key,
    Study,
    read_key,
    read_study,
    write_json,
)
from companion.system.errors import CompanionError, disk_message
from companion.system.whole import check_folder, new_file

SECONDS = 10.0
"""Length of every sound."""
SILENT_LUFS = -60.0
"""A stem below this, before it is turned up, is named in the key as silent."""
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class _Material:
    """What the sounds of a study are mixed of."""

    excerpts: tuple[Excerpt, ...]
    conditions: tuple[Condition, ...]
    stems: Stems

    def mix(self, context: int, condition: Condition) -> Samples:
        """A context with the stem of a condition, [samples, channels]."""
        excerpt = self.excerpts[context]
        beside = excerpt.cut(excerpt.sound)
        return mixed(beside, self.stems.stem(context, condition), stem_level(excerpt))

    def beside(self, context: int) -> Samples:
        """A context alone, [samples, channels]."""
        return self.excerpts[context].cut(self.excerpts[context].sound)


def make(
    contexts: Path,
    folder: Path,
    generator: GeneratorPreset | None = None,
    weights: Path | None = None,
    musicgen: Path | None = None,
    say: Say = lambda line: None,
    seconds: float = SECONDS,
) -> Study:
    """Make the study, or what is missing of it.

    Args:
        contexts: folder, see `companion.listening.contexts`.
        folder: of the study, see `companion.listening.study`.
        generator: what plays, and on which device; by default the model.
        weights: folder of the model's weights, if not the bundled ones.
        musicgen: folder of MusicGen's weights; None to do without that condition.
        say: is told of each stem, and of conditions that are left out.
        seconds: length of every sound.

    Raises:
        CompanionError: a recording or weights cannot be used, the disk is full, or the folder has
            a study of something else.
    """
    generator = generator or GeneratorPreset()
    found = read_contexts(contexts)
    if len(found) < 2:
        raise CompanionError(f"{contexts} has 1 context; valid: 2 at least, better 8 or more")
    conditions = _conditions(found, musicgen is not None, say)
    recipe = _recipe(found, conditions, generator, weights, musicgen, seconds)
    if (folder / STUDY).exists():
        study = read_study(folder)
        if read_key(folder).recipe != recipe:
            raise CompanionError(
                f"{folder} has a study of other contexts or settings; valid: another folder"
            )
        return study
    check_folder(folder)
    excerpts = tuple(read_excerpt(context, seconds) for context in found)
    loaded = None if musicgen is None else MusicGen(musicgen)
    stems = Stems(excerpts, folder / STEMS, generator, weights, loaded)
    return _write(folder, _Material(excerpts, conditions, stems), recipe, seconds, say)


def stem_level(excerpt: Excerpt) -> float:
    """How loud the stem of every condition is to be beside a context, LU: as the human one is."""
    if excerpt.human is None:
        return STEM_LU
    human = excerpt.cut(excerpt.human)[:, None].repeat(excerpt.sound.shape[1], 1)
    difference = loudness(human) - loudness(excerpt.cut(excerpt.sound))
    return difference if abs(difference) < 20.0 else STEM_LU  # else it hardly plays there


def _conditions(found: Sequence[Context], musicgen: bool, say: Say) -> tuple[Condition, ...]:
    """All that every context can be given: one that only some have would be heard on those only."""
    without = [context.name for context in found if context.human is None]
    if 0 < len(without) < len(found):
        say(f"no human stem for {', '.join(without)}: the condition is left out")
    given = {HUMAN.name: not without, MUSICGEN.name: musicgen}
    return tuple(each for each in CONDITIONS if given.get(each.name, True))


def _write(folder: Path, material: _Material, recipe: str, seconds: float, say: Say) -> Study:
    contexts, conditions = material.excerpts, material.conditions
    levels, silent = list[Level](), list[str]()
    for row, excerpt in enumerate(contexts):
        for condition in conditions:
            named = f"{excerpt.context.name}, {condition.name}"
            say(named)
            if loudness(material.stems.stem(row, condition)[:, None]) < SILENT_LUFS:
                silent.append(named)
            levels.append(level(with_fades(material.mix(row, condition))))
    checked = [n % len(contexts) for n in range(BEEPS)]
    plain = checked[2]
    levels += [level(with_fades(material.beside(row))) for row in checked]
    down = turned_down(levels)
    # By chance: neither a name, nor its place in the study, nor the time of its file tells a thing.
    dice = random.SystemRandom()
    rows = dice.sample(range(len(contexts)), len(contexts))
    columns = dice.sample(range(len(conditions)), len(conditions))
    audio = folder / AUDIO
    _clear(audio)

    def put(sound: Samples, beeps: int = 0) -> str:
        name = f"{secrets.token_hex(8)}.flac"
        faded = with_fades(sound)
        loud = faded * (level(faded).gain * down)
        with new_file(audio / name, 0) as write:
            write(flac(with_beeps(loud, beeps) if beeps else loud))
        os.utime(audio / name, (0, 0))
        return name

    study = Study(
        sounds=tuple(
            tuple(put(material.mix(row, conditions[column])) for column in columns) for row in rows
        ),
        beeps=tuple(put(material.beside(row), n) for n, row in enumerate(checked, 1)),
        plain=put(material.beside(plain)),
        seconds=seconds,
    )
    key = Key(
        tuple(contexts[row].context.name for row in rows),
        tuple(conditions[column].name for column in columns),
        tuple(silent),
        recipe,
    )
    write_json(folder / KEY, key)
    write_json(folder / STUDY, study)
    return study


def _clear(audio: Path) -> None:
    """Sounds of a run that was cut off, whose names nobody knows, are removed."""
    try:
        audio.mkdir(parents=True, exist_ok=True)
        for path in audio.iterdir():
            if SOUND.fullmatch(path.name):
                path.unlink()
    except OSError as error:
        raise CompanionError(disk_message(audio, error)) from error


def _recipe(
    found: Sequence[Context],
    conditions: Sequence[Condition],
    generator: GeneratorPreset,
    weights: Path | None,
    musicgen: Path | None,
    seconds: float,
) -> str:
    """Names all that decides a study."""
    files = [path for each in found for path in (each.file, each.human) if path is not None]
    told = [asdict(each) for each in found]
    for each in told:  # where they lie does not matter
        del each["file"], each["human"]
    decides = [
        *(REVISION, seconds, generator.name, weights_digest(generator.name, weights)),
        *(sorted(each.name for each in conditions), None if musicgen is None else musicgen.name),
        *(told, [_digest(path) for path in files]),
    ]
    return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()[:16]


def _digest(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CompanionError(
            f"cannot read {str(path)!r} ({error.strerror}); valid: an audio file"
        ) from error
