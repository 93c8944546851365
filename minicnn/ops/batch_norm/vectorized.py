"""Batch normalization in NumPy. The sums are float64: float32 would lose digits in a sum over many pixels."""

from __future__ import annotations

import numpy as np


def forward(
    x, gamma, beta, moving_mean, moving_variance, momentum=0.99, epsilon=1e-3, training=False, relu=False,
    need_saved=True,
):  # fmt: skip
    axes = tuple(range(x.ndim - 1))
    mean, variance = moving_mean, moving_variance
    if training:
        mean = x.mean(axis=axes, dtype=np.float64)
        variance = np.square(x - mean).mean(axis=axes)
        moving_mean[...] = momentum * moving_mean + (1 - momentum) * mean
        moving_variance[...] = momentum * moving_variance + (1 - momentum) * variance
    scale = 1 / np.sqrt(variance + epsilon)
    x_hat = ((x - mean) * scale).astype(x.dtype)
    y = x_hat if gamma is None else x_hat * gamma
    y = y if beta is None else y + beta
    if relu:
        y = np.where(y < 0, y.dtype.type(0), y)
    saved = (x_hat, scale.astype(x.dtype), gamma, beta is not None, training, y if relu else None)
    return y, (saved if need_saved else None)


def fold(w, b, gamma, beta, moving_mean, moving_variance, epsilon=1e-3):
    scale = 1 / np.sqrt(moving_variance + epsilon)
    scale = (scale if gamma is None else gamma * scale).astype(w.dtype)
    shift = ((0 if b is None else b) - moving_mean) * scale
    return w * scale, (shift if beta is None else shift + beta).astype(w.dtype)


def backward(dy, saved, need_dx=True):
    x_hat, scale, gamma, has_beta, training, y = saved
    if y is not None:
        dy = np.where(y > 0, dy, dy.dtype.type(0))
    axes = tuple(range(dy.ndim - 1))
    dbeta = dy.sum(axis=axes, dtype=np.float64)
    dgamma = (dy * x_hat).sum(axis=axes, dtype=np.float64)
    dx = None
    if need_dx:
        dx = dy
        if training:
            M = dy.size // dy.shape[-1]
            dx = dy - (dbeta / M + x_hat * (dgamma / M))
        dx = (dx * (scale if gamma is None else scale * gamma)).astype(dy.dtype)
    return (dx, None if gamma is None else dgamma.astype(dy.dtype), dbeta.astype(dy.dtype) if has_beta else None)
