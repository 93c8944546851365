"""Functions of one number on the GPU: one pass with a thread for each number."""

from __future__ import annotations

from ...kernels.formulas import compiled
from ...kernels.gpu import arrays
from ...kernels.gpu.elementwise import elementwise, elementwise_gradient
from ...kernels.gpu.launch import device_function
from . import NAMES, formulas

_formulas = compiled(formulas, device_function)


def _pair(name):
    """Make forward and backward of one function from `formulas.py`, whose parameter p is always 0."""
    run = elementwise(getattr(_formulas, name))
    run_gradient = elementwise_gradient(getattr(_formulas, f"{name}_derivative", _formulas.step_derivative))

    def forward(x, need_saved=True):
        y = arrays.empty(x.shape, x.dtype)
        run.over(x.size, x, x.dtype.type(0), y)
        return y, ((x, y) if need_saved else None)

    def backward(dy, saved):
        x, y = saved
        dx = arrays.empty(x.shape, x.dtype)
        run_gradient.over(x.size, dy, x, y, x.dtype.type(0), dx)
        return dx

    return forward, backward


for _name in NAMES:
    globals()[f"{_name}_forward"], globals()[f"{_name}_backward"] = _pair(_name)
