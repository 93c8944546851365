"""`+ - * /` and `[..., ::-1]` on symbols: each makes a new layer and calls it."""

from __future__ import annotations

import numpy as np

from ..ops import merge, reverse
from ..runtime import transfer
from ..symbol import Symbol, is_symbolic
from .base import Layer, registry
from .merge import broadcast_shape
from .names import automatic_name

_NAMES = {"add": "Add", "subtract": "Subtract", "multiply": "Multiply", "divide": "TrueDivide"}  # as Keras calls them


@registry.add()
class Arithmetic(Layer):
    """Two arrays added, subtracted, multiplied or divided, number by number.

    operation: "add", "subtract", "multiply" or "divide". With a constant (a number, or an array that broadcasts) the
    layer takes one input, which is the second of the two if constant_first. Without a constant it takes a list of two.
    """

    def __init__(self, operation, constant=None, constant_first=False, name=None, **kwargs):
        super().__init__(name=name or automatic_name(_NAMES[operation]), **kwargs)
        self.operation, self.constant_first = operation, bool(constant_first)
        self.constant = None if constant is None else np.asarray(constant)
        self.takes_several = constant is None
        self._constant_there = None

    def get_config(self):
        constant = None if self.constant is None else self.constant.tolist()
        return {**super().get_config(), "constant": constant}

    def _both(self, x, constant):
        if self.constant is None:
            return list(x)
        return [constant, x] if self.constant_first else [x, constant]

    def compute_output_shape(self, input_shape):
        constant = None if self.constant is None else self.constant.shape
        shapes = self._both(input_shape, constant)
        merged = None
        if constant is None:
            merged = broadcast_shape(shapes)
        elif len(constant) < len(input_shape) or constant[:1] == (1,):  # all samples get the same constant
            merged = broadcast_shape([(1,) * (len(input_shape) - len(shape)) + tuple(shape) for shape in shapes])
        if merged is None:
            raise ValueError(
                f"{self.name!r} cannot {self.operation} shapes {tuple(shapes[0])} and {tuple(shapes[1])}: sizes must "
                "be equal or 1, and a constant must have no batch axis, or a batch axis of size 1."
            )
        return merged

    def forward(self, x, training=False, need_saved=True):
        if self.constant is not None:
            if self._constant_there is None or self._constant_there.dtype != self.dtype:
                shape = (1,) * (len(x.shape) - self.constant.ndim) + self.constant.shape
                self._constant_there = np.ascontiguousarray(self.constant, self.dtype).reshape(shape)
            self._constant_there = transfer.to_device(self._constant_there)
        return merge.forward(self.operation, self._both(x, self._constant_there), bool(need_saved))

    def backward(self, dy, saved, need_dx=True):
        dxs = merge.backward(self.operation, dy, saved)
        return dxs if self.constant is None else dxs[1 if self.constant_first else 0]


@registry.add()
class ReverseLastAxis(Layer):
    """Reverses the last axis, as from RGB to BGR."""

    def __init__(self, name=None, **kwargs):
        super().__init__(name=name or automatic_name("GetItem"), **kwargs)  # as Keras calls it

    def flops(self, input_shape):
        return 0

    def forward(self, x, training=False, need_saved=True):
        return reverse.forward(x, bool(need_saved))

    def backward(self, dy, saved, need_dx=True):
        return reverse.backward(dy, saved, need_dx)


def _calculate(operation, first, second):
    """The symbol of `first operation second`; at least one of the two is a symbol."""
    symbol = first if isinstance(first, Symbol) else second
    if is_symbolic(first) and is_symbolic(second):
        return Arithmetic(operation, dtype=symbol.dtype)([first, second])
    constant = second if symbol is first else first
    array = np.asarray(constant)
    if array.dtype.kind not in "buif":
        raise TypeError(f"A symbol can be combined only with numbers, arrays and symbols; received {constant!r}.")
    return Arithmetic(operation, array, symbol is second, dtype=symbol.dtype)(symbol)


def _reverse(symbol):
    return ReverseLastAxis(dtype=symbol.dtype)(symbol)


Symbol.calculate, Symbol.reverse = staticmethod(_calculate), staticmethod(_reverse)
