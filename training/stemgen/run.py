"""`python -m training stemgen`: encode the band once, then train the network on its tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from torch import nn

from model.autoregressive import AutoregressiveNetwork
from model.checkpoint import fingerprint, load_grid_codec, load_network, save_network
from model.network import SOUNDS, NetworkConfig, StemNetwork
from model.sources import UNKNOWN
from training.errors import TrainingError
from training.loop import LoopSettings, prepare_process, run
from training.processes import Processes
from training.stemgen.arithmetic import matrix_peak
from training.stemgen.baseline import AutoregressiveTraining
from training.stemgen.distil import Distillation
from training.stemgen.settings import StemgenSettings
from training.stemgen.shards import EncodedSong, read_shards, write_shards
from training.stemgen.sounds import choose_sounds
from training.stemgen.train import StemgenTraining


def train_stemgen(
    band: Path | None,
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
    shards: Sequence[Path] = (),
    shard_network: bool = False,
    accumulate: int = 1,
    compiled: bool = False,
    checkpoint_every_s: float = 180.0,
) -> Path:
    """Encode the band once, then train from scratch or from `out/run.safetensors`.

    Args:
        band: a band set; None: only `shards`.
        baseline: train the autoregressive baseline in place of masked decoding.
        workers: processes that encode.
        threads: processor threads that train, 0 for all.
        start: weights of a network to go on from, in place of a new one.
        teacher: weights of a network whose guidance is learnt as an input; also where to start.
        shards: folders that `python -m training prepare` wrote.
        shard_network, accumulate, compiled: see `Processes` and `StemgenTraining`.
        checkpoint_every_s: seconds between checkpoints.

    Returns:
        the weights file it wrote.

    Raises:
        Stopped: it was interrupted.
        TrainingError: something does not fit.
    """
    prepare_process(threads)
    processes = Processes(device, shard_network)
    alone = processes.world == 1 and accumulate == 1 and not compiled
    if (baseline or teacher is not None) and not alone:
        raise TrainingError(
            f"{processes.world} processes with {accumulate} parts each, compiled: {compiled}; "
            "valid for the baseline and with a teacher: one with one, not compiled"
        )
    try:
        codec = load_grid_codec(codec_weights)
        songs = _Songs(band, shards, codec_weights, fingerprint(codec), out / "shards")
        train, valid = (
            songs.split(split, settings.seed, workers, processes) for split in ("train", "valid")
        )
        torch.manual_seed(settings.seed)
        books = codec.codebooks()
        config = replace(config or NetworkConfig(), code_width=books.shape[-1])
        network = AutoregressiveNetwork(config) if baseline else StemNetwork(config)
        network.start_from_codebooks(books)
        if start is not None:
            start_from(network, load_network(start, fingerprint(codec)))
        where = processes.device
        training: StemgenTraining
        if teacher is not None:
            taught_by = load_network(teacher, fingerprint(codec))
            network = guided_student(taught_by)
            training = Distillation(network.to(where), where, settings, taught_by)
        elif baseline:
            training = AutoregressiveTraining(network.to(where), where, settings)
        else:
            training = StemgenTraining(
                network.to(where),
                where,
                settings,
                None if processes.world == 1 and not processes.shards else processes,
                accumulate,
                compiled,
            )
        training.work.peak = matrix_peak(where) * processes.world
        run(
            LoopSettings(out, settings.steps, checkpoint_every_s, evaluate_every=500),
            {
                **settings.told(),
                "start": None if start is None else start.name,
                "teacher": None if teacher is None else teacher.name,
                "network": asdict(network.config),
                "baseline": baseline,
                "codec": fingerprint(codec),
                **songs.told(),
            },
            training.state,
            training.optimizers,
            lambda first: training.batches(train, first),
            training.step,
            lambda _: training.evaluate(valid),
            settings.frames_a_step / codec.frame_rate,
            None if baseline or teacher is not None else training.work,
            processes,
        )
        averaged = training.whole_average()
        if "sound" in network.config.sources:
            sounds = choose_sounds(train, network.codebooks.cpu(), SOUNDS, settings.seed)
            averaged.sounds.copy_(sounds)
        weights = out / "stemgen.safetensors"
        if processes.writes:
            save_network(weights, averaged, fingerprint(codec))
        return weights
    finally:
        processes.leave()


@dataclass(frozen=True, slots=True)
class _Songs:
    """Where the songs of a run are.

    Attributes:
        codec_name: the codec's fingerprint.
        own: folder for the band's shards.
    """

    band: Path | None
    shards: Sequence[Path]
    codec: Path
    codec_name: str
    own: Path

    def told(self) -> dict[str, object]:
        """What a resumed run must agree on, beside the band."""
        return {"shards": [folder.name for folder in self.shards]} if self.shards else {}

    def split(self, split: str, seed: int, workers: int, processes: Processes) -> list[EncodedSong]:
        """The songs of a split: those prepared, and the band's, encoded where they are not yet.

        Raises:
            TrainingError: there are none, or those prepared have tokens of another codec.
        """
        songs: list[EncodedSong] = []
        for folder in self.shards:
            mine = folder / self.codec_name / split
            if not mine.is_dir():
                raise TrainingError(
                    f"shards {folder} has no {split} songs of codec {self.codec_name}; valid: what "
                    f"`python -m training prepare FOLDER --out {folder} --codec {self.codec}` wrote"
                )
            songs += read_shards(mine)
        if self.band is not None:
            out = self.own / self.codec_name
            for my_turn in processes.first():
                if my_turn:
                    write_shards(self.band, split, out, self.codec, seed, workers)
            songs += read_shards(out / split)
        return songs


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
