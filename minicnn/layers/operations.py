"""The functions of `minicnn.ops` in a graph: each call on a symbol makes one of these layers. They have no weights.

The layers for two inputs (`+ - * /`, comparisons, powers) are in `arithmetic.py`.
"""

from __future__ import annotations

import math

import numpy as np

from ..kernels.cpu.recording import computed_weights
from ..ops import activation, conv2d, conv2d_transpose, elementwise, matrix_product, merge, reduce
from ..runtime import transfer
from ..shapes import output_size, transposed_size
from .base import registry
from .merge import broadcast_shape
from .operation import Operation
from .places import moved, moved_back

ACTIVATIONS = {"exp": "exponential", "tanh": "tanh", "sigmoid": "sigmoid"}
"""Functions of one number that are among the activations, by Keras's names."""


@registry.add()
class Elementwise(Operation):
    """A function of one number, by its name in `ops.elementwise` or Keras's name of an activation."""

    def __init__(self, operation, name=None, dtype=None):
        super().__init__(operation, name, dtype)
        self.operation = operation

    def forward(self, x, training=False, need_saved=True):
        if self.operation in ACTIVATIONS:
            return activation.forward(ACTIVATIONS[self.operation], x, need_saved=bool(need_saved))
        return elementwise.forward(self.operation, x, bool(need_saved))

    def backward(self, dy, saved, need_dx=True):
        if self.operation in ACTIVATIONS:
            return activation.backward(ACTIVATIONS[self.operation], dy, saved)
        return elementwise.backward(self.operation, dy, saved)


@registry.add()
class StopGradient(Operation):
    """The input unchanged; no gradient comes back through it."""

    def __init__(self, name=None, dtype=None):
        super().__init__("stop_gradient", name, dtype)

    def forward(self, x, training=False, need_saved=True):
        return x, None

    def backward(self, dy, saved, need_dx=True):
        return None


_OF_TRUTH = {"any": "max", "all": "min"}


def _truth(x):
    """1 where x is not zero, else 0."""
    return merge.forward("not_equal", [x, transfer.full_like(x, 0)], need_saved=False)[0]


@registry.add()
class Cast(Operation):
    """The input in another type. In a graph all numbers are floats of one type: whole numbers lose their fraction, true
    and false are 1 and 0."""

    def __init__(self, to, name=None, dtype=None):
        super().__init__("cast", name, dtype)
        self.to = to

    def forward(self, x, training=False, need_saved=True):
        if np.dtype(self.to).kind == "b":
            return _truth(x), None
        if np.dtype(self.to).kind in "iu":
            return elementwise.forward("trunc", x, need_saved=False)
        return x, None

    def backward(self, dy, saved, need_dx=True):
        return dy if np.dtype(self.to).kind == "f" else None


@registry.add()
class Logical(Operation):
    """logical_and, logical_or, logical_xor of two inputs, logical_not of one: 1 for true, 0 for false."""

    takes_several = True

    def __init__(self, operation, name=None, dtype=None):
        super().__init__(operation, name, dtype)
        self.operation = operation

    def compute_output_shape(self, input_shape):
        rank = max(map(len, input_shape))
        merged = broadcast_shape([(1,) * (rank - len(shape)) + tuple(shape) for shape in input_shape])
        if merged is None:
            raise ValueError(f"{self.name!r} cannot combine shapes {', '.join(map(str, input_shape))}.")
        return merged

    def forward(self, x, training=False, need_saved=True):
        rank = max(len(v.shape) for v in x)
        values = [_truth(v.reshape((1,) * (rank - len(v.shape)) + tuple(v.shape))) for v in x]
        if self.operation == "logical_not":
            values.append(transfer.full_like(values[0], 1))
        by = {"logical_and": "multiply", "logical_or": "maximum"}.get(self.operation, "not_equal")
        return merge.forward(by, values, need_saved=False)

    def backward(self, dy, saved, need_dx=True):
        return [None] * (1 if self.operation == "logical_not" else 2)


@registry.add()
class Reduction(Operation):
    """A reduction of `ops.reduce` over `axis`: a number, several, or None for all; keepdims leaves sizes of 1."""

    def __init__(self, operation, axis=None, keepdims=False, name=None, dtype=None):
        super().__init__(operation, name, dtype)
        self.operation, self.keepdims = operation, bool(keepdims)
        self.axis = list(axis) if isinstance(axis, (tuple, list)) else axis

    def axes(self, rank):
        """The axes that are reduced, of an input with this many."""
        given = range(rank) if self.axis is None else self.axis if isinstance(self.axis, list) else [self.axis]
        axes = sorted(axis + rank if axis < 0 else axis for axis in given)
        if any(not 0 <= axis < rank for axis in axes) or len(set(axes)) != len(axes):
            raise ValueError(f"{self.name!r} cannot reduce axis={self.axis!r} of an input with {rank} axes.")
        return axes

    def compute_output_shape(self, input_shape):
        axes = self.axes(len(input_shape))
        if self.keepdims:
            return tuple(1 if axis in axes else size for axis, size in enumerate(input_shape))
        return tuple(size for axis, size in enumerate(input_shape) if axis not in axes)

    def forward(self, x, training=False, need_saved=True):
        axes, shape = self.axes(len(x.shape)), x.shape
        how = None
        if axes and axes[-1] - axes[0] + 1 != len(axes):  # not side by side: move them to the end
            kept = [axis for axis in range(len(shape)) if axis not in axes]
            x, how = moved(x, "transpose", {"axes": [*kept, *axes]})
            before, reduced, behind = [shape[axis] for axis in kept], [shape[axis] for axis in axes], ()
        else:
            first = axes[0] if axes else len(shape)
            before, reduced, behind = shape[:first], shape[first : first + len(axes)], shape[first + len(axes) :]
        x, operation = x.reshape(math.prod(before), math.prod(reduced), math.prod(behind)), self.operation
        if operation in _OF_TRUTH:
            operation, x = _OF_TRUTH[operation], _truth(x)
        y, saved = reduce.forward(operation, x, bool(need_saved))
        return y.reshape(self.compute_output_shape(shape)), (saved, how, shape, x.shape)

    def backward(self, dy, saved, need_dx=True):
        saved, how, shape, (A, _, B) = saved
        if self.operation in _OF_TRUTH:
            return None
        dx = reduce.backward(self.operation, dy.reshape(A, B), saved)
        return (dx if how is None else moved_back(dx, how)).reshape(shape)


@registry.add()
class Where(Operation):
    """Of three inputs: the second where the first is not zero, else the third. NaN in the other one does no harm."""

    takes_several = True

    def __init__(self, name=None, dtype=None):
        super().__init__("where", name, dtype)

    def compute_output_shape(self, input_shape):
        rank = max(map(len, input_shape))
        merged = broadcast_shape([(1,) * (rank - len(shape)) + tuple(shape) for shape in input_shape])
        if merged is None:
            raise ValueError(f"{self.name!r} cannot choose between shapes {', '.join(map(str, input_shape))}.")
        return merged

    def forward(self, x, training=False, need_saved=True):
        shapes = [array.shape for array in x]
        rank, need_saved = max(map(len, shapes)), bool(need_saved)
        condition, yes, no = (v.reshape((1,) * (rank - len(v.shape)) + tuple(v.shape)) for v in x)
        negated, _ = merge.forward("equal", [condition, transfer.full_like(condition, 0)], need_saved=False)
        first, saved_first = merge.forward("keep_where", [yes, condition], need_saved)
        second, saved_second = merge.forward("keep_where", [no, negated], need_saved)
        y, saved = merge.forward("add", [first, second], need_saved)
        return y, (saved_first, saved_second, saved, shapes)

    def backward(self, dy, saved, need_dx=True):
        saved_first, saved_second, saved, (_, yes, no) = saved
        first, second = merge.backward("add", dy, saved)
        dyes, _ = merge.backward("keep_where", first, saved_first)
        dno, _ = merge.backward("keep_where", second, saved_second)
        return [None, dyes.reshape(yes), dno.reshape(no)]


@registry.add()
class Matmul(Operation):
    """The products of the matrices in the last two axes. The axes before them are broadcast as in NumPy."""

    takes_several = True

    def __init__(self, name=None, dtype=None):
        super().__init__("matmul", name, dtype)

    def compute_output_shape(self, input_shape):
        a, b = (tuple(shape) for shape in input_shape)
        if len(a) < 2 or len(b) < 2 or (a[-1] != b[-2] and None not in (a[-1], b[-2])):
            raise ValueError(f"{self.name!r} cannot multiply matrices of shapes {a} and {b}.")
        rank = max(len(a), len(b)) - 2
        before = broadcast_shape([(1,) * (rank - len(shape) + 2) + shape[:-2] for shape in (a, b)])
        if before is None:
            raise ValueError(f"{self.name!r} cannot multiply matrices of shapes {a} and {b}.")
        return (*before, a[-2], b[-1])

    def flops(self, input_shape):
        return 2 * math.prod(self.compute_output_shape(input_shape)[1:]) * input_shape[0][-1]

    def forward(self, x, training=False, need_saved=True):
        (a, b), spread = x, [None, None]
        shapes, made = [v.shape for v in x], self.compute_output_shape([v.shape for v in x])
        if len(b.shape) > 2:  # equally many matrices on both sides
            a, spread[0] = _spread(a, made[:-2])
            b, spread[1] = _spread(b, made[:-2])
        products = 1 if len(b.shape) == 2 else math.prod(made[:-2])
        y, saved = matrix_product.forward(
            a.reshape(products, math.prod(a.shape[:-1]) // max(products, 1), a.shape[-1]),
            b.reshape(products, *b.shape[-2:]),
            bool(need_saved),
        )
        return y.reshape(made), (saved, shapes, spread, y.shape)

    def backward(self, dy, saved, need_dx=True):
        saved, shapes, spread, y_shape = saved
        gradients = matrix_product.backward(dy.reshape(y_shape), saved)
        return [
            (dx if how is None else moved_back(dx, how)).reshape(shape)
            for dx, how, shape in zip(gradients, spread, shapes, strict=True)
        ]


def _spread(x, before):
    """(x with these axes before its matrices, what `moved_back` needs or None)."""
    shape = (*before, *x.shape[-2:])
    return (x, None) if tuple(x.shape) == shape else moved(x, "broadcast_to", {"shape": shape})


@registry.add()
class ConvolutionBy(Operation):
    """A convolution whose kernel is an input too. kind: "conv", "depthwise_conv" or "conv_transpose"."""

    takes_several = True

    def __init__(self, kind, strides, padding, dilation, output_padding=None, name=None, dtype=None):
        super().__init__(kind, name, dtype)
        self.kind, self.padding = kind, padding
        self.strides, self.dilation, self.output_padding = (
            None if pair is None else tuple(pair) for pair in (strides, dilation, output_padding)
        )

    def compute_output_shape(self, input_shape):
        (N, H, W, C), (KH, KW, third, fourth) = input_shape
        (SH, SW), (DH, DW), (more_H, more_W) = self.strides, self.dilation, self.output_padding or (None, None)
        if self.kind == "conv_transpose":
            OH = transposed_size(H, KH, SH, self.padding, more_H, DH)
            return (N, OH, transposed_size(W, KW, SW, self.padding, more_W, DW), third)
        F = fourth if self.kind == "conv" else C * fourth
        return (N, output_size(H, KH, SH, self.padding, DH), output_size(W, KW, SW, self.padding, DW), F)

    def flops(self, input_shape):
        KH, KW, third, _ = input_shape[1]
        return 2 * KH * KW * third * math.prod(self.compute_output_shape(input_shape)[1:])

    def forward(self, x, training=False, need_saved=True):
        x, w = x
        if self.kind == "conv_transpose":
            with computed_weights():
                y, saved = conv2d_transpose.forward(
                    x, w, None, self.strides, self.padding, self.output_padding, self.dilation,
                    need_saved=bool(need_saved),
                )  # fmt: skip
            return y, (saved, w.shape)
        KH, KW, C, F = w.shape
        kernel, groups = (w, x.shape[3] // C) if self.kind == "conv" else (w.reshape(KH, KW, 1, C * F), C)
        with computed_weights():
            y, saved = conv2d.forward(
                x, kernel, None, self.strides, self.padding, self.dilation, groups, need_saved=bool(need_saved)
            )
        return y, (saved, w.shape)

    def backward(self, dy, saved, need_dx=True):
        saved, w_shape = saved
        operation = conv2d_transpose if self.kind == "conv_transpose" else conv2d
        dx, dw, _ = operation.backward(dy, saved)
        return [dx, dw.reshape(w_shape)]
