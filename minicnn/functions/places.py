"""Numbers in other places and other shapes: reshape, transpose, flip, pad, slices, stack, split."""

from __future__ import annotations

import builtins

import numpy as np

from ..layers.merge import Concatenate
from ..layers.places import Rearrangement, View
from ..symbol import Symbol, ask_for_sizes
from .apply import as_array, computed, draws, dtype_of

__all__ = [
    "broadcast_to", "concatenate", "diagonal", "expand_dims", "flip", "moveaxis", "pad", "ravel", "repeat", "reshape",
    "roll", "rot90", "split", "squeeze", "stack", "swapaxes", "take", "tile", "transpose", "tril", "triu", "unstack",
]  # fmt: skip


def _rearranged(x, move, fill=0.0, **arguments):
    return Rearrangement(move, arguments, fill, dtype=dtype_of(x))(Symbol.of(x, dtype_of(x)))


def _plain(value):
    """Numbers of NumPy as those of Python, also in lists and tuples."""
    if isinstance(value, (list, tuple)):
        return [_plain(part) for part in value]
    return value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value


def _viewed(x, kind, shape):
    return View(kind, shape, dtype=dtype_of(x))(Symbol.of(x, dtype_of(x)))


def reshape(x, newshape):
    """x in another shape; one size may be -1. On symbols None is the size of the batch."""
    newshape = list(newshape) if isinstance(newshape, (tuple, list)) else [newshape]
    if draws(x):
        return _viewed(x, "reshape", newshape)
    return computed(lambda x: np.reshape(x, [-1 if size is None else size for size in newshape]), x)


def ravel(x):
    """All numbers in one row."""
    return reshape(x, [-1])


def expand_dims(x, axis):
    """x with a new axis of size 1."""
    if draws(x):
        return _viewed(x, "expand_dims", axis)
    return computed(lambda x: np.expand_dims(x, tuple(axis) if isinstance(axis, list) else axis), x)


def squeeze(x, axis=None):
    """x without axes of size 1: these axes, or all of them."""
    if draws(x):
        return _viewed(x, "squeeze", list(axis) if isinstance(axis, (tuple, list)) else axis)
    return computed(lambda x: np.squeeze(x, tuple(axis) if isinstance(axis, list) else axis), x)


def transpose(x, axes=None):
    """x with its axes in another order, reversed by default."""
    if draws(x):
        axes = list(axes) if axes is not None else list(range(builtins.len(Symbol.of(x, dtype_of(x)).shape)))[::-1]
        return _rearranged(x, "transpose", axes=axes)
    return computed(lambda x: np.ascontiguousarray(np.transpose(x, axes)), x)


def _rank(x):
    return builtins.len(x.shape)


def swapaxes(x, axis1, axis2):
    """x with two axes exchanged."""
    if not draws(x):
        return computed(lambda x: np.swapaxes(x, axis1, axis2), x)
    axes = list(range(_rank(x)))
    axes[axis1], axes[axis2] = axes[axis2], axes[axis1]
    return transpose(x, axes)


def moveaxis(x, source, destination):
    """x with axes moved to other places."""
    if not draws(x):
        return computed(lambda x: np.moveaxis(x, source, destination), x)
    return transpose(x, _moved_axes(_rank(x), source, destination))


def _moved_axes(rank, source, destination):
    """The order of the axes after np.moveaxis: read off the sizes of an array whose sizes are 1, 2, 3, ..."""
    sizes = np.moveaxis(np.empty(tuple(range(1, rank + 1)), np.bool_), source, destination).shape
    return [size - 1 for size in sizes]


def flip(x, axis=None):
    """x in reverse order along an axis, several, or all."""
    axis = tuple(axis) if isinstance(axis, list) else axis
    return _rearranged(x, "flip", axis=axis) if draws(x) else computed(lambda x: np.flip(x, axis), x)


def roll(x, shift, axis=None):
    """x with its numbers moved along an axis; what leaves at the end comes back at the beginning."""
    return (
        _rearranged(x, "roll", shift=_plain(shift), axis=_plain(axis))
        if draws(x)
        else computed(lambda x: np.roll(x, shift, axis), x)
    )


def rot90(array, k=1, axes=(0, 1)):
    """k turns by 90 degrees in the plane of two axes."""
    if draws(array):
        return _rearranged(array, "rot90", k=k, axes=list(axes))
    return computed(lambda x: np.ascontiguousarray(np.rot90(x, k, axes)), array)


def tile(x, repeats):
    """Copies of x side by side."""
    return _rearranged(x, "tile", reps=_plain(repeats)) if draws(x) else computed(lambda x: np.tile(x, repeats), x)


def repeat(x, repeats, axis=None):
    """Each number, or each slice along an axis, several times."""
    if draws(x):
        return _rearranged(x, "repeat", repeats=_plain(repeats), axis=axis)
    return computed(lambda x: np.repeat(x, repeats, axis), x)


def pad(x, pad_width, mode="constant", constant_values=None):
    """x with more numbers around it; mode "constant", "reflect", "symmetric", "edge", "wrap" as in NumPy."""
    if constant_values is not None and mode != "constant":
        raise ValueError(f'constant_values is for mode="constant"; received mode={mode!r}.')
    value = 0.0 if constant_values is None else constant_values
    if draws(x):
        width = np.broadcast_to(np.asarray(pad_width), (_rank(x), 2)).tolist()
        return _rearranged(x, "pad", value, pad_width=width, mode=mode)
    options = {"constant_values": value} if mode == "constant" else {}
    return computed(lambda x: np.pad(x, pad_width, mode, **options), x)


def broadcast_to(x, shape):
    """x repeated along axes of size 1 until it has this shape; None is x's own size."""
    if draws(x):
        return _rearranged(x, "broadcast_to", shape=list(shape))
    return computed(lambda x: np.broadcast_to(x, shape), x)


def diagonal(x, offset=0, axis1=0, axis2=1):
    """The numbers on a diagonal."""
    if draws(x):
        return _rearranged(x, "diagonal", offset=offset, axis1=axis1, axis2=axis2)
    return computed(lambda x: np.diagonal(x, offset, axis1, axis2), x)


def tril(x, k=0):
    """x with zeros above a diagonal of its last two axes."""
    return _rearranged(x, "tril", k=k) if draws(x) else computed(lambda x: np.tril(x, k), x)


def triu(x, k=0):
    """x with zeros below a diagonal of its last two axes."""
    return _rearranged(x, "triu", k=k) if draws(x) else computed(lambda x: np.triu(x, k), x)


def take(x, indices, axis=None):
    """The numbers, or slices along an axis, at these indices."""
    if draws(indices):
        raise NotImplementedError("minicnn takes numbers at known indices, not at indices that a model computes.")
    if draws(x):
        return _rearranged(x, "take", indices=np.asarray(indices).tolist(), axis=axis)
    return computed(lambda x: np.take(x, np.asarray(indices), axis), x)


def concatenate(xs, axis=0):
    """A list of arrays or symbols side by side along an axis."""
    if not draws(xs):
        return as_array(np.concatenate([np.asarray(x) for x in xs], axis), *map(np.asarray, xs))
    dtype = dtype_of(xs)
    symbols = [Symbol.of(x, dtype) for x in xs]
    return symbols[0] if builtins.len(symbols) == 1 else Concatenate(axis, dtype=dtype)(symbols)


def stack(x, axis=0):
    """A list of arrays or symbols of one shape, along a new axis."""
    if not draws(x):
        return as_array(np.stack([np.asarray(part) for part in x], axis), *map(np.asarray, x))
    dtype = dtype_of(x)
    return concatenate([expand_dims(Symbol.of(part, dtype), axis) for part in x], axis)


def split(x, indices_or_sections, axis=0):
    """A list of parts of x along an axis: a number of equal parts, or parts that end before these indices."""
    if not draws(x):
        return [as_array(part, x) for part in np.split(np.asarray(x), indices_or_sections, axis)]
    size = x.shape[axis]
    if size is None:
        ask_for_sizes(x)
        raise ValueError(f"ops.split needs the size of axis {axis}, which is not known yet: {x!r}.")
    cuts = [part[-1] + 1 for part in np.split(np.arange(size), indices_or_sections) if builtins.len(part)]
    if not isinstance(indices_or_sections, int):
        cuts = [*indices_or_sections, size]
    return [_slice(x, begin, end, axis) for begin, end in zip([0, *cuts[:-1]], cuts, strict=True)]


def _slice(x, begin, end, axis):
    return x[(slice(None),) * (axis % _rank(x)) + (slice(begin, end),)]


def unstack(x, num=None, axis=0):
    """The slices along an axis, without this axis."""
    if not draws(x):
        return [as_array(part, x) for part in np.moveaxis(np.asarray(x), axis, 0)]
    count = num or x.shape[axis]
    if count is None:
        ask_for_sizes(x)
        raise ValueError(f"ops.unstack needs the size of axis {axis}, which is not known yet: {x!r}.")
    return [x[(slice(None),) * (axis % _rank(x)) + (i,)] for i in range(count)]


def _take(symbol, key):
    """What square brackets of a symbol call."""
    parts = list(key) if isinstance(key, tuple) else [key]
    return _rearranged(symbol, "getitem", key=[_described(part) for part in parts])


def _described(part):
    """One part of an index in plain Python, as `layers.places.key_of` reads it."""
    if isinstance(part, slice):
        return {
            name: None if value is None else int(value)
            for name, value in (("start", part.start), ("stop", part.stop), ("step", part.step))
        }
    if part is Ellipsis:
        return "..."
    if isinstance(part, (list, np.ndarray)) and np.asarray(part).dtype.kind in "iu":
        return np.asarray(part).tolist()
    if part is None or (hasattr(part, "__index__") and not isinstance(part, (Symbol, bool, np.ndarray))):
        return None if part is None else int(part)
    raise TypeError(
        f"A symbol takes integers, slices, ..., None and lists of integers as an index; received {part!r}. ops.where "
        "chooses by conditions."
    )


Symbol.take = staticmethod(_take)
