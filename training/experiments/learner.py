"""Small networks that learn side by side, on the same songs and with the same dice.

Each goes on from where it was: to more steps when they are asked for. So the learning rate neither
falls nor hangs on how long a run is to be, and what is measured is the average of the last steps'
weights.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from model.autoregressive import AutoregressiveNetwork
from model.checkpoint import load_autoregressive, load_network, save_network
from model.grid import FRAME_RATE
from model.network import NetworkConfig, StemNetwork
from training.errors import TrainingError
from training.experiments.excerpts import EVERYTHING, Portion, portion_of
from training.experiments.ordered import OrderedTraining
from training.experiments.orders import RANDOM
from training.loop import LoopSettings, run
from training.stemgen.baseline import AutoregressiveTraining
from training.stemgen.pairs import PairBatch, Share
from training.stemgen.settings import StemgenSettings
from training.stemgen.shards import EncodedSong
from training.stemgen.train import WholeTraining

WITHOUT_END = 10**9
"""Steps of the settings: a run that may always go on has no fall of the learning rate."""


@dataclass(frozen=True, slots=True)
class Learner:
    """A network and how it learns.

    Attributes:
        name: as tables have it; the same learner may have other names elsewhere.
        config: its network.
        order: the order in which frames are masked, of `training.experiments.orders.ORDERS`; only
            of a network that tells finer levels in depth.
        portion: what of the songs it learns from.
        autoregressive: whether it tells one frame after the other instead.
    """

    name: str
    config: NetworkConfig
    order: str = RANDOM
    portion: Portion = EVERYTHING
    autoregressive: bool = False


@dataclass(frozen=True, slots=True)
class Course:
    """What learners have in common.

    Attributes:
        out: folder in which they are kept; courses may share it.
        train: songs to learn from.
        valid: songs to measure on.
        codebooks: the codec's [Q, V, code_width].
        frames_a_step: in windows of the network's longest.
        seed: of weights, windows and dice.
        songs: names the songs, so that runs on others are not taken for these.
        codec: its fingerprint.
    """

    out: Path
    train: Sequence[EncodedSong]
    valid: Sequence[EncodedSong]
    codebooks: Tensor
    frames_a_step: int
    seed: int
    songs: str
    codec: str


def learn(course: Course, learner: Learner, steps: int) -> float:
    """Have a learner take steps until it has taken so many, and keep what it is then.

    Returns:
        seconds of one core that a step took; 0 where none was left to take.

    Raises:
        Stopped: it was interrupted; the same call goes on from there.
        TrainingError: its songs are too few, or it has taken more steps already.
    """
    further = [int(file.stem) for file in folder_of(course, learner).glob("[0-9]*.safetensors")]
    if max(further, default=0) > steps:
        raise TrainingError(
            f"{learner.name} has taken {max(further)} steps and is asked for {steps}; "
            f"valid: {max(further)} or more, or another --out"
        )
    songs = songs_of(course, learner)
    training = make_training(course, learner)
    spent, taken = 0.0, 0

    def step(number: int, batch: PairBatch | Share) -> dict[str, float]:
        nonlocal spent, taken
        started = time.process_time()
        figures = training.step(number, batch)
        spent, taken = spent + time.process_time() - started, taken + 1
        return figures

    run(
        LoopSettings(folder_of(course, learner), steps, evaluate_every=WITHOUT_END),
        told(course, learner),
        training.state,
        training.optimizers,
        lambda first: training.batches(songs, first),
        step,
        lambda _: {},
        course.frames_a_step / FRAME_RATE,
    )
    save_network(weights_of(course, learner, steps), training.averaged, course.codec)
    return spent / taken if taken else 0.0


def songs_of(course: Course, learner: Learner) -> list[EncodedSong]:
    """What a learner learns from."""
    return portion_of(course.train, learner.portion, learner.config.frames, course.seed)


def told(course: Course, learner: Learner) -> dict[str, Any]:
    """All that decides what a learner becomes, but for how many steps it takes; as in JSON."""
    every = asdict(learner)
    del every["name"]
    every |= {"songs": course.songs, "frames": course.frames_a_step, "seed": course.seed}
    known: dict[str, Any] = json.loads(json.dumps(every))
    return known


def folder_of(course: Course, learner: Learner) -> Path:
    """Where a learner is kept."""
    text = json.dumps(told(course, learner), sort_keys=True)
    return course.out / "learners" / hashlib.sha256(text.encode()).hexdigest()[:12]


def weights_of(course: Course, learner: Learner, steps: int) -> Path:
    """The file of what a learner is after so many steps."""
    return folder_of(course, learner) / f"{steps}.safetensors"


def network_of(course: Course, learner: Learner, steps: int) -> StemNetwork:
    """What a learner is after so many steps: the average of its last weights.

    Raises:
        CheckpointError: it has not taken them.
    """
    read = load_autoregressive if learner.autoregressive else load_network
    return read(weights_of(course, learner, steps), course.codec)


def make_training(course: Course, learner: Learner) -> WholeTraining:
    """An untrained learner."""
    torch.manual_seed(course.seed)
    kind = AutoregressiveNetwork if learner.autoregressive else StemNetwork
    network = kind(learner.config)
    network.start_from_codebooks(course.codebooks)
    settings = StemgenSettings(
        WITHOUT_END,
        frames_a_step=course.frames_a_step,
        short_share=0.0,
        hold_share=1.0,
        average=0.98,
        pitch_weight=0.0,
        seed=course.seed,
    )
    device = torch.device("cpu")
    if isinstance(network, AutoregressiveNetwork):
        return AutoregressiveTraining(network, device, settings)
    return OrderedTraining(network, device, settings, learner.order)
