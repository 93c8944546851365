"""The optimizers' updates on the GPU: each is one pass over memory, with a thread for each weight.

The rate is stored in the GPU's memory, so that each replayed step finds its own rate there (`kernels/gpu/graph.py`).
Adafactor's and Muon's updates are computed on the host, and such steps are not replayed.
"""

from __future__ import annotations

import math

import numpy as np
from numba import cuda

from ...kernels.gpu import arrays
from ...kernels.gpu.elementwise import number_there
from ...kernels.gpu.launch import device_function, gpu_kernel
from ...kernels.gpu.reductions import sum_into, weighted_sum
from . import vectorized


def sgd(w, g, rate):
    _sgd.over(w.size, w, g, number_there(rate, w.dtype))


@gpu_kernel()
def _sgd(w, g, rate, n):
    step_size = rate[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        w[i] -= step_size * g[i]


def momentum(w, g, v, rate, momentum, nesterov=False):
    _momentum.over(w.size, w, g, v, number_there(rate, w.dtype), w.dtype.type(momentum), nesterov)


@gpu_kernel()
def _momentum(w, g, v, rate, momentum, nesterov, n):
    step_size = rate[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        v[i] = momentum * v[i] - step_size * g[i]
        w[i] += momentum * v[i] - step_size * g[i] if nesterov else v[i]


def rmsprop(w, g, s, a, v, rate, rho, momentum, epsilon):
    scalar = w.dtype.type
    centered, has_momentum = a is not None, v is not None
    _rmsprop.over(
        w.size, w, g, s, a if centered else s, v if has_momentum else s, centered, has_momentum,
        number_there(rate, w.dtype), scalar(rho), scalar(1 - rho), scalar(momentum), scalar(epsilon),
    )  # fmt: skip


@gpu_kernel()
def _rmsprop(w, g, s, a, v, centered, has_momentum, rate, rho, one_minus_rho, momentum, epsilon, n):
    step_size = rate[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        s[i] = rho * s[i] + one_minus_rho * g[i] * g[i]
        denominator = s[i] + epsilon
        if centered:
            a[i] = rho * a[i] + one_minus_rho * g[i]
            denominator = s[i] - a[i] * a[i] + epsilon
        step = step_size * g[i] / math.sqrt(denominator)
        if has_momentum:
            v[i] = step = momentum * v[i] + step
        w[i] -= step


def adam(w, g, m, v, v_hat, rate, beta_1, beta_2, epsilon):
    scalar, amsgrad = w.dtype.type, v_hat is not None
    _adam.over(
        w.size, w, g, m, v, v_hat if amsgrad else v, amsgrad, number_there(rate, w.dtype),
        scalar(1 - beta_1), scalar(1 - beta_2), scalar(epsilon),
    )  # fmt: skip


@gpu_kernel()
def _adam(w, g, m, v, v_hat, amsgrad, rate, one_minus_beta_1, one_minus_beta_2, epsilon, n):
    step_size = rate[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        m[i] += (g[i] - m[i]) * one_minus_beta_1
        v[i] += (g[i] * g[i] - v[i]) * one_minus_beta_2
        second_moment = v[i]
        if amsgrad:
            if second_moment > v_hat[i] or second_moment != second_moment:
                v_hat[i] = second_moment
            second_moment = v_hat[i]
        w[i] -= m[i] * step_size / (math.sqrt(second_moment) + epsilon)


def adagrad(w, g, a, rate, epsilon):
    _adagrad.over(w.size, w, g, a, number_there(rate, w.dtype), w.dtype.type(epsilon))


@gpu_kernel()
def _adagrad(w, g, a, rate, epsilon, n):
    step_size = rate[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        a[i] += g[i] * g[i]
        w[i] -= step_size * g[i] / math.sqrt(a[i] + epsilon)


def adadelta(w, g, a, d, rate, rho, epsilon):
    scalar = w.dtype.type
    _adadelta.over(w.size, w, g, a, d, number_there(rate, w.dtype), scalar(rho), scalar(1 - rho), scalar(epsilon))


@gpu_kernel()
def _adadelta(w, g, a, d, rate, rho, one_minus_rho, epsilon, n):
    step_size = rate[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        a[i] = rho * a[i] + one_minus_rho * g[i] * g[i]
        step = g[i] * math.sqrt(d[i] + epsilon) / math.sqrt(a[i] + epsilon)
        d[i] = rho * d[i] + one_minus_rho * step * step
        w[i] -= step_size * step


def adamax(w, g, m, u, rate, beta_1, beta_2, epsilon):
    scalar = w.dtype.type
    _adamax.over(
        w.size, w, g, m, u, number_there(rate, w.dtype), scalar(1 - beta_1), scalar(beta_2), scalar(epsilon)
    )  # fmt: skip


@gpu_kernel()
def _adamax(w, g, m, u, rate, one_minus_beta_1, beta_2, epsilon, n):
    step_size = rate[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        m[i] += (g[i] - m[i]) * one_minus_beta_1
        faded, size = beta_2 * u[i], abs(g[i])
        u[i] = faded if faded > size or faded != faded else size  # NaN stays NaN
        w[i] -= m[i] * step_size / (u[i] + epsilon)


def nadam(w, g, m, v, numbers, beta_1, beta_2, epsilon):
    scalar = w.dtype.type
    a, b, c = (number_there(number, w.dtype) for number in numbers)
    _nadam.over(w.size, w, g, m, v, a, b, c, scalar(1 - beta_1), scalar(1 - beta_2), scalar(epsilon))


@gpu_kernel()
def _nadam(w, g, m, v, a, b, c, one_minus_beta_1, one_minus_beta_2, epsilon, n):
    of_m, of_g, of_v = a[0], b[0], c[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        m[i] += (g[i] - m[i]) * one_minus_beta_1
        v[i] += (g[i] * g[i] - v[i]) * one_minus_beta_2
        w[i] -= (of_m * m[i] + of_g * g[i]) / (math.sqrt(of_v * v[i]) + epsilon)


def lamb(w, g, m, v, numbers, beta_1, beta_2, epsilon):
    scalar = w.dtype.type
    rate, c_1, c_2 = (number_there(number, w.dtype) for number in numbers)
    step, squares = arrays.empty(w.shape, w.dtype), arrays.empty((2,), np.float64)
    _lamb_step.over(w.size, g, m, v, c_1, c_2, scalar(1 - beta_1), scalar(1 - beta_2), scalar(epsilon), step)
    for i, x in enumerate((w, step)):
        sum_into(squares, i, x, x, x.size)
    _lamb.over(w.size, w, rate, step, squares)


@gpu_kernel()
def _lamb_step(g, m, v, c_1, c_2, one_minus_beta_1, one_minus_beta_2, epsilon, step, n):
    of_m, of_v = c_1[0], c_2[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        m[i] += (g[i] - m[i]) * one_minus_beta_1
        v[i] += (g[i] * g[i] - v[i]) * one_minus_beta_2
        step[i] = m[i] * of_m / (math.sqrt(v[i] * of_v) + epsilon)


@gpu_kernel()
def _lamb(w, rate, step, squares, n):
    """Every thread computes the norms from the sums of squares."""
    w_norm, step_norm = math.sqrt(squares[0]), math.sqrt(squares[1])
    trust = w_norm / step_norm if w_norm > 0 and step_norm > 0 else 1.0
    factor = type(w[0])(trust) * rate[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        w[i] -= factor * step[i]


def lion(w, g, m, rate, beta_1, beta_2):
    scalar, rate = w.dtype.type, number_there(rate, w.dtype)
    _lion.over(w.size, w, g, m, rate, scalar(beta_1), scalar(1 - beta_1), scalar(beta_2), scalar(1 - beta_2))


@gpu_kernel()
def _lion(w, g, m, rate, beta_1, one_minus_beta_1, beta_2, one_minus_beta_2, n):
    step_size = rate[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        direction = beta_1 * m[i] + one_minus_beta_1 * g[i]
        w[i] -= step_size if direction > 0 else (-step_size if direction < 0 else direction)  # NaN stays NaN
        m[i] = beta_2 * m[i] + one_minus_beta_2 * g[i]


def ftrl(w, g, a, z, rate, power, l1, l2, shrinkage, beta):
    scalar = w.dtype.type
    _ftrl.over(
        w.size, w, g, a, z, number_there(rate, w.dtype), scalar(-power), scalar(l1), scalar(2 * l2),
        scalar(2 * shrinkage), scalar(beta),
    )  # fmt: skip


@device_function
def _power(a, exponent):
    """a^exponent, for a and exponent of 0 or more. The library's own power of float64 is long."""
    return type(a)(1) if exponent == 0 else type(a)(math.exp(exponent * math.log(a)))


@gpu_kernel()
def _ftrl(w, g, a, z, rate, exponent, l1, two_l2, two_shrinkage, beta, n):
    step_size = rate[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        before = _power(a[i], exponent)
        a[i] += g[i] * g[i]
        after = _power(a[i], exponent)
        z[i] += g[i] + two_shrinkage * w[i] - (after - before) / step_size * w[i]
        limited = l1 if z[i] > l1 else (-l1 if z[i] < -l1 else z[i])
        w[i] = (limited - z[i]) / (after / step_size + two_l2 + beta / step_size)


def adafactor(w, g, r, c, v, rate, beta_2, epsilon_1, epsilon_2, clip_threshold):
    numbers = rate, beta_2, epsilon_1, epsilon_2, clip_threshold
    _on_host(vectorized.adafactor, w, g, r, c, v, numbers=numbers)


def muon(w, g, m, rate, momentum, nesterov, polynomial, steps):
    _on_host(vectorized.muon, w, g, m, numbers=(rate, momentum, nesterov, polynomial, steps))


def _on_host(update, *held, numbers):
    """Compute an update in NumPy: copy the arrays to the host, and the changed ones back. None stays None."""
    there = [None if array is None else array.to_host() for array in held]
    update(*there, *numbers)
    for array, changed in zip(held, there, strict=True):
        if array is not None:
            array.fill_from(changed)


def average(w, a, share):
    _average.over(w.size, w, a, number_there(share, w.dtype))


@gpu_kernel()
def _average(w, a, share, n):
    kept = share[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        a[i] = w[i] if kept == 0 else kept * a[i] + (type(kept)(1) - kept) * w[i]


def decay(w, rate):
    _decay.over(w.size, w, number_there(rate, w.dtype))


@gpu_kernel()
def _decay(w, rate, n):
    share = rate[0]
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        w[i] -= w[i] * share


def clip_value(g, limit):
    out = arrays.empty(g.shape, g.dtype)
    _clip.over(g.size, g, g.dtype.type(limit), out)
    return out


@gpu_kernel()
def _clip(g, limit, out, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        out[i] = limit if g[i] > limit else (-limit if g[i] < -limit else g[i])


def clip_norm(gs, limit):
    squares = arrays.empty((len(gs),), np.float64)
    for i, g in enumerate(gs):
        sum_into(squares, i, g, g, g.size)
    clipped = []
    for g in gs:
        out = arrays.empty(g.shape, g.dtype)
        _shrink.over(g.size, g, squares, len(gs), np.float64(limit), out)
        clipped.append(out)
    return clipped


@gpu_kernel()
def _shrink(g, squares, count, limit, out, n):
    """out = g * limit / max(norm, limit); every thread computes the norm from the sums of squares."""
    total = squares[0]
    for i in range(1, count):
        total += squares[i]
    norm = math.sqrt(total)
    factor = type(g[0])(1 if norm <= limit else limit / norm)
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        out[i] = g[i] * factor


def penalty(w, l1, l2):
    parts = arrays.empty(w.shape, w.dtype)
    _penalty.over(w.size, w, w.dtype.type(l1), w.dtype.type(l2), parts)
    return weighted_sum(parts, None, w.size)


@gpu_kernel()
def _penalty(w, l1, l2, parts, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        parts[i] = l1 * abs(w[i]) + l2 * w[i] * w[i]


def add_penalty_gradient(g, w, l1, l2):
    out, scalar = arrays.empty(g.shape, g.dtype), w.dtype.type
    _add_penalty_gradient.over(g.size, g, w, scalar(l1), scalar(2 * l2), scalar(0), out)
    return out


@gpu_kernel()
def _add_penalty_gradient(g, w, l1, two_l2, zero, out, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        slope = l1 if w[i] > 0 else (-l1 if w[i] < 0 else zero)
        out[i] = g[i] + slope + two_l2 * w[i]
