"""Whole matrix products out of microkernel tiles, split over the threads: the three products of a dense layer.

    multiply                  c = a @ b              forward: x @ w, with bias and ReLU in the same pass
    multiply_transposed       c = a^T @ b            the kernel's gradient x^T @ dy
    multiply_by_transposed    c = a @ b^T            the input's gradient dy @ w^T

What each idea bought, on two Zen 4 cores, at 32 x 3136 times 3136 x 100 and 32 x 784 times 784 x 512:
- long sums are cut into parts of `_PART` terms. A panel of b (one part, as wide as a tile) then stays in the
  first-level cache while all rows of a go by; and the parts are added up apart, so rounding grows with their length.
- panels of b are packed: copied so that they can be read from one end to the other. In place, rows of b lie F apart,
  and a power of two like 512 puts them all into the same few lines of the cache.
- b^T is never made. Its product is computed as (b @ a^T)^T: a, the smaller matrix, is turned beforehand, and every
  finished tile is turned when it is written.
"""

from __future__ import annotations

from functools import lru_cache

import numba
import numpy as np
from numba import prange
from numpy import uintp

from . import workspace
from .compile import inlined_helper, kernel
from .microkernel import ADD, ROWS, VECTOR_BYTES, VECTORS, tile

_PART = 128  # terms of a sum that are added in one go
_STRIP = 32  # at most so many tiles of rows go by while a panel is in the cache
_PIECE = 1024  # rows that one thread sums in `multiply_transposed`; does not depend on the number of threads


@lru_cache(maxsize=256)
def _multiples(count, step):
    """0, step, 2 * step, ...: where the rows (or columns) of a plain matrix begin."""
    return np.arange(count, dtype=np.intp) * step


def tile_width(dtype) -> int:
    """The number of columns of a tile."""
    return VECTORS * (VECTOR_BYTES // np.dtype(dtype).itemsize)


def _share(row_tiles, panels):
    """Into how many strips of rows to cut: few, so that panels are used often, but enough work for every thread."""
    enough = -(-4 * numba.get_num_threads() // max(1, panels))
    return max(-(-row_tiles // _STRIP), min(row_tiles, enough))


def multiply(a, b, bias, c, epilogue):
    """c (M, F) = epilogue(a (M, K) @ b (K, F)), with the microkernel's BIAS and RELU."""
    (M, K), F, width = a.shape, b.shape[1], tile_width(a.dtype)
    strips = _share(-(-M // ROWS), -(-F // width))
    packed = workspace.empty((numba.get_num_threads() * _PART * width,), a.dtype)
    rows, cols = _multiples(ROWS, K), _multiples(_PART, 1)
    _multiply(a.reshape(-1), M, K, F, rows, cols, b.reshape(-1), bias, c.reshape(-1), epilogue, strips, packed)


@kernel(parallel=True)
def _multiply(a, M, K, F, rows, cols, b, bias, c, epilogue, strips, packed):
    width = VECTORS * (VECTOR_BYTES // a.itemsize)
    row_tiles, panels = (M + ROWS - 1) // ROWS, (F + width - 1) // width
    for task in prange(strips * panels):
        strip, f = task // panels, task % panels * width
        here = numba.get_thread_id() * _PART * width
        columns = min(width, F - f)
        for k in range(0, K, _PART):
            depth = min(_PART, K - k)
            for i in range(depth):
                _copy(b, (k + i) * F + f, columns, packed, here + i * width)
            finish = (ADD if k else 0) | (epilogue if k + depth == K else 0)
            for t in range(strip * row_tiles // strips, (strip + 1) * row_tiles // strips):
                i = t * ROWS
                tile(
                    a, i * K + k, rows, 0, min(ROWS, M - i), cols, 0, depth, packed, here, width,
                    c, i * F + f, F, columns, bias, f, finish,
                )  # fmt: skip


@inlined_helper
def _copy(x, source, count, y, place):
    source, place = uintp(source), uintp(place)
    for i in range(uintp(count)):
        y[place + i] = x[source + i]


def multiply_transposed(a, b, c):
    """c (K, F) = a (M, K)^T @ b (M, F). Long sums are cut into pieces, which are added up in order."""
    (M, K), F = a.shape, b.shape[1]
    if M == 0:
        c[...] = 0
        return
    pieces = -(-M // _PIECE)
    partial = c.reshape(-1) if pieces == 1 else workspace.empty((pieces * K * F,), c.dtype)
    strips = min(-(-K // ROWS), max(1, -(-8 * numba.get_num_threads() // pieces)))
    rows, cols = _multiples(ROWS, 1), _multiples(min(M, _PART), K)
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
                    tile(
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
    rows, cols = _multiples(ROWS, F), _multiples(F, 1)
    _multiply_by_transposed(b.reshape(-1), K, F, M, rows, cols, turned, c.reshape(-1), strips, finished)


@kernel(parallel=True)
def _turn(a, M, F, width, turned):
    """a (M, F) turned, in panels: turned[panel, f, i] = a[panel * width + i, f]."""
    for panel in prange((M + width - 1) // width):
        m = panel * width
        for i in range(min(width, M - m)):
            for f in range(F):
                turned[(panel * F + f) * width + i] = a[(m + i) * F + f]


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
                tile(
                    b, k * F + f, rows, 0, count, cols, 0, min(_PART, F - f), turned, (panel * F + f) * width, width,
                    finished, here, width, columns, b, 0, ADD if f else 0,
                )  # fmt: skip
            for j in range(columns):
                for i in range(count):
                    c[(m + j) * K + k + i] = finished[here + i * width + j]
