"""Max pooling in Numba: one pass over the image, with the channels side by side in vectors.

What it gains over `vectorized.py`: one pass over the image instead of one for each tap, and no padded copy. The number
of the tap that won takes one byte (four bytes if the window has more than 256 cells).
"""

from __future__ import annotations

import numpy as np
from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import kernel
from ...shapes import window


def forward(x, pool_size=(2, 2), strides=(2, 2), padding="valid", need_saved=True):
    N, H, W, C = x.shape
    win = window(H, W, pool_size, strides, padding)
    y = workspace.empty((N, win.OH, win.OW, C), x.dtype)
    argmax = workspace.empty(y.shape, np.uint8 if win.KH * win.KW <= 256 else np.int32)
    _pool(x, win.KH, win.KW, win.SH, win.SW, win.PT, win.PL, y, argmax)
    return y, ((x.shape, argmax, win) if need_saved else None)


@kernel(parallel=True)
def _pool(x, KH, KW, SH, SW, PT, PL, y, argmax):
    """argmax[n, oh, ow, c] = kh * KW + kw of the first largest number of the window."""
    _, H, W, C = x.shape
    N, OH, OW, _ = y.shape
    for row in prange(N * OH):
        n, oh = row // OH, row % OH
        top = oh * SH - PT
        for ow in range(OW):
            left = ow * SW - PL
            first = True
            for kh in range(max(0, -top), min(KH, H - top)):
                for kw in range(max(0, -left), min(KW, W - left)):
                    tap = kh * KW + kw
                    if first:
                        for c in range(C):
                            y[n, oh, ow, c] = x[n, top + kh, left + kw, c]
                            argmax[n, oh, ow, c] = tap
                        first = False
                    else:
                        for c in range(C):
                            value, best = x[n, top + kh, left + kw, c], y[n, oh, ow, c]
                            # NaN beats every number, and nothing beats NaN
                            better = (value > best) | ((value != value) & (best == best))
                            y[n, oh, ow, c] = value if better else best
                            argmax[n, oh, ow, c] = tap if better else argmax[n, oh, ow, c]


def backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    x_shape, argmax, win = saved
    dx = workspace.empty(x_shape, dy.dtype)
    _unpool(dy, argmax, win.KH, win.KW, win.SH, win.SW, win.PT, win.PL, dx)
    return dx


@kernel(parallel=True)
def _unpool(dy, argmax, KH, KW, SH, SW, PT, PL, dx):
    """Add each dy to the number that won its window.

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
                for kh in range(max(0, -top), min(KH, H - top)):
                    for kw in range(max(0, -left), min(KW, W - left)):
                        tap = kh * KW + kw
                        for c in range(C):
                            share = dy[n, oh, ow, c] if argmax[n, oh, ow, c] == tap else dy.dtype.type(0)
                            dx[n, top + kh, left + kw, c] += share
