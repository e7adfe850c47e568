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
        recording: read as mono.
        preset: its first player plays; generator and device are taken from it too.
        bpm: tempo of the recording, 40..240.
        out: the stem, as long as the recording, mono WAV at its rate (at 48 kHz, if that is no
            multiple of 50 Hz).
        mix: recording and stem together, if wanted; turned down where they would clip.
        seed: same seed, same bytes.
        weights: folder of the model's weights, if not the bundled ones.

    Raises:
        CompanionError: the recording or the weights cannot be used, or a file cannot be written.
    """
    files = (recording, out) if mix is None else (recording, out, mix)
    if len({path.resolve() for path in files}) < len(files):
        raise CompanionError(
            f"{', '.join(str(path) for path in files)} are not all different; "
            "valid: a file each for the recording, the stem and the mix"
        )
    for path in files[1:]:
        check_writable(path)
    signal, rate = read_recording(recording)
    players = preset.players[:1]
    preset = replace(preset, bpm=bpm, bars=None, count_in_bars=0, players=players)
    rig = run_recording(len(players), signal, rate, str(recording))
    worker = InlineWorker(loading(preset.generator.name, preset.generator.device, weights))
    session = Session(preset, rig, worker, preset.store(), seed=seed, origin_samples=0)
    bar_samples = session.transport.bar_samples
    if len(signal) < bar_samples:
        raise CompanionError(
            f"recording {recording} is {len(signal) / rate:.2f} s, shorter than a bar at "
            f"{float(bpm):g} BPM; valid: at least {float(bar_samples / rate):.2f} s"
        )
    session.run(end_samples=len(signal))
    assert isinstance(rig.stream, OfflineStream)
    stem = rig.stream.output
    write_wav(out, stem, rate)
    if mix is not None:
        both = signal + stem
        peak = float(np.abs(both).max())
        write_wav(mix, both * np.float32(min(1.0, CEILING / peak)), rate)
    return session


def check_writable(path: Path) -> None:
    """Find out before the work, not after it, that a WAV file cannot be there.

    Raises:
        CompanionError: it is not called .wav, or lies in no folder, or is one.
    """
    if path.suffix.lower() != ".wav":
        raise CompanionError(f"cannot write {str(path)!r}; valid: a name that ends in .wav")
    if path.is_dir() or not path.parent.is_dir():
        reason = "it is a folder" if path.is_dir() else f"there is no folder {str(path.parent)!r}"
        raise CompanionError(f"cannot write {str(path)!r} ({reason}); valid: a file in a folder")


def write_wav(path: Path, audio: Samples, rate: int) -> None:
    """Write mono 24-bit WAV; CompanionError if that fails."""
    try:
        soundfile.write(path, audio, rate, subtype="PCM_24", format="WAV")
    except (OSError, soundfile.SoundFileError) as error:
        raise CompanionError(disk_message(path, error)) from error
