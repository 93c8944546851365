"""The convolution on the GPU: im2col as an index map, never stored, and three calls of one matrix product.

The matrix product has versions v1 to v4 (`kernels/gpu/matmul.py`). This file says what is multiplied:

- forward: the canvas is the image with its padding. The window of output pixel i begins at rows[i] on the canvas, and
  its tap k is cols[k] numbers further. The product with the convolution kernel is the output. Bias and ReLU happen in
  the same pass.
- the kernel's gradient: the same tables swapped, times dy. Its sums run over all pixels and its outputs are few, so the
  sums are cut into pieces.
- the input's gradient: a convolution of dy with the kernel rotated by 180 degrees. If the stride is above 1, zeros are
  put between the numbers of dy first.

The canvas costs one pass over the image. With it the product needs no test for each number that it loads. The other
way is to test each load (as cuDNN's implicit product does); this would save the pass.
"""

from __future__ import annotations

import numpy as np

from ...kernels.gpu import arrays
from ...kernels.gpu.elementwise import pick, through_relu
from ...kernels.gpu.matmul import product
from ...kernels.gpu.memory import remembered
from ...kernels.gpu.padding import pad_and_dilate
from ...kernels.gpu.reductions import column_sums
from ...shapes import check_convolution, window
from ..max_pool2d import gpu as max_pool2d


def forward(
    x, w, b, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1, relu=False, pool=None, need_saved=True
):
    check_convolution(x.shape, w.shape, groups)
    (_, H, W, _), (KH, KW, _, _) = x.shape, w.shape
    win = window(H, W, (KH, KW), strides, padding, dilation)
    canvas = x
    if win.PT or win.PB or win.PL or win.PR:
        canvas = pad_and_dilate(x, win.PT + H + win.PB, win.PL + W + win.PR, win.PT, win.PL, 1, 1)
    y = convolve(canvas, w, b, win, groups, relu)
    saved = (canvas, x.shape, w, b is not None, y if relu else None, win, groups)
    saved_pool = None
    if pool:
        y, saved_pool = max_pool2d.forward(y, pool, pool, need_saved=need_saved)
    return y, ((saved, saved_pool) if need_saved else None)


def backward(dy, saved, need_dx=True):
    saved, saved_pool = saved
    if saved_pool is not None:
        dy = max_pool2d.backward(dy, saved_pool)
    canvas, (_, H, W, C), w, has_bias, y, win, groups = saved
    C_group, F = w.shape[2:]
    if y is not None:
        dy = through_relu(dy, y)
    db = column_sums(dy, dy.size // F, F) if has_bias else None
    dw = arrays.empty(w.shape, w.dtype)
    pixels, taps = _tables(canvas.shape, win, C_group)
    runs = "i" if C % 4 == 0 and groups == 1 else None
    product(canvas, taps, pixels, dy, None, False, dw, runs, groups, C_group)
    dx = None
    if need_dx:
        apart, flipped, back = as_convolution(dy, w, win, groups, H, W)
        dx = convolve(apart, flipped, None, back, groups, False)
    return dx, dw, db


def as_convolution(dy, w, win, groups, H, W):
    """The input gradient (N, H, W, C) is a convolution: (its canvas, its kernel, its window)."""
    KH, KW = w.shape[:2]
    top, left = (KH - 1) * win.DH - win.PT, (KW - 1) * win.DW - win.PL
    apart = pad_and_dilate(dy, H + (KH - 1) * win.DH, W + (KW - 1) * win.DW, top, left, win.SH, win.SW)
    return apart, flipped_kernel(w, groups), win._replace(SH=1, SW=1, OH=H, OW=W)


def convolve(canvas, w, b, win, groups, relu):
    """y (N, OH, OW, F) of a canvas, which already contains the padding."""
    C_group, F = w.shape[2:]
    pixels, taps = _tables(canvas.shape, win, C_group)
    y = arrays.empty((canvas.shape[0], win.OH, win.OW, F), canvas.dtype)
    runs = "k" if C_group % 4 == 0 and groups == 1 else None
    product(canvas, pixels, taps, w, b, relu, y, runs, groups, C_group)
    return y


def flipped_kernel(w, groups):
    """w (KH, KW, C/G, F) rotated by 180 degrees, channels and filters swapped in each group: (KH, KW, F/G, C)."""
    KH, KW, C_group, F = w.shape
    out = arrays.empty((KH, KW, F // groups, C_group * groups), w.dtype)
    pick.over(out.size, w, _flipped_order(w.shape, groups), out)
    return out


@remembered
def _flipped_order(shape, groups):
    """For each number of the flipped kernel, its index in w."""
    KH, KW, C_group, F = shape
    places = np.arange(KH * KW * C_group * F, dtype=np.int32).reshape(shape)[::-1, ::-1]
    by_group = places.reshape(KH, KW, C_group, groups, F // groups)
    return arrays.upload(np.ascontiguousarray(by_group.transpose(0, 1, 4, 3, 2)))


@remembered
def _tables(canvas_shape, win, C_group):
    """The im2col index map of a canvas (N, H, W, C): (where each output pixel's window begins, offsets of the taps)."""
    N, H, W, C = canvas_shape
    image, row, column = np.ix_(range(N), range(win.OH), range(win.OW))
    kh, kw, c = np.ix_(range(win.KH), range(win.KW), range(C_group))
    pixels = ((image * H + row * win.SH) * W + column * win.SW) * C
    taps = (kh * win.DH * W + kw * win.DW) * C + c
    return tuple(arrays.upload(table.astype(np.int32).reshape(-1)) for table in (pixels, taps))
