"""Functions of one number."""

from __future__ import annotations

import math

import numpy as np

from ..layers.operations import Elementwise
from ..symbol import Symbol
from .apply import computed, draws, dtype_of

__all__ = [
    "abs",
    "absolute",
    "arctan",
    "ceil",
    "cos",
    "erf",
    "exp",
    "expm1",
    "floor",
    "log",
    "log1p",
    "log2",
    "log10",
    "reciprocal",
    "round",
    "rsqrt",
    "sign",
    "sin",
    "sqrt",
    "square",
    "tanh",
    "trunc",
]  # fmt: skip

_erf = np.vectorize(math.erf, otypes="d")


def _function(name, function, operation=None):
    """The function for an operation of `ops.elementwise` or of the activations."""

    def call(x):
        if not draws(x):
            return computed(function, x)
        dtype = dtype_of(x)
        return Elementwise(operation or name, dtype=dtype)(Symbol.of(x, dtype))

    call.__name__ = call.__qualname__ = name
    call.__doc__ = f"{name} of every number of an array or symbol."
    return call


exp, tanh = _function("exp", np.exp), _function("tanh", np.tanh)
log, log1p, expm1 = _function("log", np.log), _function("log1p", np.log1p), _function("expm1", np.expm1)
square, sqrt = _function("square", np.square), _function("sqrt", np.sqrt)
rsqrt = _function("rsqrt", lambda x: 1 / np.sqrt(x))
reciprocal = _function("reciprocal", lambda x: 1 / x)
absolute = abs = _function("absolute", np.abs)
sign, trunc = _function("sign", np.sign), _function("trunc", np.trunc)
floor, ceil = (_function(f.__name__, lambda x, f=f: f(np.asarray(x) * 1.0)) for f in (np.floor, np.ceil))
erf = _function("erf", _erf)
sin, cos, arctan = _function("sin", np.sin), _function("cos", np.cos), _function("arctan", np.arctan)
_round = _function("round", np.rint)


def log2(x):
    """The logarithm to base 2."""
    return log(x) / math.log(2) if draws(x) else computed(np.log2, x)


def log10(x):
    """The logarithm to base 10."""
    return log(x) / math.log(10) if draws(x) else computed(np.log10, x)


def round(x, decimals=0):
    """x rounded to this many decimals; a half goes to the even number."""
    if not draws(x):
        return computed(lambda x: np.round(x, decimals), x)
    return _round(x) if decimals == 0 else _round(x * 10.0**decimals) / 10.0**decimals
