"""The convolution on the microkernel: im2col as an index map, never written out, one band of rows after another.

What each step bought, on top of `vectorized.py`:
- implicit im2col: the tile reads the padded image through two offset tables. No KH*KW-fold copy is written or read.
- register tiles: 2 * ROWS * VECTORS vector operations per ROWS + VECTORS loads (see `kernels/cpu/microkernel.py`).
- bands: padding the input, sending dy back through ReLU and pooling, and pooling the output happen to one band of rows
  in the core's cache (`kernels/cpu/bands.py`), not to whole batches in memory. With a pool, the convolution's own
  output is never written down, and one byte a window is all that backward needs to know of it.
- all three products share one code: forward and input gradient are `_convolve`, the kernel gradient is
  `_kernel_gradient` with the same two tables changing places.

The input gradient is itself a convolution: spread dy apart by the stride, pad it, and run the kernel turned by
180 degrees, its channels and filters exchanged. For a few channels (a colour image) it is col2im instead.

2x2 and 3x3 kernels on enough channels go to `winograd.py`, which needs half the multiplications; the gradients behind a
pool to `pooled.py`, which multiplies only what is not zero.
"""

from __future__ import annotations

import numba
import numpy as np
from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.bands import (
    PLAIN,
    THROUGH_POOL,
    THROUGH_RELU,
    Canvas,
    add_columns,
    finish_band,
    lay_band,
    pieces_of,
    share,
    split,
)
from ...kernels.cpu.compile import kernel
from ...kernels.cpu.matmul import add_pieces, multiples
from ...kernels.cpu.microkernel import ROWS, VECTOR_BYTES, VECTORS, tile
from ...kernels.cpu.packing import in_panels, lay_panel, tile_width
from ...kernels.cpu.recording import do
from ...kernels.cpu.vector_loop import add, zero
from ...shapes import check_convolution, window
from . import pooled, winograd
from .tiled import flipped_kernel, offset_tables

_NUMBERS = 24 * 1024  # of a band: 96 kB in float32, well inside a core's second-level cache
_ADDED_ALONE = 64  # taps are summed so many at a time, then the sums are added: less rounding than one long sum
_FEW_CHANNELS = 8  # up to so many, the input gradient fills more of a tile as dy @ w^T than as a convolution
_NOBODY = np.zeros(0, np.uint8)  # where there are no winners


def forward(
    x, w, b, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1, relu=False, pool=None, need_saved=True
):
    check_convolution(x.shape, w.shape, groups)
    (N, H, W, C), (KH, KW, _, F) = x.shape, w.shape
    at = window(H, W, (KH, KW), strides, padding, dilation)
    PH, PW = pool = tuple(pool or (1, 1))
    pool = pool if PH * PW > 1 else None
    pools = window(at.OH, at.OW, (PH, PW), (PH, PW), "valid")
    y = workspace.empty((N, pools.OH, pools.OW, F), x.dtype)
    winner = workspace.empty((y.size,), np.uint8) if pool and need_saved else _NOBODY
    bias = np.zeros(F, x.dtype) if b is None else b
    canvas = Canvas(H, W, C, at.PT, at.PL, 1, 1, W + at.PL + at.PR)
    products = winograd.products if winograd.suits(KH, KW, at, groups, C // groups, F) else _products
    products(PLAIN, x, x, _NOBODY, canvas, w, at, groups, bias, relu, (PH, PW), y, winner, largest_tile=4)
    return y, ((x, w, b is not None, relu, pool, y, winner, at, groups) if need_saved else None)


def backward(dy, saved, need_dx=True):
    x, w, has_bias, relu, pool, y, winner, at, groups = saved
    (_, H, W, C), (KH, KW, _, F) = x.shape, w.shape
    kind = THROUGH_POOL if pool else THROUGH_RELU if relu else PLAIN
    (PH, PW), (_, pooled_H, pooled_W, _) = pool or (1, 1), y.shape

    dw, db = workspace.empty(w.shape, w.dtype), workspace.empty((F,), w.dtype)
    if pool and pooled.suits(w, at, groups, pool, len(x)):
        dx = workspace.empty(x.shape, dy.dtype) if need_dx else None
        pooled.gradients(dy, winner, pool, x, w, at, dw, db, dx)
        return dx, dw, db if has_bias else None

    x_canvas = Canvas(H, W, C, at.PT, at.PL, 1, 1, W + at.PL + at.PR)
    dy_canvas = Canvas(at.OH, at.OW, F, 0, 0, 1, 1, at.OW, PH, PW, pooled_H, pooled_W)
    _kernel_gradient(x, x_canvas, kind, dy, y, winner, dy_canvas, at, groups, dw, db)
    db = db if has_bias else None
    if not need_dx:
        return None, dw, db

    dx = workspace.empty(x.shape, dy.dtype)
    if C <= _FEW_CHANNELS and groups == 1:
        _few_channels_gradient(kind, dy, y, winner, dy_canvas, w, at, dx)
        return dx, dw, db

    # dx = convolution of dy, spread by the stride and padded, with the turned kernel
    top, left = (KH - 1) * at.DH - at.PT, (KW - 1) * at.DW - at.PL
    spread = Canvas(
        at.OH, at.OW, F, top, left, at.SH, at.SW, W + (KW - 1) * at.DW, PH, PW, pooled_H, pooled_W
    )  # fmt: skip
    back = at._replace(SH=1, SW=1, OH=H, OW=W)
    no_bias, w_back = np.zeros(C, w.dtype), flipped_kernel(w, groups)
    products = winograd.products if winograd.suits(KH, KW, back, groups, F // groups, C) else _products
    products(kind, dy, y, winner, spread, w_back, back, groups, no_bias, False, (1, 1), dx, _NOBODY, largest_tile=2)
    return dx, dw, db


def _products(kind, x, mask, winner_in, canvas, w, at, groups, bias, relu, pool, y, winner, largest_tile):
    """y = pool(relu(convolution of what is laid on the canvas with w, plus bias)); `winograd.py` has `largest_tile`."""
    (KH, _, C_group, F), (PH, PW), (N, OH, _, _) = w.shape, pool, y.shape
    reach = (KH - 1) * at.DH + 1
    shares = split(N, OH, 1, PH * at.SH * canvas.width * canvas.C, _NUMBERS)
    height = (shares.rows * PH - 1) * at.SH + reach
    rows, cols = offset_tables(shares.images, height, canvas.width, canvas.C, shares.rows * PH, at, C_group)
    image_size, sums_size = height * canvas.width * canvas.C, shares.rows * PH * at.OW * F
    panels = in_panels(w.reshape(-1, F), groups)
    bands, sums = workspace.scratch(x.dtype, shares.images * image_size, shares.images * sums_size)
    _convolve(
        kind, x.reshape(-1), mask.reshape(-1), winner_in, canvas, at, height, shares, rows, cols, panels, F, groups,
        bias, relu, PH, PW, y.shape[2], y.reshape(-1), winner, bands, image_size, sums, sums_size,
    )  # fmt: skip


@kernel(parallel=True)
def _convolve(
    kind, x, mask, winner_in, canvas, at, height, shares, rows, cols, w, F, groups,
    bias, relu, PH, PW, pooled_W, y, winner, bands, image_size, sums, sums_size,
):  # fmt: skip
    """Every task lays its band on the canvas, multiplies it tile by tile with w's panels, and finishes the sums."""
    columns = VECTORS * (VECTOR_BYTES // x.itemsize)
    C_group, F_group = canvas.C // groups, F // groups
    for task in prange(shares.tasks):
        n, images, first, count = share(task, shares)
        band = numba.get_thread_id() * shares.images * image_size
        start = numba.get_thread_id() * shares.images * sums_size
        band_rows = height - (shares.rows - count) * PH * at.SH
        for image in range(images):
            lay_band(
                kind, x, mask, winner_in, canvas, n + image, first * PH * at.SH, band_rows,
                bands, band + image * image_size,
            )  # fmt: skip
        M = images * count * PH * at.OW
        panel = 0
        for group in range(groups):
            for j in range(0, F_group, columns):
                f = group * F_group + j
                for i in range(0, M, ROWS):
                    for k in range(0, cols.size, _ADDED_ALONE):
                        tile(
                            bands, band + group * C_group, rows, i, min(ROWS, M - i),
                            cols, k, min(_ADDED_ALONE, cols.size - k), w, panel + k * columns,
                            sums, start + i * F + f, F, F_group - j, k > 0,
                        )  # fmt: skip
                panel += cols.size * columns
        for image in range(images):
            finish_band(
                sums, start + image * count * PH * at.OW * F, at.OW, bias, relu, PH, PW, count, pooled_W, F,
                y, ((n + image) * shares.OH + first) * pooled_W * F, winner,
            )  # fmt: skip


def _kernel_gradient(x, x_canvas, kind, dy, mask, winner, dy_canvas, at, groups, dw, db):
    """dw = im2col(x)^T @ dy, the forward tables exchanged, and db; dy goes back through ReLU and pool on the way."""
    (KH, KW, C_group, F), N = dw.shape, x.shape[0]
    reach = (KH - 1) * at.DH + 1
    if N == 0:
        do(dw.fill, 0)
        do(db.fill, 0)
        return
    if winograd.suits(KH, KW, at, groups, C_group, F):
        winograd.kernel_gradient(x, x_canvas, kind, dy, mask, winner, dy_canvas, at, dw, db)
        return
    shares = split(N, at.OH, 1, at.SH * x_canvas.width * x_canvas.C + at.OW * F, _NUMBERS)
    height = (shares.rows - 1) * at.SH + reach
    rows, cols = offset_tables(shares.images, height, x_canvas.width, x_canvas.C, shares.rows, at, C_group)
    x_size, dy_size = height * x_canvas.width * x_canvas.C, shares.rows * at.OW * F
    panel_size = shares.images * shares.rows * at.OW * tile_width(x.dtype)
    x_bands, dy_bands, panels, column_sums = workspace.scratch(
        x.dtype, shares.images * x_size, shares.images * dy_size, panel_size, F
    )
    pieces = pieces_of(shares.tasks, dw.size)
    partial, partial_db = workspace.empty((pieces, dw.size), dw.dtype), workspace.empty((pieces, F), dw.dtype)
    _sum_pieces(
        x.reshape(-1), x_canvas, kind, dy.reshape(-1), mask.reshape(-1), winner, dy_canvas, at, height, shares,
        rows, cols, groups, x_bands, x_size, dy_bands, dy_size, panels, pieces, partial.reshape(-1),
        partial_db.reshape(-1), column_sums,
    )  # fmt: skip
    add_pieces(partial.reshape(-1), dw.reshape(-1))
    do(np.sum, partial_db, axis=0, out=db)


@kernel(parallel=True)
def _sum_pieces(
    x, x_canvas, kind, dy, mask, winner, dy_canvas, at, height, shares, rows, cols,
    groups, x_bands, x_size, dy_bands, dy_size, panels, pieces, partial, partial_db, column_sums,
):  # fmt: skip
    """partial[piece] = the kernel's gradient of a share of the tasks: the tile's rows are taps, its k the pixels."""
    columns = VECTORS * (VECTOR_BYTES // x.itemsize)
    F, K = dy_canvas.C, cols.size
    C_group, F_group = x_canvas.C // groups, F // groups
    for piece in prange(pieces):
        thread = numba.get_thread_id()
        x_band, dy_band = thread * shares.images * x_size, thread * shares.images * dy_size
        begin, end = piece * shares.tasks // pieces, (piece + 1) * shares.tasks // pieces
        for f in range(F):
            partial_db[piece * F + f] = 0
        for task in range(begin, end):
            n, images, first, count = share(task, shares)
            band_rows = height - (shares.rows - count) * at.SH
            for image in range(images):
                place = x_band + image * x_size
                lay_band(PLAIN, x, x, winner, x_canvas, n + image, first * at.SH, band_rows, x_bands, place)
                place = dy_band + image * count * at.OW * F
                lay_band(kind, dy, mask, winner, dy_canvas, n + image, first, count, dy_bands, place)
            M = images * count * at.OW
            add_columns(dy_bands, dy_band, M, F, column_sums, thread * F, partial_db, piece * F)
            panel = thread * rows.size * columns
            alone = groups == 1 and columns == F  # then dy's band is a panel already
            for group in range(groups):
                for j in range(0, F_group, columns):
                    f = group * F_group + j
                    source, place = (dy_bands, dy_band) if alone else (panels, panel)
                    if not alone:
                        lay_panel(dy_bands, dy_band + f, F, M, min(columns, F_group - j), panels, panel)
                    for tap in range(0, K, ROWS):
                        tile(
                            x_bands, x_band + group * C_group, cols, tap, min(ROWS, K - tap), rows, 0, M,
                            source, place, partial, (piece * K + tap) * F + f, F, F_group - j, task > begin,
                        )  # fmt: skip


def _few_channels_gradient(kind, dy, mask, winner, dy_canvas, w, at, dx):
    """dx = col2im(dy @ w^T), as `vectorized.py` has it, an image to a thread.

    As a convolution, the gradient of a colour image would fill 3 of a tile's 32 columns. dy @ w^T fills KH*KW*3.
    """
    (KH, KW, C, F), (N, H, W, _) = w.shape, dx.shape
    K = KH * KW * C
    w_by_filter = workspace.empty((F, K), w.dtype)
    do(np.copyto, w_by_filter, w.reshape(K, F).T)
    w_turned = in_panels(w_by_filter)
    rows_at_once = max(1, min(at.OH, _NUMBERS // (at.OW * (F + K))))
    pixels = rows_at_once * at.OW
    rows, cols = multiples(ROWS, F), multiples(F, 1)
    bands, windows = workspace.scratch(dy.dtype, pixels * F, pixels * K)
    _add_windows(
        kind, dy.reshape(-1), mask.reshape(-1), winner, dy_canvas, w_turned, at, N, H, W, C, rows_at_once,
        rows, cols, bands, windows, dx.reshape(-1),
    )  # fmt: skip


@kernel(parallel=True)
def _add_windows(
    kind, dy, mask, winner, dy_canvas, w_turned, at, N, H, W, C, rows_at_once, rows, cols, bands, windows, dx
):
    columns = VECTORS * (VECTOR_BYTES // dy.itemsize)
    F, K, run = dy_canvas.C, at.KH * at.KW * C, at.KW * C
    pixels = rows_at_once * at.OW
    for n in prange(N):
        band, window = numba.get_thread_id() * pixels * F, numba.get_thread_id() * pixels * K
        zero(dx, n * H * W * C, H * W * C)
        for first in range(0, at.OH, rows_at_once):
            count = min(rows_at_once, at.OH - first)
            lay_band(kind, dy, mask, winner, dy_canvas, n, first, count, bands, band)
            M = count * at.OW
            for f in range(0, K, columns):
                for i in range(0, M, ROWS):
                    tile(
                        bands, band + i * F, rows, 0, min(ROWS, M - i), cols, 0, F, w_turned, f * F,
                        windows, window + i * K + f, K, K - f, False,
                    )  # fmt: skip
            for r in range(count):
                for kh in range(at.KH):
                    h = (first + r) * at.SH + kh * at.DH - at.PT
                    if 0 <= h < H:
                        for ow in range(at.OW):
                            source = window + (r * at.OW + ow) * K + kh * run
                            left = ow * at.SW - at.PL
                            if at.DW == 1 and left >= 0 and left + at.KW <= W:
                                add(windows, source, dx, ((n * H + h) * W + left) * C, run)
                            else:
                                for kw in range(at.KW):
                                    w = left + kw * at.DW
                                    if 0 <= w < W:
                                        add(windows, source + kw * C, dx, ((n * H + h) * W + w) * C, C)
