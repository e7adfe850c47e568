"""What the coherence network hears, measured with real audio on songs it was not trained on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from scipy.signal import lfilter
from scipy.stats import rankdata

from model.checkpoint import LoadedCodec
from model.device import autocast
from model.grid import SAMPLE_RATE
from training.coherence.bands import FLOOR_DB, STEP_DB
from training.coherence.features import beat_roots
from training.coherence.pairs import OTHER_CHORD, QUIET, ROLES
from training.errors import TrainingError
from training.evaluation.coherence import Coherence
from training.evaluation.fit import Audio
from training.evaluation.stretch import stretched
from training.songs import Song, read_song

WINDOW_S = 10.0
NEAR_TEMPO = 0.08
"""Another song is as near as this in tempo, as a logarithm, or else the nearest there is."""
ROLE_NAMES = ("drums", "bass", "keys", "guitar", "other")
INTERVALS = (1, 3, 6)

Scores = dict[str, NDArray[np.float64]]


@dataclass(frozen=True, slots=True)
class Judged:
    """One true stem and what was made of it.

    Attributes:
        role: one of `ROLE_NAMES`.
        log_odds: harmonic, percussive, both [3] of each variant, "true" among them.
    """

    role: str
    log_odds: Scores


@dataclass(frozen=True, slots=True)
class _Loaded:
    song: Song
    names: tuple[str, ...]
    audio: Audio
    roots: NDArray[np.int64]

    @property
    def bar_s(self) -> float:
        return 60.0 / self.song.tempo * self.song.beats_per_bar

    def window(self, stem: int, start_s: float, seconds: float = WINDOW_S) -> Audio:
        first, length = round(start_s * SAMPLE_RATE), round(seconds * SAMPLE_RATE)
        cut = self.audio[stem, max(0, first) : first + length]
        return np.pad(cut, (0, length - len(cut)))


def role_of(instrument: str) -> str:
    """The role, one of `ROLE_NAMES`, of an instrument class."""
    for name, members in zip(ROLE_NAMES, ROLES, strict=True):
        if instrument in members:
            return name
    return "other"


def judge_songs(
    coherence: Coherence, codec: LoadedCodec, folders: Sequence[Path], seed: int = 1
) -> Iterator[Judged]:
    """Every stem of some songs, in a window of 10 s of its song, in all its variants."""
    rng = np.random.default_rng(seed)
    songs = [_load(folder) for folder in folders]
    for loaded in songs:
        bars = max(1, int((loaded.song.bars * loaded.bar_s - WINDOW_S) / loaded.bar_s) - 1)
        start_s = int(rng.integers(bars)) * loaded.bar_s
        windows = [loaded.window(stem, start_s) for stem in range(len(loaded.names))]
        for stem, name in enumerate(loaded.names):
            context = np.sum([w for i, w in enumerate(windows) if i != stem], axis=0)
            if not (_sounds(windows[stem]) and _sounds(context)):
                continue
            variants = {
                "true": windows[stem],
                **_altered(codec, windows[stem], loaded.song.stems[name] != "drums"),
                **_moved(loaded, stem, start_s, rng),
                **_others(codec, songs, loaded, name, rng),
            }
            length = min(len(sound) for sound in variants.values())
            stems = np.stack([sound[:length] for sound in variants.values()])
            log_odds = coherence.log_odds(stems, context[None, :length])[:, 0].T.double().numpy()
            yield Judged(
                role_of(loaded.song.stems[name]), dict(zip(variants, log_odds, strict=True))
            )


def _load(folder: Path) -> _Loaded:
    song = read_song(folder)
    if song.chart is None:
        raise TrainingError(f"{folder} has no chord chart: its stems cannot be judged")
    audio = np.stack([soundfile.read(folder / name, dtype="float32")[0] for name in song.stems])
    return _Loaded(
        song, tuple(song.stems), audio, beat_roots(song.chart, song.bars, song.beats_per_bar)
    )


def _sounds(audio: Audio) -> bool:
    blocks = audio[: len(audio) // 16000 * 16000].reshape(-1, 16000)
    level = 10 * np.log10(np.square(blocks).mean(1) + 1e-12)
    return bool((level > FLOOR_DB + STEP_DB * QUIET).mean() > 0.5)


def _altered(codec: LoadedCodec, stem: Audio, pitched: bool) -> dict[str, Audio]:
    """What should not matter: codec, equaliser, level; and transposition, which should."""
    altered = {
        "codec": _coded(codec, stem),
        # One pole each: 6 dB an octave below, or above, about 800 Hz.
        "dark": lfilter([0.15], [1.0, -0.85], stem).astype(np.float32),
        "bright": lfilter([1.0, -0.85], [1.0], stem).astype(np.float32),
        "12 dB less": (stem * 10 ** (-12 / 20)).astype(np.float32),
    }
    if pitched:
        for interval in INTERVALS:
            altered[f"up {interval}"] = stretched(stem, 1.0, interval)
    return altered


def _moved(
    loaded: _Loaded, stem: int, start_s: float, rng: np.random.Generator
) -> dict[str, Audio]:
    """The stem in other places: an eighth, a beat, a bar, and bars with other chords."""
    beat_s = 60.0 / loaded.song.tempo
    places = {
        "eighth": start_s + beat_s / 2,
        "beat": start_s + beat_s,
        "bar": start_s + loaded.bar_s,
    }
    beats = loaded.song.beats_per_bar
    count = int(WINDOW_S / beat_s)
    first = round(start_s / beat_s)
    heard = loaded.roots[first : first + count]
    found = []
    for start in range(first % beats, len(loaded.roots) - count + 1, beats):
        other = loaded.roots[start : start + count]
        if (heard != other).mean() > OTHER_CHORD and _sounds(loaded.window(stem, start * beat_s)):
            found.append(start)
    if found:
        places["other bars"] = int(rng.choice(found)) * beat_s
    return {name: loaded.window(stem, place_s) for name, place_s in places.items()}


def _others(
    codec: LoadedCodec,
    songs: list[_Loaded],
    loaded: _Loaded,
    name: str,
    rng: np.random.Generator,
) -> dict[str, Audio]:
    """A stem of the same role of another song, near in tempo, bar on bar; and through the codec."""
    role = role_of(loaded.song.stems[name])
    far = sorted(
        (abs(np.log(other.song.tempo / loaded.song.tempo)), number, stem)
        for number, other in enumerate(songs)
        if other is not loaded
        for stem, own in enumerate(other.names)
        if role_of(other.song.stems[own]) == role
    )
    near = [entry for entry in far if entry[0] < NEAR_TEMPO]
    for choice in rng.permutation(len(near)).tolist() or [0]:
        _, number, stem = (near or far)[choice]
        other = songs[number]
        speed = loaded.song.tempo / other.song.tempo
        last = max(1, int(other.song.bars - WINDOW_S * speed / other.bar_s))
        start_s = int(rng.integers(last)) * other.bar_s
        sound = stretched(other.window(stem, start_s, WINDOW_S * speed + 0.5), speed)
        sound = sound[: round(WINDOW_S * SAMPLE_RATE)]
        if _sounds(sound):
            return {"other song": sound, "other song, codec": _coded(codec, sound)}
    return {}


@torch.no_grad()
def _coded(codec: LoadedCodec, audio: Audio) -> Audio:
    with autocast(torch.device("cpu")):
        tokens = codec.encode(torch.from_numpy(audio)[None])
        return codec.decode(tokens)[0].float().numpy()[: len(audio)]


def auc(true: NDArray[np.float64], wrong: NDArray[np.float64]) -> float:
    """Chance that a true score of [n] is above a wrong one of [m]: area under the ROC curve."""
    if not len(true) or not len(wrong):
        return float("nan")
    ranks = rankdata(np.concatenate([true, wrong]))[: len(true)]
    return float((ranks.sum() - len(true) * (len(true) + 1) / 2) / (len(true) * len(wrong)))
