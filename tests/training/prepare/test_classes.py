"""Words of data sets become classes; the data card shows the tables."""

from __future__ import annotations

from pathlib import Path

import pytest

from model.instruments import INSTRUMENTS
from training.prepare.classes import MOISES, MUSDB, NAMES, is_mix, moises_class, named_class

CARD = (Path(__file__).parents[3] / "training" / "DATA.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "instrument"),
    [
        ("02_LeadGuitar-DI2", "guitar"),
        ("Bass Drum", "drums"),
        ("bass guitar", "bass"),
        ("synth bass", "bass"),
        ("Lead Vox dbl", "other"),
        ("Strings hi", "strings"),
        ("violin 1", "strings"),
        ("Tenor Sax", "reed"),
        ("SynthPad_03", "synth pad"),
        ("OH L", "drums"),
        ("chromatic percussion", "chromatic percussion"),
        ("percussion", "percussive"),
        ("Track 4", None),
        ("basso continuo", None),
    ],
)
def test_a_name_tells_its_instrument(name, instrument):
    assert named_class(name) == instrument


@pytest.mark.parametrize("instrument", INSTRUMENTS)
def test_every_class_can_be_named_as_it_is_called(instrument):
    assert named_class(instrument) == instrument
    assert named_class(instrument.title().replace(" ", "")) == instrument


def test_the_mix_is_told_from_stems():
    assert is_mix("Song_MIXDOWN") and is_mix("mixture") and not is_mix("mixer hum")


@pytest.mark.parametrize(
    ("stem", "kind", "instrument"),
    [
        ("bass", "bass synthesizer (moog etc)", "bass"),
        ("bass", "tuba (bass of brass)", "brass"),
        ("other_keys", "organ, electric organ", "organ"),
        ("other keys", "other sounds (hapischord, melotron etc)", "other"),
        ("bowed_strings", "cello (solo)", "strings"),
        ("bowed_strings", "cello section", "ensemble"),
        ("wind", "flutes (piccolo, bamboo flute, panpipes, flutes etc)", "pipe"),
        ("percussion", "pitched percussion (mallets, glockenspiel, ...)", "chromatic percussion"),
        ("percussion", "a-tonal percussion (claps, shakers, congas, cowbell etc)", "percussive"),
        ("other", "fx/processed sound, scratches, gun shots, explosions etc", "sound effects"),
        ("kazoo", "kazoo", None),
    ],
)
def test_a_moises_track_has_the_class_of_its_type(stem, kind, instrument):
    assert moises_class(stem, kind) == instrument


def test_all_tables_lead_to_classes_that_there_are():
    told = {*MUSDB.values(), *(c for kinds in MOISES.values() for c in kinds.values())}
    assert told | {instrument for instrument, _ in NAMES} <= set(INSTRUMENTS)


def test_the_data_card_shows_the_tables():
    for name, instrument in MUSDB.items():
        assert f"| `{name}` | {instrument} |" in CARD
    for stem, kinds in MOISES.items():
        for kind, instrument in kinds.items():
            assert f"| {stem} | {kind or 'all others'} | {instrument} |" in CARD
    for instrument, words in NAMES:
        assert all(word in CARD for word in words), instrument
