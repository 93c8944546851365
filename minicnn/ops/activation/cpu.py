"""Activations on the CPU: each thread takes a part of the numbers, a vector of them at a time; no temporary arrays."""

from __future__ import annotations

from numba import prange

from ...kernels.cpu import vector_math, workspace
from ...kernels.cpu.compile import THREADS, kernel
from ...kernels.cpu.elementwise import elementwise, part
from ...kernels.cpu.vectors import where
from ...kernels.formulas import compiled
from . import formulas

_formulas = compiled(formulas, lambda function: function, math=vector_math, where=where)


def _pair(name):
    """Make forward and backward of one activation from `formulas.py`."""
    activation = elementwise(getattr(_formulas, name), numbers=1)
    derivative = elementwise(getattr(_formulas, f"{name}_derivative"), arrays=3, numbers=1)

    @kernel(parallel=True)
    def run(x, parameter, y):
        for thread in prange(THREADS):
            start, count = part(x.size, thread)
            activation(x, start, y, start, parameter, count)

    @kernel(parallel=True)
    def run_gradient(dy, x, y, parameter, dx):
        for thread in prange(THREADS):
            start, count = part(x.size, thread)
            derivative(dy, start, x, start, y, start, dx, start, parameter, count)

    def forward(x, parameter=0.0, need_saved=True):
        y = workspace.empty(x.shape, x.dtype)
        run.for_work(x.size)(x.reshape(-1), x.dtype.type(parameter), y.reshape(-1))
        return y, ((x, y, parameter) if need_saved else None)

    def backward(dy, saved):
        x, y, parameter = saved
        dx = workspace.empty(x.shape, x.dtype)
        run_gradient(dy.reshape(-1), x.reshape(-1), y.reshape(-1), x.dtype.type(parameter), dx.reshape(-1))
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
    _softmax.for_work(x.size)(x.reshape(-1), y.reshape(-1), x.shape[-1])
    return y, (y if need_saved else None)


def softmax_backward(dy, saved):
    dx = workspace.empty(dy.shape, dy.dtype)
    K = dy.shape[-1]
    _softmax_gradient(dy.reshape(-1, K), saved.reshape(-1, K), dx.reshape(-1, K))
    return dx


_exp_of_difference = elementwise(lambda x, largest: vector_math.exp(x - largest), numbers=1)


@kernel(parallel=True)
def _softmax(x, y, K):
    for i in prange(x.size // K):
        row = i * K
        largest = x[row]
        for k in range(row + 1, row + K):
            if x[k] > largest:
                largest = x[k]
        _exp_of_difference(x, row, y, row, largest, K)
        total = x.dtype.type(0)
        for k in range(row, row + K):
            total += y[k]
        for k in range(row, row + K):
            y[k] /= total


@kernel(parallel=True)
def _softmax_gradient(dy, y, dx):
    M, K = y.shape
    for i in prange(M):
        total = y.dtype.type(0)
        for k in range(K):
            total += dy[i, k] * y[i, k]
        for k in range(K):
            dx[i, k] = y[i, k] * (dy[i, k] - total)
