"""Choose the number of threads for work that is repeated: all of them, or fewer while other programs are busy.

A kernel ends when its last thread ends. If another program holds a core, one of our threads waits for that core, and
the others wait for this thread, kernel after kernel. On two cores, beside one busy program, a training step of 2.1 ms
takes 7 to 10 ms on both threads, and 4.4 ms on one.

So the same work is timed with different numbers of threads, in turn, and the quickest number is kept. It is timed again
when the work has become slower, and from time to time while fewer threads are in use. All of this takes at most a
twentieth of the time. The results stay the same, because work is cut in the same way for any number of threads
(`compile.THREADS`).
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext
from time import perf_counter

import numba

from .compile import THREADS

CHOICES = tuple(dict.fromkeys(max(1, n) for n in (THREADS, THREADS - 1, THREADS // 2)))
"""The numbers of threads that are tried."""

_ROUNDS = 6  # calls with each number of threads
_SHARE = 20  # trials take at most one part in so many of the time
_SLOWER = 1.4  # times as long: the work is timed again
_BUSY = 1.15  # times as long as with fewer threads: not the work, but another program slows all threads down
_SHORT = 100e-6  # seconds: shorter work has kernels for one thread


class _Process:
    """What all work of this process knows: the number of threads to begin with, and when the next trial may begin."""

    def __init__(self):
        self.threads, self.next_trial = THREADS, 0.0


class _ThisThread(threading.local):
    allowed: int | None = None  # within `_on`: the number of threads that is set outside of it


_process, _here = _Process(), _ThisThread()


class Pace:
    """Calls one piece of work again and again, on the best number of threads."""

    def __init__(self):
        self.threads, self.usual, self.recent = _process.threads, 0.0, 0.0  # seconds of a call: when chosen, and now
        self.waiting: list[int] = []  # the trial's numbers of threads that are still to be timed
        self.times: dict[int, list[float]] = {}

    def __call__(self, work, arguments):
        """work(arguments)."""
        started = perf_counter()
        if self.recent > _SHORT and self._may_try(started):
            self.waiting = [n for n in reversed(CHOICES) for _ in range(_ROUNDS)]
            self.times = {n: [] for n in CHOICES}
        threads = self.waiting[-1] if self.waiting else self.threads
        if threads == THREADS and _here.allowed is None:
            result = work(arguments)
        else:
            with _on(threads):
                result = work(arguments)
        seconds = perf_counter() - started
        self.recent = 0.75 * self.recent + 0.25 * seconds if self.recent else seconds
        if self.waiting:
            self._note(self.waiting.pop(), seconds)
        return result

    def _may_try(self, now):
        """Whether to time all numbers of threads: the work has just begun, is slow, or runs on fewer threads."""
        if self.waiting or len(CHOICES) == 1 or now < _process.next_trial:
            return False
        return self.recent > _SLOWER * self.usual or self.threads != THREADS

    def _note(self, threads, seconds):
        """The time of a trial's call. A number of threads that is slower than all threads twice is tried no more."""
        times = self.times[threads]
        times.append(seconds)
        if threads != THREADS and len(times) == 2 and min(times) > _mean(self.times[THREADS]):
            self.waiting = [n for n in self.waiting if n != threads]
            del self.times[threads]
        if not self.waiting:
            self._choose()

    def _choose(self):
        """End a trial: keep the quickest number of threads."""
        means = {n: _mean(times) for n, times in self.times.items()}
        self.threads = min(means, key=means.__getitem__)
        self.usual = self.recent = means[self.threads]
        _process.threads = self.threads if means[THREADS] > _BUSY * self.usual else THREADS
        _process.next_trial = perf_counter() + _SHARE * sum(map(sum, self.times.values()))


def _mean(times):
    """The mean without the first call, for which threads may be asleep, and without the slowest of the others."""
    return sum(sorted(times[1:])[:-1]) / (len(times) - 2)


def for_other_work():
    """`with for_other_work():` runs the block on as many threads as the last trial found best on a busy machine."""
    return nullcontext() if _process.threads == THREADS else _on(_process.threads)


@contextmanager
def _on(threads):
    """Run the block on so many threads, or fewer if `numba.set_num_threads` has set fewer. Blocks may be nested."""
    before, allowed = numba.get_num_threads(), _here.allowed
    _here.allowed = allowed or before
    numba.set_num_threads(min(_here.allowed, threads))
    try:
        yield
    finally:
        numba.set_num_threads(before)
        _here.allowed = allowed
