"""What a caller asks the generator for, and what it gets back: arrays and numbers, no torch.

These travel between processes, so everything in them is checked when they are made: whoever holds
one may rely on its shapes and ranges.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from model.grid import HOP, LEVELS, VOCABULARY
from model.instruments import INSTRUMENTS, NULL

PHASE_WIDTH = 4
"""Numbers of clock phase a frame: sin and cos of the beat, sin and cos of the bar."""
HARMONY_WIDTH = 24
"""Numbers of harmony a frame: one for each pitch class, C first, 1 where it is in the chord; then
one for each, 1 where it is the bass; all 0 where no chord is known."""
ALWAYS_GUIDED = ("audio", "instrument", "clock")
"""The sources that guidance has to be told for."""
SOURCES = (*ALWAYS_GUIDED, "harmony", "sound")
"""What the network may be told, and what guidance can lean on."""
FORMS = ("distilled", "contrast", "joint", "product")
"""How guidance over several sources is combined: by a network that has learnt to, or of passes."""

Form = Literal["distilled", "contrast", "joint", "product"]


@dataclass(frozen=True, slots=True)
class DecodeSettings:
    """How tokens are chosen, level by level or in whole frames.

    Attributes:
        steps: decode steps of each level, coarse to fine, each at least 1. To a network that tells
            finer levels in depth only the first matters, and it may be the only one.
        causal_bias: weight of "earlier frames first" (w_s) at the paper's 128 steps, at least 0.
        confidence: weight of the candidate's probability (w_c) at 128 steps, at least 0.
        randomness: weight of the uniform noise (w_r), at least 0.
        temperature: divides the logits, above 0.

    Raises:
        ValueError: a value outside its range.
    """

    steps: tuple[int, ...] = (8, 8, 4, 2)
    causal_bias: float = 0.1
    confidence: float = 0.03
    randomness: float = 1.0
    temperature: float = 1.0

    def __post_init__(self) -> None:
        """Check every range."""
        whole = all(_is_whole(steps) and steps >= 1 for steps in self.steps)
        if len(self.steps) not in (1, LEVELS) or not whole:
            raise ValueError(
                f"steps are {self.steps!r}; valid: {LEVELS} whole numbers from 1 up, or one"
            )
        for name in ("causal_bias", "confidence", "randomness"):
            _check_number(name, getattr(self, name))
        _check_number("temperature", self.temperature)
        if self.temperature <= 0.0:
            raise ValueError(f"temperature is {self.temperature!r}; valid: above 0")


@dataclass(frozen=True, slots=True, eq=False)
class StemRequest:
    """One window to fill with a stem.

    Attributes:
        context: what is heard, float32 [frames * 640], 32 kHz mono, finite.
        context_known: bool [frames], False where nothing is known (the NULL horizon).
        context_guessed: bool [frames], True where earlier bars stand in for what was not played
            yet; [0] for nowhere.
        phase: float32 [frames, 4], sin and cos of the beat and of the bar at frame starts.
        prefix: int16 [4, prefix_frames], the stem's own tokens that are fixed already, 0..2047;
            they fill the first frames of the window, at least one frame is left to generate.
        frames: length of the window.
        first_frame: where the window lies on the grid that all windows share, so that what was
            heard before need not be encoded again; it changes nothing in the stem.
        lead: float32 [prefix_frames * 640], what the prefix sounded like when it was played, so
            that what is new goes on from it without a seam; [0] where that is not known.
        harmony: float32 [frames, 24], the chord of each frame, see `HARMONY_WIDTH`; [0, 24] where
            no chord is known.
        sound: float32 [width], what the instrument sounds like, see `model.sound`; [0] for any.
        instrument: index into `model.instruments.INSTRUMENTS`, or NULL.
        guidance: a number from 0 up for each of "audio", "instrument" and "clock", and for
            "harmony" and "sound" where they are to be other than 1.
        form: one of `FORMS`; "distilled" is "contrast" to a network that is not told guidance.
        decode: how tokens are chosen.
        seed: 0 .. 2**63 - 1; the same request gives the same stem.

    Raises:
        ValueError: one line that names the field, its value and what would be valid.
    """

    context: NDArray[np.float32]
    context_known: NDArray[np.bool_]
    phase: NDArray[np.float32]
    prefix: NDArray[np.int16]
    frames: int
    instrument: int
    guidance: Mapping[str, float]
    form: Form = "contrast"
    decode: DecodeSettings = field(default_factory=DecodeSettings)
    seed: int = 0
    first_frame: int = 0
    lead: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    context_guessed: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    harmony: NDArray[np.float32] = field(
        default_factory=lambda: np.zeros((0, HARMONY_WIDTH), np.float32)
    )
    sound: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))

    def __post_init__(self) -> None:
        """Check every shape and range."""
        if not _is_whole(self.frames) or self.frames < 1:
            raise ValueError(f"frames is {self.frames!r}; valid: a whole number from 1 up")
        _check_array("context", self.context, np.float32, (self.frames * HOP,))
        _check_array("context_known", self.context_known, np.bool_, (self.frames,))
        _check_array("phase", self.phase, np.float32, (self.frames, PHASE_WIDTH))
        prefix_frames = self.prefix.shape[-1] if self.prefix.ndim == 2 else 0
        _check_array("prefix", self.prefix, np.int16, (LEVELS, prefix_frames))
        _check_tokens("prefix", self.prefix)
        if prefix_frames >= self.frames:
            raise ValueError(
                f"prefix is {prefix_frames} frames in a window of {self.frames}; "
                f"valid: 0 to {self.frames - 1}"
            )
        if self.context_guessed.size:
            _check_array("context_guessed", self.context_guessed, np.bool_, (self.frames,))
        if self.harmony.size:
            _check_array("harmony", self.harmony, np.float32, (self.frames, HARMONY_WIDTH))
        _check_array("sound", self.sound, np.float32, (self.sound.size,))
        if self.lead.size:
            _check_array("lead", self.lead, np.float32, (prefix_frames * HOP,))
        if not _is_whole(self.instrument) or not 0 <= self.instrument <= NULL:
            raise ValueError(
                f"instrument is {self.instrument!r}; valid: 0 to {len(INSTRUMENTS) - 1}, "
                f"{NULL} for none"
            )
        check_guidance(self.guidance)
        if self.form not in FORMS:
            raise ValueError(f"form is {self.form!r}; valid: {', '.join(FORMS)}")
        if not _is_whole(self.first_frame):
            raise ValueError(f"first_frame is {self.first_frame!r}; valid: a whole number")
        if not _is_whole(self.seed) or not 0 <= self.seed < 2**63:
            raise ValueError(f"seed is {self.seed!r}; valid: 0 to 2**63 - 1")

    @property
    def prefix_frames(self) -> int:
        """Frames at the window's start whose tokens are given."""
        return int(self.prefix.shape[1])


@dataclass(frozen=True, slots=True, eq=False)
class StemResult:
    """A filled window.

    Attributes:
        tokens: int16 [4, frames], the prefix included, 0..2047.
        audio: float32 [frames * 640], 32 kHz mono, finite: the whole window decoded, so the sound
            that leads into the first new frame is there.
        timings: seconds spent, by stage; of a batch its share.
        steps: decode steps that were taken, over all levels.
        passes: passes through the network, guidance included, over all steps.

    Raises:
        ValueError: one line that names the field, its value and what would be valid.
    """

    tokens: NDArray[np.int16]
    audio: NDArray[np.float32]
    timings: Mapping[str, float] = field(default_factory=dict)
    steps: int = 0
    passes: int = 0

    def __post_init__(self) -> None:
        """Check every shape and range: NaN does not leave the generator."""
        frames = self.tokens.shape[-1] if self.tokens.ndim == 2 else 0
        _check_array("tokens", self.tokens, np.int16, (LEVELS, frames))
        _check_tokens("tokens", self.tokens)
        _check_array("audio", self.audio, np.float32, (frames * HOP,))
        for stage, seconds in self.timings.items():
            _check_number(f"timing {stage!r}", seconds)
        for name in ("steps", "passes"):
            count = getattr(self, name)
            if not _is_whole(count) or count < 0:
                raise ValueError(f"{name} is {count!r}; valid: a whole number from 0 up")

    @property
    def frames(self) -> int:
        """Length of the window."""
        return int(self.tokens.shape[1])


def check_guidance(guidance: Mapping[str, float]) -> None:
    """Raise ValueError unless there is one finite number from 0 up for each source it names.

    It has to name all of `ALWAYS_GUIDED`.
    """
    if not set(ALWAYS_GUIDED) <= set(guidance) <= set(SOURCES):
        given = ", ".join(sorted(map(str, guidance))) or "nothing"
        raise ValueError(
            f"guidance is for {given}; valid: {', '.join(ALWAYS_GUIDED)}, all of them, "
            f"and {', '.join(SOURCES[len(ALWAYS_GUIDED) :])}"
        )
    for source, weight in guidance.items():
        _check_number(f"guidance {source!r}", weight)


def _is_whole(value: object) -> bool:
    return isinstance(value, (int, np.integer)) and not isinstance(value, bool)


def _check_number(name: str, value: object) -> None:
    number = isinstance(value, (int, float, np.integer, np.floating))
    if not number or isinstance(value, bool) or not math.isfinite(value) or value < 0:  # type: ignore[arg-type, operator]
        raise ValueError(f"{name} is {value!r}; valid: a finite number from 0 up")


def _check_array(name: str, value: NDArray, dtype: type[np.generic], shape: tuple) -> None:
    if value.dtype != dtype or value.shape != shape:
        raise ValueError(
            f"{name} is {value.dtype} {list(value.shape)}; valid: {np.dtype(dtype)} {list(shape)}"
        )
    if not np.isfinite(value).all():
        raise ValueError(f"{name} holds NaN or infinity; valid: finite numbers")


def _check_tokens(name: str, tokens: NDArray[np.int16]) -> None:
    if tokens.size and (tokens.min() < 0 or tokens.max() >= VOCABULARY):
        raise ValueError(
            f"{name} holds tokens {int(tokens.min())} to {int(tokens.max())}; "
            f"valid: 0 to {VOCABULARY - 1}"
        )
