"""Losses in Numba: the threads share the rows. The formulas for one row are in `formulas.py`."""

from __future__ import annotations

from numba import intp, prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import helper_as_written, kernel
from ...kernels.formulas import compiled
from . import formulas

_formulas = compiled(formulas, helper_as_written)


def _pair(name):
    """Make forward and backward from the functions <name>_loss and <name>_gradient of `formulas.py`.

    `forward` and `backward` of `__init__.py` find them by the names below: <name>_forward and <name>_backward.
    """
    row_loss, row_gradient = getattr(_formulas, f"{name}_loss"), getattr(_formulas, f"{name}_gradient")

    @kernel(parallel=True, as_written=True)
    def run(p, t, K, epsilon, losses):
        for i in prange(losses.size):
            losses[i] = row_loss(p, t, intp(i), K, p.dtype.type(epsilon))

    @kernel(parallel=True, as_written=True)
    def run_gradient(dlosses, p, t, K, epsilon, dp):
        for i in prange(dlosses.size):
            row_gradient(p, t, intp(i), K, p.dtype.type(epsilon), dlosses[i], dp)

    def forward(p, t, epsilon=1e-7, need_saved=True):
        losses = workspace.empty((p.shape[0],), p.dtype)
        run(p.reshape(-1), t.reshape(-1), p.shape[1], epsilon, losses)
        return losses, ((p, t, epsilon) if need_saved else None)

    def backward(dlosses, saved):
        p, t, epsilon = saved
        dp = workspace.empty(p.shape, p.dtype)
        run_gradient(dlosses, p.reshape(-1), t.reshape(-1), p.shape[1], epsilon, dp.reshape(-1))
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
