"""Losses on the GPU: a thread for each row. The formulas for one row are in `formulas.py`."""

from __future__ import annotations

from numba import cuda

from ...kernels.formulas import compiled
from ...kernels.gpu import arrays
from ...kernels.gpu.launch import device_function, gpu_kernel
from . import formulas

_formulas = compiled(formulas, device_function)


def _pair(name):
    """Make forward and backward from <name>_loss and <name>_gradient in `formulas.py`."""
    row_loss, row_gradient = getattr(_formulas, f"{name}_loss"), getattr(_formulas, f"{name}_gradient")

    @gpu_kernel()
    def run(p, t, K, epsilon, losses, n):
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            losses[i] = row_loss(p, t, i, K, epsilon)

    @gpu_kernel()
    def run_gradient(dlosses, p, t, K, epsilon, dp, n):
        for i in range(cuda.grid(1), n, cuda.gridsize(1)):
            row_gradient(p, t, i, K, epsilon, dlosses[i], dp)

    def forward(p, t, epsilon=1e-7, need_saved=True):
        losses = arrays.empty((p.shape[0],), p.dtype)
        run.over(p.shape[0], p, t, p.shape[1], p.dtype.type(epsilon), losses)
        return losses, ((p, t, epsilon) if need_saved else None)

    def backward(dlosses, saved):
        p, t, epsilon = saved
        dp = arrays.empty(p.shape, p.dtype)
        run_gradient.over(p.shape[0], dlosses, p, t, p.shape[1], p.dtype.type(epsilon), dp)
        return dp

    return forward, backward


softmax_cross_entropy_forward, softmax_cross_entropy_backward = _pair("softmax")
sparse_softmax_cross_entropy_forward, sparse_softmax_cross_entropy_backward = _pair("sparse_softmax")
categorical_cross_entropy_forward, categorical_cross_entropy_backward = _pair("categorical")
sparse_categorical_cross_entropy_forward, sparse_categorical_cross_entropy_backward = _pair("sparse_categorical")
sigmoid_cross_entropy_forward, sigmoid_cross_entropy_backward = _pair("sigmoid")
binary_cross_entropy_forward, binary_cross_entropy_backward = _pair("binary")
mean_squared_error_forward, mean_squared_error_backward = _pair("squared")
mean_absolute_error_forward, mean_absolute_error_backward = _pair("absolute")
mean_absolute_percentage_error_forward, mean_absolute_percentage_error_backward = _pair("percentage")
mean_squared_logarithmic_error_forward, mean_squared_logarithmic_error_backward = _pair("logarithmic")
huber_forward, huber_backward = _pair("huber")
log_cosh_forward, log_cosh_backward = _pair("log_cosh")
kl_divergence_forward, kl_divergence_backward = _pair("kl")
poisson_forward, poisson_backward = _pair("poisson")
hinge_forward, hinge_backward = _pair("hinge")
squared_hinge_forward, squared_hinge_backward = _pair("squared_hinge")
