"""Activations in Numba: one parallel pass over the numbers, no temporary arrays."""

from __future__ import annotations

import math

from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import helper, kernel
from ...kernels.cpu.elementwise import elementwise, elementwise_gradient
from ...kernels.formulas import compiled
from . import formulas

_formulas = compiled(formulas, helper)


def _pair(name):
    """Make forward and backward of one activation from `formulas.py`."""
    run = elementwise(getattr(_formulas, name))
    run_gradient = elementwise_gradient(getattr(_formulas, f"{name}_derivative"))

    def forward(x, parameter=0.0, need_saved=True):
        y = workspace.empty(x.shape, x.dtype)
        run(x.reshape(-1), parameter, y.reshape(-1))
        return y, ((x, y, parameter) if need_saved else None)

    def backward(dy, saved):
        x, y, parameter = saved
        dx = workspace.empty(x.shape, x.dtype)
        run_gradient(dy.reshape(-1), x.reshape(-1), y.reshape(-1), parameter, dx.reshape(-1))
        return dx

    return forward, backward


relu_forward, relu_backward = _pair("relu")
leaky_relu_forward, leaky_relu_backward = _pair("leaky_relu")
elu_forward, elu_backward = _pair("elu")
clipped_relu_forward, clipped_relu_backward = _pair("clipped_relu")
sigmoid_forward, sigmoid_backward = _pair("sigmoid")
tanh_forward, tanh_backward = _pair("tanh")
softplus_forward, softplus_backward = _pair("softplus")
swish_forward, swish_backward = _pair("swish")
gelu_forward, gelu_backward = _pair("gelu")
selu_forward, selu_backward = _pair("selu")
exponential_forward, exponential_backward = _pair("exponential")
softsign_forward, softsign_backward = _pair("softsign")
mish_forward, mish_backward = _pair("mish")
hard_sigmoid_forward, hard_sigmoid_backward = _pair("hard_sigmoid")
hard_swish_forward, hard_swish_backward = _pair("hard_swish")


def softmax_forward(x, parameter=0.0, need_saved=True):
    y = workspace.empty(x.shape, x.dtype)
    _softmax(x.reshape(-1, x.shape[-1]), y.reshape(-1, x.shape[-1]))
    return y, (y if need_saved else None)


def softmax_backward(dy, saved):
    dx = workspace.empty(dy.shape, dy.dtype)
    K = dy.shape[-1]
    _softmax_gradient(dy.reshape(-1, K), saved.reshape(-1, K), dx.reshape(-1, K))
    return dx


@kernel(parallel=True)
def _softmax(x, y):
    M, K = x.shape
    for i in prange(M):
        largest = x[i, 0]
        for k in range(1, K):
            if x[i, k] > largest:
                largest = x[i, k]
        total = x.dtype.type(0)
        for k in range(K):
            y[i, k] = math.exp(x[i, k] - largest)
            total += y[i, k]
        for k in range(K):
            y[i, k] /= total


@kernel(parallel=True)
def _softmax_gradient(dy, y, dx):
    M, K = y.shape
    for i in prange(M):
        total = y.dtype.type(0)
        for k in range(K):
            total += dy[i, k] * y[i, k]
        for k in range(K):
            dx[i, k] = y[i, k] * (dy[i, k] - total)
