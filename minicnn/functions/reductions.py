"""One number from many: over an axis, over several, or over all (axis=None)."""

from __future__ import annotations

import builtins

import numpy as np

from ..layers.operations import Reduction
from ..symbol import Symbol
from .apply import computed, draws, dtype_of
from .elementwise import exp, log, sqrt, square
from .making import cast
from .operators import add, maximum, minimum, not_equal, subtract
from .places import squeeze

__all__ = [
    "all", "amax", "amin", "any", "argmax", "argmin", "average", "count_nonzero", "logsumexp", "max", "mean", "min",
    "moments", "norm", "prod", "std", "sum", "var",
]  # fmt: skip


def _reduction(name):
    function = getattr(np, name)

    def reduce(x, axis=None, keepdims=False):
        if draws(x):
            return Reduction(name, axis, keepdims, dtype=dtype_of(x))(Symbol.of(x, dtype_of(x)))
        made = computed(lambda x: function(x, axis=_axes(axis), keepdims=keepdims), x)
        return made.astype(np.int32) if name in ("argmax", "argmin") else made

    reduce.__name__ = reduce.__qualname__ = name
    reduce.__doc__ = f"{name} over an axis, several axes, or all; keepdims leaves sizes of 1."
    return reduce


def _axes(axis):
    return tuple(axis) if isinstance(axis, list) else axis


sum, mean, prod = _reduction("sum"), _reduction("mean"), _reduction("prod")
_max, _min = _reduction("max"), _reduction("min")
argmax, argmin = _reduction("argmax"), _reduction("argmin")
any, all = _reduction("any"), _reduction("all")


def max(x, axis=None, keepdims=False, initial=None):
    """The largest number over an axis, several axes, or all; at least `initial`."""
    return _max(x, axis, keepdims) if initial is None else maximum(_max(x, axis, keepdims), initial)


def min(x, axis=None, keepdims=False, initial=None):
    """The smallest number over an axis, several axes, or all; at most `initial`."""
    return _min(x, axis, keepdims) if initial is None else minimum(_min(x, axis, keepdims), initial)


amax, amin = max, min


def count_nonzero(x, axis=None):
    """How many numbers are not 0."""
    if draws(x):
        return sum(cast(not_equal(x, 0), "int32"), axis)
    return computed(lambda x: np.count_nonzero(x, axis=_axes(axis)), x).astype(np.int32)


def var(x, axis=None, keepdims=False):
    """The mean squared distance from the mean."""
    if draws(x):
        return mean(square(subtract(x, mean(x, axis, True))), axis, keepdims)
    return computed(lambda x: np.var(x, axis=_axes(axis), keepdims=keepdims), x)


def std(x, axis=None, keepdims=False):
    """The root of the mean squared distance from the mean."""
    return sqrt(var(x, axis, keepdims))


def moments(x, axes, keepdims=False, synchronized=False):
    """(mean, variance) over these axes."""
    return mean(x, axes, keepdims), var(x, axes, keepdims)


def average(x, axis=None, weights=None):
    """The mean, weighted if there are weights: of x's shape, or one for each place along `axis`."""
    if weights is None:
        return mean(x, axis)
    if len(np.shape(weights) if not draws(weights) else weights.shape) == 1 < len(x.shape):
        weights = np.asarray(weights).reshape([-1 if i == axis % len(x.shape) else 1 for i in range(len(x.shape))])
        return sum(x * weights, axis) / np.asarray(weights).sum()
    return sum(x * weights, axis) / sum(weights, axis)


def logsumexp(x, axis=None, keepdims=False):
    """log(sum(exp(x))), without overflow."""
    largest = max(x, axis, True)
    total = add(log(sum(exp(subtract(x, largest)), axis, True)), largest)
    if keepdims:
        return total
    return squeeze(total, _every_axis(total) if axis is None else axis)


def _every_axis(x):
    return list(range(len(x.shape)))


def norm(x, ord=None, axis=None, keepdims=False):
    """The length of vectors: ord 1 (sum of sizes), 2 or None (root of the sum of squares), or infinity."""
    if not draws(x):
        return computed(lambda x: np.linalg.norm(x, ord, _axes(axis), keepdims), x)
    several = axis is None or isinstance(axis, (tuple, list))
    if ord in (None, "fro") or (ord == 2 and not (several and builtins.len(x.shape) > 1)):
        return sqrt(sum(square(x), axis, keepdims))
    if not several and ord in (1, np.inf):
        size = builtins.abs(x)
        return sum(size, axis, keepdims) if ord == 1 else max(size, axis, keepdims)
    raise NotImplementedError(f"minicnn has the norms 1, 2 and infinity of vectors in symbols; received ord={ord!r}.")
