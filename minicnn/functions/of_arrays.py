"""Functions that NumPy computes, of symbols too (`layers/host_function.py`). No gradient goes through them."""

from __future__ import annotations

import numpy as np

from ..layers.host_function import HostFunction, drawn
from .apply import as_array, draws, dtype_of

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


_FIRST = ("x", "x1", "sorted_sequence", "a", "targets", "indices")
_SECOND = ("x2", "bins", "values", "q", "b", "predictions")


def _of_arrays(name, function):
    HostFunction.functions[name] = function

    def call(*given, **named):
        given = list(given)
        for names in (_FIRST, _SECOND):  # NumPy calls some of them otherwise
            known = next((n for n in names if n in named), None)
            if known is not None and len(given) == (names is _SECOND):
                given.append(named.pop(known))
        if draws(given, list(named.values())):
            return drawn(name, given, named, dtype_of(given, list(named.values())))
        return _as_arrays(function(*map(_plain, given), **named), *given)

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"NumPy's {name}, of arrays; of symbols without a gradient."
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
    return as_array(result, *inputs)


for _name in _FROM_NUMPY:
    globals()[_name] = _of_arrays(_name, getattr(np, _name))
for _name in _FROM_LINALG:
    globals()[_name] = _of_arrays(_name, getattr(np.linalg, _name))
lstsq = _of_arrays("lstsq", lambda a, b, rcond=None: np.linalg.lstsq(a, b, rcond)[0])
for _name, _other in _OTHER_NAMES.items():
    globals()[_name] = globals()[_other]


def empty(shape, dtype=None):
    """Zeros: NumPy would leave the numbers open."""
    return as_array(np.zeros(shape, dtype or "float32"))


def _histogram(x, bins=10, range=None):
    counts, edges = np.histogram(x, bins, range)
    return counts.astype(np.float32), edges


def _largest(x, k, sorted=True):
    order = np.argsort(-x, axis=-1, kind="stable")[..., :k]
    return np.take_along_axis(x, order, -1), order.astype(np.int32)


def _among_largest(targets, predictions, k):
    own = np.take_along_axis(predictions, np.asarray(targets, np.int64).reshape(-1, 1), 1)
    return ((predictions > own).sum(1) < k) & np.isfinite(own[:, 0])


histogram = _of_arrays("histogram", _histogram)
histogram.__doc__ = "(how many numbers of a vector lie between neighbouring edges, as floats, the bins + 1 edges)."
logdet = _of_arrays("logdet", lambda x: np.linalg.slogdet(x)[1])
logdet.__doc__ = "The logarithm of the size of a matrix's determinant."
top_k = _of_arrays("top_k", _largest)
top_k.__doc__ = "(the k largest numbers along the last axis, their indices)."
in_top_k = _of_arrays("in_top_k", _among_largest)
in_top_k.__doc__ = "For each row of predictions (N, F) whether its target's number is finite, and among the k largest."
