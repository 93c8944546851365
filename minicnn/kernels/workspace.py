"""Buffers lent for one training or prediction step and taken back when it ends.

Fresh memory pages cost as much as the arithmetic at the sizes of small networks, and every step asks for the same
sizes in the same order. So inside `step()` the function `empty` hands out buffers that earlier steps have used;
outside a step it is `np.empty`. The rule that makes this safe: nothing made in a step outlives it uncopied.
Each thread has buffers of its own. They are kept from one call of `fit` or `predict` to the next, and given back to the
operating system once a while of steps has had no use for them.
"""

from __future__ import annotations

import threading
from bisect import bisect_left, insort
from contextlib import contextmanager

import numpy as np

_ALIGNMENT = 64  # bytes: a cache line, and the widest vector
_WASTE = 2  # a buffer serves a request down to half its size
_IDLE_STEPS = 64  # a buffer that so many steps have not used is given back


class _Pool(threading.local):
    """One thread's buffers: (bytes, id, buffer, the step that used it last) sorted by size, and the ones lent now."""

    def __init__(self):
        self.free, self.lent, self.depth, self.steps = [], [], 0, 0


_pool = _Pool()
poison_released_buffers = False
"""For tests: fill every buffer with NaN bytes when it is taken back, so that a stale use cannot go unseen."""


@contextmanager
def step():
    """Within this block `empty` lends buffers; when the outermost block ends, all are taken back."""
    try:
        _pool.depth += 1
        yield
    finally:
        _pool.depth -= 1
        if _pool.depth == 0:
            # taken out first: an interruption may lose buffers, but never lends one twice
            taken_back, _pool.lent = _pool.lent, []
            _pool.steps += 1
            for size, number, buffer, _ in taken_back:
                if poison_released_buffers:
                    buffer[:] = 255  # all bits set: NaN in every floating-point type
                insort(_pool.free, (size, number, buffer, _pool.steps))
            if _pool.steps % _IDLE_STEPS == 0:
                _pool.free = [entry for entry in _pool.free if entry[3] > _pool.steps - _IDLE_STEPS]


def empty(shape, dtype) -> np.ndarray:
    """An uninitialised C-contiguous array: lent within a step, an array of its own outside."""
    if _pool.depth == 0:
        return np.empty(shape, dtype)
    dtype = np.dtype(dtype)
    count = 1
    for size in shape:
        count *= size
    needed = count * dtype.itemsize
    position = bisect_left(_pool.free, (needed,))
    if position < len(_pool.free) and _pool.free[position][0] <= max(_WASTE * needed, 4096):
        entry = _pool.free.pop(position)
    else:
        entry = _new_entry(needed)
    _pool.lent.append(entry)
    return entry[2][:needed].view(dtype).reshape(shape)


def clear() -> None:
    """Give all of this thread's idle buffers back to the operating system."""
    _pool.free.clear()


def _new_entry(size):
    raw = np.empty(size + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    buffer = raw[start : start + size]
    return size, id(buffer), buffer, 0
