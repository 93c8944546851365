"""The transposed convolution on the GPU: the three products of `conv2d/gpu.py` in other roles."""

from __future__ import annotations

from ...kernels.gpu.elementwise import through_relu
from ...kernels.gpu.reductions import column_sums
from ...shapes import check_convolution, transposed_window
from ..conv2d import gpu as conv2d


def forward(
    x, w, b, strides=(1, 1), padding="valid", output_padding=None, dilation=(1, 1), relu=False, need_saved=True
):
    KH, KW, F, C = w.shape
    check_convolution(x.shape, (KH, KW, C, F), 1)
    OH, OW, win = transposed_window(*x.shape[1:3], (KH, KW), strides, padding, output_padding, dilation)
    canvas, kernel, window = conv2d.as_convolution(x, w, win, 1, OH, OW)
    y = conv2d.convolve(canvas, kernel, b, window, 1, relu)
    return y, ((x, w, b is not None, y if relu else None, (strides, padding, dilation)) if need_saved else None)


def backward(dy, saved, need_dx=True):
    x, w, has_bias, y, window_arguments = saved
    if y is not None:
        dy = through_relu(dy, y)
    db = column_sums(dy, dy.size // dy.shape[3], dy.shape[3]) if has_bias else None
    dx, saved_convolution = conv2d.forward(dy, w, None, *window_arguments)
    _, dw, _ = conv2d.backward(x, saved_convolution, need_dx=False)
    return dx if need_dx else None, dw, db
