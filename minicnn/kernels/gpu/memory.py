"""The GPU's memory, kept for reuse.

Asking the driver for memory makes host and GPU wait for each other. So when an array is no longer used, the next array
of about its size gets its memory (`Pool`). This is safe because all computing is queued on one stream: the old array's
last reader runs before the new array's first writer.
"""

from __future__ import annotations

import gc
from collections import defaultdict
from functools import lru_cache

from numba import cuda

from .device import gpu_lock
from .recording import recording


class Memory:
    """A piece of the GPU's memory. It goes back to the pool when no object refers to it any more."""

    __slots__ = ("data", "key", "pool")

    def __init__(self, size, dtype, pool=None):
        self.key, self.pool = (bucket(size), dtype), pool or (recording().pool if recording() else common_pool)
        self.data = self.pool.take(*self.key)

    def __del__(self):
        if hasattr(self, "data"):  # not if `take` raised an error
            self.pool.give_back(self.key, self.data)


def bucket(size):
    """`size` rounded up, to at least 64 or by at most a quarter, so that arrays of similar sizes can share memory."""
    size = max(size, 64)
    step = 1 << max(size.bit_length() - 3, 0)
    return -(-size // step) * step


class Pool:
    """Keeps memory that is free for reuse: {(size, dtype): [flat arrays]}.

    It also keeps references to the memory in use (`given`). Without them, if arrays are garbage in a cycle of Python
    objects, numba.cuda would free their memory before `Memory.__del__` can give it back.
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
"""The memory of arrays that are made outside of recordings."""

_remembering: list = []


def remembered(function):
    """Decorator: a function that makes arrays in the GPU's memory keeps its last results, until `clear`."""
    cached = lru_cache(maxsize=1024)(function)
    _remembering.append(cached)
    return cached


def clear() -> None:
    """Give back to the driver the memory that is free for reuse, or that only the results of `remembered` use."""
    with gpu_lock:
        for cached in _remembering:
            cached.cache_clear()
        common_pool.idle.clear()


def allocated(size, dtype):
    """New memory. If there is too little, idle memory is given back first; MemoryError if that does not help."""
    try:
        return cuda.device_array(size, dtype)
    except Exception as error:
        if "OUT_OF_MEMORY" not in str(error):
            raise
    gc.collect()  # makes the memory of garbage cycles idle
    if recording():
        common_pool.idle.clear()  # keep the results of `remembered`: the recording may use them
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
