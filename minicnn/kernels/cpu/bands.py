"""Work on images in bands of rows, which are small enough to stay in a core's cache.

A convolution has more to do than to multiply. It pads its input, pools its output, and sends the output's gradient back
through max pooling and ReLU. Done for whole batches, these are passes over main memory, which cost as much as the
arithmetic. Here a thread does this work for one band of rows, in its own scratch buffer, just before or just after it
multiplies.

    lay_band      copies rows of an image, or of a gradient sent back through ReLU or pooling, to a canvas of zeros
    finish_band   applies bias, pooling and ReLU to the raw sums of a band
    add_columns   adds up the bias gradient of a band

The work on one vector of numbers is written as a `vector_loop`, which compiles quickly.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .compile import helper
from .vector_loop import copy, floor_of, pass_relu, vector_loop, zero

_PLAIN, _THROUGH_RELU, _THROUGH_POOL = 0, 1, 2
_NO_WINNERS = np.zeros(0, np.uint8)


class Source(NamedTuple):
    """The arrays that bands are copied from, flat: images, or a gradient dy on its way back through ReLU or a pool."""

    kind: int
    x: np.ndarray  # the images, or dy
    y: np.ndarray  # the output of the ReLU
    argmax: np.ndarray  # the winner of each window of the pool


def from_images(x) -> Source:
    """Bands of the images x (N, H, W, C)."""
    x = x.reshape(-1)
    return Source(_PLAIN, x, x, _NO_WINNERS)


def from_gradient(dy, y, argmax, relu) -> Source:
    """Bands of dy (N, OH, OW, F) sent back through the pool with these winners, or, if argmax is None, through ReLU."""
    dy, y = dy.reshape(-1), y.reshape(-1)
    if argmax is None:
        return Source(_THROUGH_RELU if relu else _PLAIN, dy, y, _NO_WINNERS)
    return Source(_THROUGH_POOL, dy, y, argmax)


class Output(NamedTuple):
    """The arrays that finished bands are written to, flat, and what finishes them: bias, ReLU, a PH x PW pool."""

    y: np.ndarray  # (N, OH, OW, F)
    argmax: np.ndarray  # the winner of each window; empty if no one asks for it
    bias: np.ndarray  # (F,)
    relu: bool
    PH: int
    PW: int
    OW: int


def output(y, argmax, bias, relu, pool) -> Output:
    """The Output for y (N, OH, OW, F); argmax may be None. pool = (PH, PW); (1, 1) is no pool."""
    argmax = _NO_WINNERS if argmax is None else argmax
    return Output(y.reshape(-1), argmax, bias, bool(relu), *pool, y.shape[2])


class Canvas(NamedTuple):
    """The place of an H x W image of C channels on a canvas of zeros: pixel (h, w) is at (top + h*SH, left + w*SW).

    If the image went through a pool, PH x PW is the pool's size and OH x OW the size of its output.
    """

    H: int
    W: int
    C: int
    top: int
    left: int
    width: int
    SH: int = 1
    SW: int = 1
    PH: int = 1
    PW: int = 1
    OH: int = 0
    OW: int = 0


@vector_loop(arrays=3, scalars=1)
def _pass_pool(emit, mask, dy, argmax, band, cell):
    """band = dy where the winner of the window is `cell`, else 0."""
    wanted = emit.splat(emit.builder.trunc(cell, emit.byte))
    won = emit.builder.icmp_signed("==", emit.load(argmax, mask), wanted)
    emit.store(emit.builder.select(won, emit.load(dy, mask), emit.zero), band, mask)


@helper
def lay_band(source, canvas, n, first, rows, band, start):
    """band[start:] = rows first .. first+rows of the canvas of image n: `rows` x canvas.width x canvas.C numbers.

    Images are copied. Through ReLU, dy is copied where y > 0. Through a pool, each dy goes to the pixel that won its
    window. Places without a pixel are zero.
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
        if source.kind == _THROUGH_POOL:
            _lay_unpooled_row(source.x, source.argmax, canvas, n, h, band, place)
        else:
            runs, length = (1, W * C) if canvas.SW == 1 else (W, C)
            for run in range(runs):
                there, here = (n * canvas.H + h) * W * C + run * length, place + run * canvas.SW * C
                if source.kind == _THROUGH_RELU:
                    pass_relu(source.x, there, source.y, there, band, here, length)
                else:
                    copy(source.x, there, band, here, length)


@helper
def _lay_unpooled_row(x, argmax, canvas, n, h, band, place):
    """Lay row h of an image whose pooled gradient is x: each gradient at the winner of its window, zero elsewhere."""
    C, W = canvas.C, canvas.W
    oh, covered = h // canvas.PH, min(W, canvas.OW * canvas.PW)
    if oh >= canvas.OH:
        covered = 0
    for w in range(covered):
        cell = h % canvas.PH * canvas.PW + w % canvas.PW
        source = ((n * canvas.OH + oh) * canvas.OW + w // canvas.PW) * C
        _pass_pool(x, source, argmax, source, band, place + w * canvas.SW * C, cell, C)
    if canvas.SW == 1:
        zero(band, place + covered * C, (W - covered) * C)


@helper
def finish_band(sums, start, stride, width, rows, out, y_start, first, filters):
    """Add the bias to a band of raw sums, pool, and clamp with ReLU: `rows` rows of y (.., OW, F), for some filters.

    The sums are (rows * PH, width, stride). The filters are first .. first + filters.

    Without a pool PH = PW = 1. With a pool, argmax gets the number, in reading order, of each window's largest cell.
    With ReLU, it gets PH * PW if no cell was positive, so that no gradient comes back. An empty argmax gets nothing.
    """
    y, argmax, bias, relu, PH, PW, OW = out
    F = bias.size
    for r in range(rows):
        row, place = start + r * PH * width * stride + first, y_start + r * OW * F + first
        if PH * PW == 1:
            _bias_relu(sums, row, bias, first, y, place, relu, OW, stride, F, filters)
        else:
            _bias_relu_pool(
                sums, row, bias, first, y, place, argmax, place, relu, argmax.size, PH, PW, OW, width * stride, stride,
                F, filters,
            )  # fmt: skip


@vector_loop(arrays=3, scalars=4)
def _bias_relu(emit, mask, sums, bias, y, relu, pixels, stride, F):
    """For a row of pixels: y[ow * F] = sums[ow * stride] + bias, at least zero with `relu`."""
    builder, lowest, bias = emit.builder, floor_of(emit, relu), emit.load(bias, mask)

    def pixel(ow, _, mask):
        value = builder.fadd(emit.load(emit.at(sums, builder.mul(ow, stride)), mask), bias)
        emit.store(emit.at_least(lowest, value), emit.at(y, builder.mul(ow, F)), mask)

    emit.over_pixels(pixels, F, mask, pixel)


@vector_loop(arrays=4, scalars=8)
def _bias_relu_pool(emit, mask, sums, bias, y, argmax, relu, remember, PH, PW, windows, row, stride, F):
    """For a row of windows: y[ow * F] = the largest of sums[ph * row + (ow * PW + pw) * stride] + bias, at least zero
    with `relu`; argmax[ow * F] = its number."""
    builder, lowest, bias = emit.builder, floor_of(emit, relu), emit.load(bias, mask)
    nobody = emit.splat(builder.trunc(builder.mul(PH, PW), emit.byte))
    with emit.repeat(windows) as loop:
        corner, place = emit.at(sums, builder.mul(builder.mul(loop.index, PW), stride)), builder.mul(loop.index, F)
        best, cell = _largest(emit, mask, corner, bias, PH, PW, row, stride)
        emit.store(emit.at_least(lowest, best), emit.at(y, place), mask)
        with builder.if_then(emit.is_set(remember)):
            # with `relu` only a number above zero wins; "unordered" is true for NaN, whose gradient ReLU stops too
            lost = builder.and_(builder.fcmp_unordered("<=", best, lowest), emit.splat(emit.is_set(relu)))
            emit.store(builder.select(lost, nobody, cell), emit.at(argmax, place), mask)


def bias_relu_pool_by_loops(sums, bias, y, argmax, relu, remember, PH, PW, windows, row, stride, F):
    """What `_bias_relu_pool` computes for F filters, in plain loops. For reading and tests only."""
    for ow, f in np.ndindex(windows, F):
        cells = [ph * row + (ow * PW + pw) * stride + f for ph in range(PH) for pw in range(PW)]
        values = [sums[cell] + bias[f] for cell in cells]
        nans = [cell for cell, value in enumerate(values) if np.isnan(value)]
        best = nans[0] if nans else int(np.argmax(values))
        y[ow * F + f] = max(values[best], 0) if relu and not nans else values[best]
        if remember:
            argmax[ow * F + f] = PH * PW if relu and not values[best] > 0 else best


def _largest(emit, mask, sums, bias, PH, PW, row, stride):
    """(the largest of a window's sums + bias, its number in reading order). NaN counts as largest; the first of equals
    wins."""
    builder = emit.builder
    # add the bias before comparing: it may round two sums to the same number, and then the first of them wins
    best = emit.variable(builder.fadd(emit.load(sums, mask), bias))
    cell, argmax = emit.variable(emit.splat(emit.byte(0))), emit.variable(emit.splat(emit.byte(0)))
    with emit.repeat(PH) as down:
        first = emit.at(sums, builder.mul(down.index, row))
        with emit.repeat(PW) as across:
            value = builder.fadd(emit.load(emit.at(first, builder.mul(across.index, stride)), mask), bias)
            so_far, number = builder.load(best), builder.load(cell)
            wins = emit.beats(value, so_far)
            builder.store(builder.select(wins, value, so_far), best)
            builder.store(builder.select(wins, number, builder.load(argmax)), argmax)
            builder.store(builder.add(number, emit.splat(emit.byte(1))), cell)
    return builder.load(best), builder.load(argmax)


_AT_ONCE = 4  # rows are added at once, each to its own sum; so an addition does not wait for the one before


@vector_loop(arrays=2, scalars=2)
def add_columns(emit, mask, dz, db, rows, stride):
    """db += the sum of the columns of `rows` rows of dz, which begin `stride` numbers apart."""
    builder = emit.builder
    totals = [emit.variable(emit.zero) for _ in range(_AT_ONCE)]
    whole = builder.sdiv(rows, emit.index(_AT_ONCE))
    done = builder.mul(whole, emit.index(_AT_ONCE))

    def add_row(row, total):
        number = emit.load(emit.at(dz, builder.mul(row, stride)), mask)
        builder.store(builder.fadd(builder.load(total), number), total)

    with emit.repeat(whole) as several:
        for i, total in enumerate(totals):
            add_row(builder.add(builder.mul(several.index, emit.index(_AT_ONCE)), emit.index(i)), total)
    with emit.repeat(builder.sub(rows, done)) as rest:
        add_row(builder.add(done, rest.index), totals[0])
    total = builder.load(totals[0])
    for other in totals[1:]:
        total = builder.fadd(total, builder.load(other))
    emit.store(builder.fadd(emit.load(db, mask), total), db, mask)
