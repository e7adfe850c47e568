"""`companion render`: one player along a recording, on the offline clock."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile

from companion.audio.memory import Samples
from companion.audio.offline import OfflineStream
from companion.control.preset import Preset
from companion.errors import CompanionError
from companion.generate.inline import InlineWorker
from companion.generate.loading import loading
from companion.rig import read_recording, run_recording
from companion.session import Session
from companion.take.disk import disk_message

CEILING = 0.98


def render(
    recording: Path,
    preset: Preset,
    bpm: Fraction,
    out: Path,
    mix: Path | None = None,
    seed: int = 0,
    weights: Path | None = None,
) -> Session:
    """Play along a recording whose first sample is a bar line, and write the stem.

    The same engine as on stage, on a clock that waits for it: a plan takes none of its time.

    Args:
        preset: its first player plays; generator and device are taken from it too.
        bpm: tempo of the recording.
        out: the stem, as long as the recording, mono at its rate.
        mix: recording and stem together, if wanted; turned down where they would clip.

    Raises:
        CompanionError: the recording cannot be used, or a file cannot be written.
    """
    signal, rate = read_recording(recording)
    players = preset.players[:1]
    preset = replace(preset, bpm=bpm, bars=None, count_in_bars=0, players=players)
    rig = run_recording(len(players), signal, rate, str(recording))
    store = preset.store()
    worker = InlineWorker(loading(preset.generator.name, preset.generator.device, weights))
    session = Session(preset, rig, worker, store, seed=seed, origin_samples=0)
    transport = session.transport
    if len(signal) < transport.bar_samples:
        raise CompanionError(
            f"recording {recording} is {len(signal) / rate:.2f} s, shorter than a bar at "
            f"{float(bpm):g} BPM; valid: at least {float(transport.bar_samples / rate):.2f} s"
        )
    session.run(end_samples=len(signal))
    assert isinstance(rig.stream, OfflineStream)
    stem = rig.stream.output[: len(signal)]
    write_wav(out, stem, rate)
    if mix is not None:
        both = signal + stem
        peak = float(np.abs(both).max())
        write_wav(mix, both * np.float32(min(1.0, CEILING / peak)), rate)
    return session


def write_wav(path: Path, audio: Samples, rate: int) -> None:
    """Write 24-bit WAV; CompanionError if that fails."""
    try:
        soundfile.write(path, audio, rate, subtype="PCM_24")
    except (OSError, soundfile.SoundFileError) as error:
        raise CompanionError(disk_message(path, error)) from error
