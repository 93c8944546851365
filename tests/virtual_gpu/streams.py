"""Streams and events of the virtual GPU: queued operations run late, and in any order that is allowed.

Each call runs a few queued operations, of streams chosen at random, or none. So tests find a missing wait, which on a
GPU may do no harm by chance: a test that trains then sees other numbers.

While a stream is captured, operations that are queued on it are written down, and do not run. A forbidden operation
spoils the capture: see "CUDA Graphs" in the CUDA programming guide, prohibited and unhandled operations.
"""

from __future__ import annotations

import random
from collections import deque

CAPTURE_UNSUPPORTED, CAPTURE_INVALIDATED, CAPTURE_IMPLICIT, LAUNCH_FAILED = 900, 901, 906, 719

chance = random.Random()  # seeded before every test
errors = []  # errors of operations that were not yet raised
_working = []  # the running operation


class CudaError(Exception):
    """The error code that a function of the driver returns."""


class Event:
    """How often the event was recorded, and how many of these records its stream has reached."""

    def __init__(self):
        self.recorded, self.happened = 0, 0


class Stream:
    """A queue of functions to call, and of pairs (event, times): wait until the event has happened so often."""

    def __init__(self):
        self.queue = deque()
        self.captured, self.spoiled, self.relaxed = None, False, False

    def get_on(self):
        """Run the next operation. Return False if there is none, or if it must wait."""
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


legacy = Stream()  # the default stream: it waits for all others, and they wait for it
streams = [legacy]


def queue(stream, operation):
    """Queue a function, or (event, times) to wait for. If the stream is captured, only write it down.

    Work on the default stream runs immediately. On a GPU it may be late, which is not imitated.
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
    """Run queued operations, of all streams in any order, until done()."""
    while not done():
        if not any(stream.get_on() for stream in chance.sample(streams, len(streams))):
            raise RuntimeError("The streams of the virtual GPU wait for each other.")


def when_idle(function):
    """Call the function after the running operation, or now if none runs.

    Garbage collection may call the driver while an operation runs.
    """
    if _working:
        legacy.queue.append(function)
    else:
        function()


def spoil_captures(some, code=CAPTURE_UNSUPPORTED):
    """If one of these streams is captured, spoil its capture and raise a CudaError."""
    captured = [stream for stream in some if stream.captured is not None]
    for stream in captured:
        stream.spoiled = True
    if captured:
        raise CudaError(code)


def spoil_if_captured(stream):
    """Forbid in a capture what CUDA allows but minicnn never does.

    These are events of other streams, and copies of memory that is not page-locked: a replay would read or write this
    memory again, whatever it holds then.
    """
    spoil_captures([stream])


def tell_of_errors():
    """Raise a CudaError if an operation went wrong."""
    if errors:
        raise CudaError(LAUNCH_FAILED)


def raise_errors() -> None:
    """Raise the first error since the last call, if there was one."""
    if errors:
        first = errors[0]
        errors.clear()
        raise first
