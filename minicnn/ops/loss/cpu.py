"""Losses in Numba: each row in one go, rows shared among the threads.

The loss of a row is made by a helper, its gradient by the helper below it; two loops over rows serve them all. The
compiler must leave the order of operations alone: the formulas are arranged to keep digits where logits are large and
probabilities near 0 or 1.
"""

from __future__ import annotations

import math

import numpy as np
from numba import prange

from ...kernels import workspace
from ...kernels.compile import helper_as_written, kernel


def _pair(row_loss, row_gradient):
    """forward and backward out of row_loss(p, t, i, epsilon) and row_gradient(p, t, i, epsilon, upstream, dp)."""

    @kernel(parallel=True, as_written=True)
    def run(p, t, epsilon, losses):
        for i in prange(p.shape[0]):
            losses[i] = row_loss(p, t, i, p.dtype.type(epsilon))

    @kernel(parallel=True, as_written=True)
    def run_gradient(dlosses, p, t, epsilon, dp):
        for i in prange(p.shape[0]):
            row_gradient(p, t, i, p.dtype.type(epsilon), dlosses[i], dp)

    def forward(p, t, epsilon=1e-7, need_saved=True):
        losses = workspace.empty((p.shape[0],), p.dtype)
        run(p, t, epsilon, losses)
        return losses, ((p, t, epsilon) if need_saved else None)

    def backward(dlosses, saved):
        p, t, epsilon = saved
        dp = workspace.empty(p.shape, p.dtype)
        run_gradient(dlosses, p, t, epsilon, dp)
        return dp

    return forward, backward


@helper_as_written
def _largest(z, i):
    largest = z[i, 0]
    for k in range(1, z.shape[1]):
        if z[i, k] > largest:
            largest = z[i, k]
    return largest


@helper_as_written
def _largest_and_sum(z, i):
    """(largest z, sum of exp(z - largest)): softmax(z)_k = exp(z_k - largest) / sum."""
    largest = _largest(z, i)
    total = z.dtype.type(0)
    for k in range(z.shape[1]):
        total += math.exp(z[i, k] - largest)
    return largest, total


@helper_as_written
def _clip(p, epsilon):
    if p < epsilon:
        return epsilon
    highest = type(p)(1) - epsilon
    return highest if p > highest else p


@helper_as_written
def _inside(p, epsilon):
    return p >= epsilon and p <= type(p)(1) - epsilon


@helper_as_written
def _row_sum(p, i):
    total = p.dtype.type(0)
    for k in range(p.shape[1]):
        total += p[i, k]
    return total


@helper_as_written
def _softmax_loss(z, t, i, epsilon):
    largest, total = _largest_and_sum(z, i)
    loss = z.dtype.type(0)
    for k in range(z.shape[1]):
        loss += t[i, k] * (math.log(total) - (z[i, k] - largest))
    return loss


@helper_as_written
def _softmax_gradient(z, t, i, epsilon, upstream, dz):
    largest, total = _largest_and_sum(z, i)
    weight = _row_sum(t, i)
    for k in range(z.shape[1]):
        dz[i, k] = upstream * (math.exp(z[i, k] - largest) / total * weight - t[i, k])


@helper_as_written
def _sparse_softmax_loss(z, labels, i, epsilon):
    largest, total = _largest_and_sum(z, i)
    return math.log(total) - (z[i, labels[i]] - largest)


@helper_as_written
def _sparse_softmax_gradient(z, labels, i, epsilon, upstream, dz):
    largest, total = _largest_and_sum(z, i)
    for k in range(z.shape[1]):
        target = z.dtype.type(1 if k == labels[i] else 0)
        dz[i, k] = upstream * (math.exp(z[i, k] - largest) / total - target)


@helper_as_written
def _categorical_loss(p, t, i, epsilon):
    total, loss = _row_sum(p, i), p.dtype.type(0)
    for k in range(p.shape[1]):
        loss -= t[i, k] * math.log(_clip(p[i, k] / total, epsilon))
    return loss


@helper_as_written
def _categorical_gradient(p, t, i, epsilon, upstream, dp):
    total, shared = _row_sum(p, i), p.dtype.type(0)
    for k in range(p.shape[1]):
        q = p[i, k] / total
        dp[i, k] = -t[i, k] / _clip(q, epsilon) if _inside(q, epsilon) else p.dtype.type(0)
        shared += dp[i, k] * q
    for k in range(p.shape[1]):
        dp[i, k] = upstream * (dp[i, k] - shared) / total


@helper_as_written
def _clipped_sum(p, i, epsilon):
    total = p.dtype.type(0)
    for k in range(p.shape[1]):
        total += _clip(p[i, k], epsilon)
    return total


@helper_as_written
def _sparse_categorical_loss(p, labels, i, epsilon):
    return math.log(_clipped_sum(p, i, epsilon)) - math.log(_clip(p[i, labels[i]], epsilon))


@helper_as_written
def _sparse_categorical_gradient(p, labels, i, epsilon, upstream, dp):
    total = _clipped_sum(p, i, epsilon)
    for k in range(p.shape[1]):
        slope = 1 / total
        if k == labels[i]:
            slope -= 1 / _clip(p[i, k], epsilon)
        dp[i, k] = upstream * slope if _inside(p[i, k], epsilon) else p.dtype.type(0)


@helper_as_written
def _sigmoid_loss(z, t, i, epsilon):
    loss = z.dtype.type(0)
    for k in range(z.shape[1]):
        value = z[i, k]
        positive = z.dtype.type(0) if value < 0 else value
        loss += positive - value * t[i, k] + math.log1p(math.exp(-abs(value)))
    return loss / z.shape[1]


@helper_as_written
def _sigmoid_gradient(z, t, i, epsilon, upstream, dz):
    for k in range(z.shape[1]):
        e = math.exp(-abs(z[i, k]))
        p = (e if z[i, k] < 0 else 1) / (1 + e)
        dz[i, k] = upstream * (p - t[i, k]) / z.shape[1]


@helper_as_written
def _binary_loss(p, t, i, epsilon):
    loss = p.dtype.type(0)
    for k in range(p.shape[1]):
        q = _clip(p[i, k], epsilon)
        one = type(q)(1)
        loss -= t[i, k] * math.log(q) + (one - t[i, k]) * math.log(one - q)
    return loss / p.shape[1]


@helper_as_written
def _binary_gradient(p, t, i, epsilon, upstream, dp):
    for k in range(p.shape[1]):
        q = _clip(p[i, k], epsilon)
        slope = (q - t[i, k]) / (q * (type(q)(1) - q)) / p.shape[1]
        dp[i, k] = upstream * slope if _inside(p[i, k], epsilon) else p.dtype.type(0)


@helper_as_written
def _squared_loss(p, t, i, epsilon):
    loss = p.dtype.type(0)
    for k in range(p.shape[1]):
        loss += (p[i, k] - t[i, k]) ** 2
    return loss / p.shape[1]


@helper_as_written
def _squared_gradient(p, t, i, epsilon, upstream, dp):
    for k in range(p.shape[1]):
        dp[i, k] = upstream * 2 * (p[i, k] - t[i, k]) / p.shape[1]


@helper_as_written
def _absolute_loss(p, t, i, epsilon):
    loss = p.dtype.type(0)
    for k in range(p.shape[1]):
        loss += abs(p[i, k] - t[i, k])
    return loss / p.shape[1]


@helper_as_written
def _absolute_gradient(p, t, i, epsilon, upstream, dp):
    for k in range(p.shape[1]):
        dp[i, k] = upstream * np.sign(p[i, k] - t[i, k]) / p.shape[1]


softmax_cross_entropy_forward, softmax_cross_entropy_backward = _pair(_softmax_loss, _softmax_gradient)
sparse_softmax_cross_entropy_forward, sparse_softmax_cross_entropy_backward = _pair(
    _sparse_softmax_loss, _sparse_softmax_gradient
)
categorical_cross_entropy_forward, categorical_cross_entropy_backward = _pair(_categorical_loss, _categorical_gradient)
sparse_categorical_cross_entropy_forward, sparse_categorical_cross_entropy_backward = _pair(
    _sparse_categorical_loss, _sparse_categorical_gradient
)
sigmoid_cross_entropy_forward, sigmoid_cross_entropy_backward = _pair(_sigmoid_loss, _sigmoid_gradient)
binary_cross_entropy_forward, binary_cross_entropy_backward = _pair(_binary_loss, _binary_gradient)
mean_squared_error_forward, mean_squared_error_backward = _pair(_squared_loss, _squared_gradient)
mean_absolute_error_forward, mean_absolute_error_backward = _pair(_absolute_loss, _absolute_gradient)
