"""Functions of arrays alone: NumPy computes them. On symbols they say that minicnn does not have them there."""

from __future__ import annotations

import numpy as np

from .apply import as_array, draws

_FROM_NUMPY = (
    "allclose", "argpartition", "argsort", "bartlett", "bincount", "bitwise_and", "bitwise_invert", "bitwise_not",
    "bitwise_or", "bitwise_xor", "blackman", "corrcoef", "correlate", "cross", "cumprod", "diag", "diagflat",
    "digitize", "gcd", "geomspace", "hamming", "hanning", "i0", "isin", "isneginf",
    "isposinf", "isreal", "kaiser", "lcm", "ldexp", "left_shift", "logspace", "median", "meshgrid", "nanargmax",
    "nanargmin", "nancumprod", "nancumsum", "nanmax", "nanmean", "nanmedian", "nanmin", "nanpercentile", "nanprod",
    "nanquantile", "nanstd", "nansum", "nanvar", "nextafter", "nonzero", "percentile", "quantile", "right_shift",
    "searchsorted", "signbit", "sort", "trapezoid", "tri", "unique", "unravel_index", "vander",
)  # fmt: skip
_FROM_LINALG = (
    "cholesky", "det", "eig", "eigh", "inv", "lstsq", "matrix_rank", "pinv", "qr", "slogdet", "solve", "svd",
)  # fmt: skip
_OTHER_NAMES = {"bitwise_left_shift": "left_shift", "bitwise_right_shift": "right_shift"}

__all__ = [
    *_FROM_NUMPY, *_FROM_LINALG, *_OTHER_NAMES, "empty", "histogram",
    "in_top_k", "logdet", "top_k",
]  # fmt: skip


def _of_arrays(name, function):
    def call(*arguments, **named):
        if draws(*arguments, *named.values()):
            raise NotImplementedError(f"minicnn has no ops.{name} of symbols, only of arrays.")
        return _as_arrays(function(*map(_plain, arguments), **named), *arguments)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"NumPy's {name}, of arrays."
    return call


def _plain(value):
    """An array without what minicnn adds to it: NumPy's functions may return parts of it."""
    return np.asarray(value) if isinstance(value, np.ndarray) or hasattr(value, "__array__") else value


def _as_arrays(result, *inputs):
    """What NumPy returned, as Arrays, in a tuple if there are several; a truth stays what it is."""
    if isinstance(result, (tuple, list)):
        return tuple(_as_arrays(part, *inputs) for part in result)
    if isinstance(result, bool):
        return result
    array = as_array(result, *inputs)
    return array.astype(np.int32) if array.dtype == np.int64 else array


for _name in _FROM_NUMPY:
    globals()[_name] = _of_arrays(_name, getattr(np, _name))
for _name in _FROM_LINALG:
    globals()[_name] = _of_arrays(_name, getattr(np.linalg, _name))
for _name, _other in _OTHER_NAMES.items():
    globals()[_name] = globals()[_other]


def empty(shape, dtype=None):
    """Zeros: NumPy would leave the numbers open."""
    return as_array(np.zeros(shape, dtype or "float32"))


def histogram(x, bins=10, range=None):
    """(how many numbers of a vector lie between neighbouring edges, as floats, the bins + 1 edges)."""
    return _of_arrays("histogram", lambda x: _with_float_counts(*np.histogram(x, bins, range)))(x)


def _with_float_counts(counts, edges):
    return counts.astype(np.float32), edges


def logdet(x):
    """The logarithm of the size of a matrix's determinant."""
    return _of_arrays("logdet", lambda x: np.linalg.slogdet(x)[1])(x)


def top_k(x, k, sorted=True):
    """(the k largest numbers along the last axis, their indices)."""

    def largest(x):
        order = np.argsort(-x, axis=-1, kind="stable")[..., :k]
        return np.take_along_axis(x, order, -1), order.astype(np.int32)

    return _of_arrays("top_k", largest)(x)


def in_top_k(targets, predictions, k):
    """For each row of predictions (N, F) whether its target's number is among the k largest."""

    def among(targets, predictions):
        own = np.take_along_axis(predictions, np.asarray(targets).reshape(-1, 1), 1)
        return (predictions > own).sum(1) < k

    return _of_arrays("in_top_k", among)(targets, predictions)
