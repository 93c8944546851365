"""Contrast and brightness in Numba: the threads share the images. Each image is read from memory once."""

from __future__ import annotations

import math

import numpy as np
from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import kernel


def contrast_forward(x, factors, low, high, need_saved=True):
    N, H, W, C = x.shape
    y, number, pixels = workspace.empty(x.shape, x.dtype), x.dtype.type, (N, H * W, C)
    free = workspace.empty(pixels if need_saved else (N, 0, C), np.uint8)
    means = np.empty((N, C), np.float64)
    _contrast(x.reshape(pixels), factors, number(low), number(high), means, y.reshape(pixels), free)
    return y, ((factors, free) if need_saved else None)


@kernel(parallel=True)
def _contrast(x, factors, low, high, means, y, free):
    N, P, C = x.shape
    for n in prange(N):
        means[n] = 0
        for p in range(P):
            for c in range(C):
                means[n, c] += x[n, p, c]
        for c in range(C):
            means[n, c] /= P
        for p in range(P):
            for c in range(C):
                mean = x.dtype.type(means[n, c])
                value = (x[n, p, c] - mean) * factors[n] + mean
                y[n, p, c] = low if value < low else (high if value > high else value)
                if free.shape[1]:
                    free[n, p, c] = (value >= low) & (value <= high)


def contrast_backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    factors, free = saved
    N, H, W, C = dy.shape
    dx, pixels = workspace.empty(dy.shape, dy.dtype), (N, H * W, C)
    _contrast_gradient(dy.reshape(pixels), factors, free, np.empty((N, C), np.float64), dx.reshape(pixels))
    return dx


@kernel(parallel=True)
def _contrast_gradient(dy, factors, free, means, dx):
    N, P, C = dy.shape
    for n in prange(N):
        means[n] = 0
        for p in range(P):
            for c in range(C):
                if free[n, p, c]:
                    means[n, c] += dy[n, p, c]
        for p in range(P):
            for c in range(C):
                share = dy.dtype.type(means[n, c] / P) * (dy.dtype.type(1) - factors[n])
                dx[n, p, c] = (factors[n] * dy[n, p, c] if free[n, p, c] else dy.dtype.type(0)) + share


def brightness_forward(x, deltas, low, high, need_saved=True):
    y, number, N, size = workspace.empty(x.shape, x.dtype), x.dtype.type, len(x), math.prod(x.shape[1:])
    free = workspace.empty(x.shape if need_saved else (N, 0), np.uint8)
    kept = free.reshape(N, size if need_saved else 0)
    _brightness(x.reshape(N, size), deltas, number(low), number(high), y.reshape(N, size), kept)
    return y, (free if need_saved else None)


@kernel(parallel=True)
def _brightness(x, deltas, low, high, y, free):
    for n in prange(x.shape[0]):
        for i in range(x.shape[1]):
            value = x[n, i] + deltas[n]
            y[n, i] = low if value < low else (high if value > high else value)
            if free.shape[1]:
                free[n, i] = (value >= low) & (value <= high)


def brightness_backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    dx = workspace.empty(dy.shape, dy.dtype)
    _where_free(dy.reshape(-1), saved.reshape(-1), dx.reshape(-1))
    return dx


@kernel(parallel=True)
def _where_free(dy, free, dx):
    for i in prange(dy.size):
        dx[i] = dy[i] if free[i] else dy.dtype.type(0)
