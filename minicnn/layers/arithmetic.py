"""What `+ - * /`, comparisons and powers of symbols become: layers that merge two arrays, or one and a constant."""

from __future__ import annotations

import numpy as np

from ..ops import merge
from ..runtime import transfer
from .base import Layer, registry
from .merge import broadcast_shape
from .names import operation_name

KERAS_NAMES = {  # of the operations: the class that Keras has for each
    "add": "Add", "subtract": "Subtract", "multiply": "Multiply", "divide": "TrueDivide", "power": "Power",
    "maximum": "Maximum", "minimum": "Minimum", "greater": "Greater", "greater_equal": "GreaterEqual", "less": "Less",
    "less_equal": "LessEqual", "equal": "Equal", "not_equal": "NotEqual",
}  # fmt: skip


@registry.add()
class Arithmetic(Layer):
    """Two arrays added, subtracted, multiplied, compared and so on, number by number; axes are broadcast as in NumPy.

    operation: a name in `ops.merge.NAMES`. With a constant (a number, or an array that broadcasts) the layer takes one
    input, which is the second of the two if constant_first. Without a constant it takes a list of two.
    """

    is_operation = True

    def __init__(self, operation, constant=None, constant_first=False, name=None, **kwargs):
        super().__init__(name=name or operation_name(KERAS_NAMES[operation]), **kwargs)
        self.operation, self.constant_first = operation, bool(constant_first)
        self.constant = None if constant is None else np.array(constant)
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
        if constant is None or len(constant) < len(input_shape) or constant[:1] == (1,) or not input_shape:
            merged = broadcast_shape(_with_rank(max(map(len, shapes)), shapes))  # all samples get the same constant
        if merged is None:
            raise ValueError(
                f"{self.name!r} cannot {self.operation} shapes {tuple(shapes[0])} and {tuple(shapes[1])}: sizes must "
                "be equal or 1, and a constant must have no batch axis, or a batch axis of size 1."
            )
        return merged

    def forward(self, x, training=False, need_saved=True):
        if self.constant is not None:
            if self._constant_there is None or self._constant_there.dtype != self.dtype:
                self._constant_there = np.ascontiguousarray(self.constant, self.dtype).reshape(self.constant.shape)
            there = transfer.to_device(self._constant_there)
            if there is not self._constant_there:
                self._constant_there = there
        xs = self._both(x, self._constant_there)
        shapes = [array.shape for array in xs]
        rank = max(map(len, shapes))
        xs = [array.reshape(shape) for array, shape in zip(xs, _with_rank(rank, shapes), strict=True)]
        y, saved = merge.forward(self.operation, xs, bool(need_saved))
        return y, (saved, shapes)

    def backward(self, dy, saved, need_dx=True):
        saved, shapes = saved
        dxs = merge.backward(self.operation, dy, saved)
        dxs = [None if dx is None else dx.reshape(shape) for dx, shape in zip(dxs, shapes, strict=True)]
        return dxs if self.constant is None else dxs[1 if self.constant_first else 0]


def _with_rank(rank, shapes):
    """The shapes with sizes of 1 before their first axis, so that all have this rank."""
    return [(1,) * (rank - len(shape)) + tuple(shape) for shape in shapes]
