"""A whole matrix product out of microkernel tiles, split over the threads.

The left matrix is an index map: entry (i, k) lies at a[rows[i] + cols[k]]. To keep the maps small they describe one
block of a long matrix (one image, or a few); the next block lies `block_step` numbers further on.

Two ways to share the work. `matmul` gives each thread whole tiles of the result, so every sum is made by one
thread. `matmul_transposed` is for short, wide results with a very long k (a kernel's gradient sums over every pixel
of the batch): k is cut into pieces of fixed length, the pieces are summed apart and then added up in order. The
pieces do not depend on the number of threads, so neither do the bits of the result.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from . import workspace
from .compile import kernel
from .microkernel import ROWS, VECTOR_BYTES, VECTORS, tile

_TASKS = 64  # enough to share evenly among the cores of one machine, few enough to cost nothing
_PIECE = 1024  # the length of k that `matmul_transposed` sums in one go


@kernel(parallel=True)
def matmul(
    a, a_start, block_step, rows, cols, b, b_start, b_stride, bias, bias_start, c, c_start, c_stride, M, F, epilogue
):  # fmt: skip
    """c[i, j] = epilogue(sum over k of a[..] * b[k, j]) for i < M, j < F; all arrays flat.

    Row i lies in block i // R, with R = rows.size: its entry k is a[a_start + (i // R) * block_step + rows[i % R]
    + cols[k]]. b's entry (k, j) is b[b_start + k * b_stride + j], c's (i, j) is c[c_start + i * c_stride + j].
    """
    width = VECTORS * (VECTOR_BYTES // a.itemsize)
    R, K = rows.size, cols.size
    tiles_per_block = (R + ROWS - 1) // ROWS
    blocks = (M + R - 1) // R
    row_tiles = blocks * tiles_per_block
    column_tiles = (F + width - 1) // width
    strips = min(row_tiles, _TASKS)
    groups = 1 if row_tiles >= _TASKS else column_tiles
    for task in prange(strips * groups):
        strip, group = task // groups, task % groups
        first, last = strip * row_tiles // strips, (strip + 1) * row_tiles // strips
        for column_tile in range(group, column_tiles, groups):
            j = column_tile * width
            for t in range(first, last):
                block, row = t // tiles_per_block, (t % tiles_per_block) * ROWS
                count = min(ROWS, R - row, M - block * R - row)
                if count > 0:
                    tile(
                        a, a_start + block * block_step, rows, row, count, cols, 0, K,
                        b, b_start + j, b_stride, c, c_start + (block * R + row) * c_stride + j, c_stride, F - j,
                        bias, bias_start + j, epilogue,
                    )  # fmt: skip


def matmul_transposed(a, a_start, block_step, rows, cols, M, b, b_start, b_stride, F, out):
    """out[k, j] = sum over i < M of a[entry (i, k)] * b[i, j], in the notation of `matmul`; out flat."""
    R, K = rows.size, cols.size
    if M == 0:
        out[:] = 0
        return
    blocks_per_piece = max(1, _PIECE // R)
    blocks = (M + R - 1) // R
    pieces = (blocks + blocks_per_piece - 1) // blocks_per_piece
    partial = out if pieces == 1 else workspace.empty((pieces * K * F,), out.dtype)
    _sum_pieces(a, a_start, block_step, rows, cols, M, b, b_start, b_stride, F, partial, pieces, blocks_per_piece)
    if pieces > 1:
        add_pieces(partial.reshape(pieces, K * F), out)


@kernel(parallel=True)
def _sum_pieces(a, a_start, block_step, rows, cols, M, b, b_start, b_stride, F, c, pieces, blocks_per_piece):
    """For each piece of k: c[piece, tap, j] = sum over the piece's i of a[entry (i, tap)] * b[i, j].

    The tables change places: the tile's rows are the taps (`cols`), its k runs over the pixels (`rows`).
    """
    width = VECTORS * (VECTOR_BYTES // a.itemsize)
    R, K = rows.size, cols.size
    blocks = (M + R - 1) // R
    row_tiles = (K + ROWS - 1) // ROWS
    column_tiles = (F + width - 1) // width
    strips = min(row_tiles, max(1, _TASKS // pieces))
    for task in prange(pieces * strips):
        piece, strip = task // strips, task % strips
        first, last = strip * row_tiles // strips, (strip + 1) * row_tiles // strips
        for block in range(piece * blocks_per_piece, min(blocks, (piece + 1) * blocks_per_piece)):
            length = min(R, M - block * R)
            epilogue = 0 if block == piece * blocks_per_piece else 1  # the first block stores, later ones ADD
            for column_tile in range(column_tiles):
                j = column_tile * width
                for t in range(first, last):
                    tap = t * ROWS
                    tile(
                        a, a_start + block * block_step, cols, tap, min(ROWS, K - tap), rows, 0, length,
                        b, b_start + block * R * b_stride + j, b_stride,
                        c, (piece * K + tap) * F + j, F, F - j, c, 0, epilogue,
                    )  # fmt: skip


@kernel(parallel=True)
def add_pieces(partial, out):
    """out[i] = the sum over the pieces of partial[piece, i], in order; out flat."""
    pieces, size = partial.shape
    block = 1024
    for first in prange((size + block - 1) // block):
        start, end = first * block, min(size, (first + 1) * block)
        for i in range(start, end):
            out[i] = partial[0, i]
        for piece in range(1, pieces):
            for i in range(start, end):
                out[i] += partial[piece, i]


@kernel(parallel=True)
def transpose(w, out):
    """out[f, k] = w[k, f], in blocks that stay in the cache."""
    K, F = w.shape
    size = 32
    for block in prange((K + size - 1) // size):
        first, last = block * size, min(K, (block + 1) * size)
        for f in range(F):
            for k in range(first, last):
                out[f, k] = w[k, f]


def no_bias(dtype) -> np.ndarray:
    """The array to pass where the epilogue adds no bias; it is never read."""
    return _NO_BIAS[np.dtype(dtype).name]


_NO_BIAS = {name: np.zeros(1, name) for name in ("float32", "float64")}
