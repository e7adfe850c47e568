"""Does a stem belong to a mix? What a network trained to tell right pairs from wrong ones says.

`training.coherence` trains it; COHERENCE.md beside the weights says on what, and what it hears.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from model.grid import SAMPLE_RATE
from training.coherence.bands import band_powers
from training.coherence.network import CoherenceConfig, CoherenceNetwork, Embedding
from training.errors import TrainingError
from training.evaluation.fit import Audio

COHERENCE_FILE = Path(__file__).parent / "coherence.safetensors"
SHORTEST_S = 2.0
"""A window below this has too little of a bar to judge."""


@dataclass(frozen=True, slots=True)
class CoherenceScore:
    """How surely a stem belongs to a mix: probabilities 0..1 where half of all pairs are right.

    Attributes:
        both: what the two halves say together; the figure to report.
        harmonic: by the chords alone, against stems with other chords; for a stem without pitch,
            drums above all, it says nothing.
        percussive: by the rhythm alone, against stems of other songs and ones that are off beat.
    """

    both: float
    harmonic: float
    percussive: float


class Coherence:
    """The measure: compares stems with mixes, both mono, 32 kHz, of the same time."""

    def __init__(self, network: CoherenceNetwork):
        self._network = network.eval()

    @classmethod
    def load(cls, path: Path = COHERENCE_FILE) -> Coherence:
        """Read the bundled network, or one that `python -m training coherence` wrote.

        Raises:
            TrainingError: the file is missing or is no such network.
        """
        return cls(load_coherence(path))

    def score(self, stem: Audio, context: Audio) -> float:
        """How surely a stem [samples] belongs to a context [samples], 0..1; see `compare`."""
        return self.compare(stem, context).both

    def compare(self, stem: Audio, context: Audio) -> CoherenceScore:
        """All figures of a stem [samples] in a context [samples]; the longer one is cut.

        Level and colour of either do not matter. A silent one belongs to nothing and to everything:
        the score is then a constant.

        Raises:
            ValueError: less than two seconds.
        """
        length = min(len(stem), len(context))
        if length < SHORTEST_S * SAMPLE_RATE:
            raise ValueError(
                f"stem and context have {length / SAMPLE_RATE:.2f} s in common; "
                f"valid: at least {SHORTEST_S:g} s"
            )
        log_odds = self.log_odds(stem[None, :length], context[None, :length])[:, 0, 0]
        harmonic, percussive, both = log_odds.sigmoid().tolist()
        return CoherenceScore(both, harmonic, percussive)

    @torch.no_grad()
    def log_odds(self, stems: Audio, contexts: Audio) -> Tensor:
        """Of every stem [S, samples] with every context [C, samples]: [3, C, S].

        Harmonic half, percussive half, both. Each sound is heard once, however many pairs it is in.
        """
        return self._network.logits(self._embedded(stems, 0), self._embedded(contexts, 1))

    def _embedded(self, audio: Audio, side: int) -> Embedding:
        semitones, mel = band_powers(torch.from_numpy(audio).float())
        return self._network.embed(semitones, mel, side)


def save_coherence(path: Path, network: CoherenceNetwork) -> None:
    """Write a network as halves, its sizes beside them."""
    tensors = {
        name: value.detach().cpu().to(torch.float16).contiguous()
        for name, value in network.state_dict().items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, {"kind": "coherence", "config": json.dumps(asdict(network.config))})


def load_coherence(path: Path = COHERENCE_FILE) -> CoherenceNetwork:
    """Read a network, in evaluation mode on the CPU.

    Raises:
        TrainingError: the file is missing, or is none that `save_coherence` wrote.
    """
    valid = "valid: a file that `python -m training coherence` wrote"
    if not path.is_file():
        raise TrainingError(f"weights file {path} is missing; {valid}")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name).float() for name in file.keys()}  # noqa: SIM118
        if metadata.get("kind") != "coherence":
            raise TrainingError(f"weights file {path} is no coherence network; {valid}")
        network = CoherenceNetwork(CoherenceConfig(**json.loads(metadata["config"])))
        network.load_state_dict(tensors)
    except (OSError, SafetensorError, KeyError, TypeError, RuntimeError) as error:
        raise TrainingError(f"weights file {path} cannot be read ({error}); {valid}") from error
    return network.eval()
