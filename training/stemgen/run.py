"""`python -m training stemgen`: encode the band once, then train the network on its tokens."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import torch
from torch import nn

from model.autoregressive import AutoregressiveNetwork
from model.checkpoint import fingerprint, load_grid_codec, load_network, save_network
from model.device import pick_device
from model.network import SOUNDS, NetworkConfig, StemNetwork
from model.sources import UNKNOWN
from training.errors import TrainingError
from training.loop import LoopSettings, prepare_process, run
from training.stemgen.baseline import AutoregressiveTraining
from training.stemgen.distil import Distillation
from training.stemgen.shards import read_shards, write_shards
from training.stemgen.sounds import choose_sounds
from training.stemgen.train import StemgenSettings, StemgenTraining


def train_stemgen(
    band: Path,
    codec_weights: Path,
    out: Path,
    settings: StemgenSettings,
    config: NetworkConfig | None = None,
    baseline: bool = False,
    device: str = "auto",
    workers: int = 2,
    threads: int = 0,
    start: Path | None = None,
    teacher: Path | None = None,
) -> Path:
    """Encode the band once, then train from scratch or from `out/run.safetensors`.

    Args:
        baseline: train the autoregressive baseline in place of masked decoding.
        workers: processes that encode.
        threads: processor threads that train, 0 for all.
        start: weights of a network to go on from, in place of a new one.
        teacher: weights of a network whose guidance is learnt as an input; also where to start.

    Returns:
        the weights file it wrote.

    Raises:
        Stopped: it was interrupted.
    """
    prepare_process(threads)
    where = pick_device(device)
    codec = load_grid_codec(codec_weights)
    shards = out / "shards" / fingerprint(codec)
    train, valid = (
        read_shards(write_shards(band, split, shards, codec_weights, settings.seed, workers))
        for split in ("train", "valid")
    )
    torch.manual_seed(settings.seed)
    books = codec.codebooks()
    config = replace(config or NetworkConfig(), code_width=books.shape[-1])
    network = AutoregressiveNetwork(config) if baseline else StemNetwork(config)
    network.start_from_codebooks(books)
    if start is not None:
        start_from(network, load_network(start, fingerprint(codec)))
    training: StemgenTraining
    if teacher is not None:
        taught_by = load_network(teacher, fingerprint(codec))
        network = guided_student(taught_by)
        training = Distillation(network.to(where), where, settings, taught_by)
    elif baseline:
        training = AutoregressiveTraining(network.to(where), where, settings)
    else:
        training = StemgenTraining(network.to(where), where, settings)
    run(
        LoopSettings(out, settings.steps, evaluate_every=500),
        {
            **asdict(settings),
            "start": None if start is None else start.name,
            "teacher": None if teacher is None else teacher.name,
            "network": asdict(network.config),
            "baseline": baseline,
            "codec": fingerprint(codec),
        },
        training.state,
        training.optimizers,
        lambda first: training.batches(train, first),
        training.step,
        lambda _: training.evaluate(valid),
        settings.frames_a_step / codec.frame_rate,
    )
    if "sound" in network.config.sources:
        sounds = choose_sounds(train, network.codebooks.cpu(), SOUNDS, settings.seed)
        training.averaged.sounds.copy_(sounds)
    weights = out / "stemgen.safetensors"
    save_network(weights, training.averaged, fingerprint(codec))
    return weights


def guided_student(teacher: StemNetwork) -> StemNetwork:
    """A network that is told guidance and gives, at first, what its teacher does without any."""
    student = StemNetwork(replace(teacher.config, guided=True))
    student.load_state_dict(teacher.state_dict(), strict=False)
    return student


def start_from(network: StemNetwork, start: StemNetwork) -> None:
    """Take the numbers of another network of the same sizes.

    One that hears features may start from one that hears tokens: the map of the codebooks' entries
    is there, what the tokens' tables know is left behind, and pitches say nothing yet.

    Raises:
        TrainingError: other sizes, or tokens from features.
    """
    ways = start.config.context, network.config.context
    if ways == ("features", "tokens") or replace(start.config, context=ways[1]) != network.config:
        raise TrainingError(f"start has {start.config}; valid here: {network.config}")
    state = start.state_dict()
    if ways == ("tokens", "features"):
        tables = [table for table in start.tables if isinstance(table, nn.Embedding)]
        state |= {
            "context_in": start.code_in,
            "context_unknown": torch.stack([table.weight[UNKNOWN] for table in tables]).sum(0),
            "pitch_in.weight": torch.zeros_like(network.pitch_in.weight),
            "pitch_out.weight": network.pitch_out.weight,
            "pitch_out.bias": network.pitch_out.bias,
        }
    network.load_state_dict(state)
