"""Activations as functions with arguments, made of functions of `minicnn.ops`: for arrays and symbols.

`activations.py` gives them names. Those that have a kernel of their own (`ops/activation`) come here only if they are
called with arguments, or on symbols.
"""

from __future__ import annotations

import numpy as np

from . import ops


def linear(x):
    """x itself."""
    return x


def relu(x, negative_slope=0.0, max_value=None, threshold=0.0):
    """x from `threshold` on, at most max_value; below, negative_slope * (x - threshold)."""
    below = ops.relu(threshold - x) if negative_slope else None
    y = ops.relu(x) if threshold == 0 else ops.where(x > threshold, x, 0.0)
    y = y if max_value is None else ops.clip(y, 0.0, max_value)
    return y if below is None else y - negative_slope * below


def softmax(x, axis=-1):
    """exp(x), divided by its sum along an axis, or along several."""
    if isinstance(axis, (list, tuple)) and len(axis) == 1:
        axis = axis[0]
    if isinstance(axis, (list, tuple)):
        return ops.exp(x - ops.logsumexp(x, axis=axis, keepdims=True))
    return ops.softmax(x, axis)


def gelu(x, approximate=False):
    """x * Phi(x), Phi being the normal distribution function; approximate takes a tanh for it."""
    return ops.gelu(x, approximate)


def mish(x):
    """x * tanh(softplus(x))."""
    return x * ops.tanh(ops.softplus(x))


def glu(x, axis=-1):
    """The first half of x times the sigmoid of the second half."""
    first, second = ops.split(x, 2, axis)
    return first * ops.sigmoid(second)


def hard_shrink(x, threshold=0.5):
    """x, but 0 between -threshold and threshold."""
    return ops.where(ops.abs(x) > threshold, x, 0.0)


def soft_shrink(x, threshold=0.5):
    """x moved by `threshold` towards 0."""
    return ops.maximum(x - threshold, 0.0) + ops.minimum(x + threshold, 0.0)


def sparse_plus(x):
    """0 up to -1, (x + 1)^2 / 4 up to 1, then x."""
    return ops.where(x <= -1, 0.0, ops.where(x < 1, 0.25 * ops.square(x + 1.0), x))


def sparse_sigmoid(x):
    """(x + 1) / 2, at least 0 and at most 1."""
    return ops.where(x <= -1, 0.0, ops.where(x >= 1, 1.0, 0.5 * (x + 1.0)))


def squareplus(x, b=4):
    """(x + sqrt(x^2 + b)) / 2."""
    return (x + ops.sqrt(ops.square(x) + b)) / 2.0


def threshold(x, threshold, default_value):
    """x above the threshold, default_value elsewhere."""
    return ops.where(x > threshold, x, float(default_value))


def of_ops(name):
    """The function of `minicnn.ops` with this name, looked up when it is called."""

    def function(x, *arguments, **named):
        return getattr(ops, name)(x if hasattr(x, "shape") else np.asarray(x), *arguments, **named)

    function.__name__ = function.__qualname__ = name
    return function
