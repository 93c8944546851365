"""Buffers lent for one training or prediction step and taken back when it ends.

Fresh memory pages cost as much as the arithmetic at the sizes of small networks, and every step asks for the same
sizes in the same order. So inside `step()` the function `empty` hands out buffers that earlier steps have used;
outside a step it is `np.empty`. The rule that makes this safe: nothing made in a step outlives it uncopied.
Where nothing is kept for a backward pass, large buffers serve again within the step, once what lies on them has been
read (`give_back`): inference needs the memory of its largest layer, not of all layers.
What a kernel needs only while it runs (`scratch`) lies in one arena, which every kernel uses anew: it stays in the
cache, and there is nothing to lend or to take back.
Each thread has buffers of its own. They are kept from one call of `fit` or `predict` to the next, and given back to the
operating system once a while of steps has had no use for them.
"""

from __future__ import annotations

import math
import threading
from contextlib import contextmanager

import numpy as np

from .compile import THREADS
from .denormals import flushed
from .recording import refuse

_ALIGNMENT = 64  # bytes: a cache line, and the widest vector
_WASTE = 2  # a buffer serves another shape down to half its size
_IDLE_STEPS = 64  # a buffer that so many steps have not used is given back
_LARGE = 1 << 20  # bytes: smaller buffers are not worth taking back before the step ends


def _aligned(size):
    """`size` new bytes that begin with a cache line."""
    raw = np.empty(size + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + size]


class _Pool(threading.local):
    """One thread's buffers. idle: {(shape, dtype): [(buffer, array on it, number of the step that used it last)]}."""

    def __init__(self):
        self.idle: dict[tuple, list[tuple]] = {}
        self.lent: list[tuple] = []  # ((shape, dtype), buffer, array)
        self.large: list[tuple] = []  # the same, of large buffers
        self.depth, self.steps = 0, 0
        self.arena = _aligned(0)
        self.scratch: dict[tuple, list[np.ndarray]] = {}  # {(dtype, *sizes): arrays in the arena}


_pool = _Pool()
poison_released_buffers = False
"""For tests: fill every buffer with NaN bytes when it is taken back, so that a stale use cannot go unseen."""


@contextmanager
def step():
    """Within this block `empty` lends buffers; when the outermost block ends, all are taken back. Denormal numbers
    count as zero in it."""
    pool = _pool
    try:
        pool.depth += 1
        with flushed():
            yield
    finally:
        pool.depth -= 1
        if pool.depth == 0:
            # taken out first: an interruption may lose buffers, but never lends one twice
            taken_back, pool.lent, pool.large = pool.lent + pool.large, [], []
            _take_back(pool, taken_back)
            pool.steps += 1
            if pool.steps % _IDLE_STEPS == 0:
                _forget_unused(pool)


def lent() -> int:
    """How many large buffers this thread's step has lent so far: from there on `give_back` may take some back."""
    return len(_pool.large)


def keep(function, most: int):
    """(function(), the large and small buffers that it was lent and that are now its caller's), within a step. Nothing
    is kept if it would be more than `most` bytes: None then."""
    pool = _pool
    lent, large = len(pool.lent), len(pool.large)
    result = function()
    kept = pool.lent[lent:] + pool.large[large:]
    if sum(buffer.size for _, buffer, _ in kept) > most:
        return result, None
    del pool.lent[lent:], pool.large[large:]
    return result, kept


def give_back(since: int, needed: list[np.ndarray]) -> None:
    """Take back, within a step, the large buffers lent since `lent()` was `since`, but none that a needed array is on.

    For forward passes of which nothing is saved: `needed` is all that later layers will read.
    """
    pool = _pool
    done, kept = [], []
    for entry in pool.large[since:]:
        still_needed = any(np.may_share_memory(entry[1], array) for array in needed)
        (kept if still_needed else done).append(entry)
    if done:
        refuse()  # they will serve others between two steps, and within one
        pool.large[since:] = kept
        _take_back(pool, done)


def _take_back(pool, entries):
    for key, buffer, array in entries:
        if poison_released_buffers:
            buffer[:] = 255  # all bits set: NaN in every floating-point type
        pool.idle.setdefault(key, []).append((buffer, array, pool.steps))


def _forget_unused(pool):
    recent = pool.steps - _IDLE_STEPS
    kept = {key: [entry for entry in entries if entry[2] >= recent] for key, entries in pool.idle.items()}
    pool.idle = {key: entries for key, entries in kept.items() if entries}


def empty(shape: tuple, dtype) -> np.ndarray:
    """An uninitialised C-contiguous array: lent within a step, an array of its own outside."""
    pool = _pool
    if pool.depth == 0:
        return np.empty(shape, dtype)
    key = (shape, dtype)
    waiting = pool.idle.get(key)
    buffer, array = waiting.pop()[:2] if waiting else _fitted(pool, shape, np.dtype(dtype))
    (pool.large if buffer.size >= _LARGE else pool.lent).append((key, buffer, array))
    return array


def _fitted(pool, shape, dtype):
    """An idle buffer of another shape that is large enough, or a new one; and the array on it.

    Not a buffer much too large, unless both are large and this very step has used it before: then it is there anyway.
    """
    needed = math.prod(shape) * dtype.itemsize
    spare = pool.steps if needed >= _LARGE else None
    fitting = [
        (buffer.size, key)
        for key, entries in pool.idle.items()
        for buffer, _, last_used in entries[-1:]
        if needed <= buffer.size and (buffer.size <= max(_WASTE * needed, 4096) or last_used == spare)
    ]
    if fitting:
        _, key = min(fitting, key=lambda candidate: candidate[0])
        buffer = pool.idle[key].pop()[0]
    else:
        buffer = _aligned(needed)
    return buffer, buffer[:needed].view(dtype).reshape(shape)


def scratch(dtype, *sizes: int) -> list[np.ndarray]:
    """For each of the sizes a flat, uninitialised array of so many numbers for every thread of one kernel.

    The next call may give the same memory: ask for all that a kernel needs at once, and pass nothing on with it.
    """
    pool = _pool
    key = (dtype, *sizes)
    arrays = pool.scratch.get(key)
    if arrays is None:
        arrays = pool.scratch[key] = _cut_arena(pool, np.dtype(dtype), sizes)
    if poison_released_buffers:
        pool.arena[:] = 255
    return arrays


def _cut_arena(pool, dtype, sizes):
    """Arrays side by side in the arena, which grows if it is too small for them."""
    lengths = [THREADS * size * dtype.itemsize for size in sizes]
    starts = [0]
    for length in lengths:
        starts.append(starts[-1] + -(-length // _ALIGNMENT) * _ALIGNMENT)
    if starts[-1] > pool.arena.size:
        pool.arena = _aligned(starts[-1])
        pool.scratch.clear()
    return [pool.arena[start : start + n].view(dtype) for start, n in zip(starts, lengths, strict=False)]


def clear() -> None:
    """Give all of this thread's idle buffers back to the operating system."""
    _pool.idle.clear()
    _pool.scratch.clear()
    _pool.arena = _aligned(0)
