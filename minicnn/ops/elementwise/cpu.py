"""Functions of one number on the CPU: those that losses and normalizations use are compiled, as the activations are.
NumPy computes the others, into buffers of the workspace."""

from __future__ import annotations

import numpy as np
from numba import prange

from ...kernels.cpu import vector_math, workspace
from ...kernels.cpu.compile import THREADS, kernel
from ...kernels.cpu.elementwise import elementwise, part
from ...kernels.cpu.recording import do
from ...kernels.cpu.vectors import where
from ...kernels.formulas import compiled
from . import formulas
from .vectorized import FUNCTIONS

_COMPILED = ("square", "sqrt", "rsqrt", "absolute", "log")
_formulas = compiled(formulas, lambda function: function, math=vector_math, where=where)


def _compiled_pair(name):
    """Make forward and backward of one function from `formulas.py`, whose parameter p is always 0."""
    formula = elementwise(getattr(_formulas, name), numbers=1)
    derivative = elementwise(getattr(_formulas, f"{name}_derivative"), arrays=3, numbers=1)

    @kernel(parallel=True)
    def run(x, y):
        for thread in prange(THREADS):
            start, count = part(x.size, thread)
            formula(x, start, y, start, x.dtype.type(0), count)

    @kernel(parallel=True)
    def run_gradient(dy, x, y, dx):
        for thread in prange(THREADS):
            start, count = part(x.size, thread)
            derivative(dy, start, x, start, y, start, dx, start, x.dtype.type(0), count)

    def forward(x, need_saved=True):
        y = workspace.empty(x.shape, x.dtype)
        run.for_work(x.size)(x.reshape(-1), y.reshape(-1))
        return y, ((x, y) if need_saved else None)

    def backward(dy, saved):
        x, y = saved
        dx = workspace.empty(x.shape, x.dtype)
        run_gradient(dy.reshape(-1), x.reshape(-1), y.reshape(-1), dx.reshape(-1))
        return dx

    return forward, backward


def _pair(function, derivative):
    def forward(x, need_saved=True):
        y = workspace.empty(x.shape, x.dtype)
        do(_put, y, function, x)
        return y, ((x, y) if need_saved else None)

    def backward(dy, saved):
        dx = workspace.empty(dy.shape, dy.dtype)
        do(_put, dx, derivative, dy, *saved)
        return dx

    return forward, backward


def _put(out, function, *arrays):
    with np.errstate(all="ignore"):  # kernels do not warn either
        out[...] = function(*arrays)


for _name, _both in FUNCTIONS.items():
    _made = _compiled_pair(_name) if _name in _COMPILED else _pair(*_both)
    globals()[f"{_name}_forward"], globals()[f"{_name}_backward"] = _made
