"""MusicGen without a prompt: what a listener gives to music that knows nothing of the mix.

Its weights are not included, and `transformers`, which runs them, is not among the companion's
libraries.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from companion.audio.memory import Samples
from companion.listening.loudness import RATE
from companion.system.errors import CompanionError, one_line

FRAME_RATE = 50
"""Steps a second, of every MusicGen that was published."""
WEIGHTS = "model.safetensors"


class MusicGen:
    """A folder of its weights, loaded."""

    def __init__(self, folder: Path) -> None:
        """Load it: `config.json` and `model.safetensors` as they are published.

        Raises:
            CompanionError: the folder lacks a file, is no MusicGen, or `transformers` is missing.
        """
        for name in ("config.json", WEIGHTS):
            if not (folder / name).is_file():
                raise CompanionError(
                    f"MusicGen's {folder / name} is missing; valid: a folder of "
                    f"facebook/musicgen-* with config.json and {WEIGHTS}"
                )
        try:
            with _without_torchaudio():
                transformers: Any = import_module("transformers")
                kind = transformers.MusicgenForConditionalGeneration
        except (ImportError, AttributeError) as error:
            raise CompanionError(
                f"MusicGen needs transformers, which cannot be imported ({one_line(error)}); "
                'valid: pip install "transformers>=5.23,<6"'
            ) from error
        try:
            self._model = kind.from_pretrained(
                folder, local_files_only=True, use_safetensors=True
            ).eval()
        except Exception as error:  # whatever a file that is not what it says leads to
            raise CompanionError(
                f"MusicGen in {folder} cannot be loaded ({one_line(error)}); "
                "valid: a folder of facebook/musicgen-*"
            ) from error

    def play(self, samples: int, seed: int) -> Samples:
        """Music [samples], mono, at 48 kHz; the same seed, the same music."""
        import torch

        frames = math.ceil(samples / RATE * FRAME_RATE) + 1
        with torch.inference_mode(), torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            unconditional = self._model.get_unconditional_inputs(num_samples=1)
            sound = self._model.generate(
                **unconditional,
                do_sample=True,
                # the delays of its codebooks are steps without sound
                max_new_tokens=frames + self._model.decoder.num_codebooks,
            )
        rate = self._model.config.audio_encoder.sampling_rate
        mono = sound[0].float().mean(0).numpy()
        made = soxr.resample(mono, rate, RATE, quality="HQ").astype(np.float32)
        return np.pad(made, (0, max(0, samples - len(made))))[:samples]


@contextmanager
def _without_torchaudio() -> Iterator[None]:
    """Meanwhile there is none: `transformers` can do without, not with that of another torch."""
    kept = sys.modules.get("torchaudio")
    sys.modules["torchaudio"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules["torchaudio"]
        if kept is not None:
            sys.modules["torchaudio"] = kept
