"""`+ - * /`, powers and comparisons of two arrays or symbols, number by number."""

from __future__ import annotations

import numpy as np

from ..layers.arithmetic import Arithmetic
from ..layers.operations import Logical, Where
from ..symbol import Symbol
from ..variable import Variable
from .apply import computed, draws, dtype_of
from .elementwise import absolute, floor, reciprocal, rsqrt, sqrt, square

__all__ = [
    "add", "clip", "divide", "divide_no_nan", "equal", "floor_divide", "greater", "greater_equal", "isfinite", "isinf",
    "isnan", "less", "less_equal", "logical_and", "logical_not", "logical_or", "logical_xor", "maximum", "minimum",
    "mod", "multiply", "nan_to_num", "negative", "not_equal", "power", "subtract", "true_divide",
    "where",
]  # fmt: skip


def _merged(operation, first, second):
    """The symbol of an operation of `ops.merge` on two values, at least one of them a symbol or a variable."""
    parts = [Symbol.of(v, dtype_of(first, second)) if isinstance(v, (Symbol, Variable)) else v for v in (first, second)]
    symbols = [part for part in parts if isinstance(part, Symbol)]
    dtype = symbols[0].dtype
    if len(symbols) == 2:
        return Arithmetic(operation, dtype=dtype)(symbols)
    constant = parts[1] if parts[0] is symbols[0] else parts[0]
    array = np.asarray(constant)
    if array.dtype.kind not in "buif":
        raise TypeError(f"A symbol can be combined only with numbers, arrays and symbols; received {constant!r}.")
    if array.ndim < len(symbols[0].shape) or array.shape[:1] == (1,) or symbols[0].shape[:1] == (None,):
        return Arithmetic(operation, array, parts[1] is symbols[0], dtype=dtype)(symbols[0])
    return Arithmetic(operation, dtype=dtype)([Symbol.of(part, dtype) for part in parts])


def _operation(name, function):
    """The function of two values for an operation of `ops.merge`."""

    def operation(x1, x2):
        return _merged(name, x1, x2) if draws(x1, x2) else computed(function, x1, x2)

    operation.__name__ = operation.__qualname__ = name
    operation.__doc__ = f"{name} of two arrays or symbols, number by number, as NumPy's function of this name."
    return operation


add, subtract = _operation("add", np.add), _operation("subtract", np.subtract)
multiply, divide = _operation("multiply", np.multiply), _operation("divide", np.divide)
maximum, minimum = _operation("maximum", np.maximum), _operation("minimum", np.minimum)
greater, greater_equal = _operation("greater", np.greater), _operation("greater_equal", np.greater_equal)
less, less_equal = _operation("less", np.less), _operation("less_equal", np.less_equal)
equal, not_equal = _operation("equal", np.equal), _operation("not_equal", np.not_equal)
true_divide = divide

_EXPONENTS = {2: square, 0.5: sqrt, -0.5: rsqrt, -1: reciprocal}


def power(x1, x2):
    """x1 to the power of x2."""
    if not draws(x1, x2):
        return computed(np.power, x1, x2)
    if isinstance(x2, (int, float)) and x2 in _EXPONENTS:
        return _EXPONENTS[x2](x1)
    return x1 if isinstance(x2, (int, float)) and x2 == 1 else _merged("power", x1, x2)


def floor_divide(x1, x2):
    """The largest whole number that is not above x1 / x2."""
    return floor(divide(x1, x2)) if draws(x1, x2) else computed(np.floor_divide, x1, x2)


def mod(x1, x2):
    """What is left of x1 after a division by x2; it has x2's sign."""
    return subtract(x1, multiply(floor_divide(x1, x2), x2)) if draws(x1, x2) else computed(np.mod, x1, x2)


def divide_no_nan(x1, x2):
    """x1 / x2, and 0 where x2 is 0."""
    is_zero = equal(x2, 0)
    return where(is_zero, 0.0, divide(x1, where(is_zero, 1.0, x2)))


def negative(x):
    """-x."""
    return _merged("multiply", x, -1.0) if draws(x) else computed(np.negative, x)


def clip(x, x_min, x_max):
    """x, but at least x_min and at most x_max."""
    return minimum(maximum(x, x_min), x_max) if draws(x, x_min, x_max) else computed(np.clip, x, x_min, x_max)


def where(condition, x1=None, x2=None):
    """x1 where the condition holds, x2 elsewhere. Of an array alone: the indices of its true numbers, for each axis."""
    if x1 is None and x2 is None and not draws(condition):
        return tuple(computed(lambda part: part, part) for part in np.nonzero(np.asarray(condition)))
    if x1 is None or x2 is None:
        raise ValueError("ops.where of symbols takes a condition, x1 and x2: how many numbers are true is not known.")
    if not draws(condition, x1, x2):
        return computed(np.where, condition, x1, x2)
    dtype = dtype_of(condition, x1, x2)
    return Where(dtype=dtype)([Symbol.of(value, dtype) for value in (condition, x1, x2)])


def logical_not(x):
    """Whether x is false, or 0."""
    return _logical("logical_not", x) if draws(x) else computed(np.logical_not, x)


def _logical(operation, *values):
    dtype = dtype_of(*values)
    return Logical(operation, dtype=dtype)([Symbol.of(value, dtype) for value in values])


def logical_and(x1, x2):
    """Whether both are true, or not 0."""
    return _logical("logical_and", x1, x2) if draws(x1, x2) else computed(np.logical_and, x1, x2)


def logical_or(x1, x2):
    """Whether one of both is true, or not 0."""
    return _logical("logical_or", x1, x2) if draws(x1, x2) else computed(np.logical_or, x1, x2)


def logical_xor(x1, x2):
    """Whether exactly one of both is true, or not 0."""
    return _logical("logical_xor", x1, x2) if draws(x1, x2) else computed(np.logical_xor, x1, x2)


def isnan(x):
    """Whether x is not a number."""
    return not_equal(x, x) if draws(x) else computed(np.isnan, x)


def isinf(x):
    """Whether x is infinite."""
    return equal(absolute(x), np.inf) if draws(x) else computed(np.isinf, x)


def isfinite(x):
    """Whether x is neither infinite nor NaN."""
    return less(absolute(x), np.inf) if draws(x) else computed(np.isfinite, x)


def nan_to_num(x, nan=0.0, posinf=None, neginf=None):
    """x with other numbers for NaN and infinity; without posinf and neginf the largest numbers of the type."""
    if not draws(x):
        return computed(lambda x: np.nan_to_num(x, nan=nan, posinf=posinf, neginf=neginf), x)
    limits = np.finfo(dtype_of(x))
    x = where(equal(x, np.inf), limits.max if posinf is None else posinf, x)
    x = where(equal(x, -np.inf), limits.min if neginf is None else neginf, x)
    return where(isnan(x), nan, x)


OPERATORS = {  # `products.py` adds matmul
    "add": add, "subtract": subtract, "multiply": multiply, "divide": divide, "power": power, "mod": mod,
    "floor_divide": floor_divide, "greater": greater, "greater_equal": greater_equal, "less": less,
    "less_equal": less_equal, "equal": equal, "not_equal": not_equal, "logical_and": logical_and,
    "logical_or": logical_or, "absolute": absolute,
}  # fmt: skip


def _calculate(name, *values):
    """What an operator of a symbol calls."""
    return OPERATORS[name](*values)


Symbol.calculate = staticmethod(_calculate)
