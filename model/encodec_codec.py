"""Encodec, the codec of the paper: `encodec`'s own network with weights that the user gives.

Two models, in the sizes of their published configurations (`config.json` of facebook/encodec_32khz
and facebook/encodec_24khz on Hugging Face): the one that MusicGen and StemGen use, 32 kHz mono,
50 frames/s, 4 levels of 2048; and the causal one, 24 kHz mono, 75 frames/s, 32 levels of 1024.

Licence: the weights of the 32 kHz model are published under CC-BY-NC 4.0. No weights are shipped or
downloaded here; a user who may use them names their file (`model.checkpoint.load_codec`).

Edges: audio is encoded at the length it has and never filled up with silence. Every convolution
mirrors what is at the edge, and the strided ones mirror as much more at the end as their last
step lacks; an input shorter than its mirror image takes zeros behind it first. So the tokens are
those of the published model at any length, and the last tokens of a length that is not whole frames
differ from those of the same audio with zeros behind it. Decoding gives whole frames.

Speed: on one processor core, encoding and decoding each take a third to a half of the audio's
length (the bundled codec's take far less), so playing live with it needs a GPU.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from model.encodec_library import import_encodec

CODE_WIDTH = 128
"""Width of the latent frames and of the codebooks, in both models."""


@dataclass(frozen=True, slots=True)
class EncodecConfig:
    """What the published models differ in."""

    name: str
    sample_rate: int
    ratios: tuple[int, ...]
    """Upsampling of each decoder stage; the encoder has them in reverse."""
    filters: int
    """Channels at audio rate; each stage of the encoder doubles them."""
    causal: bool
    true_skip: bool
    """Residual blocks add their input as it is; otherwise through a convolution of one sample."""
    levels: int
    vocabulary: int

    @property
    def hop(self) -> int:
        """Samples in one frame."""
        return math.prod(self.ratios)


ENCODEC_32KHZ = EncodecConfig(
    "encodec_32khz",
    sample_rate=32_000,
    ratios=(8, 5, 4, 4),
    filters=64,
    causal=False,
    true_skip=True,
    levels=4,
    vocabulary=2048,
)
ENCODEC_24KHZ = EncodecConfig(
    "encodec_24khz",
    sample_rate=24_000,
    ratios=(8, 5, 4, 2),
    filters=32,
    causal=True,
    true_skip=False,
    levels=32,
    vocabulary=1024,
)


class EncodecCodec(nn.Module):
    """Mono audio <-> residual vector quantiser tokens (`model.codec.Codec`).

    It computes in float32 under autocast as well: in bfloat16 one token in twenty would fall on a
    neighbour of the nearest entry, and the waveform would carry the rounding as noise.
    """

    def __init__(self, config: EncodecConfig = ENCODEC_32KHZ):
        super().__init__()
        self.config = config
        self.sample_rate = config.sample_rate
        self.frame_rate = config.sample_rate // config.hop
        self.levels, self.vocabulary = config.levels, config.vocabulary
        seanet = import_encodec("modules.seanet")
        sizes = {
            "channels": 1,
            "dimension": CODE_WIDTH,
            "n_filters": config.filters,
            "n_residual_layers": 1,
            "ratios": list(config.ratios),
            "activation": "ELU",
            "activation_params": {"alpha": 1.0},
            # Trained with weight normalisation, which `model.encodec_weights` multiplies out.
            "norm": "none",
            "kernel_size": 7,
            "last_kernel_size": 7,
            "residual_kernel_size": 3,
            "dilation_base": 2,
            "causal": config.causal,
            "pad_mode": "reflect",
            "true_skip": config.true_skip,
            "compress": 2,
            "lstm": 2,
        }
        self.encoder = seanet.SEANetEncoder(**sizes)
        self.decoder = seanet.SEANetDecoder(**sizes, final_activation=None, trim_right_ratio=1.0)
        self.quantizer = import_encodec("quantization.core_vq").ResidualVectorQuantization(
            num_quantizers=config.levels,
            dim=CODE_WIDTH,
            codebook_size=config.vocabulary,
            codebook_dim=CODE_WIDTH,
            kmeans_init=False,
            threshold_ema_dead_code=0,
        )

    @property
    def reach_frames(self) -> None:
        """See `Codec`: its encoder has a recurrent layer."""
        return None

    @torch.no_grad()
    def encode(self, audio: Tensor) -> Tensor:
        """Audio [B, samples], -1..1, samples > 0 -> tokens [B, levels, ceil(samples / hop)], int64.

        The level of the audio is left as it is; see the module for what happens at its edges.
        """
        with torch.autocast(audio.device.type, enabled=False):
            latent = self.encoder(audio.float()[:, None])
            return self.quantizer.encode(latent).transpose(0, 1)

    @torch.no_grad()
    def decode(self, tokens: Tensor, lead: Tensor | None = None) -> Tensor:
        """Tokens [B, levels, frames > 0] -> audio [B, frames * hop], float32, about -1..1.

        `lead` is ignored: this decoder makes the waveform, phases and all, from the tokens alone,
        so that what follows given tokens goes on from their sound by itself.
        """
        with torch.autocast(tokens.device.type, enabled=False):
            return self.decoder(self.quantizer.decode(tokens.transpose(0, 1)))[:, 0]

    @torch.no_grad()
    def codebooks(self) -> Tensor:
        """The entries of every level: [levels, vocabulary, 128], float32."""
        return torch.stack([layer.codebook.float() for layer in self.quantizer.layers])
