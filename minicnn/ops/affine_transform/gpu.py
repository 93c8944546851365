"""The affine transform on the GPU: a thread for each number of y.

Backward has a thread for each image and channel, which goes through all its pixels. This is slow, but no two threads
add to the same place, so the sums are the same in every run. Training seldom needs it, because there is nothing to
train before an augmentation layer.
"""

from __future__ import annotations

from numba import cuda

from ...kernels.formulas import compiled
from ...kernels.gpu import arrays
from ...kernels.gpu.launch import device_function, gpu_kernel
from . import formulas
from .formulas import CONSTANT, CUT
from .vectorized import mode_number

__all__ = ["backward", "forward"]

_formulas = compiled(formulas, device_function)
_folded, _below, _beside = _formulas.folded, _formulas.below, _formulas.beside


def forward(x, transforms, size, fill_mode="reflect", fill_value=0.0, interpolation="bilinear", need_saved=True):
    N, H, W, C = x.shape
    mode, nearest = mode_number(fill_mode), interpolation == "nearest"
    y, number = arrays.empty((N, *size, C), x.dtype), x.dtype.type
    _resample.over(y.size, x, H, W, C, *size, transforms, mode, nearest, number(fill_value), number(1), y)
    return y, ((x.shape, transforms, mode, nearest) if need_saved else None)


def backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    (N, H, W, C), transforms, mode, nearest = saved
    _, OH, OW, _ = dy.shape
    dx, number = arrays.empty((N, H, W, C), dy.dtype), dy.dtype.type
    _hand_back.over(N * C, dy, H, W, C, OH, OW, transforms, mode, nearest, number(0), number(1), dx)
    return dx


@device_function
def _where(transforms, n, h, w):
    """(across, down): the place in image n of x that the pixel (h, w) of y comes from."""
    t = n * 6
    real = type(transforms[t])
    h, w = real(h), real(w)
    return (
        transforms[t] * w + transforms[t + 1] * h + transforms[t + 2],
        transforms[t + 3] * w + transforms[t + 4] * h + transforms[t + 5],
    )


@device_function
def _is_cut(across, down, H, W):
    real = type(across)
    return across < real(0) or across > real(W - 1) or down < real(0) or down > real(H - 1)


@gpu_kernel()
def _resample(x, H, W, C, OH, OW, transforms, mode, nearest, fill, one, y, n):
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        c, pixel = place % C, place // C
        w, h, image = pixel % OW, pixel // OW % OH, pixel // OW // OH
        across, down = _where(transforms, image, h, w)
        if mode == CUT and _is_cut(across, down, H, W):
            y[place] = fill
            continue
        across, down = _folded(across, W, mode), _folded(down, H, mode)
        if nearest:
            i, j = _beside(down), _beside(across)
            y[place] = x[((image * H + i) * W + j) * C + c] if 0 <= i < H and 0 <= j < W else fill
            continue
        i, j = _below(down), _below(across)
        lower, right = type(one)(down - type(down)(i)), type(one)(across - type(across)(j))
        total = one - one
        for k in range(4):
            row, column = i + k // 2, j + k % 2
            weight = (lower if k >= 2 else one - lower) * (right if k % 2 else one - right)
            if mode != CONSTANT:
                row, column = min(row, H - 1), min(column, W - 1)
            inside = 0 <= row < H and 0 <= column < W
            total += weight * (x[((image * H + row) * W + column) * C + c] if inside else fill)
        y[place] = total


@gpu_kernel()
def _hand_back(dy, H, W, C, OH, OW, transforms, mode, nearest, zero, one, dx, n):
    for chain in range(cuda.grid(1), n, cuda.gridsize(1)):
        c, image = chain % C, chain // C
        start = image * H * W * C + c
        for pixel in range(H * W):
            dx[start + pixel * C] = zero
        for pixel in range(OH * OW):
            share = dy[(image * OH * OW + pixel) * C + c]
            across, down = _where(transforms, image, pixel // OW, pixel % OW)
            if mode == CUT and _is_cut(across, down, H, W):
                continue
            across, down = _folded(across, W, mode), _folded(down, H, mode)
            if nearest:
                i, j = _beside(down), _beside(across)
                if 0 <= i < H and 0 <= j < W:
                    dx[start + (i * W + j) * C] += share
                continue
            i, j = _below(down), _below(across)
            lower, right = type(one)(down - type(down)(i)), type(one)(across - type(across)(j))
            for k in range(4):
                row, column = i + k // 2, j + k % 2
                weight = (lower if k >= 2 else one - lower) * (right if k % 2 else one - right)
                if mode != CONSTANT:
                    row, column = min(row, H - 1), min(column, W - 1)
                if 0 <= row < H and 0 <= column < W:
                    dx[start + (row * W + column) * C] += weight * share
