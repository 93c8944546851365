"""Contrast and brightness on the GPU. One thread computes the mean of one channel of one image."""

from __future__ import annotations

import math

import numpy as np
from numba import cuda

from ...kernels.gpu import arrays
from ...kernels.gpu.elementwise import through_relu
from ...kernels.gpu.launch import gpu_kernel


def contrast_forward(x, factors, low, high, need_saved=True):
    N, H, W, C = x.shape
    number, y, means = x.dtype.type, arrays.empty(x.shape, x.dtype), arrays.empty((N, C), x.dtype)
    free = arrays.empty(x.shape, np.uint8)
    _mean.over(N * C, x, H * W, C, number(0), number(1 / (H * W)), means)
    _contrast.over(x.size, x, factors, means, H * W, C, number(low), number(high), y, free)
    return y, ((factors, free) if need_saved else None)


@gpu_kernel()
def _mean(x, pixels, C, zero, share, means, n):
    """means = the mean of each image and channel.

    Parts of 256 pixels are summed first, then added, because the rounding errors of a sum grow with its length.
    """
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        start, total = place // C * pixels * C + place % C, zero
        for first in range(0, pixels, 256):
            part = zero
            for pixel in range(first, min(first + 256, pixels)):
                part += x[start + pixel * C]
            total += part
        means[place] = total * share


@gpu_kernel()
def _contrast(x, factors, means, pixels, C, low, high, y, free, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        image = i // C // pixels
        mean = means[image * C + i % C]
        value = (x[i] - mean) * factors[image] + mean
        y[i] = low if value < low else (high if value > high else value)
        free[i] = value >= low and value <= high


def contrast_backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    factors, free = saved
    N, H, W, C = dy.shape
    number, dx, means = dy.dtype.type, arrays.empty(dy.shape, dy.dtype), arrays.empty((N, C), dy.dtype)
    masked = brightness_backward(dy, free)
    _mean.over(N * C, masked, H * W, C, number(0), number(1 / (H * W)), means)
    _contrast_gradient.over(dy.size, masked, factors, means, H * W, C, number(1), dx)
    return dx


@gpu_kernel()
def _contrast_gradient(dy, factors, means, pixels, C, one, dx, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        image = i // C // pixels
        dx[i] = factors[image] * dy[i] + (one - factors[image]) * means[image * C + i % C]


def brightness_forward(x, deltas, low, high, need_saved=True):
    number, y, free = x.dtype.type, arrays.empty(x.shape, x.dtype), arrays.empty(x.shape, np.uint8)
    _brightness.over(x.size, x, deltas, math.prod(x.shape[1:]), number(low), number(high), y, free)
    return y, (free if need_saved else None)


@gpu_kernel()
def _brightness(x, deltas, size, low, high, y, free, n):
    for i in range(cuda.grid(1), n, cuda.gridsize(1)):
        value = x[i] + deltas[i // size]
        y[i] = low if value < low else (high if value > high else value)
        free[i] = value >= low and value <= high


def brightness_backward(dy, saved, need_dx=True):
    return through_relu(dy, saved) if need_dx else None  # saved is 1 or 0: dy passes where it is 1
