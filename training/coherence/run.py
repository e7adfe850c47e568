"""`python -m training coherence`: compute the bands once, then train the network on them."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import torch

from model.checkpoint import fingerprint, load_grid_codec
from model.device import pick_device
from training.coherence.features import read_bands, write_bands
from training.coherence.network import CoherenceConfig, CoherenceNetwork
from training.coherence.pairs import WINDOW_S
from training.coherence.train import CoherenceSettings, CoherenceTraining
from training.evaluation.coherence import save_coherence
from training.loop import LoopSettings, prepare_process, run


def train_coherence(
    band: Path,
    codec_weights: Path,
    out: Path,
    settings: CoherenceSettings,
    config: CoherenceConfig | None = None,
    device: str = "auto",
    threads: int = 0,
) -> Path:
    """Compute the bands once, then train from scratch or from `out/run.safetensors`.

    Args:
        codec_weights: the codec some of the songs are heard through.
        threads: processor threads, 0 for all.

    Returns:
        the weights file it wrote.

    Raises:
        Stopped: it was interrupted.
    """
    prepare_process(threads)
    where = pick_device(device)
    codec = load_grid_codec(codec_weights)
    folder = out / "bands" / fingerprint(codec)
    train, valid = (
        read_bands(write_bands(band, split, folder, codec)) for split in ("train", "valid")
    )
    torch.manual_seed(settings.seed)
    network = CoherenceNetwork(config or CoherenceConfig())
    training = CoherenceTraining(network.to(where), where, settings)
    run(
        LoopSettings(out, settings.steps, evaluate_every=250),
        {
            **asdict(settings),
            "network": asdict(network.config),
            "codec": fingerprint(codec),
        },
        network,
        [training.optimizer],
        lambda first: training.batches(train, first),
        training.step,
        lambda _: training.evaluate(valid),
        settings.songs_a_step * WINDOW_S,
    )
    weights = out / "coherence.safetensors"
    save_coherence(weights, network)
    return weights
