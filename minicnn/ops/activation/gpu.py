"""Activations on the GPU: one pass with a thread for each number; softmax has a thread for each row."""

from __future__ import annotations

import math

from numba import cuda

from ...kernels.formulas import compiled
from ...kernels.gpu import arrays
from ...kernels.gpu.elementwise import elementwise, elementwise_gradient
from ...kernels.gpu.launch import device_function, gpu_kernel
from . import formulas

_formulas = compiled(formulas, device_function)


def _pair(name):
    """Make forward and backward of one activation from `formulas.py`."""
    run = elementwise(getattr(_formulas, name))
    run_gradient = elementwise_gradient(getattr(_formulas, f"{name}_derivative"))

    def forward(x, parameter=0.0, need_saved=True):
        y = arrays.empty(x.shape, x.dtype)
        run.over(x.size, x, x.dtype.type(parameter), y)
        return y, ((x, y, parameter) if need_saved else None)

    def backward(dy, saved):
        x, y, parameter = saved
        dx = arrays.empty(x.shape, x.dtype)
        run_gradient.over(x.size, dy, x, y, x.dtype.type(parameter), dx)
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
    y, K = arrays.empty(x.shape, x.dtype), x.shape[-1]
    _softmax.over(x.size // K, x, K, x.dtype.type(0), y)
    return y, (y if need_saved else None)


def softmax_backward(dy, saved):
    dx, K = arrays.empty(dy.shape, dy.dtype), dy.shape[-1]
    _softmax_gradient.over(dy.size // K, dy, saved, K, dy.dtype.type(0), dx)
    return dx


@gpu_kernel()
def _softmax(x, K, zero, y, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        largest = x[i * K]
        for k in range(i * K + 1, (i + 1) * K):
            if x[k] > largest:
                largest = x[k]
        total = zero
        for k in range(i * K, (i + 1) * K):
            y[k] = math.exp(x[k] - largest)
            total += y[k]
        for k in range(i * K, (i + 1) * K):
            y[k] /= total


@gpu_kernel()
def _softmax_gradient(dy, y, K, zero, dx, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        total = zero
        for k in range(i * K, (i + 1) * K):
            total += dy[k] * y[k]
        for k in range(i * K, (i + 1) * K):
            dx[k] = y[k] * (dy[k] - total)
