"""Functions of several arrays or axes that are made of others: stacking, splitting, slices, sums along an axis."""

from __future__ import annotations

import builtins

import numpy as np

from ..config import checked_data_format
from .apply import computed, draws, parts_of
from .making import shape
from .networks import one_hot
from .operators import multiply, subtract, where
from .places import concatenate, expand_dims, flip, pad, reshape, split, transpose
from .products import matmul
from .reductions import max, min, sum

__all__ = [
    "append", "array_split", "cumsum", "depth_to_space", "diff", "dsplit", "dstack", "empty_like", "fliplr", "flipud",
    "get_item", "hsplit", "hstack", "kron", "ptp", "slice", "slice_update", "space_to_depth", "take_along_axis",
    "trace", "vsplit", "vstack",
]  # fmt: skip


def fliplr(x):
    """x with its second axis reversed."""
    return flip(x, 1)


def flipud(x):
    """x with its first axis reversed."""
    return flip(x, 0)


def _with_axes(x, count):
    while builtins.len(x.shape) < count:
        x = expand_dims(x, 0 if builtins.len(x.shape) < 2 else -1)
    return x


def hstack(xs):
    """Arrays side by side along the second axis, or the first if they have one."""
    if not draws(*xs):
        return computed(lambda *parts: np.hstack(parts), *xs)
    xs = parts_of(*xs)
    return concatenate(xs, 0 if builtins.len(xs[0].shape) == 1 else 1)


def vstack(xs):
    """Arrays one below the other; vectors become rows."""
    if not draws(*xs):
        return computed(lambda *parts: np.vstack(parts), *xs)
    return concatenate([_with_axes(x, 2) for x in parts_of(*xs)], 0)


def dstack(xs):
    """Arrays one behind the other, along the third axis."""
    if not draws(*xs):
        return computed(lambda *parts: np.dstack(parts), *xs)
    return concatenate([_with_axes(x, 3) for x in parts_of(*xs)], 2)


def append(x1, x2, axis=None):
    """x2 after x1 along an axis; both in one row without one."""
    if not draws(x1, x2):
        return computed(np.append, x1, x2, axis=axis)
    if axis is None:
        return concatenate([reshape(x, [-1]) for x in parts_of(x1, x2)], 0)
    return concatenate([x1, x2], axis)


def array_split(x, indices_or_sections, axis=0):
    """Parts along an axis, whose sizes differ by at most one."""
    if isinstance(indices_or_sections, int):
        size, count = x.shape[axis], indices_or_sections
        small, larger = divmod(size, count)
        indices_or_sections = np.cumsum([small + 1] * larger + [small] * (count - larger))[:-1].tolist()
    return split(x, indices_or_sections, axis)


def hsplit(x, indices_or_sections):
    """Parts along the second axis, or the first if there is one."""
    return split(x, indices_or_sections, 0 if builtins.len(x.shape) == 1 else 1)


def vsplit(x, indices_or_sections):
    """Parts along the first axis."""
    return split(x, indices_or_sections, 0)


def dsplit(x, indices_or_sections):
    """Parts along the third axis."""
    return split(x, indices_or_sections, 2)


def get_item(x, key):
    """x[key]."""
    return x[key]


def slice(inputs, start_indices, shape):
    """The part of this shape that begins at these places; -1 stands for all that follows."""
    pairs = [(int(start), int(size)) for start, size in zip(start_indices, shape, strict=True)]
    return inputs[tuple(builtins.slice(start, None if size == -1 else start + size) for start, size in pairs)]


def slice_update(inputs, start_indices, updates):
    """inputs with `updates` in the place that begins at these indices."""
    sides = [
        (0, 0) if size is None else (int(start), size - int(start) - new)
        for start, size, new in zip(start_indices, shape(inputs), shape(updates), strict=True)
    ]
    if draws(inputs, updates):
        here = np.pad(np.ones([size or 1 for size in shape(updates)], bool), sides)
        return where(here, pad(updates, sides), inputs)

    def updated(inputs, updates):
        made = np.array(inputs)
        made[tuple(builtins.slice(a, size - b) for (a, b), size in zip(sides, made.shape, strict=True))] = updates
        return made

    return computed(updated, inputs, updates)


def diff(a, n=1, axis=-1):
    """The differences of neighbours along an axis, n times."""
    for _ in range(n):
        before = [builtins.slice(None)] * builtins.len(a.shape)
        after = list(before)
        before[axis], after[axis] = builtins.slice(None, -1), builtins.slice(1, None)
        a = subtract(a[tuple(after)], a[tuple(before)])
    return a


def trace(x, offset=0, axis1=0, axis2=1):
    """The sum of the numbers on a diagonal."""
    if not draws(x):
        return computed(lambda x: np.trace(x, offset, axis1, axis2), x)
    rank = builtins.len(x.shape)
    rest = [i for i in range(rank) if i not in (axis1 % rank, axis2 % rank)]
    here = np.eye(x.shape[axis1], x.shape[axis2], offset)
    return sum(multiply(transpose(x, [*rest, axis1 % rank, axis2 % rank]), here), (-2, -1))


def cumsum(x, axis=None, dtype=None):
    """The sums of all numbers up to each one, along an axis."""
    if not draws(x):
        return computed(lambda x: np.cumsum(x, axis, dtype), x)
    if axis is None:
        x, axis = reshape(x, [-1]), 0
    last = builtins.len(x.shape) - 1
    axes = list(range(last + 1))
    axes[axis], axes[last] = axes[last], axes[axis]
    return transpose(matmul(transpose(x, axes), np.triu(np.ones((x.shape[axis],) * 2))), axes)


def take_along_axis(x, indices, axis=None):
    """For each place the number of x at the index in it, along an axis."""
    if not draws(x, indices):
        return computed(lambda x, i: np.take_along_axis(x, i.astype(np.int64), axis), x, indices)
    if axis is None:
        x, indices, axis = reshape(x, [-1]), reshape(indices, [-1]), 0
    axis %= builtins.len(x.shape)
    chosen = one_hot(indices, x.shape[axis])  # one more axis, whose 1 is at the index
    order = [i for i in range(builtins.len(x.shape)) if i != axis] + [axis]
    return sum(multiply(chosen, expand_dims(transpose(x, order), axis)), -1)


def kron(x1, x2):
    """x1 with every number replaced by that number times x2."""
    if not draws(x1, x2):
        return computed(np.kron, x1, x2)
    a, b = parts_of(x1, x2)
    rank = builtins.max(builtins.len(a.shape), builtins.len(b.shape))
    sizes_a, sizes_b = ([1] * (rank - builtins.len(p.shape)) + list(p.shape) for p in (a, b))
    apart = [[size for s in sizes for size in pairs(s)] for sizes, pairs in
             ((sizes_a, lambda s: (s, 1)), (sizes_b, lambda s: (1, s)))]  # fmt: skip
    product = multiply(reshape(a, apart[0]), reshape(b, apart[1]))
    return reshape(product, [m * n for m, n in zip(sizes_a, sizes_b, strict=True)])


def ptp(x, axis=None, keepdims=False):
    """The distance from the smallest to the largest number."""
    return subtract(max(x, axis, keepdims), min(x, axis, keepdims))


def empty_like(x, dtype=None):
    """Zeros in x's shape."""
    return multiply(x, 0.0) if draws(x) else computed(lambda x: np.zeros_like(x, dtype), x)


# For images and networks


def depth_to_space(x, block_size, data_format="channels_last"):
    """(N, H, W, B B C) to (N, H B, W B, C): the channels of a pixel become a block of pixels."""
    checked_data_format(data_format)
    _, H, W, C = x.shape
    B = block_size
    x = reshape(x, [-1, H, W, B, B, C // (B * B)])
    return reshape(transpose(x, [0, 1, 3, 2, 4, 5]), [-1, H * B, W * B, C // (B * B)])


def space_to_depth(x, block_size, data_format="channels_last"):
    """The inverse of `depth_to_space`."""
    checked_data_format(data_format)
    _, H, W, C = x.shape
    B = block_size
    x = reshape(x, [-1, H // B, B, W // B, B, C])
    return reshape(transpose(x, [0, 1, 3, 2, 4, 5]), [-1, H // B, W // B, B * B * C])
