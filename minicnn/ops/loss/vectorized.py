"""Losses in NumPy: the definitions."""

from __future__ import annotations

import numpy as np


def softmax_cross_entropy_forward(z, t, epsilon=1e-7, need_saved=True):
    log_p = _log_softmax(z)
    return -(t * log_p).sum(axis=1), ((log_p, t) if need_saved else None)


def softmax_cross_entropy_backward(dlosses, saved):
    log_p, t = saved
    return dlosses[:, None] * (np.exp(log_p) * t.sum(axis=1, keepdims=True) - t)


def sparse_softmax_cross_entropy_forward(z, labels, epsilon=1e-7, need_saved=True):
    log_p = _log_softmax(z)
    return -log_p[np.arange(len(z)), labels], ((log_p, labels) if need_saved else None)


def sparse_softmax_cross_entropy_backward(dlosses, saved):
    log_p, labels = saved
    dz = np.exp(log_p)
    dz[np.arange(len(dz)), labels] -= 1
    return dlosses[:, None] * dz


def _log_softmax(z):
    shifted = z - z.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def categorical_cross_entropy_forward(p, t, epsilon=1e-7, need_saved=True):
    total = p.sum(axis=1, keepdims=True)
    q = p / total
    losses = -(t * np.log(_clip(q, epsilon))).sum(axis=1)
    return losses, ((q, total, t, epsilon) if need_saved else None)


def categorical_cross_entropy_backward(dlosses, saved):
    q, total, t, epsilon = saved
    dq = np.where(_inside(q, epsilon), -t / _clip(q, epsilon), 0)
    return dlosses[:, None] * (dq - (dq * q).sum(axis=1, keepdims=True)) / total


def sparse_categorical_cross_entropy_forward(p, labels, epsilon=1e-7, need_saved=True):
    clipped = _clip(p, epsilon)
    losses = np.log(clipped.sum(axis=1)) - np.log(clipped[np.arange(len(p)), labels])
    return losses, ((p, labels, epsilon) if need_saved else None)


def sparse_categorical_cross_entropy_backward(dlosses, saved):
    p, labels, epsilon = saved
    rows, clipped = np.arange(len(p)), _clip(p, epsilon)
    dp = np.repeat(1 / clipped.sum(axis=1, keepdims=True), p.shape[1], axis=1)
    dp[rows, labels] -= 1 / clipped[rows, labels]
    return dlosses[:, None] * np.where(_inside(p, epsilon), dp, dp.dtype.type(0))


def sigmoid_cross_entropy_forward(z, t, epsilon=1e-7, need_saved=True):
    losses = (np.maximum(z, 0) - z * t + np.log1p(np.exp(-np.abs(z)))).mean(axis=1)
    return losses, ((z, t) if need_saved else None)


def sigmoid_cross_entropy_backward(dlosses, saved):
    z, t = saved
    e = np.exp(-np.abs(z))
    p = np.where(z < 0, e, 1) / (1 + e)
    return dlosses[:, None] * (p - t) / z.dtype.type(z.shape[1])


def binary_cross_entropy_forward(p, t, epsilon=1e-7, need_saved=True):
    clipped = _clip(p, epsilon)
    losses = -(t * np.log(clipped) + (1 - t) * np.log(1 - clipped)).mean(axis=1)
    return losses, ((p, t, epsilon) if need_saved else None)


def binary_cross_entropy_backward(dlosses, saved):
    p, t, epsilon = saved
    clipped = _clip(p, epsilon)
    dp = (clipped - t) / (clipped * (1 - clipped)) / p.dtype.type(p.shape[1])
    return dlosses[:, None] * np.where(_inside(p, epsilon), dp, dp.dtype.type(0))


def mean_squared_error_forward(p, t, epsilon=1e-7, need_saved=True):
    return np.square(p - t).mean(axis=1), ((p, t) if need_saved else None)


def mean_squared_error_backward(dlosses, saved):
    p, t = saved
    return dlosses[:, None] * (p - t) * p.dtype.type(2 / p.shape[1])


def mean_absolute_error_forward(p, t, epsilon=1e-7, need_saved=True):
    return np.abs(p - t).mean(axis=1), ((p, t) if need_saved else None)


def mean_absolute_error_backward(dlosses, saved):
    p, t = saved
    return dlosses[:, None] * np.sign(p - t) / p.dtype.type(p.shape[1])


def mean_absolute_percentage_error_forward(p, t, epsilon=1e-7, need_saved=True):
    size = np.maximum(np.abs(t), p.dtype.type(epsilon))
    return 100 * (np.abs(p - t) / size).mean(axis=1), ((p, t, size) if need_saved else None)


def mean_absolute_percentage_error_backward(dlosses, saved):
    p, t, size = saved
    return dlosses[:, None] * np.sign(p - t) / size * p.dtype.type(100 / p.shape[1])


def mean_squared_logarithmic_error_forward(p, t, epsilon=1e-7, need_saved=True):
    epsilon = p.dtype.type(epsilon)
    q = np.maximum(p, epsilon)
    difference = np.log1p(q) - np.log1p(np.maximum(t, epsilon))
    return np.square(difference).mean(axis=1), ((p, q, difference, epsilon) if need_saved else None)


def mean_squared_logarithmic_error_backward(dlosses, saved):
    p, q, difference, epsilon = saved
    dp = dlosses[:, None] * difference / (q + 1) * p.dtype.type(2 / p.shape[1])
    return np.where(p < epsilon, p.dtype.type(0), dp)


def huber_forward(p, t, epsilon=1e-7, need_saved=True):
    difference, delta = p - t, p.dtype.type(epsilon)  # huber takes delta in the place of epsilon
    size = np.abs(difference)
    losses = np.where(size > delta, delta * (size - delta / 2), size * size / 2).mean(axis=1)
    return losses, ((difference, delta) if need_saved else None)


def huber_backward(dlosses, saved):
    difference, delta = saved
    return dlosses[:, None] * np.clip(difference, -delta, delta) / difference.dtype.type(difference.shape[1])


def log_cosh_forward(p, t, epsilon=1e-7, need_saved=True):
    size = np.abs(p - t)
    losses = (size + np.log1p(np.exp(-2 * size)) - np.log(p.dtype.type(2))).mean(axis=1)
    return losses, (p - t if need_saved else None)


def log_cosh_backward(dlosses, saved):
    return dlosses[:, None] * np.tanh(saved) / saved.dtype.type(saved.shape[1])


def kl_divergence_forward(p, t, epsilon=1e-7, need_saved=True):
    epsilon, one = p.dtype.type(epsilon), p.dtype.type(1)
    t, q = np.clip(t, epsilon, one), np.clip(p, epsilon, one)
    return (t * np.log(t / q)).sum(axis=1), ((p, q, t, epsilon) if need_saved else None)


def kl_divergence_backward(dlosses, saved):
    p, q, t, epsilon = saved
    return np.where((p < epsilon) | (p > 1), p.dtype.type(0), dlosses[:, None] * -t / q)


def poisson_forward(p, t, epsilon=1e-7, need_saved=True):
    epsilon = p.dtype.type(epsilon)
    return (p - t * np.log(p + epsilon)).mean(axis=1), ((p, t, epsilon) if need_saved else None)


def poisson_backward(dlosses, saved):
    p, t, epsilon = saved
    return dlosses[:, None] * (1 - t / (p + epsilon)) / p.dtype.type(p.shape[1])


def hinge_forward(p, t, epsilon=1e-7, need_saved=True):
    margin = 1 - t * p
    return np.maximum(margin, 0).mean(axis=1), ((margin, t) if need_saved else None)


def hinge_backward(dlosses, saved):
    margin, t = saved
    return np.where(margin < 0, t.dtype.type(0), -dlosses[:, None] * t / t.dtype.type(t.shape[1]))


def squared_hinge_forward(p, t, epsilon=1e-7, need_saved=True):
    margin = 1 - t * p
    return np.square(np.maximum(margin, 0)).mean(axis=1), ((margin, t) if need_saved else None)


def squared_hinge_backward(dlosses, saved):
    margin, t = saved
    return np.where(margin < 0, t.dtype.type(0), dlosses[:, None] * margin * t * t.dtype.type(-2 / t.shape[1]))


def _clip(p, epsilon):
    return np.clip(p, p.dtype.type(epsilon), p.dtype.type(1) - p.dtype.type(epsilon))


def _inside(p, epsilon):
    """True where clipping lets the gradient through: between the bounds, bounds included, as in TensorFlow."""
    return (p >= p.dtype.type(epsilon)) & (p <= p.dtype.type(1) - p.dtype.type(epsilon))
