"""Keeps a rig's memory moving, whatever becomes of its sound device.

While the device plays, its blocks are watched. When it is gone, a stand-in moves the memory on by
the host's clock, with silence as input, so bars keep counting and everything else goes on as if
nothing had happened. Meanwhile the device is looked up again by name. When it is there, it runs for
a moment with its lease closed; then it takes over on the very line the stream stood on before the
loss, so its bar lines are where they would have been, and everything fades in.

The round trip is measured when the stream opens, and again when it comes back, if there was a way
back from the output to the input.

*Threading*: `start` and `close` belong to one thread. Between them a thread of its own, `audio`,
watches and swaps (`tick`). `away`, `latency`, `sounds_s` and `drain` may be used from any thread.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from companion.audio import callback as layout
from companion.audio.aligned_input import AlignedInput
from companion.audio.bridge import CHUNK
from companion.audio.callback import callback_address
from companion.audio.format import BLOCK_SAMPLES
from companion.audio.lease import BUSY_LIMIT_S, LeaseView
from companion.audio.memory import AudioMemory
from companion.audio.offline import PacedStream
from companion.audio.stream_line import StreamLine
from companion.audio.timebase import BlockWatch
from companion.device.calibration import Latency, read_calibration, settle
from companion.device.devices import JACK, DuplexDevice
from companion.device.event import News
from companion.device.handover import Rhythm
from companion.device.round_trip import RoundTrip
from companion.device.wire import DeviceLink, Opened, Wanted
from companion.system.errors import CompanionError

LOOK_S = 0.02
SILENT_LIMIT_S = 0.4  # without blocks for so long, the stand-in takes over
DOUBT_S = 4.0  # a device that only fell silent may come back by itself for so long
DEAD_LIMIT_S = 0.05  # who holds a dead device may have ended in the middle of a call
RETRY_S = 0.25
OTHER_S = 10.0  # so long a device that nobody named has to come back before another will do
SETTLED_S = 1.0  # after its return, when the line is known again


class Supervisor:
    """A stream that goes on; see the module.

    Attributes:
        memory: what it moves.
        device: what it is open on, or was last.
        performed: the input, shifted by the round trip.
    """

    def __init__(
        self,
        players: int,
        wanted: Wanted,
        block: int = BLOCK_SAMPLES,
        open_link: Callable[[], DeviceLink] = DeviceLink,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Choose and open the device; nothing moves yet.

        Raises:
            NoDevice: nothing was named and there is none.
            CompanionError: it is not there, or does not open.
        """
        self._wanted, self._block = wanted, block
        self._clock, self._sleep = clock, sleep
        self._open_link = open_link
        self._link = open_link()
        self._spare: DeviceLink | None = None  # a process takes a while to start
        callback_address()  # the stand-in must not have to wait for it
        try:
            self.device: DuplexDevice = self._link.choose(wanted)
            stereo = self.device.input_channels > 1
            self.memory = AudioMemory(self.device.rate, players, shared=True, stereo=stereo)
            if not 1 <= block <= self.memory.max_block_samples:
                raise CompanionError(
                    f"block is {block}; valid: 1 to {self.memory.max_block_samples}"
                )
            self._opened = self._link.open(self.memory, 0, block)
            names = self.device.input.name, self.device.output.name
            self._same = Wanted(*names, self.memory.rate, wanted.click_channel)
        except BaseException:
            self._link.kill()
            raise
        self._lease_number = 0
        self._streamed = True  # each link has one stream
        self._lease: LeaseView = self.memory.lease(0)
        self._grid = StreamLine(self.memory.rate)
        self._missed = 0  # samples, as far as the line knows
        self._watch = BlockWatch(self.memory, clock, SILENT_LIMIT_S)
        self._standin: PacedStream | None = None
        # Where the stream stands when a period begins, as `StreamLine.ahead_samples`: what sounds
        # then is the period's first frame, however long the period is.
        self._line = 0.0
        self._period = float(block)  # frames that come at once
        self._lost_s = self._retry_s = self._away_s = 0.0
        self._back_at = 0  # captured frame from which the present round trip holds
        self._zero_s = 0.0  # when frame 0 sounded, or would have
        self._problem = ""  # why it is not back
        self._doubt = False  # whether the device may only have fallen silent
        self._calls = 0  # of a silent device when it was given up
        self._settled_s: float | None = None
        self._trip: RoundTrip | None = None
        self._loop = False  # whether there was a way back
        self._measured: int | None = None  # the round trip at the last opening with one
        self._news: deque[News] = deque()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self.latency = Latency(0, "reported")
        self.performed = AlignedInput(self.memory, self.latency.samples)

    # --- from any thread -----------------------------------------------------------------------

    @property
    def away(self) -> bool:
        """Whether a stand-in moves the memory."""
        return self._standin is not None

    def sounds_s(self, sample: int) -> float:
        """Host time (monotonic seconds) at which a frame of the timeline sounds."""
        return self._zero_s + sample / self.memory.rate

    def drain(self) -> list[News]:
        """What happened since the last call."""
        return [self._news.popleft() for _ in range(len(self._news))]

    # --- the owner's thread --------------------------------------------------------------------

    def start(self) -> None:
        """Move the memory, measure the round trip, and watch. Again does nothing.

        Raises:
            CompanionError: no block comes.
        """
        if self._thread is not None:
            return
        self._lease.open()
        self._wait_until(self.memory.position + 1)
        self._learn_rhythm()
        self._look()
        self._settle(self.measure())
        self._thread = threading.Thread(target=self._run, name="audio", daemon=True)
        self._thread.start()

    def measure(self) -> int | None:
        """Measure the round trip once more, samples; None if nothing comes back.

        Raises:
            CompanionError: the blocks end.
        """
        trip = RoundTrip(self.memory)
        while not trip.over():
            self._wait_until(self.memory.position + round(0.05 * self.memory.rate))
        return trip.samples

    @property
    def reported_samples(self) -> int:
        """The round trip as the sound system says."""
        return round(sum(self._latency_s()) * self.memory.rate)

    def close(self) -> None:
        """Stand still and let go of the device. Again does nothing."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join()
        if self._spare is not None:
            self._spare.kill()
        if self._standin is not None:
            self._standin.close()
            self._link.kill()
        else:
            self._lease.close()
            self._link.close()

    def _wait_until(self, sample: int) -> None:
        watch = BlockWatch(self.memory, self._clock)
        while self.memory.position < sample:
            if watch.stalled or self._link.lost:
                raise CompanionError(f"{self.device.name} was started but gives no sound")
            self._sleep(0.005)

    def _run(self) -> None:
        self._spare = self._open_link()
        while not self._stop.wait(LOOK_S):
            try:
                self.tick()
            except Exception as error:  # whatever it is, the device has to be looked for again
                self._say_problem(f"{self.device.name}: {type(error).__name__} ({error})")

    # --- the thread `audio` --------------------------------------------------------------------

    def tick(self) -> None:
        """One look; swaps if there is something to swap."""
        if self._standin is not None:
            if self._clock() >= self._retry_s:
                self._try_again(self._standin)
            return
        self._look()
        if self._link.lost or self._watch.stalled:
            self._lose()
            return
        self._look_at_the_trip()
        # Who goes by the news listens again: until then the round trip had better be known as well,
        # for it says which input belongs to which sample.
        settled = self._settled_s is not None and self._clock() >= self._settled_s
        if settled and self._trip is None:
            self._settled_s = None
            self._spare = self._spare or self._open_link()
            off_s = (self._line - self._grid.ahead_samples + self._period) / self.memory.rate
            detail = f"{1000 * abs(off_s):.1f} ms from the line it left"
            self._news.append(News("back", detail, self.memory.position, self._away_s, off_s))

    def _look(self) -> None:
        """Learn the line; the clock is read after the counter."""
        missed = self.memory.counters.missed_samples
        self._grid.lose(missed - self._missed)
        self._missed = missed
        position = self.memory.position
        self._grid.observe(self._clock(), position)
        ahead_s = (self._grid.ahead_samples - self._period) / self.memory.rate
        self._zero_s = self._latency_s()[1] - ahead_s

    def _lose(self) -> None:
        """The device is gone, or silent: the stand-in takes over where it ought to be."""
        memory, now_s = self.memory, self._clock()
        self._lease.close(DEAD_LIMIT_S if self._link.lost else BUSY_LIMIT_S)
        self._calls = self._lease.calls
        self._line = self._grid.ahead_samples - self._period
        self.performed.gone(memory.position)
        self._standin = PacedStream(memory, np.zeros(0, np.float32), self._block, clock=self._clock)
        self._standin.start_on(self._line)
        self._lost_s, self._retry_s = now_s, now_s
        self._trip, self._settled_s = None, None
        self._doubt = not self._link.lost
        self._say_problem(f"{self.device.name} is gone: playing on without it")
        if self._link.lost:  # a process may take a second to end
            threading.Thread(target=self._link.kill, name="audio-kill", daemon=True).start()

    def _try_again(self, standin: PacedStream) -> None:
        """Look for the device, and let it take over if it runs."""
        now_s = self._clock()
        self._retry_s = now_s + RETRY_S
        try:
            if self._doubt and not self._link.lost and now_s < self._lost_s + DOUBT_S:
                calls, self._calls = self._calls, self._lease.calls
                if self._calls > calls:  # it was only held up
                    self._return(standin, self._opened)
                return
            if self._link.lost or self._streamed:
                self._doubt = self._streamed = False
                self._link.close()  # a server may wait for one who just goes
                self._lease_number = (self._lease_number + 1) % layout.LEASE_COUNT
                self._lease = self.memory.lease(self._lease_number)
                self._link, self._spare = self._spare or self._open_link(), None
            self.device = self._choose(now_s - self._lost_s)
            self._streamed = True
            opened = self._link.open(self.memory, self._lease_number, self._block)
            self._return(standin, opened)
        except CompanionError as error:
            self._say_problem(str(error))

    def _say_problem(self, problem: str) -> None:
        """Tell it once."""
        if problem != self._problem:
            self._problem = problem
            self._news.append(News("lost", problem, self.memory.position))

    def _learn_rhythm(self) -> Rhythm:
        """The rhythm of the device that is open, and how many frames come at once."""
        block = self._block * self.memory.rate / self._opened.rate
        if self._opened.rate != self.memory.rate:  # a long one is converted in several calls
            block *= min(1.0, CHUNK / self._block)
        rhythm = Rhythm(self._lease, block, self.memory.rate, self._clock, self._sleep)
        rhythm.learn()
        self._period = rhythm.period_samples
        return rhythm

    def _choose(self, away_s: float) -> DuplexDevice:
        """The device that the set began with; another that will do if it stays away.

        A name that was asked for is looked for at once: its device may be called a little
        differently now. Without one, what the system has to offer may be a microphone and
        loudspeakers that nobody wants to play through.
        """
        try:
            return self._link.choose(self._same)
        except CompanionError:
            named = self._wanted.input is not None or self._wanted.output is not None
            if self._link.lost or not (named or away_s >= OTHER_S):
                raise
            return self._link.choose(replace(self._wanted, rate=self.memory.rate))

    def _return(self, standin: PacedStream, opened: Opened) -> None:
        """The device takes over. What it plays sounds when it would have without the loss."""
        memory = self.memory
        before_s = self._latency_s()[1]
        self._opened = opened
        rhythm = self._learn_rhythm()
        self._line += (self._latency_s()[1] - before_s) * memory.rate
        standin.stop()
        if not rhythm.hand_over(standin, self._line, memory.fade_in):
            standin.start_on(self._line)
            raise CompanionError("the device gives no sound")
        self._standin = None
        self._grid.forget()
        self._watch = BlockWatch(memory, self._clock, SILENT_LIMIT_S)
        self._back_at = memory.position
        self.performed.back(self._back_at)
        self._away_s = self._clock() - self._lost_s
        self._problem = ""
        self._settled_s = self._clock() + SETTLED_S
        self._settle(None)
        if self._loop:
            with contextlib.suppress(CompanionError):  # without it the old one has to do
                self._trip = RoundTrip(memory)

    # --- latency -------------------------------------------------------------------------------

    def _latency_s(self) -> tuple[float, float]:
        """Of input and output, as the sound system says.

        PortAudio leaves one period each way out of what JACK tells it.
        """
        left_out_s = 0.0
        if self.device.output.host_api == JACK:
            left_out_s = self._period / self.memory.rate
        into_s, out_s = self._opened.latency_s
        return into_s + left_out_s, out_s + left_out_s

    def _look_at_the_trip(self) -> None:
        """Take the round trip of a device that came back, once it is known."""
        if (trip := self._trip) is None:
            return
        with contextlib.suppress(CompanionError):
            if not trip.over():
                return
        self._trip = None
        if trip.samples is not None:
            self._settle(trip.samples)

    def _settle(self, measured: int | None) -> None:
        """Reckon with the best that is known of the round trip."""
        warning = ""
        try:
            kept = read_calibration(self.device)
        except CompanionError as error:
            kept, warning = None, str(error)
        rate = self._opened.rate
        if kept is not None and kept.rate == rate:
            rate, kept = self.memory.rate, kept.at(self.memory.rate)
        self.latency = settle(rate, self._block, measured, self.reported_samples, kept)
        self._loop = self._loop or measured is not None
        self.performed.shift(self._back_at, self.latency.samples)
        latency = self.latency
        told, notable = f"round trip {latency}", bool(latency.warning or warning)
        if latency.source == "measured":
            if self._measured not in (None, latency.samples):
                told, notable = f"{told}; it was {self._measured}", True
            self._measured = latency.samples
        told += f"; {warning}" if warning else ""
        self._news.append(News("latency", told, self.memory.position, notable=notable))
