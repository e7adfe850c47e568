"""Crops made different: other pitch and speed, rooms, equalisers, overdrive, noise, held tones.

A codec that hears sound fonts alone learns their notes. Everything works on whole batches and is
drawn from one generator, so that a step depends on its number alone.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.grid import SAMPLE_RATE

TRANSPOSED, LOWEST_RATE, HIGHEST_RATE = 0.4, -5, 4
"""Share of the crops that are played at another rate, and by how many semitones."""
LONGER = 2 ** (HIGHEST_RATE / 12)
COLOURED = 0.25
"""Share that goes through an equaliser; half of it through a room as well."""
OVERDRIVEN, NOISY = 0.08, 0.2
TONES = 1 / 12
"""Share that is replaced by tones which no instrument here holds: pure, bright, hollow, long."""
PARTIALS, VOICES = 20, 3


def samples_needed(samples: int) -> int:
    """Samples that `varied` has to be given for crops of this many."""
    return math.ceil(LONGER * samples) + 4


def varied(audio: Tensor, samples: int, generator: torch.Generator) -> Tensor:
    """Crops [B, samples_needed(samples)] -> [B, samples], peaks between -25 and -0.5 dBFS."""

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator).to(audio.device)

    count = len(audio)
    semitones = torch.floor(LOWEST_RATE + (HIGHEST_RATE + 1 - LOWEST_RATE) * draw(count))
    rate = torch.where(draw(count) < TRANSPOSED, 2 ** (semitones / 12), 1.0)
    crops = at_rate(audio, rate, samples)
    tones = round(TONES * count)
    if tones:
        crops[count - tones :] = held_tones(tones, samples, generator).to(audio.device)
    coloured = round(COLOURED * count)
    if coloured:
        crops[:coloured] = _coloured(crops[:coloured], generator)
    peak = crops.abs().amax(1, keepdim=True).clamp(min=1e-3)
    drive = 1 + 29 * draw(count, 1).square()
    driven = torch.tanh(crops / peak * drive)
    crops = torch.where(draw(count, 1) < OVERDRIVEN, driven, crops)
    peak = crops.abs().amax(1, keepdim=True).clamp(min=0.01)
    crops = crops * 10 ** (-(0.5 + 24.5 * draw(count, 1)) / 20) / peak
    floor = 10 ** (-(60 + 30 * draw(count, 1)) / 20)
    noise = torch.randn(crops.shape, generator=generator).to(audio.device)
    return torch.where(draw(count, 1) < NOISY, crops + floor * noise, crops)


def at_rate(audio: Tensor, rate: Tensor, samples: int) -> Tensor:
    """Audio [B, n] played `rate` [B] times as fast, by cubic interpolation: [B, samples]."""
    place = 1 + torch.arange(samples, device=audio.device) * rate.to(audio.device)[:, None]
    whole = place.floor().long().clamp(1, audio.shape[1] - 3)
    part = place - whole
    before, here, after, later = (audio.gather(1, whole + k) for k in (-1, 0, 1, 2))
    square = before - 2.5 * here + 2 * after - 0.5 * later
    cube = 1.5 * (here - after) + 0.5 * (later - before)
    return here + part * (0.5 * (after - before) + part * (square + part * cube))


def held_tones(count: int, samples: int, generator: torch.Generator) -> Tensor:
    """Up to three tones each, 40 Hz to 3.4 kHz, of any colour, some with vibrato: [count, n]."""

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator)

    time_s = torch.arange(samples) / SAMPLE_RATE
    length_s = samples / SAMPLE_RATE
    number = torch.arange(1, PARTIALS + 1).float()
    mixed = torch.zeros(count, samples)
    for voice in range(VOICES):
        heard = (draw(count, 1) < (1.0 if voice == 0 else 0.5)).float()
        pitch_hz = 40 * 2 ** (6.4 * draw(count, 1))
        depth = 0.006 * (draw(count, 1) < 0.4)
        vibrato = 1 + depth * torch.sin(2 * math.pi * (4 + 3 * draw(count, 1)) * time_s)
        phase = 2 * math.pi * torch.cumsum(pitch_hz * vibrato / SAMPLE_RATE, 1)
        size = number ** (-2.5 * draw(count, 1))
        size = size * torch.exp(0.7 * torch.randn(count, PARTIALS, generator=generator))
        hollow = (draw(count, 1) < 0.25) & (number % 2 == 0)
        pure = draw(count, 1) < 0.15
        size = torch.where(hollow, 0.05 * size, size)
        size = torch.where(pure, (number == 1).float(), size) * (number * pitch_hz < 15_000)
        start_s = length_s * (0.9 * draw(count, 1) - 0.5)
        end_s = start_s + 0.15 + 2 * draw(count, 1)
        rise = (time_s - start_s) / (0.002 + 0.08 * draw(count, 1) ** 3)
        decay = torch.where(draw(count, 1) < 0.5, 0.0, 6 * draw(count, 1))
        envelope = rise.clamp(0, 1) * ((end_s - time_s) / 0.03).clamp(0, 1)
        envelope = envelope * torch.exp(-decay * (time_s - start_s).clamp(min=0))
        tone = torch.zeros_like(mixed)
        for partial in range(PARTIALS):
            angle = (partial + 1) * phase + 2 * math.pi * draw(count, 1)
            tone += size[:, partial : partial + 1] * torch.sin(angle)
        loud = size.square().sum(1, keepdim=True).sqrt().clamp(min=1e-3)
        mixed += heard * tone * envelope / loud * (0.3 + 0.7 * draw(count, 1))
    return mixed


def _coloured(audio: Tensor, generator: torch.Generator) -> Tensor:
    """Audio [B, n] through an equaliser within 15 dB, half of it through a room as well."""

    def draw(*shape: int) -> Tensor:
        return torch.rand(*shape, generator=generator).to(audio.device)

    count, samples = audio.shape
    size = 2 ** math.ceil(math.log2(samples + SAMPLE_RATE))
    hertz = torch.fft.rfftfreq(size, 1 / SAMPLE_RATE).to(audio.device)
    octaves = (hertz.clamp(min=30) / 700).log2()
    tilt = 3 * (draw(count, 1) - 0.5) * octaves
    wave = torch.cos((0.7 + draw(count, 1)) * octaves + 2 * math.pi * draw(count, 1))
    gain_db = (tilt + 6 * (draw(count, 1) - 0.5) * wave).clamp(-15, 15)
    time_s = torch.arange(SAMPLE_RATE, device=audio.device) / SAMPLE_RATE
    fading = torch.exp(-6.9 * time_s / (0.15 + 1.2 * draw(count, 1).square()))
    tail = torch.randn(count, SAMPLE_RATE, generator=generator).to(audio.device) * fading
    tail = functional.normalize(tail, dim=1) * 10 ** (-(6 + 16 * draw(count, 1)) / 20)
    room = tail * (draw(count, 1) < 0.5)
    room[:, 0] += 1
    spectrum = torch.fft.rfft(audio, size) * 10 ** (gain_db / 20) * torch.fft.rfft(room, size)
    return torch.fft.irfft(spectrum, size)[:, :samples]
