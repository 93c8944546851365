"""The optimizers' updates in Numba: each is one pass over memory; NumPy needs five to ten.

The scalars are cast to the weights' type first, so that float32 weights are updated in float32. The rate is stored in
memory, so that each replayed step finds its own rate there (`kernels/cpu/recording.py`). Adafactor's and Muon's
updates are means and products of whole matrices. NumPy computes them, so steps with these optimizers are not replayed.
"""

from __future__ import annotations

import math

import numpy as np
from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import kernel
from ...kernels.cpu.recording import number_there, reading, refuse
from . import vectorized

_PIECES = 32  # sums are cut into this many pieces, for any number of threads


def sgd(w, g, rate):
    _sgd(w.reshape(-1), g.reshape(-1), number_there(rate, w.dtype))


@kernel(parallel=True)
def _sgd(w, g, rate):
    step_size = rate[0]
    for i in prange(w.size):
        w[i] -= step_size * g[i]


def momentum(w, g, v, rate, momentum, nesterov=False):
    rate = number_there(rate, w.dtype)
    _momentum(w.reshape(-1), g.reshape(-1), v.reshape(-1), rate, w.dtype.type(momentum), nesterov)


@kernel(parallel=True)
def _momentum(w, g, v, rate, momentum, nesterov):
    step_size = rate[0]
    for i in prange(w.size):
        v[i] = momentum * v[i] - step_size * g[i]
        w[i] += momentum * v[i] - step_size * g[i] if nesterov else v[i]


def rmsprop(w, g, s, a, v, rate, rho, momentum, epsilon):
    scalar = w.dtype.type
    _rmsprop(
        w.reshape(-1), g.reshape(-1), s.reshape(-1), _flat(a, w), _flat(v, w), a is not None, v is not None,
        number_there(rate, w.dtype), scalar(rho), scalar(1 - rho), scalar(momentum), scalar(epsilon),
    )  # fmt: skip


def _flat(memory, w):
    """The optional array `memory`, flat. Without one, an empty array that the kernel never reads."""
    return np.empty(0, w.dtype) if memory is None else memory.reshape(-1)


@kernel(parallel=True)
def _rmsprop(w, g, s, a, v, centered, has_momentum, rate, rho, one_minus_rho, momentum, epsilon):
    step_size = rate[0]
    for i in prange(w.size):
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
    scalar = w.dtype.type
    _adam(
        w.reshape(-1), g.reshape(-1), m.reshape(-1), v.reshape(-1), _flat(v_hat, w), v_hat is not None,
        number_there(rate, w.dtype), scalar(1 - beta_1), scalar(1 - beta_2), scalar(epsilon),
    )  # fmt: skip


@kernel(parallel=True)
def _adam(w, g, m, v, v_hat, amsgrad, rate, one_minus_beta_1, one_minus_beta_2, epsilon):
    """A step of Adam (the equations are in `__init__.py`), in place, for flat arrays of weights w and gradients g.

    m, v: running means of g and g^2; v_hat: the largest v so far, for amsgrad; rate (1,): `rate` of the equations.
    """
    step_size = rate[0]
    for i in prange(w.size):
        m[i] += (g[i] - m[i]) * one_minus_beta_1
        v[i] += (g[i] * g[i] - v[i]) * one_minus_beta_2
        second_moment = v[i]
        if amsgrad:
            if second_moment > v_hat[i] or second_moment != second_moment:
                v_hat[i] = second_moment
            second_moment = v_hat[i]
        w[i] -= m[i] * step_size / (math.sqrt(second_moment) + epsilon)


def adagrad(w, g, a, rate, epsilon):
    _adagrad(w.reshape(-1), g.reshape(-1), a.reshape(-1), number_there(rate, w.dtype), w.dtype.type(epsilon))


@kernel(parallel=True)
def _adagrad(w, g, a, rate, epsilon):
    step_size = rate[0]
    for i in prange(w.size):
        a[i] += g[i] * g[i]
        w[i] -= step_size * g[i] / math.sqrt(a[i] + epsilon)


def adadelta(w, g, a, d, rate, rho, epsilon):
    scalar = w.dtype.type
    _adadelta(
        w.reshape(-1), g.reshape(-1), a.reshape(-1), d.reshape(-1),
        number_there(rate, w.dtype), scalar(rho), scalar(1 - rho), scalar(epsilon),
    )  # fmt: skip


@kernel(parallel=True)
def _adadelta(w, g, a, d, rate, rho, one_minus_rho, epsilon):
    step_size = rate[0]
    for i in prange(w.size):
        a[i] = rho * a[i] + one_minus_rho * g[i] * g[i]
        step = g[i] * math.sqrt(d[i] + epsilon) / math.sqrt(a[i] + epsilon)
        d[i] = rho * d[i] + one_minus_rho * step * step
        w[i] -= step_size * step


def adamax(w, g, m, u, rate, beta_1, beta_2, epsilon):
    scalar = w.dtype.type
    _adamax(
        w.reshape(-1), g.reshape(-1), m.reshape(-1), u.reshape(-1),
        number_there(rate, w.dtype), scalar(1 - beta_1), scalar(beta_2), scalar(epsilon),
    )  # fmt: skip


@kernel(parallel=True)
def _adamax(w, g, m, u, rate, one_minus_beta_1, beta_2, epsilon):
    step_size = rate[0]
    for i in prange(w.size):
        m[i] += (g[i] - m[i]) * one_minus_beta_1
        faded, size = beta_2 * u[i], abs(g[i])
        u[i] = faded if faded > size or faded != faded else size  # NaN stays NaN
        w[i] -= m[i] * step_size / (u[i] + epsilon)


def nadam(w, g, m, v, numbers, beta_1, beta_2, epsilon):
    scalar = w.dtype.type
    a, b, c = (number_there(number, w.dtype) for number in numbers)
    _nadam(
        w.reshape(-1), g.reshape(-1), m.reshape(-1), v.reshape(-1), a, b, c,
        scalar(1 - beta_1), scalar(1 - beta_2), scalar(epsilon),
    )  # fmt: skip


@kernel(parallel=True)
def _nadam(w, g, m, v, a, b, c, one_minus_beta_1, one_minus_beta_2, epsilon):
    of_m, of_g, of_v = a[0], b[0], c[0]
    for i in prange(w.size):
        m[i] += (g[i] - m[i]) * one_minus_beta_1
        v[i] += (g[i] * g[i] - v[i]) * one_minus_beta_2
        w[i] -= (of_m * m[i] + of_g * g[i]) / (math.sqrt(of_v * v[i]) + epsilon)


def lamb(w, g, m, v, numbers, beta_1, beta_2, epsilon):
    scalar = w.dtype.type
    rate, c_1, c_2 = (number_there(number, w.dtype) for number in numbers)
    step, squares = workspace.empty((w.size,), w.dtype), workspace.empty((2, _PIECES), np.float64)
    _lamb_step(
        w.reshape(-1), g.reshape(-1), m.reshape(-1), v.reshape(-1), c_1, c_2,
        scalar(1 - beta_1), scalar(1 - beta_2), scalar(epsilon), step, squares,
    )  # fmt: skip
    _lamb(w.reshape(-1), rate, step, squares)


@kernel(parallel=True)
def _lamb_step(w, g, m, v, c_1, c_2, one_minus_beta_1, one_minus_beta_2, epsilon, step, squares):
    """The step, and the sums of squares of w and of the step, cut into pieces."""
    of_m, of_v, pieces = c_1[0], c_2[0], squares.shape[1]
    for piece in prange(pieces):
        of_w, of_step = 0.0, 0.0
        for i in range(piece * w.size // pieces, (piece + 1) * w.size // pieces):
            m[i] += (g[i] - m[i]) * one_minus_beta_1
            v[i] += (g[i] * g[i] - v[i]) * one_minus_beta_2
            step[i] = m[i] * of_m / (math.sqrt(v[i] * of_v) + epsilon)
            of_w += w[i] * w[i]
            of_step += step[i] * step[i]
        squares[0, piece], squares[1, piece] = of_w, of_step


@kernel(parallel=True)
def _lamb(w, rate, step, squares):
    w_norm, step_norm = math.sqrt(squares[0].sum()), math.sqrt(squares[1].sum())
    trust = w_norm / step_norm if w_norm > 0 and step_norm > 0 else 1.0
    factor = step.dtype.type(trust) * rate[0]
    for i in prange(w.size):
        w[i] -= factor * step[i]


def lion(w, g, m, rate, beta_1, beta_2):
    scalar = w.dtype.type
    _lion(
        w.reshape(-1), g.reshape(-1), m.reshape(-1), number_there(rate, w.dtype),
        scalar(beta_1), scalar(1 - beta_1), scalar(beta_2), scalar(1 - beta_2),
    )  # fmt: skip


@kernel(parallel=True)
def _lion(w, g, m, rate, beta_1, one_minus_beta_1, beta_2, one_minus_beta_2):
    step_size = rate[0]
    for i in prange(w.size):
        w[i] -= step_size * np.sign(beta_1 * m[i] + one_minus_beta_1 * g[i])
        m[i] = beta_2 * m[i] + one_minus_beta_2 * g[i]


def ftrl(w, g, a, z, rate, power, l1, l2, shrinkage, beta):
    scalar = w.dtype.type
    _ftrl(
        w.reshape(-1), g.reshape(-1), a.reshape(-1), z.reshape(-1), number_there(rate, w.dtype),
        scalar(-power), scalar(l1), scalar(2 * l2), scalar(2 * shrinkage), scalar(beta),
    )  # fmt: skip


@kernel(parallel=True)
def _ftrl(w, g, a, z, rate, exponent, l1, two_l2, two_shrinkage, beta):
    step_size = rate[0]
    for i in prange(w.size):
        before = a[i] ** exponent
        a[i] += g[i] * g[i]
        after = a[i] ** exponent
        z[i] += g[i] + two_shrinkage * w[i] - (after - before) / step_size * w[i]
        limited = l1 if z[i] > l1 else (-l1 if z[i] < -l1 else z[i])
        w[i] = (limited - z[i]) / (after / step_size + two_l2 + beta / step_size)


def adafactor(w, g, r, c, v, rate, beta_2, epsilon_1, epsilon_2, clip_threshold):
    refuse()  # NumPy computes it
    vectorized.adafactor(w, g, r, c, v, rate, beta_2, epsilon_1, epsilon_2, clip_threshold)


def muon(w, g, m, rate, momentum, nesterov, polynomial, steps):
    refuse()  # NumPy computes it
    vectorized.muon(w, g, m, rate, momentum, nesterov, polynomial, steps)


def average(w, a, share):
    _average(w.reshape(-1), a.reshape(-1), number_there(share, w.dtype))


@kernel(parallel=True)
def _average(w, a, share):
    kept = share[0]
    for i in prange(w.size):
        a[i] = w[i] if kept == 0 else kept * a[i] + (type(kept)(1) - kept) * w[i]


def decay(w, rate):
    _decay(w.reshape(-1), number_there(rate, w.dtype))


@kernel(parallel=True)
def _decay(w, rate):
    share = rate[0]
    for i in prange(w.size):
        w[i] -= w[i] * share


def clip_norm(gs, limit):
    refuse()  # a recording cannot be replayed: the norm decides which kernels run
    norm = math.sqrt(sum(penalty(g, 0.0, 1.0) for g in gs))
    return gs if norm <= limit else [_scaled(g, limit / norm) for g in gs]


def _scaled(g, factor):
    out = workspace.empty(g.shape, g.dtype)
    _scale(g.reshape(-1), g.dtype.type(factor), out.reshape(-1))
    return out


@kernel(parallel=True)
def _scale(g, factor, out):
    for i in prange(g.size):
        out[i] = g[i] * factor


def clip_value(g, limit):
    out = workspace.empty(g.shape, g.dtype)
    _clip(g.reshape(-1), g.dtype.type(limit), out.reshape(-1))
    return out


@kernel(parallel=True)
def _clip(g, limit, out):
    for i in prange(g.size):
        out[i] = limit if g[i] > limit else (-limit if g[i] < -limit else g[i])


def penalty(w, l1, l2):
    total = workspace.empty((1,), np.float64)
    _penalty(w.reshape(-1), l1, l2, workspace.empty((_PIECES,), np.float64), total)
    return reading(lambda: float(total[0]))


@kernel(parallel=True)
def _penalty(w, l1, l2, partial, total):
    pieces = partial.size
    for piece in prange(pieces):
        absolute, squares = 0.0, 0.0
        for i in range(piece * w.size // pieces, (piece + 1) * w.size // pieces):
            absolute += abs(w[i])
            squares += w[i] * w[i]
        partial[piece] = l1 * absolute + l2 * squares
    total[0] = 0
    for piece in range(pieces):
        total[0] += partial[piece]


def add_penalty_gradient(g, w, l1, l2):
    out = workspace.empty(g.shape, g.dtype)
    _add_penalty_gradient(g.reshape(-1), w.reshape(-1), w.dtype.type(l1), w.dtype.type(2 * l2), out.reshape(-1))
    return out


@kernel(parallel=True)
def _add_penalty_gradient(g, w, l1, two_l2, out):
    for i in prange(w.size):
        out[i] = g[i] + l1 * np.sign(w[i]) + two_l2 * w[i]
