"""The affine transform in Numba: one row of y at a time; the threads share the rows.

- the places of a row of y are on a straight line through x. So neighbouring pixels of y read neighbouring cache lines.
- most of the line is inside the image. There the four pixels are read without a test: `_inside` finds the first and
  last such pixel of the row beforehand.
- x may have 8-bit numbers. They are converted in registers; no converted copy of x is made.

On one thread a colour image of 224 x 224, rotated and zoomed, takes 0.6 ms; with a test at every pixel 0.9 ms.

`resample_one` transforms one image on one thread. It releases Python's lock (the GIL). So several Python threads can
augment images while the network trains.
"""

from __future__ import annotations

import math

import numpy as np
from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import helper, kernel
from ...kernels.formulas import compiled
from . import formulas
from .formulas import CONSTANT, CUT
from .vectorized import mode_number

__all__ = ["backward", "forward", "resample_one"]

_formulas = compiled(formulas, helper)
_folded, _below, _beside = _formulas.folded, _formulas.below, _formulas.beside


def forward(x, transforms, size, fill_mode="reflect", fill_value=0.0, interpolation="bilinear", need_saved=True):
    mode, nearest = mode_number(fill_mode), interpolation == "nearest"
    y = workspace.empty((len(x), *size, x.shape[3]), x.dtype)
    _resample(x, transforms, mode, nearest, x.dtype.type(fill_value), y)
    return y, ((x.shape, transforms, mode, nearest) if need_saved else None)


def backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    shape, transforms, mode, nearest = saved
    dx = workspace.empty(shape, dy.dtype)
    _hand_back(dy, transforms, mode, nearest, dx)
    return dx


def resample_one(image, transform, fill_mode, fill_value, interpolation, y) -> None:
    """Transform one image (H, W, C) of any number type into y (OH, OW, C) of a float type, on this thread alone."""
    fill, nearest = y.dtype.type(fill_value), interpolation == "nearest"
    _resample_one(image, transform, mode_number(fill_mode), nearest, fill, y)


@helper
def _row(x, t, h, mode, nearest, fill, y):
    """Compute row h of the output, y (OW, C), from the image x (H, W, C)."""
    H, W, C = x.shape
    place, number, OW = t.dtype.type, y.dtype.type, y.shape[0]
    start_across, start_down = t[1] * place(h) + t[2], t[4] * place(h) + t[5]
    first, last = 0, 0
    if not nearest:
        first, last = _inside(t[0], start_across, W, OW)
        first_down, last_down = _inside(t[3], start_down, H, OW)
        first, last = max(first, first_down), min(last, last_down)
        last = max(first, last)
    for w in range(first):
        _pixel(x, t[0] * place(w) + start_across, t[3] * place(w) + start_down, mode, nearest, fill, y, w)
    for w in range(first, last):
        across, down = t[0] * place(w) + start_across, t[3] * place(w) + start_down
        i, j = np.uintp(down), np.uintp(across)
        lower, right = number(down - place(i)), number(across - place(j))
        upper, left = number(1) - lower, number(1) - right
        below, beside = i + np.uintp(1), j + np.uintp(1)
        for c in range(C):
            y[w, c] = upper * (left * number(x[i, j, c]) + right * number(x[i, beside, c])) + lower * (
                left * number(x[below, j, c]) + right * number(x[below, beside, c])
            )
    for w in range(last, OW):
        _pixel(x, t[0] * place(w) + start_across, t[3] * place(w) + start_down, mode, nearest, fill, y, w)


@helper
def _inside(slope, start, length, count):
    """(first, last): for first <= w < last, surely 0 <= slope * w + start < length - 1, even after rounding."""
    real = type(slope)
    end = real(length - 1)
    if slope == real(0):
        return (0, count) if (start >= real(0)) & (start < end) else (0, 0)
    one, other = -start / slope, (end - start) / slope
    first, last = min(one, other) + real(1), max(one, other) - real(1)  # one pixel less on each side, for rounding
    if not first < last:  # also if a number is NaN
        return 0, 0
    return math.ceil(min(max(first, real(0)), real(count))), int(min(max(last, real(0)), real(count)))


@helper
def _pixel(x, across, down, mode, nearest, fill, y, w):
    """Compute the pixel y[w] (C,) from a place that may be outside the image."""
    H, W, C = x.shape
    place, number = type(across), y.dtype.type
    if mode == CUT and not (
        (across >= place(0)) & (across <= place(W - 1)) & (down >= place(0)) & (down <= place(H - 1))
    ):
        for c in range(C):
            y[w, c] = fill
        return
    across, down = _folded(across, W, mode), _folded(down, H, mode)
    if nearest:
        i, j = _beside(down), _beside(across)
        inside = (i >= 0) & (i < H) & (j >= 0) & (j < W)
        for c in range(C):
            y[w, c] = number(x[i, j, c]) if inside else fill
        return
    i, j = _below(down), _below(across)
    lower, right = number(down - place(i)), number(across - place(j))
    if mode == CONSTANT:
        for c in range(C):
            y[w, c] = fill
        for k in range(4):
            row, column = i + k // 2, j + k % 2
            weight = (lower if k >= 2 else number(1) - lower) * (right if k % 2 else number(1) - right)
            if (row >= 0) & (row < H) & (column >= 0) & (column < W):
                for c in range(C):
                    y[w, c] += weight * (number(x[row, column, c]) - fill)
        return
    bottom, further = min(i + 1, H - 1), min(j + 1, W - 1)
    for c in range(C):
        above = (number(1) - right) * number(x[i, j, c]) + right * number(x[i, further, c])
        below = (number(1) - right) * number(x[bottom, j, c]) + right * number(x[bottom, further, c])
        y[w, c] = (number(1) - lower) * above + lower * below


@kernel(parallel=True)
def _resample(x, transforms, mode, nearest, fill, y):
    N, OH = y.shape[0], y.shape[1]
    for row in prange(N * OH):
        n = row // OH
        _row(x[n], transforms[n], row - n * OH, mode, nearest, fill, y[n, row - n * OH])


@kernel()
def _resample_one(x, transform, mode, nearest, fill, y):
    for h in range(y.shape[0]):
        _row(x, transform, h, mode, nearest, fill, y[h])


@kernel(parallel=True)
def _hand_back(dy, transforms, mode, nearest, dx):
    """dx[...] += weight * dy for the pixels that y was mixed from; each thread takes whole images."""
    N, OH, OW, C = dy.shape
    H, W = dx.shape[1], dx.shape[2]
    for n in prange(N):
        dx[n] = 0
        t = transforms[n]
        place, number = transforms.dtype.type, dy.dtype.type
        for h in range(OH):
            for w in range(OW):
                across = t[0] * place(w) + t[1] * place(h) + t[2]
                down = t[3] * place(w) + t[4] * place(h) + t[5]
                if mode == CUT and not (
                    (across >= place(0)) & (across <= place(W - 1)) & (down >= place(0)) & (down <= place(H - 1))
                ):
                    continue
                across, down = _folded(across, W, mode), _folded(down, H, mode)
                if nearest:
                    i, j = _beside(down), _beside(across)
                    if (i >= 0) & (i < H) & (j >= 0) & (j < W):
                        for c in range(C):
                            dx[n, i, j, c] += dy[n, h, w, c]
                    continue
                i, j = _below(down), _below(across)
                lower, right = number(down - place(i)), number(across - place(j))
                for k in range(4):
                    row, column = i + k // 2, j + k % 2
                    weight = (lower if k >= 2 else number(1) - lower) * (right if k % 2 else number(1) - right)
                    if mode != CONSTANT:
                        row, column = min(row, H - 1), min(column, W - 1)
                    if (row >= 0) & (row < H) & (column >= 0) & (column < W):
                        for c in range(C):
                            dx[n, row, column, c] += weight * dy[n, h, w, c]
