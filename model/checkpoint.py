"""Weights on disk: safetensors with the sizes in their metadata; nothing is unpickled.

A published Encodec has no sizes in its file and is told by the names of its tensors.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from model.autoregressive import AutoregressiveNetwork
from model.codec import Codec
from model.encodec_codec import EncodecCodec
from model.encodec_weights import PUBLISHED, config_of, is_published, own_state
from model.frame_codec import FrameCodec, FrameCodecConfig
from model.grid import FRAME_RATE, LEVELS, SAMPLE_RATE, VOCABULARY
from model.network import NetworkConfig, StemNetwork

Config = TypeVar("Config")
Network = TypeVar("Network", bound=StemNetwork)
BUNDLED = Path(__file__).parent / "weights"
CODEC_FILE = BUNDLED / "codec.safetensors"
STEMGEN_FILE = BUNDLED / "stemgen.safetensors"
LoadedCodec = FrameCodec | EncodecCodec
"""A `Codec` that is a torch module as well."""


class CheckpointError(ValueError):
    """A weights file that is missing, is none, or does not fit."""


def fingerprint(codec: Codec) -> str:
    """Names a codec by its codebooks: two codecs with one name speak the same tokens."""
    return hashlib.sha256(codec.codebooks().cpu().numpy().tobytes()).hexdigest()[:16]


def save_codec(path: Path, codec: FrameCodec) -> None:
    """Write a codec; halves for the networks, full precision for the codebooks."""
    state = {
        # Running averages of the codebooks matter to training only.
        key: value
        for key, value in codec.state_dict().items()
        if not key.endswith((".embed_avg", ".cluster_size", ".inited"))
    }
    keep = {key: value for key, value in state.items() if ".embed" in key}
    _save(path, "codec", state, keep, {"config": json.dumps(asdict(codec.config))})


def load_codec(path: Path = CODEC_FILE) -> LoadedCodec:
    """Read a codec, in evaluation mode on the CPU: one of ours, or a published Encodec.

    Raises:
        CheckpointError: see the class.
    """
    metadata, tensors = _read(path, "codec")
    if "kind" not in metadata and is_published(tensors):
        return _published_codec(path, tensors)
    _check_kind(path, "codec", metadata)
    codec = FrameCodec(_config(path, FrameCodecConfig, metadata))
    _fill(path, codec, tensors, may_lack=(".embed_avg", ".cluster_size", ".inited"))
    return codec.eval()


def load_grid_codec(path: Path = CODEC_FILE) -> LoadedCodec:
    """Read a codec of the sizes in `model.grid`, which the network and the rig are made for.

    Raises:
        CheckpointError: see the class; also for a codec of other sizes.
    """
    codec = load_codec(path)
    own = _sizes(codec.sample_rate, codec.frame_rate, codec.levels, codec.vocabulary)
    grid = _sizes(SAMPLE_RATE, FRAME_RATE, LEVELS, VOCABULARY)
    if own != grid:
        raise CheckpointError(f"weights file {path} holds a codec of {own}; valid here: {grid}")
    return codec


def save_network(path: Path, network: StemNetwork, codec_name: str) -> None:
    """Write a StemGen network, or the baseline, and the fingerprint of its codec."""
    extra = {"config": json.dumps(asdict(network.config)), "codec": codec_name}
    kind = "autoregressive" if isinstance(network, AutoregressiveNetwork) else "stemgen"
    _save(path, kind, network.state_dict(), {}, extra)


def load_network(path: Path = STEMGEN_FILE, codec_name: str | None = None) -> StemNetwork:
    """Read a network, in evaluation mode on the CPU.

    Raises:
        CheckpointError: see the class; also when it was trained with another codec.
    """
    return _load_network(path, "stemgen", StemNetwork, codec_name)


def load_autoregressive(path: Path, codec_name: str | None = None) -> AutoregressiveNetwork:
    """Read the baseline, as `load_network` does."""
    return _load_network(path, "autoregressive", AutoregressiveNetwork, codec_name)


def _load_network(path: Path, kind: str, made: type[Network], codec_name: str | None) -> Network:
    metadata, tensors = _read(path, kind)
    _check_kind(path, kind, metadata)
    if codec_name is not None and metadata.get("codec") != codec_name:
        raise CheckpointError(
            f"weights {path} were trained with codec {metadata.get('codec')}, "
            f"the codec here is {codec_name}; valid: weights of the same training"
        )
    network = made(_config(path, NetworkConfig, metadata))
    _fill(path, network, tensors)
    return network.eval()


def _save(
    path: Path,
    kind: str,
    state: dict[str, Tensor],
    keep: dict[str, Tensor],
    metadata: dict[str, str],
) -> None:
    tensors = {
        key: (value if key in keep or not value.is_floating_point() else value.to(torch.float16))
        .detach()
        .cpu()
        .contiguous()
        .clone()
        for key, value in state.items()
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path, {"kind": kind, **metadata})


def _read(path: Path, kind: str) -> tuple[dict[str, str], dict[str, Tensor]]:
    if not path.is_file():
        raise CheckpointError(f"weights file {path} is missing; valid: {_valid(kind)}")
    try:
        with safe_open(path, "pt") as file:
            metadata = file.metadata() or {}
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise CheckpointError(
            f"weights file {path} is not safetensors ({error}); "
            "valid: a .safetensors file (pickled weights such as .bin, .pt and .th are never read)"
        ) from error
    return metadata, tensors


def _check_kind(path: Path, kind: str, metadata: dict[str, str]) -> None:
    if "kind" not in metadata:
        raise CheckpointError(f"weights file {path} is not one of ours; valid: {_valid(kind)}")
    if metadata["kind"] != kind:
        raise CheckpointError(
            f"weights file {path} holds '{metadata['kind']}'; valid here: '{kind}'"
        )


def _valid(kind: str) -> str:
    command = {"autoregressive": "stemgen --baseline"}.get(kind, kind)
    ours = f"a {kind} file (.safetensors) written by `python -m training {command}`"
    return f"{ours}, or {PUBLISHED}" if kind == "codec" else ours


def _published_codec(path: Path, tensors: dict[str, Tensor]) -> EncodecCodec:
    codec = EncodecCodec(config_of(tensors))
    try:
        codec.load_state_dict(own_state(codec, tensors), strict=False)
    except ValueError as error:
        raise CheckpointError(f"weights file {path}: {error}") from error
    return codec.eval()


def _sizes(sample_rate: int, frame_rate: int, levels: int, vocabulary: int) -> str:
    return f"{sample_rate} Hz, {frame_rate} frames/s and {levels} levels of {vocabulary}"


def _config(path: Path, kind: type[Config], metadata: dict[str, str]) -> Config:
    try:
        return kind(**json.loads(metadata["config"]))
    except (KeyError, TypeError, ValueError) as error:
        raise CheckpointError(
            f"weights file {path} was written by another version ({error}); "
            "valid: weights written by this one"
        ) from error


def _fill(
    path: Path, module: nn.Module, tensors: dict[str, Tensor], may_lack: tuple[str, ...] = ()
) -> None:
    own = module.state_dict()
    needed = {key for key in own if not (may_lack and key.endswith(may_lack))}
    if needed != tensors.keys() or any(own[key].shape != tensors[key].shape for key in needed):
        raise CheckpointError(f"weights file {path} does not fit the sizes written in it")
    module.load_state_dict({key: value.float() for key, value in tensors.items()}, strict=False)
