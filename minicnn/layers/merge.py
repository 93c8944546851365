"""Layers that make one array of several."""

from __future__ import annotations

from ..ops import merge
from .base import Layer


def broadcast_shape(shapes: list[tuple]) -> tuple | None:
    """The shape after merging arrays of these shapes number by number; None if they do not fit or differ in rank."""
    if len({len(shape) for shape in shapes}) != 1:
        return None
    merged = []
    for sizes in zip(*shapes, strict=True):
        large = {size for size in sizes if size != 1}
        if len(large - {None}) > 1:
            return None
        merged.append(max(large - {None}, default=None if None in large else 1))
    return tuple(merged)


class _Merge(Layer):
    """A layer that takes a list of inputs; its backward returns a list."""

    takes_several = True

    def build_for(self, input_shape):
        if not isinstance(input_shape, list) or len(input_shape) < 2:
            raise ValueError(f"{self.name!r} merges a list of at least two inputs; received shape {input_shape}.")
        self.compute_output_shape(input_shape)
        super().build_for(input_shape)

    def _cannot_merge(self, shapes):
        return ValueError(f"{self.name!r} cannot merge inputs of shapes {', '.join(str(tuple(s)) for s in shapes)}.")


class _Elementwise(_Merge):
    """A merge number by number; axes of size 1 are broadcast."""

    def compute_output_shape(self, input_shape):
        shapes = [tuple(shape) for shape in input_shape]
        merged = broadcast_shape(shapes)
        if merged is None:
            raise self._cannot_merge(shapes)
        return merged

    operation = ""
    """The name in `ops.merge`."""

    def forward(self, x, training=False, need_saved=True):
        return merge.forward(self.operation, x, bool(need_saved))

    def backward(self, dy, saved, need_dx=True):
        return merge.backward(self.operation, dy, saved)


class Add(_Elementwise):
    """The sum of the inputs."""

    operation = "add"


class Average(_Elementwise):
    """The mean of the inputs, number by number."""

    operation = "average"


class Multiply(_Elementwise):
    """The product of the inputs, number by number."""

    operation = "multiply"


class Maximum(_Elementwise):
    """The largest of the inputs, number by number."""

    operation = "maximum"


class Minimum(_Elementwise):
    """The smallest of the inputs, number by number."""

    operation = "minimum"


class Subtract(_Elementwise):
    """The first of two inputs minus the second."""

    operation = "subtract"

    def build_for(self, input_shape):
        if isinstance(input_shape, list) and len(input_shape) != 2:
            raise ValueError(f"{self.name!r} subtracts one input from another; received {len(input_shape)} inputs.")
        super().build_for(input_shape)


class Concatenate(_Merge):
    """The inputs side by side along `axis`."""

    def __init__(self, axis=-1, **kwargs):
        super().__init__(**kwargs)
        self.axis = axis

    def compute_output_shape(self, input_shape):
        shapes = [list(shape) for shape in input_shape]
        ranks = {len(shape) for shape in shapes}
        axis = self.axis if self.axis >= 0 else self.axis + len(shapes[0])
        if len(ranks) != 1 or not 0 <= axis < len(shapes[0]):
            raise self._cannot_merge(shapes)
        sizes = [shape.pop(axis) for shape in shapes]
        for others in zip(*shapes, strict=True):
            if len(set(others) - {None}) > 1:
                raise self._cannot_merge(input_shape)
        joined = list(input_shape[0])
        joined[axis] = None if None in sizes else sum(sizes)
        return tuple(joined)

    def forward(self, x, training=False, need_saved=True):
        return merge.concatenate_forward(x, self.axis, bool(need_saved))

    def backward(self, dy, saved, need_dx=True):
        return merge.concatenate_backward(dy, saved)


def add(inputs, **kwargs):
    """The sum of a list of symbols or arrays."""
    return Add(**kwargs)(inputs)


def average(inputs, **kwargs):
    """The mean of a list of symbols or arrays, number by number."""
    return Average(**kwargs)(inputs)


def multiply(inputs, **kwargs):
    """The product of a list of symbols or arrays, number by number."""
    return Multiply(**kwargs)(inputs)


def maximum(inputs, **kwargs):
    """The largest of a list of symbols or arrays, number by number."""
    return Maximum(**kwargs)(inputs)


def minimum(inputs, **kwargs):
    """The smallest of a list of symbols or arrays, number by number."""
    return Minimum(**kwargs)(inputs)


def subtract(inputs, **kwargs):
    """The first of two symbols or arrays minus the second."""
    return Subtract(**kwargs)(inputs)


def concatenate(inputs, axis=-1, **kwargs):
    """A list of symbols or arrays side by side along `axis`."""
    return Concatenate(axis, **kwargs)(inputs)
