"""Layers that move numbers or multiply two inputs, and PReLU, written with functions of `minicnn.ops`."""

from __future__ import annotations

from .. import constraints, initializers, ops, regularizers
from ..shapes import is_positive_integer
from .base import Layer


class Permute(Layer):
    """(N, ...) with its other axes in another order; dims begin at 1."""

    def __init__(self, dims, **kwargs):
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ValueError(f"dims must hold each of 1, 2, ... once; received dims={dims!r}.")
        self.rank = len(self.dims) + 1

    def call(self, inputs):
        return ops.transpose(inputs, (0, *self.dims))


class RepeatVector(Layer):
    """(N, features) to (N, n, features)."""

    rank = 2

    def __init__(self, n, **kwargs):
        super().__init__(**kwargs)
        if not is_positive_integer(n):
            raise ValueError(f"n must be a positive integer; received n={n!r}.")
        self.n = int(n)

    def call(self, inputs):
        return ops.repeat(ops.expand_dims(inputs, 1), self.n, axis=1)


class Dot(Layer):
    """The sums of products of two inputs along `axes`, sample by sample; normalize: of vectors of length 1."""

    takes_several = True

    def __init__(self, axes, normalize=False, **kwargs):
        super().__init__(**kwargs)
        pair = (axes, axes) if isinstance(axes, int) else axes
        if not isinstance(pair, (list, tuple)) or len(pair) != 2 or not all(isinstance(axis, int) for axis in pair):
            raise ValueError(f"axes must be an integer or a pair of integers; received axes={axes!r}.")
        self.axes, self.normalize = axes, bool(normalize)

    def call(self, inputs):
        if not isinstance(inputs, (list, tuple)) or len(inputs) != 2:
            raise ValueError(f"{self.name!r} takes a list of two inputs; received {inputs!r}.")
        pair = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        axes = [axis % len(x.shape) for axis, x in zip(pair, inputs, strict=True)]
        if 0 in axes or inputs[0].shape[axes[0]] != inputs[1].shape[axes[1]]:
            raise ValueError(
                f"{self.name!r} cannot multiply inputs of shapes {inputs[0].shape} and {inputs[1].shape} along "
                f"axes={tuple(axes)}: they must be of one size, and not the batch axis."
            )
        if self.normalize:
            inputs = [ops.normalize(x, axis) for x, axis in zip(inputs, axes, strict=True)]
        a, b = (self._last(x, axis) for x, axis in zip(inputs, axes, strict=True))
        before = [size for x in (a, b) for size in x.shape[1:-1]]
        a, b = (ops.reshape(x, [-1, _count(x.shape[1:-1]), x.shape[-1]]) for x in (a, b))
        y = ops.matmul(a, ops.transpose(b, (0, 2, 1)))
        return ops.reshape(y, [-1, *(before or [1])])

    @staticmethod
    def _last(x, axis):
        return ops.moveaxis(x, axis, -1)


def _count(sizes):
    total = 1
    for size in sizes:
        total *= size
    return total


def dot(inputs, axes=-1, **kwargs):
    """The sums of products of two symbols or arrays along `axes`, sample by sample."""
    return Dot(axes, **kwargs)(inputs)


class PReLU(Layer):
    """x above zero, alpha * x below, with a weight alpha for each number of a sample, or one along shared_axes.

    Source: He et al., "Delving Deep into Rectifiers", 2015.
    """

    def __init__(
        self, alpha_initializer="Zeros", alpha_regularizer=None, alpha_constraint=None, shared_axes=None, **kwargs
    ):
        super().__init__(**kwargs)
        self.alpha_initializer = initializers.get(alpha_initializer)
        self.alpha_regularizer = regularizers.get(alpha_regularizer)
        self.alpha_constraint = constraints.get(alpha_constraint)
        shared_axes = [shared_axes] if isinstance(shared_axes, int) else shared_axes
        self.shared_axes = None if shared_axes is None else list(shared_axes)

    def build(self, input_shape):
        shape = [1 if axis in (self.shared_axes or ()) else size for axis, size in enumerate(input_shape)][1:]
        if None in shape:
            raise ValueError(
                f"{self.name!r} needs the sizes of axes that are not shared; received shape {tuple(input_shape)} with "
                f"shared_axes={self.shared_axes}."
            )
        self.alpha = self.add_weight(
            tuple(shape), self.alpha_initializer, regularizer=self.alpha_regularizer,
            constraint=self.alpha_constraint, name="alpha",
        )  # fmt: skip

    def call(self, inputs):
        return ops.relu(inputs) - self.alpha * ops.relu(-inputs)
