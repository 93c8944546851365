"""The affine transform in Numba: a row of y at a time, the threads share the rows.

A row is a straight line through x, so that neighbouring pixels of y read neighbouring cache lines of x. Where all four
pixels lie inside the image, which is nearly everywhere, they are read without a question.

`resampled` is the same for one image on one thread: it lets go of Python's lock, so pictures can be augmented in
several Python threads while the network trains.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from ...kernels import workspace
from ...kernels.compile import helper, kernel
from ...kernels.formulas import compiled
from . import formulas
from .formulas import CONSTANT, CUT
from .vectorized import mode_number

__all__ = ["backward", "forward", "resampled"]

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


def resampled(image, transform, size, fill_mode, fill_value, interpolation) -> np.ndarray:
    """One image (H, W, C) transformed, on this thread alone, in memory of its own."""
    y = np.empty((*size, image.shape[2]), image.dtype)
    _resample_one(image, transform, mode_number(fill_mode), interpolation == "nearest", image.dtype.type(fill_value), y)
    return y


@helper
def _row(x, t, h, mode, nearest, fill, y):
    """The row y (OW, C) of height h, from the image x (H, W, C)."""
    H, W, C = x.shape
    place, number = t.dtype.type, x.dtype.type
    for w in range(y.shape[0]):
        across = t[0] * place(w) + t[1] * place(h) + t[2]
        down = t[3] * place(w) + t[4] * place(h) + t[5]
        if mode == CUT and not (
            (across >= place(0)) & (across <= place(W - 1)) & (down >= place(0)) & (down <= place(H - 1))
        ):
            for c in range(C):
                y[w, c] = fill
            continue
        across, down = _folded(across, W, mode), _folded(down, H, mode)
        if nearest:
            i, j = _beside(down), _beside(across)
            inside = (i >= 0) & (i < H) & (j >= 0) & (j < W)
            for c in range(C):
                y[w, c] = x[i, j, c] if inside else fill
            continue
        i, j = _below(down), _below(across)
        lower, right = number(down - place(i)), number(across - place(j))
        upper, left = number(1) - lower, number(1) - right
        if (i >= 0) & (i < H - 1) & (j >= 0) & (j < W - 1):
            for c in range(C):
                y[w, c] = upper * (left * x[i, j, c] + right * x[i, j + 1, c]) + lower * (
                    left * x[i + 1, j, c] + right * x[i + 1, j + 1, c]
                )
            continue
        for c in range(C):
            total = number(0)
            for k in range(4):
                row, column = i + k // 2, j + k % 2
                weight = (lower if k >= 2 else upper) * (right if k % 2 else left)
                if mode != CONSTANT:
                    row, column = min(row, H - 1), min(column, W - 1)
                inside = (row >= 0) & (row < H) & (column >= 0) & (column < W)
                total += weight * (x[row, column, c] if inside else fill)
            y[w, c] = total


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
    """dx[...] += weight * dy for the pixels that each dy was mixed from; a thread has an image to itself."""
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
