"""Numbers in other places and other shapes: what transpose, pad, slices, reshape and the like are in a graph."""

from __future__ import annotations

import math
from contextlib import suppress
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


def leaves_first_axis(move, options, rank) -> bool:
    """Whether this move says nothing about the first axis, the batch. A slice such as [:2] does."""
    if rank == 0:
        return False
    if move in ("flip", "repeat", "roll", "take"):
        axes = options.get("axis")
        axes = axes if isinstance(axes, (list, tuple)) else [axes]
        return None not in axes and all(axis % rank for axis in axes)
    if move in ("rot90", "diagonal"):
        axes = options["axes"] if move == "rot90" else [options["axis1"], options["axis2"]]
        return all(axis % rank for axis in axes)
    if move == "transpose":
        return options["axes"][0] % rank == 0
    if move == "tile":
        repeats = np.atleast_1d(options["reps"])
        return len(repeats) < rank or (len(repeats) == rank and repeats[0] == 1)
    if move == "pad":
        return not any(options["pad_width"][0])
    if move == "broadcast_to":
        return len(options["shape"]) == rank and options["shape"][0] is None
    if move == "getitem":
        key = [part for part in options["key"] if not (isinstance(part, str) and part == "...")]
        used = sum(part is not None for part in key)
        if len(key) < len(options["key"]) and isinstance(options["key"][0], str) and used < rank:
            return True
        return not key or (isinstance(key[0], dict) and not any(v is not None for v in key[0].values()))
    return rank > 2  # the triangles are of the last two axes


@lru_cache(maxsize=128)
def _row_table(move, arguments, shape):
    """(Table, shape of the output) of one row of this shape, if every row is rearranged by itself, else None."""
    function, options, K = MOVES[move], _thawed(arguments), math.prod(shape)
    if not K or not leaves_first_axis(move, options, len(shape) + 1):
        return None
    found = function(np.arange(2 * K, dtype=np.int64).reshape(2, *shape), **options)
    if not found.ndim or len(found) != 2:
        return None
    first, second = found.reshape(2, -1)
    if not ((first < K).all() and (second == np.where(first < 0, -1, first + K)).all()):
        return None
    return Table(first, K), found.shape[1:]


@lru_cache(maxsize=16)  # these are as large as their batches
def _whole_table(move, arguments, shape):
    """(Table, shape of the output) of all numbers of an array of this shape."""
    size = math.prod(shape)
    found = MOVES[move](np.arange(size, dtype=np.int64).reshape(shape), **_thawed(arguments))
    return Table(found, size), found.shape


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
    """(the rearranged numbers of x, what `moved_back` needs)."""
    shape, arguments, rows = tuple(x.shape), _frozen(arguments), 1
    of_a_row = _row_table(move, arguments, shape[1:]) if shape else None
    if of_a_row is None:
        table, made = _whole_table(move, arguments, shape)
    else:
        table, rows, made = of_a_row[0], shape[0], (shape[0], *of_a_row[1])
    y, saved = moves.forward(x.reshape(rows, table.K), table, fill, need_saved)
    return y.reshape(made), (saved, rows, shape)


def moved_back(dy, saved):
    saved, rows, shape = saved
    return moves.backward(dy.reshape(rows, saved.index.size), saved).reshape(shape)


_STAND_INS = 97, 101, 2  # sizes for those that are not known: only what is the same for all does not depend on them


def sizes_for(shape, function):
    """The shape that `function` gives for a shape with unknown sizes: sizes that depend on them are None."""
    if None not in shape:
        return tuple(function(tuple(shape)))
    found = [function(tuple(n if size is None else size for size in shape)) for n in _STAND_INS[:2]]
    with suppress(ValueError, IndexError):  # an index of 5 needs more than two
        found.append(function(tuple(_STAND_INS[2] if size is None else size for size in shape)))
    return tuple(sizes[0] if len(set(sizes)) == 1 else None for sizes in zip(*found, strict=True))


@registry.add()
class Rearrangement(Operation):
    """Numbers in other places: `move` is a name in MOVES, `arguments` are its arguments in plain Python."""

    def __init__(self, move, arguments, fill=0.0, name=None, dtype=None):
        super().__init__("get_item" if move == "getitem" else move, name, dtype)
        self.move, self.arguments, self.fill = move, arguments, float(fill)

    def flops(self, input_shape):
        return 0

    def compute_output_shape(self, input_shape):
        def made(shape):
            nothing = np.broadcast_to(np.int8(0), shape)  # one number, in any shape
            return MOVES[self.move](nothing, **_thawed(_frozen(self.arguments))).shape

        try:
            return sizes_for(input_shape, made)
        except (ValueError, IndexError) as error:
            raise ValueError(
                f"{self.name!r} cannot do {self.move} with {self.arguments} on shape {tuple(input_shape)}: {error}."
            ) from error

    def keeps_images(self, shape) -> bool:
        """Whether each image of a batch is rearranged by itself."""
        return self.table_of_image(shape) is not None

    def table_of_image(self, shape):
        """(the table, the shape that it makes) by which each image of this batch is rearranged, or None if they are
        mixed, or if sizes are unknown."""
        return None if None in shape else _row_table(self.move, _frozen(self.arguments), tuple(shape[1:]))

    def table_of_all(self, shape):
        """The same for all numbers of an array of this shape, whatever its first axis is."""
        return _whole_table(self.move, _frozen(self.arguments), tuple(shape))

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
            return self._reshaped(tuple(input_shape), self.shape)
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

    def _reshaped(self, shape, to):
        if shape[:1] == (0,) and len(shape) > 1:  # no images: -1 would follow from nothing
            one = self._reshaped((1, *shape[1:]), [size or (size if size is None else 1) for size in to])
            return (0, *one[1:])
        target = [shape[i] if size is None and i < len(shape) else size for i, size in enumerate(to)]
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
