"""The GPU's memory, which is kept.

Asking the driver for memory makes host and GPU wait for each other. So the memory of an array that nobody holds any
more serves the next array of about its size (`Pool`). That is safe because all computing is queued on one stream: the
old array's last reader stands before the new array's first writer.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from functools import lru_cache

from numba import cuda

from .device import gpu_lock
from .recording import recording


class Memory:
    """A piece of the GPU's memory; goes back to the pool when nobody holds it any more."""

    __slots__ = ("data", "key", "pool")

    def __init__(self, size, dtype, pool=None):
        self.key, self.pool = (bucket(size), dtype), pool or (recording().pool if recording() else common_pool)
        self.data = self.pool.take(*self.key)

    def __del__(self):
        if hasattr(self, "data"):  # the pool may have refused
            self.pool.give_back(self.key, self.data)


def bucket(size):
    """`size` rounded up, by at most a quarter, so that arrays of about a size share their memory."""
    size = max(size, 64)
    step = 1 << max(size.bit_length() - 3, 0)
    return -(-size // step) * step


class Pool:
    """Keeps memory that nobody holds any more: {(size, dtype): [flat arrays]}.

    It also holds on to what it gave out. Where arrays are garbage in a cycle of Python objects, numba.cuda frees what
    only they hold before `Memory.__del__` can give it back.
    """

    def __init__(self):
        self.idle, self.given = defaultdict(list), {}

    def take(self, size, dtype):
        with gpu_lock:
            waiting = self.idle[size, dtype]
            data = waiting.pop() if waiting else allocated(size, dtype)
            self.given[id(data)] = data
            return data

    def give_back(self, key, data):
        """Called by the garbage collector, in any thread and at any time: so it must not wait for the lock."""
        del self.given[id(data)]
        self.idle[key].append(data)


common_pool = Pool()
"""Where arrays come from outside of recordings."""

_remembering: list = []


def remembered(function):
    """Decorator: a function that makes arrays in the GPU's memory keeps its last results, until `clear`."""
    cached = lru_cache(maxsize=1024)(function)
    _remembering.append(cached)
    return cached


def clear() -> None:
    """Give the memory back to the driver that nobody holds, or that only `remembered` functions do."""
    with gpu_lock:
        for cached in _remembering:
            cached.cache_clear()
        common_pool.idle.clear()


def allocated(size, dtype):
    """New memory. If there is too little, what is idle goes first; MemoryError if that does not help."""
    try:
        return cuda.device_array(size, dtype)
    except Exception as error:
        if "OUT_OF_MEMORY" not in str(error):
            raise
    gc.collect()  # what cycles of garbage hold is idle then
    if recording():
        common_pool.idle.clear()  # what is remembered may be part of the recording
    else:
        clear()
    try:
        return cuda.device_array(size, dtype)
    except Exception as error:
        if "OUT_OF_MEMORY" not in str(error):
            raise
        free, total = cuda.current_context().get_memory_info()
        raise MemoryError(
            f"The GPU has {free / 1e6:.0f} of its {total / 1e6:.0f} MB free, and {size * dtype.itemsize / 1e6:.0f} "
            "MB more are needed: use smaller batches or images."
        ) from error
