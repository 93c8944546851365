"""Images worked on in bands of rows, small enough to stay in a core's cache.

A convolution wants its input padded, the gradient of its output sent back through ReLU and max pooling, and its own
output pooled. Done to whole batches these are passes over main memory, which cost as much as the arithmetic. Here a
thread does them to one band of rows just before it multiplies, or just after, in a scratch buffer of its own.

    lay_band      rows of an image, or of a gradient sent back through ReLU or pooling, onto a canvas of zeros
    finish_band   bias, ReLU and pooling of the raw sums of a band
    add_columns   the bias gradient of a band

Positions in inner loops are unsigned (`uintp`). Numba asks of every signed one whether it is negative and counts from
the end, which keeps LLVM from vectorising: finishing a band took four times as long.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numba
import numpy as np
from numpy import uintp

from .compile import helper, inlined_helper

PLAIN, THROUGH_RELU, THROUGH_POOL = 0, 1, 2
"""What a band is laid from: an image; a gradient dy and the y of a ReLU; a pooled gradient and the winners."""


class Canvas(NamedTuple):
    """Where an H x W image of C channels lies on a canvas of zeros: its pixel (h, w) at (top + h*SH, left + w*SW).

    PH x PW is the pool that the image has gone through, OH x OW what came out of it; asked only where there was one.
    """

    H: int
    W: int
    C: int
    top: int
    left: int
    SH: int
    SW: int
    width: int
    PH: int = 1
    PW: int = 1
    OH: int = 0
    OW: int = 0


class Split(NamedTuple):
    """How N outputs of OH rows are shared out: each task has `images` images, or one band of `rows` rows of one."""

    N: int
    OH: int
    rows: int
    bands: int
    images: int
    tasks: int


def split(N: int, OH: int, unit: int, numbers_per_row: int, numbers: int) -> Split:
    """Bands of a multiple of `unit` rows that hold about `numbers` numbers; several images where one holds fewer.

    There are at least four tasks a thread as long as there are rows for them.
    """
    return _split(N, OH, unit, numbers_per_row, numbers, 4 * numba.get_num_threads())


@lru_cache(maxsize=1024)
def _split(N, OH, unit, numbers_per_row, numbers, wanted_tasks):
    fitting = max(1, numbers // (unit * numbers_per_row)) * unit
    bands = max(-(-OH // fitting), min(-(-OH // unit), wanted_tasks // max(N, 1)))
    rows = -(-OH // (bands * unit)) * unit
    if rows < OH:
        bands = -(-OH // rows)
        return Split(N, OH, rows, bands, 1, N * bands)
    images = max(1, min(numbers // (rows * numbers_per_row), N // wanted_tasks))
    return Split(N, OH, rows, 1, images, -(-N // images))


_PARTIAL = 16 * 1024 * 1024  # numbers of all pieces together: 64 MB in float32, however many threads there are


def pieces_of(tasks: int, size: int) -> int:
    """Into how many pieces a sum of `size` numbers over all tasks is cut: two a thread, unless they are very large."""
    return max(1, min(tasks, 2 * numba.get_num_threads(), _PARTIAL // size))


@helper
def share(task, split):
    """(first image, number of images, first row, number of rows) of a task."""
    n = task // split.bands * split.images
    first = task % split.bands * split.rows
    return n, min(split.images, split.N - n), first, min(split.rows, split.OH - first)


@helper
def zero(band, start, count):
    """band[start:][:count] = 0."""
    here, nothing = uintp(start), band.dtype.type(0)
    for i in range(uintp(count)):
        band[here + i] = nothing


@inlined_helper
def add(x, source, count, y, place):
    """y[place:][:count] += x[source:][:count]."""
    source, place = uintp(source), uintp(place)
    for i in range(uintp(count)):
        y[place + i] += x[source + i]


@inlined_helper
def lay_band(kind, x, y, winner, canvas, n, first, rows, band, start):
    """band[start:] = rows first .. first+rows of the canvas of image n: `rows` x canvas.width x canvas.C numbers.

    All arrays flat. PLAIN copies x. THROUGH_RELU copies x where y > 0. THROUGH_POOL gives each pooled gradient x to
    the pixel that won its window. What no pixel covers is zero.
    """
    C, W = canvas.C, canvas.W
    for r in range(rows):
        place = start + r * canvas.width * C
        h = (first + r - canvas.top) // canvas.SH
        if first + r < canvas.top or (first + r - canvas.top) % canvas.SH or h >= canvas.H:
            zero(band, place, canvas.width * C)
            continue
        if canvas.SW > 1:
            zero(band, place, canvas.width * C)
        else:
            zero(band, place, canvas.left * C)
            zero(band, place + (canvas.left + W) * C, (canvas.width - canvas.left - W) * C)
        place += canvas.left * C
        if kind == THROUGH_POOL:
            _lay_unpooled_row(x, winner, canvas, n, h, band, place)
        else:
            runs, length = (1, W * C) if canvas.SW == 1 else (W, C)
            for run in range(runs):
                source = (n * canvas.H + h) * W * C + run * length
                _lay_pixels(kind, x, y, source, length, band, place + run * canvas.SW * C)


@inlined_helper
def _lay_pixels(kind, x, y, source, count, band, place):
    nothing, source, place = x.dtype.type(0), uintp(source), uintp(place)
    if kind == THROUGH_RELU:
        for i in range(uintp(count)):
            band[place + i] = x[source + i] if y[source + i] > nothing else nothing
    else:
        for i in range(uintp(count)):
            band[place + i] = x[source + i]


@inlined_helper
def _lay_unpooled_row(x, winner, canvas, n, h, band, place):
    """Row h of an image whose pooled gradient is x: each number where the winner of its window was, zero elsewhere."""
    C, W, nothing = canvas.C, canvas.W, x.dtype.type(0)
    oh, covered = h // canvas.PH, min(W, canvas.OW * canvas.PW)
    if oh >= canvas.OH:
        covered = 0
    for w in range(covered):
        tap = np.uint8(h % canvas.PH * canvas.PW + w % canvas.PW)
        source = uintp(((n * canvas.OH + oh) * canvas.OW + w // canvas.PW) * C)
        here = uintp(place + w * canvas.SW * C)
        for c in range(uintp(C)):
            band[here + c] = x[source + c] if winner[source + c] == tap else nothing
    if canvas.SW == 1:
        zero(band, place + covered * C, (W - covered) * C)


@inlined_helper
def finish_band(sums, start, width, bias, relu, PH, PW, rows, OW, F, y, y_start, winner):
    """Add the bias to a band of raw sums (rows * PH, width, F), clamp with `relu`, pool: `rows` rows of y (.., OW, F).

    Without a pool PH = PW = 1. With one, winner remembers which tap of the window was the largest: its number in
    reading order, or PH * PW if with `relu` no tap was positive, so that no gradient comes back.
    """
    lowest = sums.dtype.type(0 if relu else -np.inf)
    for r in range(rows):
        for ow in range(OW):
            corner, place = start + (r * PH * width + ow * PW) * F, y_start + (r * OW + ow) * F
            if PH * PW == 1:
                _finish_pixel(sums, corner, bias, lowest, F, y, place)
            elif PH == 2 and PW == 2:
                _pool_four(sums, corner, corner + width * F, bias, lowest, relu, F, y, place, winner)
            else:
                _pool_any(sums, corner, width * F, PH, PW, bias, lowest, relu, F, y, place, winner)


@inlined_helper
def _finish_pixel(sums, corner, bias, lowest, F, y, place):
    corner, place = uintp(corner), uintp(place)
    for f in range(uintp(F)):
        value = sums[corner + f] + bias[f]
        y[place + f] = lowest if value < lowest else value


@inlined_helper
def _pool_four(sums, corner, below, bias, lowest, relu, F, y, place, winner):
    corner, below, place, right = uintp(corner), uintp(below), uintp(place), uintp(F)
    for f in range(right):
        # the bias first: it may round two sums to the same number, and then the first of them wins
        best, tap = sums[corner + f] + bias[f], np.int32(0)
        best, tap = _better(best, tap, sums[corner + right + f] + bias[f], np.int32(1))
        best, tap = _better(best, tap, sums[below + f] + bias[f], np.int32(2))
        best, tap = _better(best, tap, sums[below + right + f] + bias[f], np.int32(3))
        y[place + f] = lowest if best < lowest else best
        winner[place + f] = np.int32(4) if relu and not best > lowest else tap


@helper
def _pool_any(sums, corner, row, PH, PW, bias, lowest, relu, F, y, place, winner):
    for f in range(F):
        best, tap = sums[corner + f] + bias[f], np.int32(0)
        for i in range(1, PH * PW):
            value = sums[corner + i // PW * row + i % PW * F + f] + bias[f]
            best, tap = _better(best, tap, value, np.int32(i))
        y[place + f] = lowest if best < lowest else best
        winner[place + f] = np.int32(PH * PW) if relu and not best > lowest else tap


@inlined_helper
def _better(best, tap, value, its_tap):
    """The larger of two and its number; the first of equals; NaN beats every number and nothing beats NaN."""
    wins = (value > best) | ((value != value) & (best == best))
    return (value if wins else best), (its_tap if wins else tap)


@inlined_helper
def add_columns(dz, start, M, F, sums, sums_start, db, db_start):
    """db[db_start + f] += the sum of column f of M rows of dz. The rows are first summed apart: less rounding."""
    zero(sums, sums_start, F)
    here, total = uintp(sums_start), uintp(db_start)
    for i in range(M):
        row = uintp(start + i * F)
        for f in range(uintp(F)):
            sums[here + f] += dz[row + f]
    for f in range(uintp(F)):
        db[total + f] += sums[here + f]
