"""Functions of `minicnn.ops` that NumPy computes: in a graph they run on the host, and have no gradient."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import numpy as np

from ..nest import mapped
from ..runtime import transfer
from ..symbol import Symbol
from ..variable import Variable
from .base import registry
from .operation import Operation

SLOT = "__array__"
"""Stands in the arguments for an array."""

_WITHOUT_SLOPE = {
    "allclose", "argpartition", "argsort", "bincount", "bitwise_and", "bitwise_invert", "bitwise_not", "bitwise_or",
    "bitwise_xor", "digitize", "gcd", "histogram", "in_top_k", "isin", "isneginf", "isposinf", "isreal", "lcm",
    "left_shift", "matrix_rank", "nanargmax", "nanargmin", "nonzero", "right_shift", "searchsorted", "signbit",
    "unravel_index",
}  # fmt: skip
_OF_WHOLE_NUMBERS = {
    "bincount", "bitwise_and", "bitwise_invert", "bitwise_not", "bitwise_or", "bitwise_xor", "gcd", "lcm", "left_shift",
    "right_shift", "unravel_index",
}  # fmt: skip


@registry.add()
class HostFunction(Operation):
    """A function by its name in `functions`. arguments: {"given": [...], "named": {...}}, with SLOT for each input."""

    functions: dict[str, Callable] = {}  # noqa: RUF012 - `functions/of_arrays.py` fills it
    takes_several = True
    may_be_recorded = False  # a replay runs kernels alone

    def __init__(self, function, arguments, name=None, dtype=None):
        super().__init__(function, name, dtype)
        self.function, self.arguments = function, arguments

    def compute_output_shape(self, input_shape):
        """Found by computing with two examples: a size that differs between them is not known."""
        one, other = (self._shapes_for([_example(shape, size) for shape in input_shape]) for size in (2, 3))
        self.gives_several = isinstance(one, list)
        pairs = zip(one, other, strict=True) if self.gives_several else [(one, other)]
        shapes = [tuple(a if a == b else None for a, b in zip(*pair, strict=True)) for pair in pairs]
        return shapes if self.gives_several else shapes[0]

    def _shapes_for(self, arrays):
        with suppress(Exception):  # NumPy has many kinds of errors
            made = self._computed(arrays)
            return [np.shape(part) for part in made] if isinstance(made, (tuple, list)) else np.shape(made)
        shapes = ", ".join(str(array.shape) for array in arrays)
        raise ValueError(f"ops.{self.function} does not take symbols of these shapes, as in {shapes}.")

    def flops(self, input_shape):
        return 0

    def _computed(self, arrays):
        if self.function in _OF_WHOLE_NUMBERS:
            arrays = [array.astype(np.int64) for array in arrays]
        rest = iter(arrays)
        given, named = (
            mapped(lambda v: next(rest) if isinstance(v, str) and v == SLOT else v, self.arguments[part])
            for part in ("given", "named")
        )
        return self.functions[self.function](*given, **named)

    def forward(self, x, training=False, need_saved=True):
        made = self._computed([transfer.to_host(part) for part in x])
        several = isinstance(made, (tuple, list))
        ys = [
            transfer.to_device(np.require(part, self.dtype, ["C", "W", "O"])) for part in (made if several else [made])
        ]
        return (ys if several else ys[0]), len(x)

    def backward(self, dy, saved, need_dx=True):
        if self.function not in _WITHOUT_SLOPE:
            raise NotImplementedError(
                f"minicnn has no gradient of ops.{self.function}: use ops.stop_gradient on its result, or define "
                "forward and backward in a layer of your own."
            )
        return [None] * saved


def _example(shape, size):
    """An array of this shape, with `size` in the place of unknown sizes: the identity matrix in its last two axes."""
    sizes = [size if n is None else n for n in shape]
    return np.array(np.broadcast_to(np.eye(*sizes[-2:]) if len(sizes) > 1 else np.ones(sizes), sizes))


def drawn(function, given, named, dtype):
    """The symbols of a function of these arguments, one or a tuple of several."""
    inputs = []

    def slot(value):
        if not isinstance(value, (Symbol, Variable, np.ndarray)):
            return value
        inputs.append(Symbol.of(value, dtype))
        return SLOT

    arguments = {"given": mapped(slot, list(given)), "named": mapped(slot, dict(named))}
    made = HostFunction(function, arguments, dtype=dtype)(inputs)
    return tuple(made) if isinstance(made, list) else made
