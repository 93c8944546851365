"""Whole matrix products made of microkernel tiles, split over the threads: the three products of a dense layer.

    multiply                  c = a @ b              forward: x @ w, with bias and ReLU in the same pass
    multiply_transposed       c = a^T @ b            the kernel's gradient x^T @ dy, and the bias's
    multiply_by_transposed    c = a @ b^T            the input's gradient dy @ w^T

What each idea gains, on two Zen 4 cores:
- Long sums are cut into parts of `_PART` terms. The part of b that a tile reads stays in the cache while all rows of a
  are multiplied with it. Each part is added up separately, so rounding grows with the length of a part, not with K.
- A part of b is first copied into a panel as wide as a tile (GotoBLAS calls this "packing"). The sums of a panel are
  stored beside the panel, and both fit the first-level cache: 502 us instead of 571 for 128 x 784 times 784 x 512. On
  two Intel cores a panel of 16 kB takes 394 us, one of 8 kB takes 412 us.
- Bias and ReLU are applied when a panel's sums are written out, while the sums are still in the cache.
- The gradients read dy through the ReLU. Numbers that the ReLU stopped become zero while dy is copied into a panel or
  transposed. The bias gradient is the sum of a panel's rows. This does not slow the products down. A separate pass
  before them takes 40 us per training step, for five dense layers from 784 to 10 on two Intel cores.
- b^T is never stored. Its product is computed as (b @ a^T)^T: the smaller matrix a is transposed before, and every
  finished tile is transposed when it is written.

- A recorded prediction lays the panels of the weights once, for all its replays. On two Zen 3 cores 128 x 784 times
  784 x 512 takes 8 % less time, with 32 rows 24 % less, with 4 rows 48 % less. The panels need as much memory as the
  weights, so it is not done for more than `_LAID` weights.

Fetching the next panel ahead changes nothing.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import prange
from numpy import uintp

from . import workspace
from .compile import THREADS, kernel
from .microkernel import ROWS, VECTOR_BYTES, VECTORS, tile
from .packing import in_panels, lay_panel, lay_panel_through_relu, sum_rows, tile_width
from .recording import do, is_prediction, of_weights
from .split import own_part
from .vector_loop import add, add_bias, copy, vector_loop, zero

_PART = 8192 // VECTOR_BYTES  # terms of a sum that a tile adds in one loop, so that a panel has 16 kB
_STRIP = 16  # the most tiles of rows that are multiplied with one panel
_PIECE = 1024  # terms of a sum that one thread adds up
_TOGETHER = 8  # rows of b that are added at once
_CUT = 32  # the fewest columns for one thread
_LAID = 1 << 24  # the most weights whose panels are kept: 64 MB in float32


@lru_cache(maxsize=256)
def multiples(count, step):
    """0, step, 2 * step, ...: where the rows (or columns) of a plain matrix begin."""
    return np.arange(count, dtype=np.intp) * step


def multiply(a, b, bias, c, relu=False):
    """c (M, F) = a (M, K) @ b (K, F) + bias (F,), clamped below at zero with `relu`. b holds weights.

    The work is cut into panels of columns and, if there are many rows, into strips of rows. If these are too few for
    the threads, it is also cut along K, into pieces that are added up in order. If even these are too few, it is cut
    into more strips.
    """
    (M, K), F, width = a.shape, b.shape[1], tile_width(a.dtype)
    if M == 1:
        cuts = min(THREADS, -(-F // _CUT))
        (part,) = workspace.scratch(c.dtype, F)
        run = _multiply_one_row.for_work(K * F)
        run(a.reshape(-1), b.reshape(-1), bias, relu, c.reshape(-1), cuts, part)
        return
    row_tiles, panels, enough = -(-M // ROWS), -(-F // width), 4 * THREADS
    strips = max(1, -(-row_tiles // _STRIP))
    pieces = 1 if panels * strips >= enough else -(-K // _PIECE)
    strips = max(strips, min(row_tiles, enough // (panels * pieces)))
    rows, cols = multiples(ROWS, K), multiples(_PART, 1)
    size = (_PART + (-(-row_tiles // strips)) * ROWS) * width
    (scratch,) = workspace.scratch(c.dtype, size)
    laid, b_panels = is_prediction() and b.size <= _LAID, scratch
    if laid:
        with of_weights():
            b_panels = in_panels(b)
    a, b, c = a.reshape(-1), b.reshape(-1), c.reshape(-1)
    if pieces == 1:
        _multiply(a, M, K, F, rows, cols, b, b_panels, laid, bias, relu, c, 1, strips, scratch)
        return
    partial = workspace.empty((pieces * M * F,), c.dtype)
    no_bias = np.zeros_like(bias)
    _multiply(a, M, K, F, rows, cols, b, b_panels, laid, no_bias, False, partial, pieces, strips, scratch)
    _finish_pieces(partial, M, F, pieces, bias, relu, c)


@vector_loop(arrays=2, scalars=1, numbers=1)
def _add_row(emit, mask, b, c, F, number):
    """c += number * b."""
    emit.store(emit.fma(emit.splat(number), emit.load(b, mask), emit.load(c, mask)), c, mask)


@vector_loop(arrays=2, scalars=1, numbers=_TOGETHER)
def _add_rows(emit, mask, b, c, F, *numbers):
    """c += the sum of numbers[i] * b[i * F]: c is read and written once for all of them."""
    total = emit.load(c, mask)
    for i, number in enumerate(numbers):
        total = emit.fma(emit.splat(number), emit.load(emit.at(b, emit.times(i, F)), mask), total)
    emit.store(total, c, mask)


@kernel(parallel=True)
def _multiply_one_row(a, b, bias, relu, c, cuts, part):
    """The product for one image: c (F,) = a (K,) @ b (K, F), as a sum of rows of b, each task some columns of it.

    Each number of b is used once, so no panel is laid: b is read as it lies, and the time is that of reading it. For
    784 x 512 this takes 42 us instead of 124, on two Zen 3 cores; for two rows it takes longer than panels.
    """
    K, F = a.size, c.size
    for cut in prange(cuts):
        f, end = cut * F // cuts // 16 * 16, F if cut == cuts - 1 else (cut + 1) * F // cuts // 16 * 16
        here = own_part(part)
        for first in range(0, K, _PART):
            last = min(K, first + _PART)
            zero(part, here, end - f)
            k = first
            while k + _TOGETHER <= last:
                _add_rows(
                    b, k * F + f, part, here, F, a[k], a[k + 1], a[k + 2], a[k + 3], a[k + 4], a[k + 5], a[k + 6],
                    a[k + 7], end - f,
                )  # fmt: skip
                k += _TOGETHER
            while k < last:
                _add_row(b, k * F + f, part, here, F, a[k], end - f)
                k += 1
            if first == 0:
                copy(part, here, c, f, end - f)
            else:
                add(part, here, c, f, end - f)
        if K == 0:
            zero(c, f, end - f)
        add_bias(c, f, bias, f, c, f, relu, end - f)


@kernel(parallel=True)
def _multiply(a, M, K, F, rows, cols, b, b_panels, laid, bias, relu, c, pieces, strips, scratch):
    """c[piece] = a piece's share of a @ b, plus bias: panel by panel, in the thread's own scratch buffer.

    b_panels is where the panels are: with `laid` all of them, otherwise the scratch buffer.
    """
    lanes = VECTOR_BYTES // a.itemsize
    width = VECTORS * lanes
    row_tiles, panels = (M + ROWS - 1) // ROWS, (F + width - 1) // width
    for task in prange(pieces * strips * panels):
        piece, strip, f = task // (strips * panels), task // panels % strips, task % panels * width
        begin, end = piece * K // pieces, (piece + 1) * K // pieces
        columns = min(width, F - f)
        whole_vectors = (columns + lanes - 1) // lanes * lanes
        first, last = strip * row_tiles // strips * ROWS, min(M, (strip + 1) * row_tiles // strips * ROWS)
        here = own_part(scratch)
        sums = here + _PART * width
        for k in range(begin, end, _PART):
            depth = min(_PART, end - k)
            if laid:
                panel = f * K + k * width
            else:
                panel = here
                lay_panel(b, k * F + f, F, depth, columns, scratch, panel)
            for i in range(first, last, ROWS):
                tile(
                    a, i * K + k, rows, 0, min(ROWS, last - i), cols, 0, depth, b_panels, panel,
                    scratch, sums + (i - first) * width, width, whole_vectors, k > begin,
                )  # fmt: skip
        for i in range(first, last):
            add_bias(scratch, sums + (i - first) * width, bias, f, c, (piece * M + i) * F + f, relu, columns)


@kernel(parallel=True)
def _finish_pieces(partial, M, F, pieces, bias, relu, c):
    """c (M, F) = the sum of the pieces of `partial`, in order, plus bias, clamped below at zero with `relu`."""
    for i in prange(M):
        for piece in range(1, pieces):
            add(partial, (piece * M + i) * F, partial, i * F, F)
        add_bias(partial, i * F, bias, 0, c, i * F, relu, F)


def multiply_transposed(a, b, c, y=None):
    """c[:K] (K, F) = a (M, K)^T @ b (M, F), and c[K] = the sums of b's columns, as if a had a column of ones.

    With y (M, F), b counts as zero where y is not above zero. Long sums are cut into pieces, which are added up in
    order.
    """
    (M, K), F = a.shape, b.shape[1]
    if M == 0:
        do(c.fill, 0)
        return
    pieces = -(-M // _PIECE)
    partial = c.reshape(-1) if pieces == 1 else workspace.empty((pieces * (K + 1) * F,), c.dtype)
    strips = min(-(-K // ROWS), max(1, -(-4 * THREADS // pieces)))
    rows, cols = multiples(ROWS, 1), multiples(min(M, _PART), K)
    (panel,) = workspace.scratch(a.dtype, _PART * tile_width(a.dtype))
    a, b = a.reshape(-1), b.reshape(-1)
    y, relu = (b, False) if y is None else (y.reshape(-1), True)
    _multiply_transposed(a, M, K, F, rows, cols, b, y, relu, partial, pieces, strips, panel)
    if pieces > 1:
        add_pieces(partial, c.reshape(-1))


@kernel(parallel=True)
def _multiply_transposed(a, M, K, F, rows, cols, b, y, relu, partial, pieces, strips, panel):
    """partial[piece] = a piece's share of a^T @ b: the tile's rows are columns of a, its k runs down a."""
    width = VECTORS * (VECTOR_BYTES // a.itemsize)
    row_tiles = (K + ROWS - 1) // ROWS
    for task in prange(pieces * strips):
        piece, strip = task // strips, task % strips
        here, place = own_part(panel), piece * (K + 1) * F
        for m in range(piece * _PIECE, min(M, (piece + 1) * _PIECE), _PART):
            depth, further = min(_PART, min(M, (piece + 1) * _PIECE) - m), m > piece * _PIECE
            for f in range(0, F, width):
                columns = min(width, F - f)
                if relu:
                    lay_panel_through_relu(b, y, m * F + f, F, depth, columns, panel, here)
                else:
                    lay_panel(b, m * F + f, F, depth, columns, panel, here)
                for t in range(strip * row_tiles // strips, (strip + 1) * row_tiles // strips):
                    k = t * ROWS
                    tile(
                        a, m * K + k, rows, 0, min(ROWS, K - k), cols, 0, depth, panel, here,
                        partial, place + k * F + f, F, columns, further,
                    )  # fmt: skip
                if strip == 0:
                    sum_rows(panel, here, depth, partial, place + K * F + f, columns, further)


@kernel(parallel=True)
def add_pieces(partial, out):
    """out[i] = the sum over the pieces of partial[piece, i], in order; both flat."""
    pieces, size = partial.size // out.size, out.size
    block = 1024
    for first in prange((size + block - 1) // block):
        start, count = first * block, min(size - first * block, block)
        copy(partial, start, out, start, count)
        for piece in range(1, pieces):
            add(partial, piece * size + start, out, start, count)


def multiply_by_transposed(a, b, c, y=None):
    """c (M, K) = a (M, F) @ b (K, F)^T, as (b @ a^T)^T. With y (M, F), a counts as zero where y is not above zero."""
    (M, F), K, width = a.shape, b.shape[0], tile_width(a.dtype)
    panels = -(-M // width)
    transposed = workspace.empty((panels * F * width,), a.dtype)
    a = a.reshape(-1)
    y, relu = (a, False) if y is None else (y.reshape(-1), True)
    _lay_transposed(a, y, relu, M, F, width, transposed)
    strips = min(-(-K // ROWS), max(1, -(-8 * THREADS // max(1, panels))))
    (finished,) = workspace.scratch(a.dtype, ROWS * width)
    rows, cols = multiples(ROWS, F), multiples(F, 1)
    _multiply_by_transposed(b.reshape(-1), K, F, M, rows, cols, transposed, c.reshape(-1), strips, finished)


@kernel(parallel=True)
def _lay_transposed(a, y, relu, M, F, width, transposed):
    """Transpose a (M, F) into panels: transposed[panel, f, i] = a[panel * width + i, f].

    With `relu`, numbers whose y is not above zero become zero.
    """
    parts = (F + _PART - 1) // _PART
    for task in prange((M + width - 1) // width * parts):
        panel, begin = task // parts, task % parts * _PART
        for i in range(width):
            row, place = uintp(min(panel * width + i, M - 1) * F), uintp(panel * F * width + i)
            for f in range(uintp(begin), uintp(min(F, begin + _PART))):
                number = a[row + f]
                if relu and not y[row + f] > 0:
                    number = a.dtype.type(0)
                transposed[place + f * uintp(width)] = number


@kernel(parallel=True)
def _multiply_by_transposed(b, K, F, M, rows, cols, transposed, c, strips, finished):
    """c (M, K) = a (M, F) @ b (K, F)^T, for flat b and c.

    transposed: a^T in panels of F x width numbers; rows, cols: where the rows of a tile of b begin, and the numbers of
    a row; finished: for each thread, room for a tile, which is then written transposed.
    """
    width = VECTORS * (VECTOR_BYTES // b.itemsize)
    row_tiles, panels = (K + ROWS - 1) // ROWS, (M + width - 1) // width
    for task in prange(strips * panels):
        strip, panel = task // panels, task % panels
        m, columns = panel * width, min(width, M - panel * width)
        here = own_part(finished)
        for t in range(strip * row_tiles // strips, (strip + 1) * row_tiles // strips):
            k = t * ROWS
            count = min(ROWS, K - k)
            for f in range(0, F, _PART):
                tile(
                    b, k * F + f, rows, 0, count, cols, 0, min(_PART, F - f), transposed, (panel * F + f) * width,
                    finished, here, width, columns, f > 0,
                )  # fmt: skip
            for j in range(columns):
                row, place = uintp((m + j) * K + k), uintp(here + j)
                for i in range(uintp(count)):
                    c[row + i] = finished[place + i * uintp(width)]
