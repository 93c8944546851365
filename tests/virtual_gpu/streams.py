"""Streams and events of the virtual GPU: what is queued is done late, and in any order that is allowed.

At each call the virtual GPU gets on by a few operations, of streams chosen at random, or by none. So what is done in
time only because nothing kept it waiting is found out: a test that trains then sees other numbers.

While a stream is captured, what is queued on it is written down. What must not be done meanwhile spoils the capture:
see "CUDA Graphs" in the CUDA programming guide, prohibited and unhandled operations.
"""

from __future__ import annotations

import random
from collections import deque

CAPTURE_UNSUPPORTED, CAPTURE_INVALIDATED, CAPTURE_IMPLICIT, LAUNCH_FAILED = 900, 901, 906, 719

chance = random.Random()  # seeded before every test
errors = []  # what went wrong in operations, until somebody is told
_working = []  # the operation that is being done


class CudaError(Exception):
    """The code that a function of the driver answers with."""


class Event:
    """How often it was recorded, and how often its stream has come there."""

    def __init__(self):
        self.recorded, self.happened = 0, 0


class Stream:
    """What is queued: functions, and (event, how often it was recorded) to wait for."""

    def __init__(self):
        self.queue = deque()
        self.captured, self.spoiled, self.relaxed = None, False, False

    def get_on(self):
        """Do the next operation; whether there was one, and it had not to wait."""
        if not self.queue:
            return False
        if isinstance(self.queue[0], tuple):
            event, times = self.queue[0]
            if event.happened < times:
                return False
            self.queue.popleft()
        else:
            self._do(self.queue.popleft())
        return True

    def _do(self, operation):
        _working.append(operation)
        try:
            operation()
        except Exception as error:
            errors.append(error)
        finally:
            _working.pop()


legacy = Stream()  # the default stream: waits for all others, and they for it
streams = [legacy]


def queue(stream, operation):
    """Queue a function, or (event, times) to wait for; or write it down, if the stream is captured.

    Work on the default stream is done at once; that it might be late is left out.
    """
    if stream.spoiled:
        raise CudaError(CAPTURE_INVALIDATED)
    if stream.captured is not None:
        stream.captured.append(operation)
        return
    if stream is legacy:
        spoil_captures(streams, CAPTURE_IMPLICIT)
        finish(streams)
    stream.queue.append(operation)
    if stream is legacy:
        finish([legacy])
    for _ in range(chance.choice((0, 0, 1, 3))):
        busy = [stream for stream in streams if stream.queue]
        if busy:
            chance.choice(busy).get_on()


def finish(some):
    """Work until nothing is queued on these streams."""
    work_until(lambda: not any(stream.queue for stream in some))


def work_until(done):
    """Do what is queued, of all streams in any order, until done()."""
    while not done():
        if not any(stream.get_on() for stream in chance.sample(streams, len(streams))):
            raise RuntimeError("The streams of the virtual GPU wait for each other.")


def when_idle(function):
    """Garbage collection may call the driver while an operation is being done: then after that one."""
    if _working:
        legacy.queue.append(function)
    else:
        function()


def spoil_captures(some, code=CAPTURE_UNSUPPORTED):
    """CudaError if one of these streams is captured, whose capture ends by this."""
    captured = [stream for stream in some if stream.captured is not None]
    for stream in captured:
        stream.spoiled = True
    if captured:
        raise CudaError(code)


def spoil_if_captured(stream):
    """What a capture could hold, and minicnn never puts in: events of other streams, and copies of memory that is not
    page-locked, which a replay reads or writes anew, whatever is there by then."""
    spoil_captures([stream])


def tell_of_errors():
    """CudaError if something went wrong."""
    if errors:
        raise CudaError(LAUNCH_FAILED)


def raise_errors() -> None:
    """The first error since the last call, if there was one."""
    if errors:
        first = errors[0]
        errors.clear()
        raise first
