"""A function that is called a few times, then recorded, then replayed."""

from __future__ import annotations

_CALLS_BEFORE = 2  # kernels are compiled, tables sent and memories made in the first calls


class Recorded:
    """Calls the function, and after a few calls records and replays it, for the shapes that came first.

    record(function, arrays) gives (a function that replays it with other arrays, or None where it cannot be recorded;
    the outputs). Other shapes, as an epoch's last batch has, are computed without a recording.
    """

    def __init__(self, function, settings, record):
        self.function, self.settings, self.record = function, settings, record
        self.recorded_for, self.shapes, self.calls, self.replay = None, None, 0, None

    def __call__(self, *arrays):
        shapes = [(x.shape, x.dtype) for x in arrays]
        if self.recorded_for is None or not self.recorded_for.still_so():
            self.recorded_for, self.shapes, self.calls, self.replay = self.settings(), shapes, 0, None
        if shapes != self.shapes:
            return self.function(*arrays)
        if self.replay is not None:
            return self.replay(arrays)
        self.calls += 1
        if self.calls == _CALLS_BEFORE + 1:
            self.replay, outputs = self.record(self.function, arrays)
            return outputs
        return self.function(*arrays)
