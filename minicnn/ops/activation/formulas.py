"""Activations of one number, each followed by its derivative: plain formulas that cpu.py and gpu.py compile.

A function takes (x, p), where p is the slope, alpha or limit. A derivative takes (dy, x, y, p) and returns dx.
Constants are cast to x's type, so that float32 stays float32.
"""

from __future__ import annotations

import math

_SQRT_HALF = math.sqrt(0.5)
_DENSITY = 1 / math.sqrt(2 * math.pi)
SELU_SCALE = 1.0507009873554804934193349852946
SELU_LOW = 1.6732632423543772848170429916717 * SELU_SCALE  # the limit of selu for x to minus infinity is -SELU_LOW


def relu(x, p):
    return type(x)(0) if x < 0 else x


def relu_derivative(dy, x, y, p):
    return dy if y > 0 else type(dy)(0)


def leaky_relu(x, p):
    return x * p if x < 0 else x


def leaky_relu_derivative(dy, x, y, p):
    return dy if x > 0 else dy * p


def elu(x, p):
    return type(x)(math.expm1(x)) * p if x < 0 else x


def elu_derivative(dy, x, y, p):
    return dy * (y + p) if x < 0 else dy


def clipped_relu(x, p):
    if x < 0:
        return type(x)(0)
    return p if x > p else x


def clipped_relu_derivative(dy, x, y, p):
    return dy if x > 0 and x < p else type(dy)(0)


def sigmoid(x, p):
    e, one = type(x)(math.exp(-abs(x))), type(x)(1)
    return (e if x < 0 else one) / (one + e)


def sigmoid_derivative(dy, x, y, p):
    return dy * y * (type(y)(1) - y)


def tanh(x, p):
    return type(x)(math.tanh(x))


def tanh_derivative(dy, x, y, p):
    return dy * (type(y)(1) - y * y)


def softplus(x, p):
    return type(x)(math.log1p(math.exp(-abs(x)))) + (x if x > 0 else type(x)(0))


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
    return dy * (normal_cdf(x) + x * type(x)(_DENSITY) * type(x)(math.exp(type(x)(-0.5) * x * x)))


def selu(x, p):
    return type(x)(math.expm1(x)) * type(x)(SELU_LOW) if x < 0 else x * type(x)(SELU_SCALE)


def selu_derivative(dy, x, y, p):
    return dy * (y + type(x)(SELU_LOW)) if x < 0 else dy * type(x)(SELU_SCALE)


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
    return type(x)(0) if y < 0 else (type(x)(1) if y > 1 else y)


def hard_sigmoid_derivative(dy, x, y, p):
    return dy / type(dy)(6) if x > -3 and x < 3 else type(dy)(0)


def hard_swish(x, p):
    return x * hard_sigmoid(x, p)


def hard_swish_derivative(dy, x, y, p):
    return dy * hard_sigmoid(x, p) + hard_sigmoid_derivative(dy * x, x, y, p)
