"""The simplest fast convolution in Numba: im2col as an index map, and register tiles. Nothing else.

One function does all the multiplying: `tile` (`kernels/cpu/microkernel.py`). It computes a block of ROWS x width
outputs at a time:

    c[i, j] = sum over k of   a[rows[i] + cols[k]] * b[k, j]

What each of the three products multiplies, for one padded image:

                    rows i                        k                             a               b
    forward         pixels: where windows begin   taps: offsets in a window     padded x        w
    dw              taps                          pixels                        padded x        dy
    dx              pixels of x                   taps of the flipped kernel    padded dy       flipped w

`pixels` and `taps` are the two offset tables. The im2col matrix would have a number at row (oh, ow) and column
(kh, kw, c). The padded image has it at index pixels[oh, ow] + taps[kh, kw, c]. So the im2col matrix is never stored.

What it gains over `vectorized.py`: it reads the image from the cache, not a matrix KH*KW times as large from memory.
Bias, ReLU and pool are separate passes here. `cpu.py` does them in the same pass, on bands of the image.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import kernel
from ...kernels.cpu.microkernel import ROWS, VECTOR_BYTES, VECTORS, tile
from ...kernels.cpu.packing import in_panels
from ...kernels.cpu.padding import pad_and_dilate
from ...kernels.cpu.recording import do
from ...shapes import check_convolution, window
from ..activation import cpu as activation
from ..max_pool2d import cpu as max_pool2d

_ADDED_ALONE = 64  # taps in one partial sum; adding partial sums rounds less than one long sum


def forward(
    x, w, b, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1, relu=False, pool=None, need_saved=True
):
    check_convolution(x.shape, w.shape, groups)
    (N, H, W, _), (KH, KW, _, F) = x.shape, w.shape
    win = window(H, W, (KH, KW), strides, padding, dilation)
    padded = pad_and_dilate(x, win.PT + H + win.PB, win.PL + W + win.PR, win.PT, win.PL, 1, 1)
    y = workspace.empty((N, win.OH, win.OW, F), x.dtype)
    _multiply_windows(padded, w, win, groups, y)
    saved_relu = saved_pool = None
    if b is not None:
        do(np.add, y, b, out=y)
    if relu:
        y, saved_relu = activation.relu_forward(y, need_saved=need_saved)
    if pool:
        y, saved_pool = max_pool2d.forward(y, pool, pool, need_saved=need_saved)
    return y, ((padded, x.shape, w, b is not None, win, groups, saved_relu, saved_pool) if need_saved else None)


def backward(dy, saved, need_dx=True):
    padded, (N, H, W, C), w, has_bias, win, groups, saved_relu, saved_pool = saved
    (KH, KW, C_group, F), dw, db, dx = w.shape, workspace.empty(w.shape, w.dtype), None, None
    if saved_pool is not None:
        dy = max_pool2d.backward(dy, saved_pool)
    if saved_relu is not None:
        dy = activation.relu_backward(dy, saved_relu)
    if has_bias:
        db = workspace.empty((F,), w.dtype)
        do(np.sum, dy, axis=(0, 1, 2), out=db)
    if N == 0:
        do(dw.fill, 0)
    pixels, taps = offset_tables(1, *padded.shape[1:], win.OH, win, C_group)
    dy_panels = in_panels(dy.reshape(-1, F), groups)
    _sum_over_pixels(padded.reshape(-1), N, C, taps, pixels, dy_panels, F, groups, dw.reshape(-1))
    if need_dx:
        top, left = (KH - 1) * win.DH - win.PT, (KW - 1) * win.DW - win.PL
        padded_dy = pad_and_dilate(dy, H + (KH - 1) * win.DH, W + (KW - 1) * win.DW, top, left, win.SH, win.SW)
        dx = workspace.empty((N, H, W, C), dy.dtype)
        _multiply_windows(padded_dy, flipped_kernel(w, groups), win._replace(SH=1, SW=1, OH=H, OW=W), groups, dx)
    return dx, dw, db


def _multiply_windows(padded, w, win, groups, y):
    """y (N, OH, OW, F) = im2col(padded) @ w."""
    pixels, taps = offset_tables(1, *padded.shape[1:], win.OH, win, w.shape[2])
    w_panels, F = in_panels(w.reshape(-1, w.shape[3]), groups), w.shape[3]
    _convolve(padded.reshape(-1), len(padded), padded.shape[3], pixels, taps, w_panels, F, groups, y.reshape(-1))


@kernel(parallel=True)
def _convolve(padded, N, C, pixels, taps, w_panels, F, groups, y):
    """Compute the outputs of each image tile by tile; the threads share the images."""
    width = VECTORS * (VECTOR_BYTES // padded.itemsize)
    M, K, C_group, F_group = pixels.size, taps.size, C // groups, F // groups
    for n in prange(N):
        image_start, panel_start = n * (padded.size // N), 0
        for group in range(groups):
            for j in range(0, F_group, width):
                for i in range(0, M, ROWS):
                    for k in range(0, K, _ADDED_ALONE):
                        tile(  # the arguments come in the order of a @ b = c; see make_tile
                            padded, image_start + group * C_group, pixels, i, min(ROWS, M - i),  # a, its rows
                            taps, k, min(_ADDED_ALONE, K - k),  # its columns
                            w_panels, panel_start + k * width,  # b
                            y, (n * M + i) * F + group * F_group + j, F, F_group - j, k > 0,  # c; k > 0: add to it
                        )  # fmt: skip
                panel_start += K * width


@kernel(parallel=True)
def _sum_over_pixels(padded, N, C, taps, pixels, dy_panels, F, groups, dw):
    """dw = im2col(padded)^T @ dy: each task computes ROWS taps and adds one image after another."""
    width = VECTORS * (VECTOR_BYTES // padded.itemsize)
    M, K, C_group, F_group = pixels.size, taps.size, C // groups, F // groups
    for block in prange((K + ROWS - 1) // ROWS):
        i, panel_start = block * ROWS, 0
        for group in range(groups):
            for j in range(0, F_group, width):
                for n in range(N):
                    tile(
                        padded, n * (padded.size // N) + group * C_group, taps, i, min(ROWS, K - i), pixels, 0, M,
                        dy_panels, panel_start + n * M * width, dw, i * F + group * F_group + j, F, F_group - j, n > 0,
                    )  # fmt: skip
                panel_start += N * M * width


@lru_cache(maxsize=256)
def offset_tables(images, height, width, C, OH, win, C_group):
    """The tables (pixels, taps) above for `images` padded images (height, width, C): pixels (images * OH * OW,)."""
    image, oh, ow = np.ix_(range(images), range(OH), range(win.OW))
    kh, kw, c = np.ix_(range(win.KH), range(win.KW), range(C_group))
    pixels = ((image * height + oh * win.SH) * width + ow * win.SW) * C
    taps = (kh * win.DH * width + kw * win.DW) * C + c
    return pixels.reshape(-1).astype(np.intp), taps.reshape(-1).astype(np.intp)


def flipped_kernel(w, groups):
    """w (KH, KW, C/G, F) rotated by 180 degrees, channels and filters swapped in each group: (KH, KW, F/G, C)."""
    KH, KW, C_group, F = w.shape
    out = workspace.empty((KH, KW, F // groups, C_group * groups), w.dtype)
    by_group = w[::-1, ::-1].reshape(KH, KW, C_group, groups, F // groups)
    do(np.copyto, out.reshape(KH, KW, F // groups, groups, C_group), by_group.transpose(0, 1, 4, 3, 2))
    return out
