"""Published Encodec tensors under the names that `encodec`'s own modules have for them.

The published layout is that of `EncodecModel` in Hugging Face's `transformers`. It numbers the
same layers in the same way, under other names:

    encodec                                  published
    encoder.model.1.block.3.conv.conv.bias   encoder.layers.1.block.3.conv.bias
    encoder.model.4.shortcut.conv.conv.bias  encoder.layers.4.shortcut.conv.bias
    encoder.model.13.lstm.weight_ih_l0       encoder.layers.13.lstm.weight_ih_l0
    decoder.model.3.convtr.convtr.bias       decoder.layers.3.conv.bias
    quantizer.layers.0._codebook.embed       quantizer.layers.0.codebook.embed

The weight of a convolution is published in two parts, lengths g [first, 1, 1] and directions v
[first, second, kernel], and is g v / |v| with one norm for each index of the first dimension.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor

from model.encodec_codec import ENCODEC_24KHZ, ENCODEC_32KHZ, EncodecCodec, EncodecConfig

PUBLISHED = "model.safetensors of facebook/encodec_32khz or facebook/encodec_24khz"
"""What can be read, for messages."""
RENAMED = (
    (".model.", ".layers."),
    (".convtr.convtr.", ".conv."),
    (".conv.conv.", ".conv."),
    ("._codebook.", ".codebook."),
)
PARTS = {
    "parametrizations.weight.original0": "weight_g",
    "parametrizations.weight.original1": "weight_v",
}
"""Newer files call lengths and directions after torch's parametrisation, older ones g and v."""
TRAINING_ONLY = (".inited", ".cluster_size", ".embed_avg")
"""Running averages of the codebooks: published, of no use here, and not asked for."""
NAMED = 3
"""Tensors that a message names of each kind; more are counted."""


def is_published(tensors: Iterable[str]) -> bool:
    """True if tensors of these names are laid out as a published Encodec."""
    sections = {".".join(name.split(".")[:2]) for name in tensors}
    return {"encoder.layers", "decoder.layers", "quantizer.layers"} <= sections


def config_of(tensors: Iterable[str]) -> EncodecConfig:
    """Which of the two models has tensors of these names: only one has convolutions as skips."""
    return ENCODEC_24KHZ if any(".shortcut." in name for name in tensors) else ENCODEC_32KHZ


def own_state(codec: EncodecCodec, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The state of `codec`, float32, from published tensors.

    Raises:
        ValueError: names the tensors that are missing, unexpected or misshapen.
    """
    given = {_plain(name): tensor for name, tensor in tensors.items()}
    given = {name: tensor for name, tensor in given.items() if not name.endswith(TRAINING_ONLY)}
    own = {
        key: value.shape
        for key, value in codec.state_dict().items()
        if not key.endswith(TRAINING_ONLY)
    }
    needed = {name: shape for key in own for name, shape in _parts(key, own[key]).items()}
    misfits = {
        "missing": sorted(needed.keys() - given.keys()),
        "unexpected": sorted(given.keys() - needed.keys()),
        "misshapen": [
            f"{name} {list(given[name].shape)} in place of {list(needed[name])}"
            for name in sorted(needed.keys() & given.keys())
            if given[name].shape != needed[name]
        ],
    }
    if any(misfits.values()):
        raise ValueError(
            f"its tensors do not fit {codec.config.name} ({_told(misfits)}); valid: {PUBLISHED}"
        )
    return {key: _joined([given[name].float() for name in _parts(key, own[key])]) for key in own}


def _plain(name: str) -> str:
    """A published name in the older spelling."""
    for newer, older in PARTS.items():
        if name.endswith(newer):
            return name.removesuffix(newer) + older
    return name


def _parts(key: str, shape: torch.Size) -> dict[str, torch.Size]:
    """Names and shapes of the one or two published tensors that our `key` is made of."""
    name = key
    for own, published in RENAMED:
        name = name.replace(own, published)
    if not name.endswith(".conv.weight"):
        return {name: shape}
    return {f"{name}_g": torch.Size([shape[0], 1, 1]), f"{name}_v": shape}


def _joined(parts: list[Tensor]) -> Tensor:
    """The tensor itself, or a convolution's weight from its lengths and directions."""
    if len(parts) == 1:
        return parts[0]
    lengths, directions = parts
    norms = torch.linalg.vector_norm(directions, dim=(1, 2), keepdim=True)
    return directions * (lengths / norms)


def _told(misfits: Mapping[str, list[str]]) -> str:
    """Some names of each kind, and how many more there are."""
    told = []
    for kind, names in misfits.items():
        more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        if names:
            told.append(f"{kind}: {', '.join(names[:NAMED])}{more}")
    return "; ".join(told)
