"""Which of the 18 instrument classes each data set's own words mean.

`training/DATA.md` shows these tables.
"""

from __future__ import annotations

import re

from model.instruments import INSTRUMENTS

MUSDB: dict[str, str] = {"drums": "drums", "bass": "bass", "other": "other", "vocals": "other"}
"""MUSDB18-HQ: by the file's name."""

MOISES: dict[str, dict[str, str]] = {
    "vocals": {"": "other"},
    "bass": {"": "bass", "tuba": "brass", "bassoon": "reed"},
    "drums": {"": "drums"},
    "guitar": {"": "guitar"},
    "other plucked": {"": "guitar"},
    "percussion": {"": "percussive", "pitched percussion": "chromatic percussion"},
    "piano": {"": "piano"},
    "other keys": {
        "": "other",
        "organ": "organ",
        "synth pad": "synth pad",
        "synth lead": "synth lead",
    },
    "bowed strings": {
        "": "strings",
        "violin section": "ensemble",
        "viola section": "ensemble",
        "cello section": "ensemble",
        "string section": "ensemble",
    },
    "wind": {"": "other", "brass": "brass", "flutes": "pipe", "reeds": "reed"},
    "other": {"": "other", "fx": "sound effects"},
}
"""MoisesDB: by `stemName`, then by how `trackType` begins; the empty word is all others."""

NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("drums", ("bass drum", "drum machine")),
    ("bass", ("synth bass", "double bass", "upright bass")),
    ("brass", ("french horn", "brass section")),
    ("reed", ("english horn",)),
    ("ensemble", ("string section", "string ensemble", "choir")),
    ("organ", ("mouth organ",)),
    *((name, (name,)) for name in INSTRUMENTS if " " in name),
    ("other", ("vocals", "vocal", "vox", "voice", "voices", "singer", "sung")),
    (
        "drums",
        (
            *("drums", "drum", "kit", "kick", "snare", "tom", "toms", "hihat", "hat", "hats"),
            *("cymbal", "cymbals", "overhead", "overheads", "oh", "ride", "crash"),
        ),
    ),
    ("bass", ("bass",)),
    ("guitar", ("guitar", "guitars", "gtr", "ukulele", "mandolin")),
    ("piano", ("piano", "keys", "keyboard", "rhodes", "wurlitzer", "clavinet", "harpsichord")),
    ("organ", ("organ", "hammond", "accordion", "harmonica")),
    (
        "chromatic percussion",
        ("vibraphone", "vibes", "marimba", "xylophone", "glockenspiel", "celesta", "bells"),
    ),
    ("strings", ("strings", "violin", "viola", "cello", "contrabass", "harp")),
    ("ensemble", ("ensemble", "orchestra")),
    ("brass", ("brass", "trumpet", "trombone", "tuba", "horn", "horns", "flugelhorn")),
    ("reed", ("reed", "reeds", "sax", "saxophone", "clarinet", "oboe", "bassoon")),
    ("pipe", ("pipe", "flute", "flutes", "recorder", "piccolo", "whistle", "ocarina")),
    ("synth pad", ("pad", "pads")),
    ("synth lead", ("lead", "synth", "synthesizer", "arp")),
    ("ethnic", ("ethnic", "banjo", "sitar", "shamisen", "koto", "kalimba", "bagpipe", "fiddle")),
    (
        "percussive",
        (
            *("percussive", "percussion", "perc", "conga", "congas", "bongo", "bongos"),
            *("shaker", "tambourine", "cowbell", "clap", "claps", "taiko"),
        ),
    ),
    ("sound effects", ("fx", "sfx", "effects", "noise")),
    ("other", ("other", "others")),
)
"""A folder of stems: by the first of these words, from the top, that a file's name has in it."""

MIXES = frozenset({"mix", "mixture", "mixdown", "master", "all", "full"})
"""A file with such a word in its name, and no instrument's, is no stem but all of them."""


def moises_class(stem: str, kind: str) -> str | None:
    """The class of a MoisesDB track by its `stemName` and `trackType`, None for no such stem."""
    kinds = MOISES.get(" ".join(words_of(stem)))
    if kinds is None:
        return None
    plain = kind.strip().lower()
    return next((kinds[word] for word in kinds if word and plain.startswith(word)), kinds[""])


def named_class(name: str) -> str | None:
    """The class that a file's name tells, None where it tells none."""
    said = f" {' '.join(words_of(name))} "
    for instrument, words in NAMES:
        if any(f" {word} " in said for word in words):
            return instrument
    return None


def is_mix(name: str) -> bool:
    """Whether a file's name says that it is the mix."""
    return not MIXES.isdisjoint(words_of(name))


def words_of(name: str) -> list[str]:
    """The words of a name, in lower case: `02_LeadGuitar-DI2` is lead, guitar, di."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return re.findall(r"[^\W\d_]+", parted.lower())
