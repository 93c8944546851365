"""The input gradient of a convolution with strides: one convolution for each class of pixels.

With a stride of 2 the pixels of x form four classes: even or odd row, even or odd column. A pixel meets only the taps
that reach it from a whole output position. Of a 3x3 kernel, pixels of one class meet 4 taps, of two classes 2, and of
one class a single tap:

    x o x o x        x  class (0, 0): taps (0, 0) (0, 2) (2, 0) (2, 2)       o  class (0, 1): taps (0, 1) (2, 1)
    + # + # +        +  class (1, 0): taps (1, 0) (1, 2)                     #  class (1, 1): tap  (1, 1)

So each class is a convolution of dy, without strides, with its own part of the kernel. `vectorized.py` and `tiled.py`
instead put zeros between the numbers of dy and multiply them by all taps. This file needs SH * SW times fewer
multiplications. Forward and backward together, on one Zen 3 core: an 11x11 convolution with strides of 4 takes 47 ms
instead of 260, a 5x5 one with strides of 2 26 ms instead of 52, 3x3 ones 10 to 20 % less. A 1x1 convolution has taps in
one class only, and takes up to half.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd
from typing import NamedTuple

import numpy as np
from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import kernel
from ...kernels.cpu.recording import do
from ...kernels.cpu.vector_loop import copy


class _Class(NamedTuple):
    """Along one axis, the pixels first, first + stride, ...: which taps they meet, and where dy lies on their canvas.

    They meet the taps tap, tap + tap_step, ...: `met` taps inside the kernel, and `taps` together with taps outside,
    which have no weight. The number of dy for a tap lies `dilation` before that for the tap before it.
    """

    first: int
    pixels: int
    tap: int
    tap_step: int
    met: int
    taps: int
    dilation: int
    before: int


@lru_cache(maxsize=1024)
def _classes(size, taps, stride, dilation, padding) -> list[_Class]:
    """dx at i reads dy at (i + padding - tap * dilation) / stride, for each tap where that is a whole number."""
    made = []
    step = stride // gcd(stride, dilation)
    back = step * dilation // stride
    for first in range(min(stride, size)):
        tap = next((k for k in range(taps) if (first + padding - k * dilation) % stride == 0), None)
        met = 0 if tap is None else len(range(tap, taps, step))
        before, all_taps = 0, met
        if met:
            before = (met - 1) * back - (first + padding - tap * dilation) // stride
            while before < 0:  # dy begins behind the first pixel's windows: reach back by a tap without weight
                before, all_taps = before + back, all_taps + 1
        made.append(_Class(first, len(range(first, size, stride)), tap or 0, step, met, all_taps, back, before))
    return made


def input_gradient(convolve, w, win, dx, bias, relu):
    """dx (N, H, W, C), class by class.

    convolve(top, left, win, w, y) computes y = the convolution of dy, with `top` rows and `left` columns of zeros
    before it, with w's flipped kernel, and adds bias (C,) and ReLU. A pixel that meets no tap is the bias alone.
    """
    (KH, KW, C_group, F), (N, H, W, C) = w.shape, dx.shape
    without_taps = bias
    if relu:
        without_taps = workspace.empty(bias.shape, bias.dtype)
        do(np.maximum, bias, 0, out=without_taps)
    for down in _classes(H, KH, win.SH, win.DH, win.PT):
        for across in _classes(W, KW, win.SW, win.DW, win.PL):
            if not down.met or not across.met:
                _put(without_taps, True, dx.shape, down.first, across.first, win.SH, win.SW, dx.reshape(-1))
                continue
            part = workspace.empty((down.taps, across.taps, C_group, F), w.dtype)
            if (down.met, across.met) != (down.taps, across.taps):
                do(part.fill, 0)
            do(np.copyto, part[: down.met, : across.met], w[down.tap :: down.tap_step, across.tap :: across.tap_step])
            pixels = workspace.empty((N, down.pixels, across.pixels, C), dx.dtype)
            here = win._replace(
                KH=down.taps, KW=across.taps, SH=1, SW=1, DH=down.dilation, DW=across.dilation,
                OH=down.pixels, OW=across.pixels,
            )  # fmt: skip
            convolve(down.before, across.before, here, part, pixels)
            _put(pixels.reshape(-1), False, dx.shape, down.first, across.first, win.SH, win.SW, dx.reshape(-1))


@kernel(parallel=True)
def _put(pixels, one, dx_shape, first_row, first_col, SH, SW, dx):
    """dx[n, first_row + SH * i, first_col + SW * j] = pixels[n, i, j]; if there is only one pixel, it goes to all."""
    N, H, W, C = dx_shape
    rows, cols = (H - first_row + SH - 1) // SH, (W - first_col + SW - 1) // SW
    for task in prange(N * rows):
        row = (task // rows * H + first_row + task % rows * SH) * W
        for j in range(cols):
            copy(pixels, 0 if one else (task * cols + j) * C, dx, (row + first_col + j * SW) * C, C)
