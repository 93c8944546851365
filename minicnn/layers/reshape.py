"""Layers that change shapes and pad, and Rescaling."""

from __future__ import annotations

import math

import numpy as np

from ..config import checked_data_format
from ..ops import rescale, zero_pad2d
from ..shapes import is_positive_integer
from .base import Layer


class _View(Layer):
    """A layer that gives its input another shape: no number moves."""

    def forward(self, x, training=False, need_saved=True):
        return x.reshape(self.compute_output_shape(x.shape)), x.shape

    def backward(self, dy, saved, need_dx=True):
        return dy.reshape(saved)

    def flops(self, input_shape):
        return 0


class Flatten(_View):
    """(N, ...) to (N, the product of the other sizes)."""

    def __init__(self, data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = checked_data_format(data_format)

    def compute_output_shape(self, input_shape):
        rest = input_shape[1:]
        return (input_shape[0], None if None in rest else math.prod(rest))


class Reshape(_View):
    """(N, ...) to (N, *target_shape); one size may be -1: it follows from the others."""

    def __init__(self, target_shape, **kwargs):
        super().__init__(**kwargs)
        sizes = tuple(target_shape) if isinstance(target_shape, (tuple, list)) else (target_shape,)
        if sum(size == -1 for size in sizes) > 1 or not all(is_positive_integer(s) or s == -1 for s in sizes):
            raise ValueError(f"target_shape must hold positive integers and at most one -1; received {target_shape!r}.")
        self.target_shape = tuple(int(size) for size in sizes)

    def compute_output_shape(self, input_shape):
        rest, known = input_shape[1:], math.prod(size for size in self.target_shape if size != -1)
        if None in rest:
            return (input_shape[0], *(None if size == -1 else size for size in self.target_shape))
        total = math.prod(rest)
        if total % known or (-1 not in self.target_shape and total != known):
            raise ValueError(
                f"{self.name!r} cannot reshape {total} numbers of shape {tuple(rest)} to {self.target_shape}."
            )
        return (input_shape[0], *(total // known if size == -1 else size for size in self.target_shape))


class ZeroPadding2D(Layer):
    """Rows and columns of zeros around images. padding: one number, (rows, columns), or
    ((top, bottom), (left, right))."""

    rank = 4

    def __init__(self, padding=(1, 1), data_format=None, **kwargs):
        super().__init__(**kwargs)
        self.data_format = checked_data_format(data_format)
        self.padding = four_sides(padding, "padding")

    def compute_output_shape(self, input_shape):
        N, H, W, C = input_shape
        (top, bottom), (left, right) = self.padding
        return (N, None if H is None else top + H + bottom, None if W is None else left + W + right, C)

    def flops(self, input_shape):
        return 0

    def forward(self, x, training=False, need_saved=True):
        (top, bottom), (left, right) = self.padding
        return zero_pad2d.forward(x, (top, bottom, left, right), bool(need_saved))

    def backward(self, dy, saved, need_dx=True):
        return zero_pad2d.backward(dy, saved, need_dx)


def four_sides(value, name):
    """((top, bottom), (left, right)) from one number, a pair, or two pairs."""
    sides = (value, value) if not isinstance(value, (tuple, list)) else tuple(value)
    if len(sides) == 2:
        sides = tuple(tuple(s) if isinstance(s, (tuple, list)) else (s, s) for s in sides)
        numbers = [number for side in sides for number in side]
        if len(numbers) == 4 and all(hasattr(n, "__index__") and int(n) >= 0 for n in numbers):
            return sides
    raise ValueError(
        f"{name} must be an integer, a pair of integers, or two pairs of integers, all zero or more; "
        f"received {name}={value!r}."
    )


class Rescaling(Layer):
    """x * scale + offset; scale and offset are numbers, or one number per channel (last axis)."""

    def __init__(self, scale, offset=0.0, **kwargs):
        super().__init__(**kwargs)
        self.scale, self.offset = scale, offset

    def build(self, input_shape):
        for name in ("scale", "offset"):
            value = np.asarray(getattr(self, name), self.dtype)
            if value.size not in (1, input_shape[-1]) or value.ndim > 1:
                raise ValueError(
                    f"{name} must be a number, or one for each of the {input_shape[-1]} channels; "
                    f"received {name}={getattr(self, name)!r}."
                )

    def flops(self, input_shape):
        return 2 * math.prod(input_shape[1:])

    def _per_channel(self, value, x):
        return np.broadcast_to(np.asarray(value, x.dtype), (x.shape[-1],)).copy()

    def forward(self, x, training=False, need_saved=True):
        return rescale.forward(x, self._per_channel(self.scale, x), self._per_channel(self.offset, x), bool(need_saved))

    def backward(self, dy, saved, need_dx=True):
        return rescale.backward(dy, saved, need_dx)
