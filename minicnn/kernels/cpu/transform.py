"""Multiply a small block of pixels by two constant matrices, for many channels together: y = M x M^T.

All transforms of the Winograd convolution (`ops/conv2d/winograd.py`) are made this way; they differ only in M. Channels
are neighbours in memory, so a vector holds the same pixel of `lanes` channels, and M x M^T becomes additions of whole
vectors. M is known when the code is made, so a zero in M costs nothing, and a one costs no multiplication.
"""

from __future__ import annotations

import numpy as np

from .microkernel import VECTOR_BYTES
from .vector_loop import vector_loop


def make_transform(matrix: np.ndarray, vector_bytes: int = VECTOR_BYTES):
    """Make a function for a constant matrix M (S, R), which kernels can call:

    transform(x, x_start, y, y_start, x_row, x_col, y_row, y_col, count)

    x and y are flat arrays of one float type. For lane = 0 .. count-1 it reads the block
    x[x_start + i*x_row + j*x_col + lane], i and j < R, and writes y[y_start + i*y_row + j*y_col + lane], i and j < S.
    """
    M = np.asarray(matrix).tolist()
    S, R = len(M), len(M[0])

    @vector_loop(arrays=2, scalars=4, vector_bytes=vector_bytes)
    def transform(emit, mask, x, y, x_row, x_col, y_row, y_col):
        def at(pointer, i, row, j, col):
            return emit.at(pointer, emit.builder.add(emit.times(i, row), emit.times(j, col)))

        pixels = [[emit.load(at(x, i, x_row, j, x_col), mask) for j in range(R)] for i in range(R)]
        half = [[emit.sum_of_multiples(M[i], column) for column in zip(*pixels, strict=True)] for i in range(S)]
        for i in range(S):
            for j in range(S):
                emit.store(emit.sum_of_multiples(M[j], half[i]), at(y, i, y_row, j, y_col), mask)

    return transform


def transform_by_loops(M, x, x_start, y, y_start, x_row, x_col, y_row, y_col, count):
    """What a function made by `make_transform(M)` computes, in plain loops. For reading and tests only."""
    S, R = M.shape
    for lane in range(count):
        for i in range(S):
            for j in range(S):
                total = 0.0
                for p in range(R):
                    for q in range(R):
                        total += M[i, p] * x[x_start + p * x_row + q * x_col + lane] * M[j, q]
                y[y_start + i * y_row + j * y_col + lane] = total
