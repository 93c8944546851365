"""The transposed convolution on the microkernel: the three products of `conv2d/cpu.py` in other roles.

What it gains over `vectorized.py`:
- forward is the input gradient of a convolution, which is itself a convolution, or with strides several smaller ones
  (`conv2d/strided.py`). No matrix of KH*KW copies is made, and nothing is multiplied by the zeros between pixels.
- bias and ReLU are applied while the sums are in the cache.
"""

from __future__ import annotations

import numpy as np

from ...kernels.cpu import workspace
from ...kernels.cpu.bands import Canvas, from_images
from ...kernels.cpu.recording import do
from ...shapes import check_convolution, transposed_window
from ..activation import cpu as activation
from ..conv2d import cpu as conv2d


def forward(
    x, w, b, strides=(1, 1), padding="valid", output_padding=None, dilation=(1, 1), relu=False, need_saved=True
):
    (N, H, W, C), (KH, KW, F, _) = x.shape, w.shape
    check_convolution(x.shape, (KH, KW, w.shape[3], F), 1)
    OH, OW, win = transposed_window(H, W, (KH, KW), strides, padding, output_padding, dilation)
    y, bias = workspace.empty((N, OH, OW, F), x.dtype), np.zeros(F, x.dtype) if b is None else b
    canvas = Canvas(H, W, C, top=0, left=0, width=W)
    conv2d.input_gradient(from_images(x), canvas, w, win, 1, y, bias, relu)
    return y, ((x, w, b is not None, y if relu else None, (strides, padding, dilation)) if need_saved else None)


def backward(dy, saved, need_dx=True):
    x, w, has_bias, y, window_arguments = saved
    if y is not None:
        dy = activation.relu_backward(dy, (y, y, 0.0))  # reads y, not its input
    db = None
    if has_bias:
        db = workspace.empty((dy.shape[3],), w.dtype)
        do(np.sum, dy, axis=(0, 1, 2), out=db)
    dx, saved_convolution = conv2d.forward(dy, w, None, *window_arguments)
    _, dw, _ = conv2d.backward(x, saved_convolution, need_dx=False)
    return dx if need_dx else None, dw, db
