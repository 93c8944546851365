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


def _clip(p, epsilon):
    return np.clip(p, p.dtype.type(epsilon), p.dtype.type(1) - p.dtype.type(epsilon))


def _inside(p, epsilon):
    """Where clipping passes the gradient on: within the bounds, ends included, as in TensorFlow."""
    return (p >= p.dtype.type(epsilon)) & (p <= p.dtype.type(1) - p.dtype.type(epsilon))
