"""The convolution on the microkernel: im2col as an index map, never stored, one band of rows after another.

What each step gains over `vectorized.py`:
- implicit im2col: the tile reads the padded image through two offset tables. No copy KH*KW times as large is made.
- register tiles: 2 * ROWS * VECTORS vector operations per ROWS + VECTORS loads (see `kernels/cpu/microkernel.py`).
- bands: a thread works on one band of rows in its core's cache (`kernels/cpu/bands.py`), not on whole batches in
  memory. There it pads the input, pools the output, and sends dy back through ReLU and pooling. With a pool, the
  output before pooling is never stored: backward needs only one byte per window, the number of the pixel that won.
- all three products use the same tile: forward and the input gradient are `_convolve`. The kernel gradient is
  `_kernel_gradient_pieces`, with the same two tables swapped.

The input gradient is itself a convolution: pad dy, and run the kernel rotated by 180 degrees, with channels and filters
swapped. With strides it is several of them (`strided.py`). For an input with few channels (a colour image) the input
gradient is computed by col2im instead.

Depthwise convolutions (as many groups as channels) go to `depthwise.py`, whose vectors are channels. 2x2 and 3x3
kernels with enough channels go to `winograd.py`, which needs less than half the multiplications. Gradients of a
convolution with a pool go to `pooled.py`, which multiplies only numbers that are not zero, if the channels of the input
fill whole vectors.
"""

from __future__ import annotations

import numpy as np
from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.bands import Canvas, finish_band, from_gradient, from_images, lay_band, output
from ...kernels.cpu.compile import kernel
from ...kernels.cpu.matmul import add_pieces, multiples
from ...kernels.cpu.microkernel import ROWS, VECTOR_BYTES, VECTORS, tile
from ...kernels.cpu.packing import in_panels, lay_panel, sum_rows, tile_width
from ...kernels.cpu.recording import do, of_weights
from ...kernels.cpu.split import own_part, pieces_of, split, split_filters, task_rows
from ...kernels.cpu.vector_loop import add, add_bias, zero
from ...shapes import check_convolution, window
from . import depthwise, pooled, strided, winograd
from .tiled import flipped_kernel, offset_tables

_NUMBERS = 24 * 1024  # numbers in a band: 96 kB in float32, well inside a core's second-level cache
_ADDED_ALONE = 8192 // VECTOR_BYTES  # taps in one partial sum, so that a part of a panel has 16 kB
_NO_BIAS = {name: np.zeros(0, name) for name in ("float32", "float64")}
_FEW_CHANNELS = 8  # up to this many, the input gradient fills more of a tile as dy @ w^T than as a convolution


def forward(
    x, w, b, strides=(1, 1), padding="valid", dilation=(1, 1), groups=1, relu=False, pool=None, need_saved=True
):
    check_convolution(x.shape, w.shape, groups)
    (N, H, W, C), (KH, KW, _, F) = x.shape, w.shape
    win = window(H, W, (KH, KW), strides, padding, dilation)
    PH, PW = pool = tuple(pool or (1, 1))
    pool = pool if PH * PW > 1 else None
    pools = window(win.OH, win.OW, (PH, PW), (PH, PW), "valid")
    y = workspace.empty((N, pools.OH, pools.OW, F), x.dtype)
    argmax = workspace.empty((y.size,), np.uint8) if pool and need_saved else None
    bias = np.zeros(F, x.dtype) if b is None else b
    if depthwise.suits(groups, C // groups, pool):
        depthwise.forward(x, w, bias, win, relu, y)
    else:
        canvas = Canvas(H, W, C, win.PT, win.PL, width=W + win.PL + win.PR)
        products = winograd.products if winograd.suits(KH, KW, win, groups, C // groups, F) else _products
        products(from_images(x), canvas, w, win, groups, y, argmax, bias, relu, (PH, PW), largest_tile=4)
    return y, ((x, w, b is not None, relu, pool, y, argmax, win, groups) if need_saved else None)


def backward(dy, saved, need_dx=True):
    x, w, has_bias, relu, pool, y, argmax, win, groups = saved
    (_, H, W, C), F = x.shape, w.shape[3]
    (PH, PW), (_, pooled_H, pooled_W, _) = pool or (1, 1), y.shape

    dw, db = workspace.empty(w.shape, w.dtype), workspace.empty((F,), w.dtype)
    if depthwise.suits(groups, C // groups, pool):
        db, dx = db if has_bias else None, workspace.empty(x.shape, x.dtype) if need_dx else None
        depthwise.gradients(dy, y, x, w, win, relu, dw, db, dx)
        return dx, dw, db
    if pool and pooled.suits(w, win, groups, pool, len(x)):
        dx = workspace.empty(x.shape, dy.dtype) if need_dx else None
        pooled.gradients(dy, argmax, pool, x, w, win, dw, db, dx)
        return dx, dw, db if has_bias else None

    x_canvas = Canvas(H, W, C, win.PT, win.PL, width=W + win.PL + win.PR)
    dy_canvas = Canvas(win.OH, win.OW, F, top=0, left=0, width=win.OW, PH=PH, PW=PW, OH=pooled_H, OW=pooled_W)
    dy = from_gradient(dy, y, argmax, relu)
    _kernel_gradient(from_images(x), x_canvas, dy, dy_canvas, win, groups, dw, db)
    db = db if has_bias else None
    if not need_dx:
        return None, dw, db

    dx = workspace.empty(x.shape, x.dtype)
    input_gradient(dy, dy_canvas, w, win, groups, dx, _NO_BIAS[w.dtype.name])
    return dx, dw, db


def input_gradient(dy, dy_canvas, w, win, groups, dx, bias, relu=False):
    """dx (N, H, W, C) of the bands dy. The transposed convolution calls this with a bias (C,) and ReLU, which are
    applied to dx; an empty bias is none."""
    (KH, KW, _, F), (_, H, W, C) = w.shape, dx.shape
    if C <= _FEW_CHANNELS and groups == 1:
        _few_channels_gradient(dy, dy_canvas, w, win, dx, bias, relu)
        return
    bias = bias if bias.size else np.zeros(C, w.dtype)

    def convolve(top, left, back, w, y):
        """y = convolution of dy, padded, with the flipped kernel."""
        reach = (back.KH - 1) * back.DH, (back.KW - 1) * back.DW
        canvas = dy_canvas._replace(top=top, left=left, width=max(back.OW + reach[1], left + win.OW))
        products = winograd.products if winograd.suits(back.KH, back.KW, back, groups, F // groups, C) else _products
        products(dy, canvas, flipped_kernel(w, groups), back, groups, y, None, bias, relu, (1, 1), largest_tile=2)

    if (win.SH, win.SW) == (1, 1):
        top, left = (KH - 1) * win.DH - win.PT, (KW - 1) * win.DW - win.PL
        convolve(top, left, win._replace(OH=H, OW=W), w, dx)
    else:
        strided.input_gradient(convolve, w, win, dx, bias, relu)


def _products(source, canvas, w, win, groups, y, argmax, bias, relu, pool, largest_tile):
    """y = pool(relu(convolution of the canvas with w, plus bias)). Only `winograd.products` uses largest_tile."""
    (KH, _, C_group, F), PH, (N, OH, _, _) = w.shape, pool[0], y.shape
    reach = (KH - 1) * win.DH + 1
    lanes = tile_width(y.dtype) // VECTORS
    work, parts = split_filters(
        N, OH, 1, PH * win.SH * canvas.width * canvas.C, _NUMBERS, canvas.H * canvas.width * canvas.C, w.size,
        1 if groups > 1 else -(-F // tile_width(y.dtype)),
    )  # fmt: skip
    height = (work.rows * PH - 1) * win.SH + reach
    pixels, taps = offset_tables(work.images, height, canvas.width, canvas.C, work.rows * PH, win, C_group)
    stride = F if groups > 1 else -(-F // lanes) * lanes  # from one pixel's sums to the next; whole vectors
    image_size, sums_size = height * canvas.width * canvas.C, work.rows * PH * win.OW * stride
    buffers = workspace.scratch(y.dtype, work.images * image_size, work.images * sums_size)
    out = output(y, argmax, bias, relu, pool)
    with of_weights():
        panels = in_panels(w.reshape(-1, F), groups)
    _convolve(source, canvas, win, height, work, parts, pixels, taps, panels, groups, out, buffers, stride)


@kernel(parallel=True)
def _convolve(source, canvas, win, height, work, parts, pixels, taps, w_panels, groups, out, buffers, stride):
    """Each task copies its band onto a canvas, multiplies it tile by tile with w's panels, and finishes the sums.

    The sums of a pixel are `stride` numbers. If the filters are split into parts, a task takes one part of each group's
    panels.
    """
    (bands, sums), F, PH = buffers, out.bias.size, out.PH
    columns = VECTORS * (VECTOR_BYTES // w_panels.itemsize)
    C_group, F_group = canvas.C // groups, F // groups
    image_size = height * canvas.width * canvas.C
    written = stride // groups  # columns that tiles may write, for each group
    panels = (F_group + columns - 1) // columns
    for task in prange(work.tasks * parts):
        part = task % parts
        first_panel, end_panel = part * panels // parts, (part + 1) * panels // parts
        n, images, first, count = task_rows(task // parts, work)
        band, start = own_part(bands), own_part(sums)
        band_rows = height - (work.rows - count) * PH * win.SH
        for image in range(images):
            lay_band(source, canvas, n + image, first * PH * win.SH, band_rows, bands, band + image * image_size)
        M = images * count * PH * win.OW
        for group in range(groups):
            for p in range(first_panel, end_panel):
                j, panel = p * columns, (group * panels + p) * taps.size * columns
                f = group * F_group + j
                for k in range(0, taps.size, _ADDED_ALONE):
                    for i in range(0, M, ROWS):
                        tile(
                            bands, band + group * C_group, pixels, i, min(ROWS, M - i),  # a, its rows
                            taps, k, min(_ADDED_ALONE, taps.size - k),  # its columns
                            w_panels, panel + k * columns,  # b
                            sums, start + i * stride + f, stride, written - j, k > 0,  # c; k > 0: add to it
                        )  # fmt: skip
        first_filter = first_panel * columns
        filters = F if parts == 1 else min(F, end_panel * columns) - first_filter
        for image in range(images):
            image_sums = start + image * count * PH * win.OW * stride
            y_start = ((n + image) * work.OH + first) * out.OW * F
            finish_band(sums, image_sums, stride, win.OW, count, out, y_start, first_filter, filters)


def _kernel_gradient(x, x_canvas, dy, dy_canvas, win, groups, dw, db):
    """dw = im2col(x)^T @ dy, with the two forward tables swapped, and db. dy goes back through pool and ReLU first."""
    (KH, KW, C_group, F), N = dw.shape, x.x.size // (x_canvas.H * x_canvas.W * x_canvas.C)
    reach = (KH - 1) * win.DH + 1
    if N == 0:
        do(dw.fill, 0)
        do(db.fill, 0)
        return
    if winograd.suits(KH, KW, win, groups, C_group, F):
        winograd.kernel_gradient(x, x_canvas, dy, dy_canvas, N, win, dw, db)
        return
    work = split(N, win.OH, 1, win.SH * x_canvas.width * x_canvas.C + win.OW * F, _NUMBERS)
    height = (work.rows - 1) * win.SH + reach
    pixels, taps = offset_tables(work.images, height, x_canvas.width, x_canvas.C, work.rows, win, C_group)
    x_size, dy_size = height * x_canvas.width * x_canvas.C, work.rows * win.OW * F
    panel_size = work.images * work.rows * win.OW * tile_width(dw.dtype)
    buffers = workspace.scratch(dw.dtype, work.images * x_size, work.images * dy_size, panel_size)
    pieces = pieces_of(work.tasks, dw.size)
    partial, partial_db = workspace.empty((pieces, dw.size), dw.dtype), workspace.empty((pieces, F), dw.dtype)
    _kernel_gradient_pieces(
        x, x_canvas, dy, dy_canvas, win, height, work, pixels, taps, groups, pieces, partial.reshape(-1),
        partial_db.reshape(-1), buffers,
    )  # fmt: skip
    add_pieces(partial.reshape(-1), dw.reshape(-1))
    do(np.sum, partial_db, axis=0, out=db)


@kernel(parallel=True)
def _kernel_gradient_pieces(
    x, x_canvas, dy, dy_canvas, win, height, work, pixels, taps, groups, pieces, partial, partial_db, buffers
):
    """partial[piece] = the kernel gradient from a part of the tasks. The tile's rows are taps, its k the pixels."""
    x_bands, dy_bands, panels = buffers
    columns = VECTORS * (VECTOR_BYTES // partial.itemsize)
    F, K = dy_canvas.C, taps.size
    C_group, F_group = x_canvas.C // groups, F // groups
    x_size = height * x_canvas.width * x_canvas.C
    for piece in prange(pieces):
        x_band, dy_band, panel = own_part(x_bands), own_part(dy_bands), own_part(panels)
        begin, end = piece * work.tasks // pieces, (piece + 1) * work.tasks // pieces
        for task in range(begin, end):
            n, images, first, count = task_rows(task, work)
            band_rows = height - (work.rows - count) * win.SH
            for image in range(images):
                place = x_band + image * x_size
                lay_band(x, x_canvas, n + image, first * win.SH, band_rows, x_bands, place)
                place = dy_band + image * count * win.OW * F
                lay_band(dy, dy_canvas, n + image, first, count, dy_bands, place)
            M = images * count * win.OW
            is_panel = groups == 1 and columns == F  # then dy's band already is the only panel
            for group in range(groups):
                for j in range(0, F_group, columns):
                    f = group * F_group + j
                    source, place = (dy_bands, dy_band) if is_panel else (panels, panel)
                    if not is_panel:
                        lay_panel(dy_bands, dy_band + f, F, M, min(columns, F_group - j), panels, panel)
                    sum_rows(source, place, M, partial_db, piece * F + f, min(columns, F_group - j), task > begin)
                    for tap in range(0, K, ROWS):
                        tile(
                            x_bands, x_band + group * C_group, taps, tap, min(ROWS, K - tap),  # a, its rows
                            pixels, 0, M, source, place,  # its columns; b
                            partial, (piece * K + tap) * F + f, F, F_group - j, task > begin,  # c
                        )  # fmt: skip


def _few_channels_gradient(dy, dy_canvas, w, win, dx, bias, relu):
    """dx = col2im(dy @ w^T), as in `vectorized.py`; each thread takes whole images.

    As a convolution, the gradient of a colour image would fill only 3 of a tile's 32 columns. dy @ w^T fills KH*KW*3.
    """
    KH, KW, C, F = w.shape
    K = KH * KW * C
    w_by_filter = workspace.empty((F, K), w.dtype)
    do(np.copyto, w_by_filter, w.reshape(K, F).T)
    rows_at_once = max(1, min(win.OH, _NUMBERS // (win.OW * (F + K))))
    pixels = rows_at_once * win.OW
    rows, cols = multiples(ROWS, F), multiples(F, 1)
    buffers = workspace.scratch(dx.dtype, pixels * F, pixels * K)
    _add_window_gradients(
        dy, dy_canvas, in_panels(w_by_filter), win, dx.shape, rows_at_once, rows, cols,
        output(dx, None, bias, relu, (1, 1)), buffers,
    )  # fmt: skip


@kernel(parallel=True)
def _add_window_gradients(dy, dy_canvas, w_by_filter, win, dx_shape, rows_at_once, rows, cols, out, buffers):
    """For each band of dy: the gradients of its windows, dy @ w^T, and then their sum in dx. Bias and ReLU, if any,
    come when an image is done."""
    (bands, windows), (N, H, W, C), dx = buffers, dx_shape, out.y
    columns = VECTORS * (VECTOR_BYTES // dx.itemsize)
    F, K, run = dy_canvas.C, win.KH * win.KW * C, win.KW * C
    for n in prange(N):
        band, window = own_part(bands), own_part(windows)
        zero(dx, n * H * W * C, H * W * C)
        for first in range(0, win.OH, rows_at_once):
            count = min(rows_at_once, win.OH - first)
            lay_band(dy, dy_canvas, n, first, count, bands, band)
            M = count * win.OW
            for f in range(0, K, columns):
                for i in range(0, M, ROWS):
                    tile(
                        bands, band + i * F, rows, 0, min(ROWS, M - i), cols, 0, F, w_by_filter, f * F,
                        windows, window + i * K + f, K, K - f, False,
                    )  # fmt: skip
            for r in range(count):
                for kh in range(win.KH):
                    h = (first + r) * win.SH + kh * win.DH - win.PT
                    if 0 <= h < H:
                        for ow in range(win.OW):
                            source = window + (r * win.OW + ow) * K + kh * run
                            left = ow * win.SW - win.PL
                            if win.DW == 1 and left >= 0 and left + win.KW <= W:
                                add(windows, source, dx, ((n * H + h) * W + left) * C, run)
                            else:
                                for kw in range(win.KW):
                                    w = left + kw * win.DW
                                    if 0 <= w < W:
                                        add(windows, source + kw * C, dx, ((n * H + h) * W + w) * C, C)
        if out.bias.size:
            for pixel in range(n * H * W, (n + 1) * H * W):
                add_bias(dx, pixel * C, out.bias, 0, dx, pixel * C, out.relu, C)
