"""Numbers on their way from the GPU to the host, fetched when the host reads them.

A loss is a `Reading`: a place in the GPU's memory. `float(reading)` fetches all readings since the last fetch in one
copy.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from .device import gpu_lock, stream
from .memory import allocated
from .recording import not_while_recording, recording

_READINGS = 1024  # the most numbers that may wait to be fetched


class Reading:
    """A number in the GPU's memory; float(reading) waits for it."""

    __slots__ = ("place", "value")

    def __init__(self, place):
        self.place, self.value = place, None

    def __float__(self):
        if self.value is None:
            _readings().fetch()
        return self.value


class _Readings:
    """The GPU's memory for numbers that wait to be fetched."""

    def __init__(self):
        self.data = allocated(_READINGS, np.dtype(np.float64))
        self.waiting: list[Reading] = []

    def new(self):
        if len(self.waiting) == _READINGS:
            self.fetch()
        reading = Reading(len(self.waiting))
        self.waiting.append(reading)
        return reading

    def fetch(self):
        not_while_recording("a number was read")
        with gpu_lock:
            waiting, self.waiting = self.waiting, []
            if waiting:
                values = self.data[: len(waiting)].copy_to_host(stream=stream())
                stream().synchronize()
            for reading in waiting:
                reading.value = float(values[reading.place])


@lru_cache(maxsize=1)
def _readings():
    return _Readings()


def new_reading(write):
    """A Reading. write(flat data, place) queues the kernel that writes a float64 to data[place]."""
    graph = recording()
    if graph:
        return graph.new_reading(write)
    with gpu_lock:
        readings = _readings()
        reading = readings.new()
        write(readings.data, reading.place)
    return reading
