"""Whether a function is called on arrays or draws: on symbols, and on variables while a `call` is drawn, it draws."""

from __future__ import annotations

import numpy as np

from .. import config
from ..nest import flatten
from ..results import Array
from ..symbol import Symbol, drawing
from ..variable import Variable


def draws(*values) -> bool:
    """Whether a function of these values adds to a graph."""
    kinds = (Symbol, Variable) if drawing() is not None else Symbol
    return any(isinstance(value, kinds) for value in flatten(values))


def dtype_of(*values) -> str:
    """The float type of the first symbol or variable among these values."""
    found = next((value for value in flatten(values) if isinstance(value, (Symbol, Variable))), None)
    return config.floatx() if found is None else str(found.dtype)


def symbols_of(*values) -> list[Symbol]:
    """Symbols for these values: symbols, variables, numbers, arrays."""
    dtype = dtype_of(*values)
    return [Symbol.of(value, dtype) for value in values]


def parts_of(*values) -> list:
    """Symbols for symbols and variables that draw, arrays for the others."""
    dtype = dtype_of(*values)
    return [Symbol.of(value, dtype) if draws(value) else np.asarray(value, dtype) for value in values]


def computed(function, *arrays, **arguments):
    """function of NumPy arrays, as an array with `.numpy()`. Floats are of Keras's type: float64 only if one of the
    arrays is."""
    arrays = [np.asarray(array) if hasattr(array, "__array__") else array for array in arrays]
    return as_array(function(*arrays, **arguments), *arrays)


def as_array(result, *inputs):
    """A result of NumPy as an Array: of 64 bits only if one of the inputs is, as Keras's; floats have at least 32."""
    result, given = np.asarray(result), {x.dtype.name for x in flatten(inputs) if isinstance(x, np.ndarray)}
    if (result.dtype == np.float64 and "float64" not in given) or result.dtype == np.float16:
        result = result.astype(config.floatx())
    if result.dtype == np.int64 and not given & {"int64", "uint64", "uint32"}:
        result = result.astype(np.int32)
    return result.view(Array)
