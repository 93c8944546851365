"""Numbers in other places and other shapes: what transpose, pad, slices, reshape and the like are in a graph."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from ..ops import moves
from ..ops.moves.tables import Table
from .base import registry
from .operation import Operation


def _getitem(x, key):
    return x[key_of(key)]


def key_of(key):
    """An index from its description: lists of numbers, "..." , None and {"start", "stop", "step"} for slices."""

    def one(part):
        if isinstance(part, dict):
            return slice(part["start"], part["stop"], part["step"])
        return ... if part == "..." else part

    return tuple(one(part) for part in key)


def _pad(x, pad_width, mode="constant"):
    options = {"constant_values": -1} if mode == "constant" else {}
    return np.pad(x, pad_width, mode, **options)


def _broadcast_to(x, shape):
    own = (1,) * (len(shape) - x.ndim) + x.shape
    return np.broadcast_to(x, [there if size is None else size for size, there in zip(shape, own, strict=True)])


MOVES = {
    "transpose": np.transpose, "flip": np.flip, "tile": np.tile, "repeat": np.repeat, "roll": np.roll, "pad": _pad,
    "broadcast_to": _broadcast_to, "getitem": _getitem, "take": np.take, "rot90": np.rot90,
    "diagonal": np.diagonal, "tril": lambda x, k: np.where(np.tril(np.ones(x.shape, bool), k), x, -1),
    "triu": lambda x, k: np.where(np.triu(np.ones(x.shape, bool), k), x, -1),
}  # fmt: skip
"""What NumPy does to the numbers 0, 1, 2, ...: the index of each rearrangement (`ops/moves`)."""


@lru_cache(maxsize=512)
def _table(move, arguments, shape):
    """(Table, whether it holds for each row by itself, shape of the output) for an input of this shape."""
    function, options = MOVES[move], _thawed(arguments)
    for_any_batch = move != "broadcast_to" or options["shape"][0] is None
    if len(shape) and math.prod(shape[1:]) and for_any_batch:
        K = math.prod(shape[1:])
        found = function(np.arange(2 * K, dtype=np.int64).reshape(2, *shape[1:]), **options)
        if found.ndim and len(found) == 2:
            first, second = found.reshape(2, -1)
            if (first < K).all() and (second == np.where(first < 0, -1, first + K)).all():
                return Table(first, K), True, (shape[0], *found.shape[1:])
    size = math.prod(shape)
    found = function(np.arange(size, dtype=np.int64).reshape(shape), **options)
    return Table(found, size), False, found.shape


def _frozen(value):
    """`value` with lists as tuples and dictionaries as tuples of pairs, so that it can be a key."""
    if isinstance(value, dict):
        return ("{", *((name, _frozen(part)) for name, part in value.items()))
    return tuple(map(_frozen, value)) if isinstance(value, (list, tuple)) else value


def _thawed(value):
    if isinstance(value, tuple) and value[:1] == ("{",):
        return {name: _thawed(part) for name, part in value[1:]}
    return [_thawed(part) for part in value] if isinstance(value, tuple) else value


def moved(x, move, arguments, fill=0.0, need_saved=True):
    shape = tuple(x.shape)
    each_row = _table(move, _frozen(arguments), (1, *shape[1:])) if shape else None
    if each_row is None or not each_row[1]:
        table, _, made = _table(move, _frozen(arguments), shape)
        rows = 1
    else:
        table, rows, made = each_row[0], shape[0], (shape[0], *each_row[2][1:])
    y, saved = moves.forward(x.reshape(rows, table.K), table, fill, need_saved)
    return y.reshape(made), (saved, rows, shape)


def moved_back(dy, saved):
    saved, rows, shape = saved
    return moves.backward(dy.reshape(rows, saved.index.size), saved).reshape(shape)


def sizes_for(shape, function):
    """The shape that `function` gives for a shape with unknown sizes: sizes that depend on them are None."""
    if None not in shape:
        return tuple(function(tuple(shape)))
    two, three = (tuple(function(tuple(n if size is None else size for size in shape))) for n in (2, 3))
    return tuple(a if a == b else None for a, b in zip(two, three, strict=True))


@registry.add()
class Rearrangement(Operation):
    """Numbers in other places: `move` is a name in MOVES, `arguments` are its arguments in plain Python."""

    def __init__(self, move, arguments, fill=0.0, name=None, dtype=None):
        super().__init__("get_item" if move == "getitem" else move, name, dtype)
        self.move, self.arguments, self.fill = move, arguments, float(fill)

    def flops(self, input_shape):
        return 0

    def table(self, shape):
        """(Table, whether it holds for each row by itself, shape of the output) for an input of this shape."""
        return _table(self.move, _frozen(self.arguments), tuple(shape))

    def compute_output_shape(self, input_shape):
        def made(shape):
            return MOVES[self.move](
                np.arange(math.prod(shape)).reshape(shape), **_thawed(_frozen(self.arguments))
            ).shape

        try:
            return sizes_for(input_shape, made)
        except (ValueError, IndexError) as error:
            raise ValueError(
                f"{self.name!r} cannot do {self.move} with {self.arguments} on shape {tuple(input_shape)}: {error}."
            ) from error

    def keeps_images(self, shape) -> bool:
        """Whether each image of a batch is rearranged by itself."""
        return None not in shape[1:] and self.table((1, *shape[1:]))[1]

    def forward(self, x, training=False, need_saved=True):
        return moved(x, self.move, self.arguments, self.fill, bool(need_saved))

    def backward(self, dy, saved, need_dx=True):
        return moved_back(dy, saved)


@registry.add()
class View(Operation):
    """The same numbers in another shape. kind "reshape": `shape`, where -1 follows from the others and None is the
    input's size at this place; "expand_dims" and "squeeze": `shape` is the axis, or several."""

    def __init__(self, kind, shape, name=None, dtype=None):
        super().__init__(kind, name, dtype)
        self.kind, self.shape = kind, shape

    def flops(self, input_shape):
        return 0

    def compute_output_shape(self, input_shape):
        if self.kind == "reshape":
            return self._reshaped(input_shape)
        rank = len(input_shape)
        axes = list(self.shape) if isinstance(self.shape, (list, tuple)) else [self.shape]
        if self.kind == "expand_dims":
            made = list(input_shape)
            for axis in sorted(axis + rank + len(axes) if axis < 0 else axis for axis in axes):
                made.insert(axis, 1)
            return tuple(made)
        if self.shape is None:
            return tuple(size for size in input_shape if size != 1)
        axes = [axis + rank if axis < 0 else axis for axis in axes]
        if any(not 0 <= axis < rank or input_shape[axis] != 1 for axis in axes):
            raise ValueError(f"{self.name!r} squeezes axes of size 1; received axis={self.shape!r} of {input_shape}.")
        return tuple(size for axis, size in enumerate(input_shape) if axis not in axes)

    def _reshaped(self, shape):
        target = [shape[i] if size is None and i < len(shape) else size for i, size in enumerate(self.shape)]
        known = [size for size in target if size not in (-1, None)]
        if None in shape:  # of what the unknown sizes hold nothing is known, but that they are the same
            rest = math.prod(size for size in shape if size is not None)
            same = target.count(None) == list(shape).count(None)
            return tuple(
                (rest // math.prod(known) if same and size == -1 else None if size in (-1, None) else size)
                for size in target
            )
        total = math.prod(shape)
        if math.prod(known) == 0 or total % math.prod(known) or (-1 not in target and total != math.prod(known)):
            raise ValueError(f"{self.name!r} cannot reshape {tuple(shape)} to {tuple(self.shape)}.")
        return tuple(total // math.prod(known) if size == -1 else size for size in target)

    def keeps_images(self, shape) -> bool:
        """Whether the numbers of an image stay together, and the batch the first axis."""
        if None in shape[1:]:
            return False
        made = [self.compute_output_shape((n, *shape[1:])) for n in (2, 3)]
        return [m[:1] for m in made] == [(2,), (3,)]

    def forward(self, x, training=False, need_saved=True):
        return x.reshape(self.compute_output_shape(x.shape)), x.shape

    def backward(self, dy, saved, need_dx=True):
        return dy.reshape(saved)
