"""Average pooling in Numba: one pass over the image, with the channels side by side in vectors and no padded copy."""

from __future__ import annotations

from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import kernel
from ...shapes import window


def forward(x, pool_size=(2, 2), strides=(2, 2), padding="valid", need_saved=True):
    N, H, W, C = x.shape
    win = window(H, W, pool_size, strides, padding)
    y = workspace.empty((N, win.OH, win.OW, C), x.dtype)
    _pool(x, win.KH, win.KW, win.SH, win.SW, win.PT, win.PL, y)
    return y, ((x.shape, win) if need_saved else None)


@kernel(parallel=True)
def _pool(x, KH, KW, SH, SW, PT, PL, y):
    _, H, W, C = x.shape
    N, OH, OW, _ = y.shape
    for row in prange(N * OH):
        n, oh = row // OH, row % OH
        top = oh * SH - PT
        for ow in range(OW):
            left = ow * SW - PL
            y[n, oh, ow] = 0
            count = 0
            for kh in range(max(0, -top), min(KH, H - top)):
                for kw in range(max(0, -left), min(KW, W - left)):
                    count += 1
                    for c in range(C):
                        y[n, oh, ow, c] += x[n, top + kh, left + kw, c]
            for c in range(C):
                y[n, oh, ow, c] /= x.dtype.type(count)


def backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    x_shape, win = saved
    dx = workspace.empty(x_shape, dy.dtype)
    _unpool(dy, win.KH, win.KW, win.SH, win.SW, win.PT, win.PL, dx)
    return dx


@kernel(parallel=True)
def _unpool(dy, KH, KW, SH, SW, PT, PL, dx):
    """Share each dy among the cells of its window.

    If rows of windows overlap, one task takes the whole image. So no two threads write to the same place.
    """
    N, H, W, C = dx.shape
    _, OH, OW, _ = dy.shape
    bands = OH if KH <= SH else 1
    for task in prange(N * bands):
        n, band = task // bands, task % bands
        first, last = band * OH // bands, (band + 1) * OH // bands
        dx[n, (0 if first == 0 else max(0, first * SH - PT)) : (H if last == OH else last * SH - PT)] = 0
        for oh in range(first, last):
            top = oh * SH - PT
            for ow in range(OW):
                left = ow * SW - PL
                count = (min(KH, H - top) - max(0, -top)) * (min(KW, W - left) - max(0, -left))
                share = dy.dtype.type(1) / dy.dtype.type(count)
                for kh in range(max(0, -top), min(KH, H - top)):
                    for kw in range(max(0, -left), min(KW, W - left)):
                        for c in range(C):
                            dx[n, top + kh, left + kw, c] += dy[n, oh, ow, c] * share
