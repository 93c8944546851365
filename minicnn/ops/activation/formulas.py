"""Activations of one number, each followed by its derivative: plain formulas that cpu.py and gpu.py compile.

A function takes (x, p), where p is the slope, alpha or limit. A derivative takes (dy, x, y, p) and returns dx.
`type(x)(0.5)` is a constant in x's type, so that float32 stays float32. On the CPU x is a vector of several numbers
(`kernels/cpu/vectors.py`), which cannot take the two ways of an `if`; so formulas say `where(x < 0, this, that)`.
"""

from __future__ import annotations

import math

from ...kernels.formulas import where

_SQRT_HALF = math.sqrt(0.5)
_DENSITY = 1 / math.sqrt(2 * math.pi)
SELU_SCALE = 1.0507009873554804934193349852946
SELU_LOW = 1.6732632423543772848170429916717 * SELU_SCALE  # the limit of selu for x to minus infinity is -SELU_LOW


def relu(x, p):
    return where(x < 0, type(x)(0), x)


def relu_derivative(dy, x, y, p):
    return where(y > 0, dy, type(dy)(0))


def leaky_relu(x, p):
    return where(x < 0, x * p, x)


def leaky_relu_derivative(dy, x, y, p):
    return where(x > 0, dy, dy * p)


def elu(x, p):
    return where(x < 0, type(x)(math.expm1(x)) * p, x)


def elu_derivative(dy, x, y, p):
    return where(x < 0, dy * (y + p), dy)


def clipped_relu(x, p):
    return where(x < 0, type(x)(0), where(x > p, p, x))


def clipped_relu_derivative(dy, x, y, p):
    return where((x > 0) & (x < p), dy, type(dy)(0))


def sigmoid(x, p):
    e, one = type(x)(math.exp(-abs(x))), type(x)(1)
    return where(x < 0, e, one) / (one + e)


def sigmoid_derivative(dy, x, y, p):
    return dy * y * (type(y)(1) - y)


def tanh(x, p):
    return type(x)(math.tanh(x))


def tanh_derivative(dy, x, y, p):
    return dy * (type(y)(1) - y * y)


def softplus(x, p):
    return type(x)(math.log1p(math.exp(-abs(x)))) + where(x > 0, x, type(x)(0))


def softplus_derivative(dy, x, y, p):
    return dy * sigmoid(x, p)


def swish(x, p):
    return x * sigmoid(x, p)


def swish_derivative(dy, x, y, p):
    s = sigmoid(x, p)
    return dy * (s + x * s * (type(s)(1) - s))


def normal_cdf(x):
    return type(x)(0.5) * (type(x)(1) + type(x)(math.erf(x * type(x)(_SQRT_HALF))))


def gelu(x, p):
    return x * normal_cdf(x)


def gelu_derivative(dy, x, y, p):
    # y = x * cdf(x), so y / x is cdf(x), and erf is not computed again
    cdf = where(x == 0, type(x)(0.5), y / x)
    return dy * (cdf + x * type(x)(_DENSITY) * type(x)(math.exp(type(x)(-0.5) * x * x)))


def selu(x, p):
    return where(x < 0, type(x)(math.expm1(x)) * type(x)(SELU_LOW), x * type(x)(SELU_SCALE))


def selu_derivative(dy, x, y, p):
    return where(x < 0, dy * (y + type(x)(SELU_LOW)), dy * type(x)(SELU_SCALE))


def exponential(x, p):
    return type(x)(math.exp(x))


def exponential_derivative(dy, x, y, p):
    return dy * y


def softsign(x, p):
    return x / (type(x)(1) + abs(x))


def softsign_derivative(dy, x, y, p):
    size = type(x)(1) + abs(x)
    return dy / (size * size)


def mish(x, p):
    return x * type(x)(math.tanh(softplus(x, p)))


def mish_derivative(dy, x, y, p):
    t = type(x)(math.tanh(softplus(x, p)))
    return dy * (t + x * (type(x)(1) - t * t) * sigmoid(x, p))


def hard_sigmoid(x, p):
    y = (x + type(x)(3)) / type(x)(6)
    return where(y < 0, type(x)(0), where(y > 1, type(x)(1), y))


def hard_sigmoid_derivative(dy, x, y, p):
    return where((x > -3) & (x < 3), dy / type(dy)(6), type(dy)(0))


def hard_swish(x, p):
    return x * hard_sigmoid(x, p)


def hard_swish_derivative(dy, x, y, p):
    return dy * hard_sigmoid(x, p) + hard_sigmoid_derivative(dy * x, x, y, p)
