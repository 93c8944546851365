"""Activations of one number, each above its derivative, for the compiled variants.

A function takes (x, p), p being the slope, alpha or limit. A derivative takes (dy, x, y, p) and returns dx. Constants
are cast to x's type, so that float32 stays float32.
"""

from __future__ import annotations

import math

from ...kernels.compile import helper

_SQRT_HALF = math.sqrt(0.5)
_DENSITY = 1 / math.sqrt(2 * math.pi)


@helper
def relu(x, p):
    return type(x)(0) if x < 0 else x


@helper
def relu_derivative(dy, x, y, p):
    return dy if y > 0 else type(dy)(0)


@helper
def leaky_relu(x, p):
    return x * p if x < 0 else x


@helper
def leaky_relu_derivative(dy, x, y, p):
    return dy if x > 0 else dy * p


@helper
def elu(x, p):
    return type(x)(math.expm1(x)) * p if x < 0 else x


@helper
def elu_derivative(dy, x, y, p):
    return dy * (y + p) if x < 0 else dy


@helper
def clipped_relu(x, p):
    if x < 0:
        return type(x)(0)
    return p if x > p else x


@helper
def clipped_relu_derivative(dy, x, y, p):
    return dy if x > 0 and x < p else type(dy)(0)


@helper
def sigmoid(x, p):
    e = type(x)(math.exp(-abs(x)))
    return (e if x < 0 else type(x)(1)) / (1 + e)


@helper
def sigmoid_derivative(dy, x, y, p):
    return dy * y * (1 - y)


@helper
def tanh(x, p):
    return type(x)(math.tanh(x))


@helper
def tanh_derivative(dy, x, y, p):
    return dy * (1 - y * y)


@helper
def softplus(x, p):
    return type(x)(math.log1p(math.exp(-abs(x)))) + (x if x > 0 else type(x)(0))


@helper
def softplus_derivative(dy, x, y, p):
    return dy * sigmoid(x, p)


@helper
def swish(x, p):
    return x * sigmoid(x, p)


@helper
def swish_derivative(dy, x, y, p):
    s = sigmoid(x, p)
    return dy * (s + x * s * (1 - s))


@helper
def normal_cdf(x):
    return type(x)(0.5 * (1 + math.erf(x * _SQRT_HALF)))


@helper
def gelu(x, p):
    return x * normal_cdf(x)


@helper
def gelu_derivative(dy, x, y, p):
    return dy * (normal_cdf(x) + x * type(x)(_DENSITY * math.exp(-0.5 * x * x)))
