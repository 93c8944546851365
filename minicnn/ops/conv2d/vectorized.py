"""The convolution in NumPy: pad, view the windows, copy them to the rows of a matrix (im2col), one matrix product.

What it gains over the loops: the product runs in BLAS. What it costs: the im2col matrix holds each pixel KH*KW times.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import as_strided

from ...shapes import check_convolution, window
from ..max_pool2d import vectorized as max_pool2d


def forward(
    x, w, b, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1, relu=False, pool=None, need_saved=True
):
    check_convolution(x.shape, w.shape, groups)
    (N, H, W, _), (KH, KW, _, F) = x.shape, w.shape
    win = window(H, W, (KH, KW), strides, padding, dilation)
    windows = im2col(x, win, groups)
    y = np.matmul(windows, group_kernels(w, groups))  # (G, N*OH*OW, F/G)
    y = np.moveaxis(y, 0, 1).reshape(N, win.OH, win.OW, F)
    if b is not None:
        y = y + b
    if relu:
        y[y < 0] = 0
    saved = (x.shape, windows, w, b is not None, y if relu else None, win, groups)
    saved_pool = None
    if pool:
        y, saved_pool = max_pool2d.forward(y, pool, pool)
    return y, ((saved, saved_pool) if need_saved else None)


def backward(dy, saved, need_dx=True):
    saved, saved_pool = saved
    if saved_pool is not None:
        dy = max_pool2d.backward(dy, saved_pool)
    x_shape, windows, w, has_bias, y, win, groups = saved
    KH, KW, C_group, F = w.shape
    if y is not None:
        dy = np.where(y > 0, dy, dy.dtype.type(0))
    db = dy.sum(axis=(0, 1, 2)) if has_bias else None
    by_group = np.moveaxis(dy.reshape(-1, groups, F // groups), 1, 0)  # (G, N*OH*OW, F/G)
    dw = np.matmul(windows.swapaxes(1, 2), by_group)  # (G, KH*KW*C/G, F/G)
    dw = np.moveaxis(dw, 0, 1).reshape(KH, KW, C_group, F)
    dx = None
    if need_dx:
        dx = col2im(np.matmul(by_group, group_kernels(w, groups).swapaxes(1, 2)), x_shape, win)
    return dx, dw, db


def group_kernels(w, groups):
    """w (KH, KW, C/G, F) as one matrix per group: (G, KH*KW*C/G, F/G)."""
    F = w.shape[3]
    return np.moveaxis(w.reshape(-1, groups, F // groups), 1, 0)


def im2col(x, win, groups=1):
    """The windows of x (N, H, W, C) as rows: (G, N*OH*OW, KH*KW*C/G)."""
    N, _, _, C = x.shape
    padded = np.pad(x, ((0, 0), (win.PT, win.PB), (win.PL, win.PR), (0, 0)))
    n, h, w, c = padded.strides
    view = as_strided(
        padded,
        (groups, N, win.OH, win.OW, win.KH, win.KW, C // groups),
        (C // groups * c, n, h * win.SH, w * win.SW, h * win.DH, w * win.DW, c),
        writeable=False,
    )
    return view.reshape(groups, N * win.OH * win.OW, win.KH * win.KW * C // groups)


def col2im(windows, x_shape, win):
    """The transpose of im2col: add each window's numbers to the pixels that im2col copied them from. (N, H, W, C)."""
    N, H, W, C = x_shape
    G, dtype = windows.shape[0], windows.dtype
    windows = windows.reshape(G, N, win.OH, win.OW, win.KH, win.KW, C // G)
    windows = np.moveaxis(windows, 0, -2).reshape(N, win.OH, win.OW, win.KH, win.KW, C)
    padded = np.zeros((N, H + win.PT + win.PB, W + win.PL + win.PR, C), dtype)
    for kh in range(win.KH):
        for kw in range(win.KW):
            top, left = kh * win.DH, kw * win.DW
            bottom, right = top + (win.OH - 1) * win.SH + 1, left + (win.OW - 1) * win.SW + 1
            padded[:, top : bottom : win.SH, left : right : win.SW] += windows[:, :, :, kh, kw]
    return np.ascontiguousarray(padded[:, win.PT : win.PT + H, win.PL : win.PL + W])
