"""Max pooling on the GPU: forward uses a thread for each output, backward a thread for each number of dx.

A thread of backward goes through the windows that contain its pixel, and adds up the gradients that its pixel won. So
no two threads write to the same place, and the order of the sum is always the same.
"""

from __future__ import annotations

import numpy as np
from numba import cuda

from ...kernels.gpu import arrays
from ...kernels.gpu.launch import gpu_kernel
from ...shapes import window


def forward(x, pool_size=(2, 2), strides=(2, 2), padding="valid", need_saved=True):
    N, H, W, C = x.shape
    win = window(H, W, pool_size, strides, padding)
    y = arrays.empty((N, win.OH, win.OW, C), x.dtype)
    argmax = arrays.empty(y.shape, np.uint8 if win.KH * win.KW <= 256 else np.int32)
    _pool.over(y.size, x, H, W, C, win.OH, win.OW, win.KH, win.KW, win.SH, win.SW, win.PT, win.PL, y, argmax)
    return y, ((x.shape, argmax, win) if need_saved else None)


@gpu_kernel()
def _pool(x, H, W, C, OH, OW, KH, KW, SH, SW, PT, PL, y, argmax, n):
    """argmax[n, oh, ow, c] = kh * KW + kw of the first largest number of the window."""
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        c, pixel = place % C, place // C
        left, top, image = pixel % OW * SW - PL, pixel // OW % OH * SH - PT, pixel // OW // OH
        first_h, first_w = max(0, -top), max(0, -left)
        tap = first_h * KW + first_w
        best = x[((image * H + top + first_h) * W + left + first_w) * C + c]
        for kh in range(first_h, min(KH, H - top)):
            for kw in range(first_w, min(KW, W - left)):
                value = x[((image * H + top + kh) * W + left + kw) * C + c]
                # NaN beats every number, and nothing beats NaN
                if value > best or (value != value and best == best):
                    best, tap = value, kh * KW + kw
        y[place] = best
        argmax[place] = tap


def backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    (N, H, W, C), argmax, win = saved
    dx = arrays.empty((N, H, W, C), dy.dtype)
    _unpool.over(
        dx.size,
        dy,
        argmax,
        H,
        W,
        C,
        win.OH,
        win.OW,
        win.KH,
        win.KW,
        win.SH,
        win.SW,
        win.PT,
        win.PL,
        dy.dtype.type(0),
        dx,
    )
    return dx


@gpu_kernel()
def _unpool(dy, argmax, H, W, C, OH, OW, KH, KW, SH, SW, PT, PL, zero, dx, n):
    """dx = the sum of the gradients of the windows that the pixel won."""
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        c, pixel = place % C, place // C
        w, h, image = pixel % W + PL, pixel // W % H + PT, pixel // W // H
        total = zero
        for oh in range(max(0, (h - KH) // SH + 1), min(OH, h // SH + 1)):
            for ow in range(max(0, (w - KW) // SW + 1), min(OW, w // SW + 1)):
                win = ((image * OH + oh) * OW + ow) * C + c
                if argmax[win] == (h - oh * SH) * KW + w - ow * SW:
                    total += dy[win]
        dx[place] = total
