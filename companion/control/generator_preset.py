"""What a preset says of the generator: which, on what, and whether another machine serves it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

from companion.control.yaml_section import Section
from companion.generate.loading import GENERATORS, GeneratorName
from companion.remote.place import read_served_at
from companion.system.errors import CompanionError

DEVICES = ("auto", "cuda", "mps", "cpu")


@dataclass(frozen=True, slots=True)
class GeneratorPreset:
    """What makes the stems: the model, or its stand-in that needs no weights."""

    name: Annotated[GeneratorName, GENERATORS] = "model"
    device: Annotated[str, DEVICES] = "auto"
    in_process: bool = False
    # HOST:PORT of another machine where it is served; this one makes the plans while that is away
    remote: str | None = None
    key: str | None = None  # file with its key, if that is not among the settings


def read_generator(top: Section) -> GeneratorPreset:
    """What makes the stems; a key's file is beside the preset's."""
    generator = top.part("generator", GeneratorPreset)
    if generator.remote is None and generator.key is None:
        return generator
    if generator.remote is None:
        raise CompanionError(f"{top.place('generator')}: generator.key needs generator.remote")
    try:
        read_served_at(generator.remote, "generator.remote")
    except CompanionError as error:
        raise CompanionError(f"{top.place('generator')}: {error}") from error
    if generator.key is None:
        return generator
    return replace(generator, key=str((Path(top.file).parent / generator.key).absolute()))
