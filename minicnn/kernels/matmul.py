"""Whole matrix products out of microkernel tiles, split over the threads: the three products of a dense layer.

    multiply                  c = a @ b              forward: x @ w, with bias and ReLU in the same pass
    multiply_transposed       c = a^T @ b            the kernel's gradient x^T @ dy
    multiply_by_transposed    c = a @ b^T            the input's gradient dy @ w^T

What each idea bought, on two Zen 4 cores: the products of a 32 x 3136 times 3136 x 100 layer fell from 1.03 ms to 0.56.
- long sums are cut into parts of `_PART` terms. The part of b under a tile then stays in the cache while all rows of a
  go by; and the parts are added up apart, so rounding grows with their length, not with K.
- b^T is never made. Its product is computed as (b @ a^T)^T: a, the smaller matrix, is turned beforehand, and every
  finished tile is turned when it is written.
What lost: copying the part of b into a buffer of its own first ("packing", as GotoBLAS does): 179 us instead of 142 at
32 x 784 times 784 x 512. The copy waits for memory longer than the tiles do that read b where it lies.
"""

from __future__ import annotations

from functools import lru_cache

import numba
import numpy as np
from numba import prange
from numpy import uintp

from . import workspace
from .compile import kernel
from .microkernel import ADD, BIAS, RELU, ROWS, VECTOR_BYTES, VECTORS, adding_tile, tile

_PART = 64  # terms of a sum that are added in one go
_STRIP = 32  # at most so many tiles of rows go by while a panel is in the cache
_PIECE = 1024  # terms of a sum that one thread adds up


@lru_cache(maxsize=256)
def multiples(count, step):
    """0, step, 2 * step, ...: where the rows (or columns) of a plain matrix begin."""
    return np.arange(count, dtype=np.intp) * step


def tile_width(dtype) -> int:
    """The number of columns of a tile."""
    return VECTORS * (VECTOR_BYTES // np.dtype(dtype).itemsize)


def multiply(a, b, bias, c, epilogue):
    """c (M, F) = epilogue(a (M, K) @ b (K, F)), with the microkernel's BIAS and RELU.

    The work is cut into panels of columns, and where these are too few for the threads also along K, into pieces that
    are added up in order; where even these are too few, or many rows go by, into strips of rows.
    """
    (M, K), F, width = a.shape, b.shape[1], tile_width(a.dtype)
    row_tiles, panels, enough = -(-M // ROWS), -(-F // width), 4 * numba.get_num_threads()
    pieces = 1 if panels >= enough else -(-K // _PIECE)
    strips = max(-(-row_tiles // _STRIP), min(row_tiles, enough // (panels * pieces)))
    rows, cols = multiples(ROWS, K), multiples(_PART, 1)
    partial = c.reshape(-1) if pieces == 1 else workspace.empty((pieces * M * F,), c.dtype)
    flat_a, flat_b, first_epilogue = a.reshape(-1), b.reshape(-1), epilogue if pieces == 1 else 0
    _multiply(flat_a, M, K, F, rows, cols, flat_b, bias, partial, first_epilogue, pieces, strips)
    if pieces > 1:
        add_pieces(partial.reshape(pieces, M * F), c.reshape(-1))
        _finish(c, bias, epilogue)


@kernel(parallel=True)
def _multiply(a, M, K, F, rows, cols, b, bias, c, epilogue, pieces, strips):
    width = VECTORS * (VECTOR_BYTES // a.itemsize)
    row_tiles, panels = (M + ROWS - 1) // ROWS, (F + width - 1) // width
    for task in prange(pieces * strips * panels):
        piece, strip, f = task // (strips * panels), task // panels % strips, task % panels * width
        begin, end = piece * K // pieces, (piece + 1) * K // pieces
        columns = min(width, F - f)
        for k in range(begin, end, _PART):
            depth = min(_PART, end - k)
            finish = (ADD if k > begin else 0) | (epilogue if k + depth == end else 0)
            for t in range(strip * row_tiles // strips, (strip + 1) * row_tiles // strips):
                i = t * ROWS
                tile(
                    a, i * K + k, rows, 0, min(ROWS, M - i), cols, 0, depth, b, k * F + f, F,
                    c, (piece * M + i) * F + f, F, columns, bias, f, finish,
                )  # fmt: skip


@kernel(parallel=True)
def _finish(c, bias, epilogue):
    """Bias and ReLU, where the sums were made in pieces."""
    M, F = c.shape
    for i in prange(M):
        for f in range(F):
            value = c[i, f] + bias[f] if epilogue & BIAS else c[i, f]
            c[i, f] = 0 if epilogue & RELU and value < 0 else value


def multiply_transposed(a, b, c):
    """c (K, F) = a (M, K)^T @ b (M, F). Long sums are cut into pieces, which are added up in order."""
    (M, K), F = a.shape, b.shape[1]
    if M == 0:
        c[...] = 0
        return
    pieces = -(-M // _PIECE)
    partial = c.reshape(-1) if pieces == 1 else workspace.empty((pieces * K * F,), c.dtype)
    strips = min(-(-K // ROWS), max(1, -(-8 * numba.get_num_threads() // pieces)))
    rows, cols = multiples(ROWS, 1), multiples(min(M, _PART), K)
    _multiply_transposed(a.reshape(-1), M, K, F, rows, cols, b.reshape(-1), partial, pieces, strips)
    if pieces > 1:
        add_pieces(partial.reshape(pieces, K * F), c.reshape(-1))


@kernel(parallel=True)
def _multiply_transposed(a, M, K, F, rows, cols, b, partial, pieces, strips):
    """partial[piece] = a piece's share of a^T @ b: the tile's rows are columns of a, its k runs down a."""
    width = VECTORS * (VECTOR_BYTES // a.itemsize)
    row_tiles = (K + ROWS - 1) // ROWS
    for task in prange(pieces * strips):
        piece, strip = task // strips, task % strips
        for m in range(piece * _PIECE, min(M, (piece + 1) * _PIECE), _PART):
            depth = min(_PART, min(M, (piece + 1) * _PIECE) - m)
            for t in range(strip * row_tiles // strips, (strip + 1) * row_tiles // strips):
                k = t * ROWS
                for f in range(0, F, width):
                    adding_tile(
                        a, m * K + k, rows, 0, min(ROWS, K - k), cols, 0, depth, b, m * F + f, F,
                        partial, (piece * K + k) * F + f, F, F - f, b, 0, 0 if m == piece * _PIECE else ADD,
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


def multiply_by_transposed(a, b, c):
    """c (M, K) = a (M, F) @ b (K, F)^T, as (b @ a^T)^T."""
    (M, F), K, width = a.shape, b.shape[0], tile_width(a.dtype)
    panels, threads = -(-M // width), numba.get_num_threads()
    turned = workspace.empty((panels * F * width,), a.dtype)
    _turn(a.reshape(-1), M, F, width, turned)
    strips = min(-(-K // ROWS), max(1, -(-8 * threads // max(1, panels))))
    finished = workspace.empty((threads * ROWS * width,), a.dtype)
    rows, cols = multiples(ROWS, F), multiples(F, 1)
    _multiply_by_transposed(b.reshape(-1), K, F, M, rows, cols, turned, c.reshape(-1), strips, finished)


@kernel(parallel=True)
def _turn(a, M, F, width, turned):
    """a (M, F) turned, in panels: turned[panel, f, i] = a[panel * width + i, f]."""
    for panel in prange((M + width - 1) // width):
        m = panel * width
        for i in range(min(width, M - m)):
            row, place = uintp((m + i) * F), uintp(panel * F * width + i)
            for f in range(uintp(F)):
                turned[place + f * uintp(width)] = a[row + f]


@kernel(parallel=True)
def _multiply_by_transposed(b, K, F, M, rows, cols, turned, c, strips, finished):
    width = VECTORS * (VECTOR_BYTES // b.itemsize)
    row_tiles, panels = (K + ROWS - 1) // ROWS, (M + width - 1) // width
    for task in prange(strips * panels):
        strip, panel = task // panels, task % panels
        m, columns = panel * width, min(width, M - panel * width)
        here = numba.get_thread_id() * ROWS * width
        for t in range(strip * row_tiles // strips, (strip + 1) * row_tiles // strips):
            k = t * ROWS
            count = min(ROWS, K - k)
            for f in range(0, F, _PART):
                adding_tile(
                    b, k * F + f, rows, 0, count, cols, 0, min(_PART, F - f), turned, (panel * F + f) * width, width,
                    finished, here, width, columns, b, 0, ADD if f else 0,
                )  # fmt: skip
            for j in range(columns):
                row, place = uintp((m + j) * K + k), uintp(here + j)
                for i in range(uintp(count)):
                    c[row + i] = finished[place + i * uintp(width)]
