"""The convolution on the microkernel: im2col as an index map, never written out.

What each step bought, on top of `vectorized.py`:
- implicit im2col: the tile reads the padded image through two offset tables. No KH*KW-fold copy is written or read.
- register tiles: 2 * ROWS * VECTORS vector operations per ROWS + VECTORS loads (see `kernels/microkernel.py`).
- bias and ReLU are added while the sums are still in registers: y is written once.
- all three products share one code: forward and input gradient are `matmul`, the kernel gradient is
  `matmul_transposed` with the same two tables changing places.

The input gradient is itself a convolution: spread dy apart by the stride, pad it, and run the kernel turned by
180 degrees, its channels and filters exchanged. Groups run one after the other.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from ...kernels import workspace
from ...kernels.epilogue import bias_gradient, through_relu
from ...kernels.matmul import matmul, matmul_transposed, no_bias
from ...kernels.microkernel import BIAS, RELU
from ...kernels.spread import spread
from ...shapes import check_convolution, window

_PIXELS = 512  # an offset table describes at least this many output pixels: small images are taken several at a time


def forward(x, w, b, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1, relu=False, need_saved=True):
    check_convolution(x.shape, w.shape, groups)
    (N, H, W, _), (KH, KW, _, F) = x.shape, w.shape
    at = window(H, W, (KH, KW), strides, padding, dilation)
    padded = x
    if at.PT or at.PB or at.PL or at.PR:
        padded = spread(x, H + at.PT + at.PB, W + at.PL + at.PR, at.PT, at.PL, 1, 1)
    y = workspace.empty((N, at.OH, at.OW, F), x.dtype)
    epilogue = (BIAS if b is not None else 0) | (RELU if relu else 0)
    _products(padded, w, b, at.OH, at.OW, at.SH, at.SW, at.DH, at.DW, groups, y, epilogue)
    return y, ((x.shape, padded, w, b is not None, y if relu else None, at, groups) if need_saved else None)


def _products(x, w, b, OH, OW, SH, SW, DH, DW, groups, y, epilogue):
    """y = epilogue(convolution of the already padded x with w), group by group."""
    (N, H, W, C), (KH, KW, _, F) = x.shape, w.shape
    C_group, F_group = C // groups, F // groups
    rows, cols, images = _offsets(H, W, C, C_group, KH, KW, SH, SW, DH, DW, OH, OW)
    flat_x, flat_w, flat_y = x.reshape(-1), w.reshape(-1), y.reshape(-1)
    bias = no_bias(x.dtype) if b is None else b
    for group in range(groups):
        start = group * F_group
        matmul(
            flat_x, group * C_group, images * H * W * C, rows, cols, flat_w, start, F, bias, start,
            flat_y, start, F, N * OH * OW, F_group, epilogue,
        )  # fmt: skip


def backward(dy, saved, need_dx=True):
    x_shape, padded, w, has_bias, y, at, groups = saved
    (N, H, W, C), (KH, KW, C_group, F) = x_shape, w.shape
    if y is not None:
        dy = through_relu(dy, y)
    db = bias_gradient(dy) if has_bias else None

    # dw = im2col(x)^T @ dy: the forward tables, exchanged
    _, HP, WP, _ = padded.shape
    rows, cols, images = _offsets(
        HP, WP, C, C_group, KH, KW, at.SH, at.SW, at.DH, at.DW, at.OH, at.OW
    )  # fmt: skip
    dw = workspace.empty(w.shape, w.dtype)
    flat_x, flat_dy, flat_dw = padded.reshape(-1), dy.reshape(-1), dw.reshape(-1)
    F_group = F // groups
    for group in range(groups):
        start = group * F_group
        matmul_transposed(
            flat_x, group * C_group, images * HP * WP * C, rows, cols, N * at.OH * at.OW,
            flat_dy, start, F, F_group, flat_dw, start, F,
        )  # fmt: skip
    if not need_dx:
        return None, dw, db

    # dx = convolution of dy, spread by the stride and padded, with the turned kernel
    top, left = (KH - 1) * at.DH - at.PT, (KW - 1) * at.DW - at.PL
    dy = spread(dy, H + (KH - 1) * at.DH, W + (KW - 1) * at.DW, top, left, at.SH, at.SW)
    dx = workspace.empty(x_shape, dy.dtype)
    _products(dy, _turned(w, groups), None, H, W, 1, 1, at.DH, at.DW, groups, dx, 0)
    return dx, dw, db


def _turned(w, groups):
    """w (KH, KW, C/G, F) turned by 180 degrees, channels and filters exchanged in each group: (KH, KW, F/G, C)."""
    KH, KW, C_group, F = w.shape
    turned = workspace.empty((KH, KW, F // groups, C_group * groups), w.dtype)
    by_group = w[::-1, ::-1].reshape(KH, KW, C_group, groups, F // groups)
    turned.reshape(KH, KW, F // groups, groups, C_group)[...] = by_group.transpose(0, 1, 4, 3, 2)
    return turned


@lru_cache(maxsize=256)
def _offsets(H, W, C, C_group, KH, KW, SH, SW, DH, DW, OH, OW):
    """The im2col index map over flat images (H, W, C): (rows, cols, images).

    The number at row (image, oh, ow) and column (kh, kw, c) of im2col lies at rows[...] + cols[...]. `rows`
    describes `images` images, the ones after them lie images * H * W * C further on.
    """
    images = max(1, _PIXELS // (OH * OW))
    image, oh, ow = np.ix_(range(images), range(OH), range(OW))
    kh, kw, c = np.ix_(range(KH), range(KW), range(C_group))
    rows = (image * H + oh * SH) * W * C + ow * SW * C
    cols = kh * DH * W * C + kw * DW * C + c
    return rows.reshape(-1).astype(np.intp), cols.reshape(-1).astype(np.intp), images
