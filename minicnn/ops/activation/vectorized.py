"""Activations in NumPy: the definitions."""

from __future__ import annotations

import math

import numpy as np

from .formulas import SELU_LOW, SELU_SCALE


def relu_forward(x, parameter=0.0, need_saved=True):
    y = np.where(x < 0, x.dtype.type(0), x)
    return y, (y if need_saved else None)


def relu_backward(dy, saved):
    return np.where(saved > 0, dy, dy.dtype.type(0))


def leaky_relu_forward(x, parameter=0.0, need_saved=True):
    return np.where(x < 0, x * x.dtype.type(parameter), x), ((x, parameter) if need_saved else None)


def leaky_relu_backward(dy, saved):
    x, slope = saved
    return np.where(x > 0, dy, dy * dy.dtype.type(slope))


def elu_forward(x, parameter=0.0, need_saved=True):
    y = np.where(x < 0, np.expm1(np.minimum(x, 0)) * x.dtype.type(parameter), x)
    return y, ((x, y, parameter) if need_saved else None)


def elu_backward(dy, saved):
    x, y, alpha = saved
    return np.where(x < 0, dy * (y + dy.dtype.type(alpha)), dy)


def clipped_relu_forward(x, parameter=0.0, need_saved=True):
    y = np.where(x < 0, x.dtype.type(0), np.where(x > parameter, x.dtype.type(parameter), x))
    return y, ((x, parameter) if need_saved else None)


def clipped_relu_backward(dy, saved):
    x, limit = saved
    return np.where((x > 0) & (x < limit), dy, dy.dtype.type(0))


def sigmoid_forward(x, parameter=0.0, need_saved=True):
    y = _sigmoid(x)
    return y, (y if need_saved else None)


def sigmoid_backward(dy, saved):
    return dy * saved * (1 - saved)


def _sigmoid(x):
    e = np.exp(-np.abs(x))  # never overflows
    return np.where(x < 0, e, 1) / (1 + e)


def tanh_forward(x, parameter=0.0, need_saved=True):
    y = np.tanh(x)
    return y, (y if need_saved else None)


def tanh_backward(dy, saved):
    return dy * (1 - saved * saved)


def softplus_forward(x, parameter=0.0, need_saved=True):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x))), (x if need_saved else None)


def softplus_backward(dy, saved):
    return dy * _sigmoid(saved)


def swish_forward(x, parameter=0.0, need_saved=True):
    return x * _sigmoid(x), (x if need_saved else None)


def swish_backward(dy, saved):
    s = _sigmoid(saved)
    return dy * (s + saved * s * (1 - s))


_erf = np.vectorize(math.erf, otypes="d")


def gelu_forward(x, parameter=0.0, need_saved=True):
    return x * _normal_cdf(x), (x if need_saved else None)


def gelu_backward(dy, saved):
    density = np.exp(-0.5 * saved * saved) * saved.dtype.type(1 / math.sqrt(2 * math.pi))
    return dy * (_normal_cdf(saved) + saved * density)


def _normal_cdf(x):
    return (0.5 * (1 + _erf(x / math.sqrt(2)))).astype(x.dtype)


def softmax_forward(x, parameter=0.0, need_saved=True):
    e = np.exp(x - x.max(axis=-1, keepdims=True))  # the shift does not change y; without it exp could overflow
    y = e / e.sum(axis=-1, keepdims=True)
    return y, (y if need_saved else None)


def softmax_backward(dy, saved):
    return saved * (dy - (dy * saved).sum(axis=-1, keepdims=True))


def selu_forward(x, parameter=0.0, need_saved=True):
    scale, low = x.dtype.type(SELU_SCALE), x.dtype.type(SELU_LOW)
    y = np.where(x < 0, np.expm1(np.minimum(x, 0)) * low, x * scale)
    return y, ((x, y) if need_saved else None)


def selu_backward(dy, saved):
    x, y = saved
    return dy * np.where(x < 0, y + x.dtype.type(SELU_LOW), x.dtype.type(SELU_SCALE))


def exponential_forward(x, parameter=0.0, need_saved=True):
    y = np.exp(x)
    return y, (y if need_saved else None)


def exponential_backward(dy, saved):
    return dy * saved


def softsign_forward(x, parameter=0.0, need_saved=True):
    return x / (1 + np.abs(x)), (x if need_saved else None)


def softsign_backward(dy, saved):
    return dy / np.square(1 + np.abs(saved))


def mish_forward(x, parameter=0.0, need_saved=True):
    return x * np.tanh(softplus_forward(x)[0]), (x if need_saved else None)


def mish_backward(dy, saved):
    t = np.tanh(softplus_forward(saved)[0])
    return dy * (t + saved * (1 - t * t) * _sigmoid(saved))


def hard_sigmoid_forward(x, parameter=0.0, need_saved=True):
    return _hard_sigmoid(x), (x if need_saved else None)


def hard_sigmoid_backward(dy, saved):
    return np.where(np.abs(saved) < 3, dy / dy.dtype.type(6), dy.dtype.type(0))


def hard_swish_forward(x, parameter=0.0, need_saved=True):
    return x * _hard_sigmoid(x), (x if need_saved else None)


def hard_swish_backward(dy, saved):
    return dy * _hard_sigmoid(saved) + hard_sigmoid_backward(dy * saved, saved)


def _hard_sigmoid(x):
    return np.clip((x + 3) / x.dtype.type(6), x.dtype.type(0), x.dtype.type(1))
