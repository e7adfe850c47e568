"""The world outside: another process that plays into the companion and records what it puts out.

It is a JACK client with one output port, connected to every input of the companion, or one for each
of these where its signal has two channels, and one input port for each of the companion's outputs.
Frame 0 of the recording is the first frame after both ways were connected. Its signal starts there,
or exactly ``delay`` frames after the first frame whose output is as loud as ``threshold``: like a
musician who hears the count-in.

The test's side is ``Feeder``; the process itself is ``python -m tests.rig.feeder``.
"""

from __future__ import annotations

import argparse
import gc
import json
import queue
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tests.rig.jack import Child, JackServer

PUNCTUAL = 64  # one of so many blocks in a row is on time
CHANNELS = 2  # of the companion each way on the dummy driver; its ports appear one by one


@dataclass(frozen=True)
class Recording:
    """What a feeder brought back; frames count from the start of the recording.

    ``output`` is float32 [frames, channels]. ``heard_at`` is the frame that was as loud as the
    threshold, ``signal_at`` the frame in which the signal's first sample was played; None if it
    never came to that. ``xruns_s`` is when JACK told the feeder of an xrun, monotonic seconds.
    ``lost`` counts the frames whose cycles passed without the feeder: it was too late itself, and
    they are silent in the recording. ``blocks_at`` is the first frame of each block that it got,
    ``blocks_s`` when it got it, monotonic seconds.
    """

    output: np.ndarray
    heard_at: int | None
    signal_at: int | None
    xruns_s: np.ndarray
    lost: int
    blocks_at: np.ndarray
    blocks_s: np.ndarray

    def real_s(self, frames: np.ndarray, rate: int) -> np.ndarray:
        """Monotonic seconds at which frames were put out; all are late by the same few blocks.

        A server that stands still goes on later, so its frames are no clock. Its blocks come late
        now and then, never early: the line is that of the most punctual ones before and after, at
        the recording's ends of those on the one side there is.
        """
        late = self.blocks_s - self.blocks_at / rate
        windows = np.lib.stride_tricks.sliding_window_view(
            np.concatenate([np.full(PUNCTUAL - 1, -np.inf), late, np.full(PUNCTUAL - 1, -np.inf)]),
            PUNCTUAL,
        ).min(axis=1)
        line = np.maximum(windows[: len(late)], windows[PUNCTUAL - 1 :])
        block = np.searchsorted(self.blocks_at, frames, side="right") - 1
        return frames / rate + line[block]


class Feeder:
    """Starts a feeder and reads its recording.

    Args:
        server: the JACK server the companion plays through.
        signal: what to play, float32 [n] or [n, CHANNELS] at the server's rate.
        frames: longest recording.
        threshold: loudness (0..1) to wait for; None plays at once.
        delay: frames from there to the signal's first sample.
    """

    def __init__(
        self,
        server: JackServer,
        signal: np.ndarray,
        frames: int,
        threshold: float | None = None,
        delay: int = 0,
    ) -> None:
        stem = server.folder / f"feeder-{id(self)}"
        played = stem.with_suffix(".signal.npz")
        np.savez(played, signal=np.asarray(signal, np.float32))
        self._recorded = stem.with_suffix(".recording.npz")
        arguments = [str(played), str(self._recorded), "--frames", str(frames)]
        if threshold is not None:
            arguments += ["--threshold", str(threshold), "--delay", str(delay)]
        self._child: Child = server.python("-m", "tests.rig.feeder", *arguments)
        self._child.expect("up")

    def wait_connected(self, limit_s: float = 60.0) -> None:
        """Return when the companion was found and the recording runs."""
        self._child.expect("connected", limit_s)

    def wait_full(self, limit_s: float) -> None:
        """Return when all frames are recorded."""
        self._child.expect("full", limit_s)

    def finish(self) -> Recording:
        """End the recording where it is and read it."""
        self._child.close_input()
        self._child.expect("written")
        self._child.wait()
        with np.load(self._recorded) as data:
            return Recording(
                output=data["output"],
                heard_at=_frame(data["heard_at"]),
                signal_at=_frame(data["signal_at"]),
                xruns_s=data["xruns_s"],
                lost=int(data["lost"]),
                blocks_at=data["blocks_at"],
                blocks_s=data["blocks_s"],
            )


def _frame(value: np.ndarray) -> int | None:
    return int(value) if value >= 0 else None


class _Player:
    """The feeder's JACK client.

    *Threading*: JACK's thread runs ``_process``; the main thread connects ports, sets ``running``
    once and reads the rest when the client is closed. In between it sleeps without looking up: a
    thread without priority that holds the interpreter's lock keeps JACK's waiting.
    """

    def __init__(self, arguments: argparse.Namespace) -> None:
        import jack

        self.client = jack.Client("feeder", no_start_server=True)
        self.said: queue.SimpleQueue[str] = queue.SimpleQueue()  # "full" once, "end" from outside
        self.running = False
        self.recorded = np.zeros((arguments.frames, 0), np.float32)
        self.now = 0  # frames since the recording began; it may be full
        self.heard_at = -1
        self.signal_at = -1
        self.xruns_s: list[float] = []
        self.lost = 0
        self.blocks_at: list[int] = []
        self.blocks_s: list[float] = []
        self._due: int | None = None  # JACK's frame time of the cycle to come
        self._signal = _load(arguments.signal, self.client.samplerate)
        self._threshold: float | None = arguments.threshold
        self._delay: int = arguments.delay
        self._outs = [
            self.client.outports.register(f"out_{channel}")
            for channel in range(self._signal.shape[1])
        ]
        self._ins: list[Any] = []
        self.client.set_process_callback(self._process)
        self.client.set_xrun_callback(self._xrun)

    def connect(self, name: str) -> bool:
        """Connect to the companion's ports, if they are there and ready; whether they were."""
        import jack

        find = self.client.get_ports
        inputs = find(rf"^{name}.*:in_[0-9]+$", is_audio=True, is_input=True)
        outputs = find(rf"^{name}.*:out_[0-9]+$", is_audio=True, is_output=True)
        if len(inputs) < CHANNELS or len(outputs) < CHANNELS:
            return False
        while len(self._ins) < len(outputs):
            self._ins.append(self.client.inports.register(f"in_{len(self._ins)}"))
        try:
            for number, port in enumerate(inputs):
                _connect(self.client, self._outs[number % len(self._outs)], port)
            for source, port in zip(outputs, self._ins, strict=True):
                _connect(self.client, source, port)
        except jack.JackError:  # the companion has ports but is not active yet
            return False
        # Written once, or JACK's thread would wait for every page.
        self.recorded = np.full((len(self.recorded), len(outputs)), 0.0, np.float32)
        self.running = True
        return True

    def _xrun(self, _: float) -> None:
        self.xruns_s.append(time.monotonic())

    def _process(self, frames: int) -> None:
        outs = [port.get_array() for port in self._outs]
        for out in outs:
            out[:] = 0
        if not self.running:
            return
        begins = self.client.last_frame_time
        if self._due is not None:
            passed = max(0, round((begins - self._due) / frames) * frames)
            self.lost += passed
            self.now += passed
        self._due = begins + frames
        self.blocks_at.append(self.now)
        self.blocks_s.append(time.monotonic())
        heard = np.stack([port.get_array() for port in self._ins], axis=1)
        kept = self.recorded[self.now : self.now + frames]
        kept[:] = heard[: len(kept)]
        if self.signal_at < 0:
            self._listen(heard)
        if self.signal_at >= 0:
            self._play(outs)
        self.now += frames
        if self.now - frames < len(self.recorded) <= self.now:
            self.said.put("full")

    def _listen(self, heard: np.ndarray) -> None:
        if self._threshold is None:
            self.signal_at = self.now
            return
        loud = np.flatnonzero(np.abs(heard).max(axis=1) >= self._threshold)
        if len(loud):
            self.heard_at = self.now + int(loud[0])
            self.signal_at = self.heard_at + self._delay

    def _play(self, outs: list[np.ndarray]) -> None:
        first = self.now - self.signal_at  # frame of the signal due at once; may be to come
        start = max(0, -first)
        for channel, out in enumerate(outs):
            if start < len(out):
                piece = self._signal[first + start :, channel][: len(out) - start]
                out[start : start + len(piece)] = piece


def _connect(client: Any, source: Any, sink: Any) -> None:
    if sink not in client.get_all_connections(source):
        client.connect(source, sink)


def _load(path: Path, rate: int) -> np.ndarray:
    """Float32 [n, channels] from an .npz with ``signal``; of an audio file the mean."""
    if path.suffix == ".npz":
        with np.load(path) as data:
            signal = data["signal"]
            return signal if signal.ndim == 2 else signal[:, None]
    import soundfile

    samples, file_rate = soundfile.read(path, dtype="float32", always_2d=True)
    if file_rate != rate:
        raise SystemExit(f"{path} is at {file_rate} Hz, the server at {rate} Hz")
    return samples.mean(axis=1, dtype=np.float32, keepdims=True)


def main() -> None:
    """Play, record until the recording is full and the input ends, write the recording."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("signal", type=Path)
    parser.add_argument("recording", type=Path)
    parser.add_argument("--frames", type=int, required=True)
    parser.add_argument("--threshold", type=float)
    parser.add_argument("--delay", type=int, default=0)
    parser.add_argument("--client", default="PortAudio")
    arguments = parser.parse_args()

    player = _Player(arguments)
    ended = threading.Event()

    def read() -> None:
        sys.stdin.read()
        ended.set()
        player.said.put("end")

    threading.Thread(target=read, daemon=True).start()
    with player.client:
        _say(up=True)
        while not ended.is_set() and not player.connect(arguments.client):
            time.sleep(0.005)
        _say(connected=True)
        gc.collect()
        gc.disable()
        while player.said.get() != "end":
            _say(full=True)
    np.savez(
        arguments.recording,
        output=player.recorded[: player.now],
        heard_at=player.heard_at,
        signal_at=player.signal_at,
        xruns_s=np.array(player.xruns_s),
        lost=player.lost,
        blocks_at=np.array(player.blocks_at),
        blocks_s=np.array(player.blocks_s),
    )
    _say(written=True)


def _say(**values: Any) -> None:
    print(json.dumps(values), flush=True)


if __name__ == "__main__":
    main()
