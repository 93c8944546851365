"""Arrays from nothing, types and shapes."""

from __future__ import annotations

import builtins

import numpy as np

from .. import config
from ..layers.operations import Cast, StopGradient
from ..symbol import Symbol, ask_for_sizes
from ..variable import Variable
from .apply import as_array, draws, dtype_of
from .operators import add, equal, multiply

__all__ = [
    "arange", "array", "cast", "convert_to_numpy", "convert_to_tensor", "copy", "dtype", "eye", "full", "full_like",
    "identity", "is_tensor", "linspace", "ndim", "ones", "ones_like", "shape", "size", "stop_gradient", "zeros",
    "zeros_like",
]  # fmt: skip


def _made(array, dtype=None):
    array = np.asarray(array)
    if dtype is None and array.dtype == np.float64:
        dtype = config.floatx()
    return array.astype(dtype or array.dtype).view(type(as_array(0)))


def zeros(shape, dtype=None):
    """Zeros."""
    return _made(np.zeros(shape), dtype)


def ones(shape, dtype=None):
    """Ones."""
    return _made(np.ones(shape), dtype)


def full(shape, fill_value, dtype=None):
    """One number everywhere."""
    return _made(np.full(shape, fill_value), dtype)


def eye(N, M=None, k=0, dtype=None):
    """Ones on a diagonal, zeros elsewhere."""
    return _made(np.eye(N, M, k), dtype)


def identity(n, dtype=None):
    """The identity matrix."""
    return eye(n, dtype=dtype)


def arange(start, stop=None, step=None, dtype=None):
    """Numbers from start to stop, without stop."""
    numbers = np.arange(start, stop, 1 if step is None else step) if stop is not None else np.arange(start)
    return _made(numbers.astype("int32") if dtype is None and numbers.dtype == np.int64 else numbers, dtype)


def linspace(start, stop, num=50, endpoint=True, retstep=False, dtype=None, axis=0):
    """num numbers at equal distances; with retstep also the distance."""
    numbers, step = np.linspace(start, stop, num, endpoint, retstep=True, axis=axis)
    return (_made(numbers, dtype), _made(step, dtype)) if retstep else _made(numbers, dtype)


def zeros_like(x, dtype=None):
    """Zeros in x's shape."""
    return (
        cast(equal(x, np.nan), config.floatx())
        if draws(x)
        else _made(np.zeros_like(np.asarray(x)), dtype or np.asarray(x).dtype)
    )


def ones_like(x, dtype=None):
    """Ones in x's shape."""
    return add(zeros_like(x), 1.0) if draws(x) else _made(np.ones_like(np.asarray(x)), dtype or np.asarray(x).dtype)


def full_like(x, fill_value, dtype=None):
    """One number everywhere, in x's shape."""
    return multiply(ones_like(x, dtype), fill_value)


def convert_to_tensor(x, dtype=None, sparse=None, ragged=None):
    """x as an array; symbols stay symbols."""
    if draws(x):
        return cast(x, dtype) if dtype is not None else Symbol.of(x, dtype_of(x))
    made = np.asarray(x, dtype)
    return as_array(made, made if hasattr(x, "dtype") or dtype else 0)


array = convert_to_tensor


def convert_to_numpy(x):
    """x as a plain NumPy array."""
    return np.asarray(x).view(np.ndarray)


def cast(x, dtype):
    """x in another type. A model computes in one float type: in symbols whole numbers are floats without a fraction,
    and true and false are 1 and 0."""
    name = np.dtype(dtype).name
    if draws(x):
        return Cast(name, dtype=dtype_of(x))(Symbol.of(x, dtype_of(x)))
    return np.asarray(x).astype(name).view(type(as_array(0)))


def copy(x):
    """A copy of x; a symbol itself."""
    return x if draws(x) else np.array(x).view(type(as_array(0)))


def shape(x):
    """The sizes of x. A size that is not known yet is None: the batch of a symbol in a functional model."""
    if isinstance(x, Symbol):
        ask_for_sizes(x)
    return tuple(x.shape) if hasattr(x, "shape") else np.shape(x)


def ndim(x):
    """The number of axes."""
    return builtins.len(shape(x))


def size(x):
    """How many numbers x holds; None if this is not known yet."""
    sizes = shape(x)
    return None if None in sizes else int(np.prod(sizes))


def dtype(x):
    """The name of x's type."""
    return str(x.dtype) if hasattr(x, "dtype") else np.asarray(x).dtype.name


def is_tensor(x):
    """Whether x is an array, a variable or a symbol."""
    return isinstance(x, (np.ndarray, Symbol, Variable))


def stop_gradient(variable):
    """The same numbers; no gradient comes back through them."""
    return (
        StopGradient(dtype=dtype_of(variable))(Symbol.of(variable, dtype_of(variable))) if draws(variable) else variable
    )
