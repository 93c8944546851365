"""Buffers that a training or prediction step borrows. They are taken back when the step ends, and used again.

At the sizes of small networks new memory pages cost as much as the arithmetic, and every step needs the same sizes in
the same order. So inside `step()` the function `empty` returns buffers that earlier steps have used. Outside a step it
is `np.empty`. One rule makes this safe: an array made in a step must be copied if it is used after the step.

If nothing is kept for a backward pass, large buffers are used again within the step, once their numbers have been read
(`give_back`). So inference needs the memory of its largest layer, not of all layers. What is computed from weights
alone is needed longer, until a weight changes, and has memory of its own.

Memory that a kernel needs only while it runs (`scratch`) is in one arena, which all kernels share. The arena stays in
the cache, and no buffers are borrowed or taken back.

Each thread has its own buffers. They are kept from one call of `fit` or `predict` to the next. A buffer that no step
has used for a while goes back to the operating system.
"""

from __future__ import annotations

import math
import os
import threading

import numpy as np

from .compile import THREADS
from .denormals import flush, restore
from .recording import is_of_weights, is_prediction, refuse

_ALIGNMENT = 64  # bytes: a cache line, and the widest vector
_WASTE = 2  # a buffer may be used for another shape, down to half the buffer's size
_IDLE_STEPS = 64  # a buffer that this many steps have not used goes back to the operating system
_LARGE = 1 << 20  # bytes: smaller buffers are not worth taking back before the step ends


def _aligned(size):
    """`size` new bytes that begin at a cache line."""
    raw = np.empty(size + _ALIGNMENT, np.uint8)
    start = -raw.ctypes.data % _ALIGNMENT
    return raw[start : start + size]


class _Pool(threading.local):
    """One thread's buffers. idle: {(shape, dtype): [(buffer, array on it, number of the step that used it last)]}."""

    def __init__(self):
        self.idle: dict[tuple, list[tuple]] = {}
        self.lent: list[tuple] = []  # ((shape, dtype), buffer, array)
        self.large: list[tuple] = []  # the same, of large buffers
        self.depth, self.steps, self.thread = 0, 0, object()
        self.arena = _aligned(0)
        self.scratch: dict[tuple, list[np.ndarray]] = {}  # {(dtype, *sizes): arrays in the arena}


_pool = _Pool()
if hasattr(os, "register_at_fork"):  # recordings hold kernels for threads that a forked process does not have
    os.register_at_fork(after_in_child=lambda: setattr(_pool, "thread", object()))
poison_released_buffers = False
"""For tests: fill every buffer with NaN bytes when it is taken back, so that a test notices if it is still used."""


class step:
    """Within this block `empty` returns reused buffers. When the outermost block ends, all of them are taken back.
    Denormal numbers count as zero within the block."""

    def __enter__(self):
        pool = _pool
        if pool.depth == 0:
            self.before = flush()
        pool.depth += 1

    def __exit__(self, *exception):
        pool = _pool
        pool.depth -= 1
        if pool.depth == 0:
            restore(self.before)
            if pool.lent or pool.large:
                # empty the lists first: then an interruption may lose buffers, but no buffer is in use twice
                taken_back, pool.lent, pool.large = pool.lent + pool.large, [], []
                _take_back(pool, taken_back)
            pool.steps += 1
            if pool.steps % _IDLE_STEPS == 0:
                _forget_unused(pool)


def this_thread() -> object:
    """An object that stands for this thread and its memory."""
    return _pool.thread


def lent() -> int:
    """The number of large buffers that this thread's step has borrowed so far; `give_back` takes it as `since`."""
    return len(_pool.large)


def keep(function, most: int):
    """Run function() within a step: (its result, the buffers that it borrowed). These buffers now belong to the caller.
    If they have more than `most` bytes together, the step keeps them, and None is returned in their place."""
    pool = _pool
    lent, large = len(pool.lent), len(pool.large)
    result = function()
    kept = pool.lent[lent:] + pool.large[large:]
    if sum(buffer.size for _, buffer, _ in kept) > most:
        return result, None
    del pool.lent[lent:], pool.large[large:]
    return result, kept


def share(function, idle: dict):
    """Run function() within a step: its result. Its large buffers come from `idle`, and those that hold no part of the
    result go back there. Functions that never run at the same time can share `idle` if each is done with its large
    arrays, except those in its result, when it returns."""
    pool = _pool
    before, pool.idle, pool.lent, pool.large = (pool.idle, pool.lent, pool.large), idle, [], []
    try:
        result = function()
        _take_back(pool, _unread(pool.large, result)[0])
        return result
    finally:
        pool.idle, pool.lent, pool.large = before


def give_back(since: int, needed: list[np.ndarray]) -> None:
    """Take back, within a step, the large buffers borrowed since `lent()` was `since`, except those of needed arrays.

    For forward passes that save nothing: `needed` is all that later layers will read. A training step that does this
    is not recorded, because the buffers are no longer its own. Recorded predictions share their buffers anyway.
    """
    pool = _pool
    done, kept = _unread(pool.large[since:], needed)
    if done:
        if not is_prediction():
            refuse()
        pool.large[since:] = kept
        _take_back(pool, done)


def _unread(entries, needed):
    """(the entries of which none of the needed arrays is a part, the others)."""
    done, kept = [], []
    for entry in entries:
        still_needed = any(np.may_share_memory(entry[1], array) for array in needed)
        (kept if still_needed else done).append(entry)
    return done, kept


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
    """An uninitialised C-contiguous array: on a reused buffer within a step, a new array outside."""
    pool = _pool
    if pool.depth == 0:
        return np.empty(shape, dtype)
    if is_of_weights():
        return _on(_aligned(math.prod(shape) * np.dtype(dtype).itemsize), shape, np.dtype(dtype))
    key = (shape, dtype)
    waiting = pool.idle.get(key)
    buffer, array = waiting.pop()[:2] if waiting else _fitted(pool, shape, np.dtype(dtype))
    (pool.large if buffer.size >= _LARGE else pool.lent).append((key, buffer, array))
    return array


def _fitted(pool, shape, dtype):
    """(an idle buffer of another shape that is large enough, or a new buffer; the array on it).

    A buffer that is much too large is used only for a large array, and only if this step has used it before: then the
    step needs its memory anyway.
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
    return buffer, _on(buffer, shape, dtype)


def _on(buffer, shape, dtype):
    """An array at the beginning of the buffer."""
    return buffer[: math.prod(shape) * dtype.itemsize].view(dtype).reshape(shape)


def scratch(dtype, *sizes: int) -> tuple[np.ndarray, ...]:
    """One flat, uninitialised array for each size, with room for `size` numbers for every thread of one kernel.

    The next call may return the same memory. So get all arrays of a kernel in one call, and keep no results in them.
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
    return tuple(pool.arena[start : start + n].view(dtype) for start, n in zip(starts, lengths, strict=False))


def clear() -> None:
    """Give all of this thread's idle buffers back to the operating system."""
    _pool.idle.clear()
    _pool.scratch.clear()
    _pool.arena = _aligned(0)
