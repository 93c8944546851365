"""Resizing in Numba: the threads share the rows of y. Each row reads two rows of x, mostly from the cache.

`resize_one` resizes one image of any number type on one thread. It releases Python's lock (the GIL). So several Python
threads can prepare images while the network trains. With 1 to 4 channels a pixel is shorter than a vector. So it mixes
two whole rows first, and then gathers from the mixed row, number by number: 3.6 times as fast as pixel by pixel, for an
image of 200 x 200 x 3 in 224 x 224.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import helper, kernel
from .tables import number_table, table

__all__ = ["backward", "forward", "resize_one"]


def forward(x, size, interpolation="bilinear", need_saved=True):
    rows, columns = (table(x.shape[i + 1], size[i], interpolation) for i in (0, 1))
    y = workspace.empty((len(x), *size, x.shape[3]), x.dtype)
    _resize(x, *rows, *columns, interpolation == "nearest", y)
    return y, ((x.shape, rows, columns, interpolation) if need_saved else None)


def resize_one(image, y, interpolation="bilinear"):
    """Resize one image (H, W, C) into the array y (OH, OW, C) of any number type, on this thread alone."""
    rows = table(len(image), len(y), interpolation)
    columns = number_table(image.shape[1], y.shape[1], interpolation, image.shape[2])
    _resize_one(np.ascontiguousarray(image), *rows, *columns, interpolation == "nearest", y)


@helper
def _row(upper, lower, t, first, second, share, nearest, y):
    """Mix the rows `upper` and `lower` (W, C) of x into a row y (OW, C); with `nearest` copy pixels of `upper`."""
    number = y.dtype.type
    if nearest:
        for j in range(y.shape[0]):
            left = first[j]
            for c in range(y.shape[1]):
                y[j, c] = number(upper[left, c])
        return
    t = number(t)
    for j in range(y.shape[0]):
        s, left, right = number(share[j]), first[j], second[j]
        for c in range(y.shape[1]):
            above = number(upper[left, c]) * (number(1) - s) + number(upper[right, c]) * s
            below = number(lower[left, c]) * (number(1) - s) + number(lower[right, c]) * s
            y[j, c] = above * (number(1) - t) + below * t


@kernel(parallel=True)
def _resize(x, first_row, second_row, row_share, first_column, second_column, column_share, nearest, y):
    N, OH = y.shape[0], y.shape[1]
    for row in prange(N * OH):
        n = row // OH
        i = row - n * OH
        upper, lower = x[n, first_row[i]], x[n, second_row[i]]
        _row(upper, lower, row_share[i], first_column, second_column, column_share, nearest, y[n, i])


@kernel()
def _resize_one(x, first_row, second_row, row_share, first, second, share, nearest, y):
    """The columns' table is for single numbers: number k of a row of y is mixed from first[k] and second[k] of x."""
    number = y.dtype.type
    mixed = np.empty(x.shape[1] * x.shape[2], y.dtype)
    for i in range(y.shape[0]):
        upper, lower, t = x[first_row[i]].reshape(-1), x[second_row[i]].reshape(-1), number(row_share[i])
        row = y[i].reshape(-1)
        if nearest:
            for k in range(row.size):
                row[k] = number(upper[first[k]])
        else:
            for k in range(mixed.size):
                mixed[k] = number(upper[k]) * (number(1) - t) + number(lower[k]) * t
            for k in range(row.size):
                s = number(share[k])
                row[k] = mixed[first[k]] * (number(1) - s) + mixed[second[k]] * s


def backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    shape, rows, columns, interpolation = saved
    dx = workspace.empty(shape, dy.dtype)
    if interpolation == "nearest":
        _hand_back_nearest(dy, rows[0], columns[0], dx)
    else:
        _hand_back(dy, *rows, *columns, dx)
    return dx


@kernel(parallel=True)
def _hand_back_nearest(dy, rows, columns, dx):
    """Add each dy to the pixel of dx that y is a copy of; each thread takes whole images."""
    N, OH, OW, C = dy.shape
    for n in prange(N):
        dx[n] = 0
        for i in range(OH):
            for j in range(OW):
                for c in range(C):
                    dx[n, rows[i], columns[j], c] += dy[n, i, j, c]


@kernel(parallel=True)
def _hand_back(dy, first_row, second_row, row_share, first_column, second_column, column_share, dx):
    """Add each dy to the pixels of dx that y was mixed from; each thread takes whole images."""
    N, OH, OW, C = dy.shape
    number = dy.dtype.type
    for n in prange(N):
        dx[n] = 0
        for i in range(OH):
            t = number(row_share[i])
            for j in range(OW):
                s = number(column_share[j])
                for c in range(C):
                    upper, lower = dy[n, i, j, c] * (number(1) - t), dy[n, i, j, c] * t
                    dx[n, first_row[i], first_column[j], c] += upper * (number(1) - s)
                    dx[n, first_row[i], second_column[j], c] += upper * s
                    dx[n, second_row[i], first_column[j], c] += lower * (number(1) - s)
                    dx[n, second_row[i], second_column[j], c] += lower * s
