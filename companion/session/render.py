"""`companion render`: one player along a recording, on the offline clock."""

from __future__ import annotations

import io
from contextlib import ExitStack
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile

from companion.audio.memory import Samples
from companion.audio.offline import OfflineStream
from companion.control.preset import Preset
from companion.generate.inline import InlineWorker
from companion.generate.loading import loading
from companion.session.rig import read_recording, run_recording
from companion.session.session import Session
from companion.system.errors import CompanionError
from companion.system.whole import check_different, new_file

CEILING = 0.98


def render(
    recording: Path,
    preset: Preset,
    bpm: Fraction,
    out: Path,
    mix: Path | None = None,
    seed: int = 0,
    weights: Path | None = None,
    start_s: float | None = None,
) -> Session:
    """Play along a recording, and write the stem.

    The same engine as on stage, on a clock that waits for it: a plan takes none of its time.

    Args:
        recording: one of several channels is listened to as `companion.audio.mixdown` has it.
        preset: its first player plays; generator and device are taken from it too.
        bpm: tempo of the recording, 40..240.
        out: the stem, as long as the recording, mono WAV at its rate (at 48 kHz, if that is no
            multiple of 50 Hz).
        mix: recording and stem together, if wanted; turned down where they would clip. It has two
            channels if the recording has, else one.
        seed: same seed, same bytes.
        weights: folder of the model's weights, if not the bundled ones.
        start_s: where in the recording its first bar starts, seconds; by default at its first
            sample, or, in an MP3 that does not tell its delay, where that has come to be.

    Raises:
        CompanionError: the recording or the weights cannot be used, or a file cannot be written.
    """
    files = (out,) if mix is None else (out, mix)
    check_different((recording,), files)
    for path in files:
        check_wav(path)
    read = read_recording(recording)
    rate, frames = read.rate, len(read.heard)
    first_s = read.late_samples / rate if start_s is None else start_s
    if not 0 <= first_s < frames / rate:
        raise CompanionError(
            f"start is {first_s:g} s; valid: 0 to {frames / rate:.2f} s, the recording's length"
        )
    origin = round(first_s * rate)
    with ExitStack() as new:
        put_stem = new.enter_context(new_file(out, wav_bytes(frames, 1)))
        put_mix = None
        if mix is not None:
            put_mix = new.enter_context(new_file(mix, wav_bytes(*read.channels.shape)))
        players = preset.players[:1]
        preset = replace(preset, bpm=bpm, bars=None, count_in_bars=0, players=players)
        rig = run_recording(len(players), read.heard, rate, str(recording))
        generator = preset.generator
        source = loading(generator.name, generator.device, weights, preset.recordings())
        worker = InlineWorker(source)
        session = Session(preset, rig, worker, preset.store(), seed=seed, origin_samples=origin)
        bar_samples = session.transport.bar_samples
        if frames - origin < bar_samples:
            left = f"{(frames - origin) / rate:.2f} s{' from there on' if origin else ''}"
            raise CompanionError(
                f"recording {recording} is {left}, shorter than a bar at "
                f"{float(bpm):g} BPM; valid: at least {float(bar_samples / rate):.2f} s"
            )
        session.run(end_samples=frames)
        assert isinstance(rig.stream, OfflineStream)
        stem = rig.stream.output
        put_stem(wav(stem, rate))
        if put_mix is not None:
            both = read.channels + stem[:, None]
            peak = float(np.abs(both).max())
            put_mix(wav(both * np.float32(min(1.0, CEILING / peak)), rate))
    return session


def check_wav(path: Path) -> None:
    """Find out before the work, not after it, that a WAV file cannot be there.

    Raises:
        CompanionError: it is not called .wav, or lies in no folder, or is one.
    """
    if path.suffix.lower() != ".wav":
        raise CompanionError(f"cannot write {str(path)!r}; valid: a name that ends in .wav")
    if path.is_dir() or not path.parent.is_dir():
        reason = "it is a folder" if path.is_dir() else f"there is no folder {str(path.parent)!r}"
        raise CompanionError(f"cannot write {str(path)!r} ({reason}); valid: a file in a folder")


def wav(audio: Samples, rate: int) -> bytes:
    """Float32 [samples] or [samples, channels] as a 24-bit WAV file."""
    file = io.BytesIO()
    soundfile.write(file, audio, rate, subtype="PCM_24", format="WAV")
    return file.getvalue()


def wav_bytes(frames: int, channels: int) -> int:
    """About how large such a file is."""
    return 1024 + 3 * frames * channels
