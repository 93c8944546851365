"""Batch normalization as it is defined, channel by channel."""

from __future__ import annotations

import math

import numpy as np


def forward(
    x, gamma, beta, moving_mean, moving_variance, momentum=0.99, epsilon=1e-3, training=False, relu=False,
    need_saved=True,
):  # fmt: skip
    C = x.shape[-1]
    rows, y = x.reshape(-1, C), np.empty((x.size // C, C), x.dtype)
    M = len(rows)
    x_hat, scale = np.empty_like(y), np.empty(C, x.dtype)
    for c in range(C):
        mean, variance = float(moving_mean[c]), float(moving_variance[c])
        if training:
            mean = sum(float(rows[m, c]) for m in range(M)) / M
            variance = sum((float(rows[m, c]) - mean) ** 2 for m in range(M)) / M
            moving_mean[c] = momentum * moving_mean[c] + (1 - momentum) * mean
            moving_variance[c] = momentum * moving_variance[c] + (1 - momentum) * variance
        scale[c] = 1 / math.sqrt(variance + epsilon)
        for m in range(M):
            x_hat[m, c] = (float(rows[m, c]) - mean) * scale[c]
            value = (1 if gamma is None else gamma[c]) * x_hat[m, c] + (0 if beta is None else beta[c])
            y[m, c] = 0 if relu and value < 0 else value
    saved = (x_hat, scale, gamma, beta is not None, training, y if relu else None)
    return y.reshape(x.shape), (saved if need_saved else None)


def fold(w, b, gamma, beta, moving_mean, moving_variance, epsilon=1e-3):
    F = w.shape[-1]
    columns, folded_w, folded_b = w.reshape(-1, F), np.empty((w.size // F, F), w.dtype), np.empty(F, w.dtype)
    for f in range(F):
        scale = (1 if gamma is None else gamma[f]) / math.sqrt(moving_variance[f] + epsilon)
        for k in range(len(columns)):
            folded_w[k, f] = columns[k, f] * scale
        folded_b[f] = ((0 if b is None else b[f]) - moving_mean[f]) * scale + (0 if beta is None else beta[f])
    return folded_w.reshape(w.shape), folded_b


def backward(dy, saved, need_dx=True):
    x_hat, scale, gamma, has_beta, training, y = saved
    M, C = x_hat.shape
    rows = dy.reshape(M, C)
    if y is not None:
        rows = np.array([[rows[m, c] if y[m, c] > 0 else 0 for c in range(C)] for m in range(M)], dy.dtype)
    dx, dgamma, dbeta = np.empty_like(x_hat), np.zeros(C), np.zeros(C)
    for c in range(C):
        for m in range(M):
            dbeta[c] += rows[m, c]
            dgamma[c] += rows[m, c] * x_hat[m, c]
        for m in range(M):
            correction = (dbeta[c] + x_hat[m, c] * dgamma[c]) / M if training else 0
            dx[m, c] = (1 if gamma is None else gamma[c]) * scale[c] * (rows[m, c] - correction)
    dgamma, dbeta = dgamma.astype(dy.dtype), dbeta.astype(dy.dtype)
    return (dx.reshape(dy.shape) if need_dx else None, None if gamma is None else dgamma, dbeta if has_beta else None)
