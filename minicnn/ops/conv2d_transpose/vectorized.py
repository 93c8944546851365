"""The transposed convolution in NumPy: one matrix product gives every pixel's copy of the kernel, col2im adds them up.

Backward takes the windows of dy as rows (im2col). Both gradients are products with these rows.
"""

from __future__ import annotations

import numpy as np

from ...shapes import check_convolution, transposed_window
from ..conv2d.vectorized import col2im, im2col


def forward(
    x, w, b, strides=(1, 1), padding="valid", output_padding=None, dilation=(1, 1), relu=False, need_saved=True
):
    check_convolution(x.shape, w.transpose(0, 1, 3, 2).shape, 1)
    (N, H, W, C), (KH, KW, F, _) = x.shape, w.shape
    OH, OW, win = transposed_window(H, W, (KH, KW), strides, padding, output_padding, dilation)
    copies = x.reshape(1, -1, C) @ w.reshape(-1, C).T  # (1, N*H*W, KH*KW*F)
    y = col2im(copies, (N, OH, OW, F), win)
    if b is not None:
        y = y + b
    if relu:
        y[y < 0] = 0
    return y, ((x, w, b is not None, y if relu else None, win) if need_saved else None)


def backward(dy, saved, need_dx=True):
    x, w, has_bias, y, win = saved
    C = x.shape[3]
    if y is not None:
        dy = np.where(y > 0, dy, dy.dtype.type(0))
    windows = im2col(dy, win)[0]  # (N*H*W, KH*KW*F)
    dw = (windows.T @ x.reshape(-1, C)).reshape(w.shape)
    dx = (windows @ w.reshape(-1, C)).reshape(x.shape) if need_dx else None
    return dx, dw, dy.sum(axis=(0, 1, 2)) if has_bias else None
