"""Global pooling on the GPU: a thread for each image and channel; neighbouring threads take neighbouring channels."""

from __future__ import annotations

from numba import cuda

from ...kernels.gpu import arrays
from ...kernels.gpu.launch import gpu_kernel


def average_forward(x, need_saved=True):
    N, H, W, C = x.shape
    y = arrays.empty((N, C), x.dtype)
    _average.over(N * C, x, H * W, C, x.dtype.type(0), x.dtype.type(1 / (H * W)), y)
    return y, (x.shape if need_saved else None)


@gpu_kernel()
def _average(x, pixels, C, zero, share, y, n):
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        start, total = place // C * pixels * C + place % C, zero
        for pixel in range(pixels):
            total += x[start + pixel * C]
        y[place] = total * share


def average_backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    N, H, W, C = saved
    dx = arrays.empty(saved, dy.dtype)
    _average_gradient.over(dx.size, dy, H * W, C, dy.dtype.type(1 / (H * W)), dx)
    return dx


@gpu_kernel()
def _average_gradient(dy, pixels, C, share, dx, n):
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        dx[place] = dy[place // C // pixels * C + place % C] * share


def maximum_forward(x, need_saved=True):
    N, H, W, C = x.shape
    y = arrays.empty((N, C), x.dtype)
    _maximum.over(N * C, x, H * W, C, y)
    return y, ((x, y) if need_saved else None)


@gpu_kernel()
def _maximum(x, pixels, C, y, n):
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        start = place // C * pixels * C + place % C
        best = x[start]
        for pixel in range(1, pixels):
            value = x[start + pixel * C]
            if value > best or (value != value and best == best):
                best = value
        y[place] = best


def maximum_backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    x, y = saved
    N, H, W, C = x.shape
    dx = arrays.empty(x.shape, dy.dtype)
    _maximum_gradient.over(N * C, dy, x, y, H * W, C, dy.dtype.type(0), dy.dtype.type(1), dx)
    return dx


@gpu_kernel()
def _maximum_gradient(dy, x, y, pixels, C, zero, one, dx, n):
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        start, largest = place // C * pixels * C + place % C, y[place]
        count = zero
        for pixel in range(pixels):
            count += one if x[start + pixel * C] == largest else zero
        share = dy[place] / count
        for pixel in range(pixels):
            dx[start + pixel * C] = (one if x[start + pixel * C] == largest else zero) * share
