"""Functions made of other functions, so that they take arrays and symbols and need no layer of their own."""

from __future__ import annotations

import builtins
import math

import numpy as np

from ..activation_functions import glu, hard_shrink, soft_shrink, sparse_plus, sparse_sigmoid, squareplus, threshold
from .apply import computed, draws
from .elementwise import absolute, arctan, cos, erf, exp, expm1, log, log1p, rsqrt, sign, sin, sqrt, square
from .making import cast
from .networks import one_hot, softmax
from .operators import (
    add,
    divide,
    equal,
    greater,
    greater_equal,
    less,
    less_equal,
    logical_and,
    maximum,
    minimum,
    mod,
    multiply,
    not_equal,
    subtract,
    where,
)
from .products import einsum
from .reductions import max, mean

__all__ = [
    "arccos", "arccosh", "arcsin", "arcsinh", "arctan2", "arctanh", "cbrt", "cond", "cosh", "deg2rad",
    "dot_product_attention", "erfc", "exp2", "fabs", "fmax", "fmin", "fmod", "fori_loop", "glu", "hard_shrink",
    "heaviside", "hypot", "isclose", "logaddexp", "logaddexp2", "multi_hot", "psnr", "rad2deg", "rms_normalization",
    "saturate_cast", "sinc", "sinh", "soft_shrink", "sparse_plus", "sparse_sigmoid", "squareplus", "tan", "threshold",
]  # fmt: skip


# Functions of one number


def tan(x):
    """The tangent."""
    return divide(sin(x), cos(x))


def arcsin(x):
    """The angle whose sine is x."""
    return arctan2(x, sqrt(multiply(subtract(1.0, x), add(1.0, x))))


def arccos(x):
    """The angle whose cosine is x."""
    return arctan2(sqrt(multiply(subtract(1.0, x), add(1.0, x))), x)


def sinh(x):
    """(exp(x) - exp(-x)) / 2."""
    grown = expm1(absolute(x))
    return multiply(sign(x), multiply(0.5, add(grown, divide(grown, add(grown, 1.0)))))


def cosh(x):
    """(exp(x) + exp(-x)) / 2."""
    grown = exp(absolute(x))
    return multiply(0.5, add(grown, divide(1.0, grown)))


def arcsinh(x):
    """The number whose sinh is x."""
    size = absolute(x)
    squared = square(x)
    return multiply(sign(x), log1p(add(size, divide(squared, add(1.0, sqrt(add(squared, 1.0)))))))


def arccosh(x):
    """The number, zero or more, whose cosh is x."""
    return log(add(x, multiply(sqrt(subtract(x, 1.0)), sqrt(add(x, 1.0)))))


def arctanh(x):
    """The number whose tanh is x."""
    return multiply(0.5, subtract(log1p(x), log1p(multiply(x, -1.0))))


def exp2(x):
    """2 to the power of x."""
    return exp(multiply(x, math.log(2)))


def cbrt(x):
    """The cube root."""
    size = absolute(x)
    nothing = equal(size, 0.0)
    return multiply(sign(x), where(nothing, 0.0, exp(divide(log(where(nothing, 1.0, size)), 3.0))))


def erfc(x):
    """1 - erf(x)."""
    return subtract(1.0, erf(x))


def sinc(x):
    """sin(pi x) / (pi x), and 1 where x is 0."""
    nothing = equal(x, 0.0)
    angle = multiply(math.pi, where(nothing, 1.0, x))
    return where(nothing, 1.0, divide(sin(angle), angle))


def deg2rad(x):
    """Degrees as radians."""
    return multiply(x, math.pi / 180)


def rad2deg(x):
    """Radians as degrees."""
    return multiply(x, 180 / math.pi)


fabs = absolute


def saturate_cast(x, dtype):
    """x in another type; numbers beyond the type's limits become its limits."""
    kind = np.dtype(dtype)
    if kind.kind in "iu":
        limits = np.iinfo(kind)
        x = minimum(maximum(x, float(limits.min)), float(limits.max))
    return cast(x, dtype)


# Functions of two numbers


def arctan2(x1, x2):
    """The angle of the point (x2, x1), from -pi to pi."""
    if not draws(x1, x2):
        return computed(np.arctan2, x1, x2)
    steep = greater(absolute(x1), absolute(x2))
    above, below = where(steep, x2, x1), where(steep, x1, x2)
    angle = arctan(divide(above, where(equal(below, 0.0), 1.0, below)))
    turned = subtract(where(greater_equal(x1, 0.0), math.pi / 2, -math.pi / 2), angle)
    flat = add(angle, where(less(x2, 0.0), where(greater_equal(x1, 0.0), math.pi, -math.pi), 0.0))
    return where(steep, turned, flat)


def hypot(x1, x2):
    """The length of the vector (x1, x2)."""
    return sqrt(add(square(x1), square(x2)))


def logaddexp(x1, x2):
    """log(exp(x1) + exp(x2)), without overflow."""
    return add(maximum(x1, x2), log1p(exp(multiply(absolute(subtract(x1, x2)), -1.0))))


def logaddexp2(x1, x2):
    """The logarithm to base 2 of 2^x1 + 2^x2."""
    return divide(logaddexp(multiply(x1, math.log(2)), multiply(x2, math.log(2))), math.log(2))


def fmax(x1, x2):
    """The larger one; the other one where one is NaN."""
    return where(not_equal(x1, x1), x2, where(not_equal(x2, x2), x1, maximum(x1, x2)))


def fmin(x1, x2):
    """The smaller one; the other one where one is NaN."""
    return where(not_equal(x1, x1), x2, where(not_equal(x2, x2), x1, minimum(x1, x2)))


def fmod(x1, x2):
    """What is left of x1 after a division by x2; it has x1's sign."""
    rest = mod(absolute(x1), absolute(x2))
    return multiply(sign(x1), rest)


def heaviside(x1, x2):
    """0 where x1 is negative, x2 where it is 0, 1 where it is positive."""
    return where(less(x1, 0.0), 0.0, where(equal(x1, 0.0), x2, 1.0))


def isclose(x1, x2, rtol=1e-5, atol=1e-8, equal_nan=False):
    """Whether |x1 - x2| is at most atol + rtol |x2|."""
    if not draws(x1, x2):
        return computed(lambda a, b: np.isclose(a, b, rtol, atol, equal_nan), x1, x2)
    return less_equal(absolute(subtract(x1, x2)), add(atol, multiply(rtol, absolute(x2))))


# Numbers in other places


def psnr(x1, x2, max_val):
    """The peak signal-to-noise ratio in decibels: 20 log10(max_val) - 10 log10(the mean squared error)."""
    return 20 * math.log10(max_val) - multiply(10 / math.log(10), log(mean(square(subtract(x1, x2)))))


def rms_normalization(x, scale=1, axis=-1, epsilon=None):
    """x divided by the root of its mean square along axes, times `scale`."""
    epsilon = 1e-6 if epsilon is None else epsilon
    return multiply(multiply(x, rsqrt(add(mean(square(x), axis, True), epsilon))), 1.0 if scale is None else scale)


def dot_product_attention(query, key, value, bias=None, mask=None, scale=None, is_causal=False, flash_attention=None,
                          attn_logits_soft_cap=None):  # fmt: skip
    """softmax(query key^T scale + bias) value, for query (N, T, heads, size), key and value (N, S, heads, size).

    Source: Vaswani et al., "Attention is all you need", 2017.
    """
    scale = 1 / math.sqrt(query.shape[-1]) if scale is None else scale
    scores = multiply(einsum("btnh,bsnh->bnts", query, key), scale)
    if attn_logits_soft_cap is not None:
        from_cap = divide(scores, attn_logits_soft_cap)
        scores = multiply(subtract(divide(2.0, add(1.0, exp(multiply(from_cap, -2.0)))), 1.0), attn_logits_soft_cap)
    if bias is not None:
        scores = add(scores, bias)
    if is_causal:
        mask_here = np.tril(np.ones((query.shape[1], key.shape[1]), bool))
        mask = mask_here if mask is None else logical_and(mask, mask_here)
    if mask is not None:
        scores = where(mask, scores, -1e9)
    return einsum("bnts,bsnh->btnh", softmax(scores, -1), value)


def multi_hot(inputs, num_classes=None, axis=-1, dtype=None, sparse=False, **kwargs):
    """A row of zeros, with a 1 at each of several indices."""
    count = kwargs.get("num_tokens", num_classes)
    return max(one_hot(inputs, count, axis=axis, dtype=dtype), builtins.min(1, len(inputs.shape) - 1))


def cond(pred, true_fn, false_fn):
    """true_fn() if pred holds, else false_fn(). For a symbol both are computed, and `pred` chooses numbers."""
    if not draws(pred):
        return true_fn() if pred else false_fn()
    return where(pred, true_fn(), false_fn())


def fori_loop(lower, upper, body_fun, init_val):
    """body_fun(i, value) for i from lower to below upper, each given the value that the last one returned."""
    for i in range(int(lower), int(upper)):
        init_val = body_fun(i, init_val)
    return init_val
