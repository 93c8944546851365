"""Winograd's convolution: 2x2 and 3x3 kernels with less than half the multiplications.

The idea in one dimension: two neighbouring outputs of a 3-tap kernel share their inputs. F(2, 3) needs 4 products where
the definition has 6:

    p0 = (d0 - d2) g0                         y0 = p0 + p1 + p2
    p1 = (d1 + d2) (g0 + g1 + g2) / 2         y1 = p1 - p2 - p3
    p2 = (d2 - d1) (g0 - g1 + g2) / 2
    p3 = (d1 - d3) g2

In matrices y = AT ((G g) * (BT d)), and twice over, down and sideways, for images:

    Y = AT [ (G g GT) * (BT d B) ] A          d: 4 x 4 pixels     g: r x r taps     Y: m x m outputs,  m + r = 5

r = 3 gives 4 outputs for 16 products instead of 36; r = 2 gives 9 for 16 instead of 36. BT is the same for both.
Summed over the channels, the product at each of the 16 places is a matrix product, all tiles (T, C) times (C, F):

    V (16, T, C)  transformed pixels        U (16, C, F)  transformed kernel        M (16, T, F) = V @ U

The kernel gradient turns each transform round: dU = V^T @ dM with dM = A dY AT, and dw = GT dU G. The input gradient is
the convolution with the turned kernel, as always.

What it bought, on 3x3 kernels of 32 to 128 channels and two Zen 4 cores: 300 to 390 GFLOP/s of the definition, where
`cpu.py`'s direct way does 200 of the cores' 234.
- V and the sums of one band of tiles stay in the core's cache, and so does M, made for one panel of filters (as many as
  a tile is wide) at a time: the transforms never touch main memory.
- U lies in panels, so that the tiles read it from one end to the other.
- the strides of V and M are odd numbers of cache lines: 16 streams a power of two apart fall on the same few lines.

What it costs: a NaN or infinity spreads from its own outputs to all outputs of the tiles that read it. Rounding: the
float32 errors of F(2x2, 3x3) are smaller than those of one long sum, because each of its 16 sums is 9 times shorter.
F(4x4, 3x3) needs 36 products for 16 outputs, but with the usual points 0, +-1, +-2 its errors are 4 to 16 times those
of `vectorized.py`; with 0, +-2/3, +-3/2 they would be 1 to 3 times. It is not built here.

Source: Winograd, "Arithmetic Complexity of Computations", 1980; Lavin and Gray, "Fast Algorithms for Convolutional
Neural Networks", CVPR 2016.
"""

from __future__ import annotations

from math import gcd

import numba
import numpy as np
from numba import prange

from ...kernels import workspace
from ...kernels.bands import PLAIN, add_columns, finish_band, lay_band, pieces_of, share, split
from ...kernels.compile import kernel
from ...kernels.matmul import add_pieces, multiples, tile_width
from ...kernels.microkernel import ROWS, VECTOR_BYTES, VECTORS, tile
from ...kernels.transform import make_transform
from ...kernels.vector_loop import zero

BT = np.array([[1, 0, -1, 0], [0, 1, 1, 0], [0, -1, 1, 0], [0, 1, 0, -1]])
G = {
    3: np.array([[1, 0, 0], [0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0, 0, 1]]),
    2: np.array([[1, 0], [0.5, 0.5], [0.5, -0.5], [0, 1]]),
}
AT = {3: np.array([[1, 1, 1, 0], [0, 1, -1, -1]]), 2: np.array([[1, 1, 1, 0], [0, 1, -1, 0], [0, 1, 1, -1]])}

_pixels = make_transform(BT)
_kernel_3, _kernel_2 = make_transform(G[3]), make_transform(G[2])
_outputs_3, _outputs_2 = make_transform(AT[3]), make_transform(AT[2])
_gradients_3, _gradients_2 = make_transform(AT[3].T), make_transform(AT[2].T)
_kernel_gradient_3, _kernel_gradient_2 = make_transform(G[3].T), make_transform(G[2].T)

_NUMBERS = 160 * 1024  # of a band, its transforms and sums: 640 kB in float32, most of a core's second-level cache
_CHANNELS = 16  # with fewer channels or filters the transforms cost more than the products they save


def suits(KH, KW, at, groups, C, F) -> bool:
    """Whether a convolution of this shape can, and should, be done here."""
    plain = (at.SH, at.SW, at.DH, at.DW, groups) == (1, 1, 1, 1, 1)
    return plain and KH == KW and KH in G and min(C, F) >= _CHANNELS


def products(kind, x, mask, winner_in, canvas, w, at, bias, relu, pool, y, winner):
    """y = pool(relu(convolution of what is laid on the canvas with w, plus bias))."""
    (r, _, C, F), (PH, PW), (N, OH, OW, _) = w.shape, pool, y.shape
    m = 5 - r
    across = -(-OW * PW // m)
    canvas = canvas._replace(width=max(across * m + r - 1, canvas.left + canvas.W))
    per_row = PH * (canvas.width * C + across * m * F + 16 * across * (C + tile_width(w.dtype)) // m)
    shares = split(N, OH, m // gcd(m, PH), per_row, _NUMBERS)
    down = -(-shares.rows * PH // m)
    sizes = _sizes(shares.images, down, across, m, r, canvas.width, C, F, tile_width(x.dtype))
    rows, cols = multiples(shares.images * down * across, C), multiples(C, 1)
    U = _transformed_kernel(w)
    _convolve(
        kind, x.reshape(-1), mask.reshape(-1), winner_in, canvas, shares, m, down, across, rows, cols,
        U, F, bias, relu, PH, PW, OW, y.reshape(-1), winner, *workspace.scratch(x.dtype, *sizes), sizes,
    )  # fmt: skip


def kernel_gradient(x, x_canvas, kind, dy, mask, winner, dy_canvas, at, dw, db):
    """dw and db of `cpu.py`'s `_kernel_gradient`, by way of the transformed kernel's gradient."""
    (r, _, C, F), N = dw.shape, x.shape[0]
    m = 5 - r
    across = -(-at.OW // m)
    x_canvas = x_canvas._replace(width=max(across * m + r - 1, x_canvas.left + x_canvas.W))
    dy_canvas = dy_canvas._replace(width=across * m)
    per_row = x_canvas.width * C + across * m * F + 16 * across * (C + tile_width(dw.dtype)) // m
    shares = split(N, at.OH, m, per_row, _NUMBERS)
    down = -(-shares.rows // m)
    sizes = _sizes(shares.images, down, across, m, r, x_canvas.width, C, F, tile_width(x.dtype))
    rows, cols = multiples(shares.images * down * across, C), multiples(C, 1)
    pieces = pieces_of(shares.tasks, 16 * C * F)
    partial, partial_db = workspace.empty((pieces, 16 * C * F), dw.dtype), workspace.empty((pieces, F), dw.dtype)
    _sum_pieces(
        x.reshape(-1), x_canvas, kind, dy.reshape(-1), mask.reshape(-1), winner, dy_canvas, shares, m, down, across,
        rows, cols, pieces, partial.reshape(-1), partial_db.reshape(-1), *workspace.scratch(dw.dtype, F, *sizes), sizes,
    )  # fmt: skip
    total = workspace.empty((16 * C * F,), dw.dtype)
    add_pieces(partial.reshape(-1), total)
    _transform_gradient(total, r, C, F, dw.reshape(-1))
    np.sum(partial_db, axis=0, out=db)


def _sizes(images, down, across, m, r, row, C, F, width):
    """How many numbers a thread's scratch buffers hold: (bands, V, a panel of M, sums)."""
    T = images * down * across
    return images * (down * m + r - 1) * row * C, 16 * _spaced(T * C), 16 * _spaced(T * width), T * m * m * F


def _spaced(numbers):
    """At least `numbers`, and an odd number of 64-byte lines of float32 (of pairs of lines of float64)."""
    return (numbers + 15) // 16 * 16 + (16 if (numbers + 15) // 16 % 2 == 0 else 0)


def _transformed_kernel(w):
    """U = G w GT for every channel and filter, in panels of as many filters as a tile is wide: (16, panels, C, width).

    A panel is read from one end to the other. In a plain (C, F) its rows would be F apart, which for F = 128 puts them
    all into a quarter of the first-level cache.
    """
    (r, _, C, F), width = w.shape, tile_width(w.dtype)
    panels = -(-F // width)
    U = workspace.empty((16 * panels * C * width,), w.dtype)
    _transform_kernel(w.reshape(-1), r, C, F, panels, width, U)
    return U


@kernel(parallel=True)
def _transform_kernel(w, r, C, F, panels, width, U):
    step = panels * C * width
    for c in prange(C):
        for panel in range(panels):
            start, place, count = c * F + panel * width, (panel * C + c) * width, min(width, F - panel * width)
            for xi in range(16):
                zero(U, place + xi * step + count, width - count)
            if r == 3:
                _kernel_3(w, start, U, place, 3 * C * F, C * F, 4 * step, step, count)
            else:
                _kernel_2(w, start, U, place, 2 * C * F, C * F, 4 * step, step, count)


@kernel(parallel=True)
def _transform_gradient(dU, r, C, F, dw):
    """dw (r, r, C, F) = GT dU G for every channel and filter of dU (16, C, F)."""
    for c in prange(C):
        if r == 3:
            _kernel_gradient_3(dU, c * F, dw, c * F, 4 * C * F, C * F, 3 * C * F, C * F, F)
        else:
            _kernel_gradient_2(dU, c * F, dw, c * F, 4 * C * F, C * F, 2 * C * F, C * F, F)


@kernel(parallel=True)
def _convolve(
    kind, x, mask, winner_in, canvas, shares, m, down, across, rows, cols, U, F, bias, relu, PH, PW, OW, y, winner,
    bands, V, M, sums, sizes,
):  # fmt: skip
    """Every task lays its band on the canvas, transforms it, multiplies, transforms back and finishes the sums."""
    C, row = canvas.C, canvas.width * canvas.C
    columns = VECTORS * (VECTOR_BYTES // x.itemsize)
    panels = (F + columns - 1) // columns
    V_step, M_step = sizes[1] // 16, sizes[2] // 16
    height = down * m + 4 - m
    for task in prange(shares.tasks):
        thread = numba.get_thread_id()
        band, v, p, s = thread * sizes[0], thread * sizes[1], thread * sizes[2], thread * sizes[3]
        n, images, first, count = share(task, shares)
        tile_rows = (count * PH + m - 1) // m
        t = 0
        for image in range(images):
            place = band + image * height * row
            lay_band(kind, x, mask, winner_in, canvas, n + image, first * PH, tile_rows * m + 4 - m, bands, place)
            for i in range(tile_rows):
                for j in range(across):
                    corner = place + i * m * row + j * m * C
                    _pixels(bands, corner, V, v + t * C, row, C, 4 * V_step, V_step, C)
                    t += 1
        T = t
        for panel in range(panels):
            f, width = panel * columns, min(columns, F - panel * columns)
            for xi in range(16):
                for t in range(0, T, ROWS):
                    tile(
                        V, v + xi * V_step, rows, t, min(ROWS, T - t), cols, 0, C,
                        U, (xi * panels + panel) * C * columns,
                        M, p + xi * M_step + t * columns, columns, width, False,
                    )  # fmt: skip
            for t in range(T):
                place, corner = p + t * columns, s + (t // across * m * across + t % across) * m * F + f
                if m == 2:
                    _outputs_3(M, place, sums, corner, 4 * M_step, M_step, across * m * F, F, width)
                else:
                    _outputs_2(M, place, sums, corner, 4 * M_step, M_step, across * m * F, F, width)
        for image in range(images):
            finish_band(
                sums, s + image * tile_rows * m * across * m * F, across * m, bias, relu, PH, PW, count, OW, F,
                y, ((n + image) * shares.OH + first) * OW * F, winner,
            )  # fmt: skip


@kernel(parallel=True)
def _sum_pieces(
    x, x_canvas, kind, dy, mask, winner, dy_canvas, shares, m, down, across, rows, cols, pieces, partial, partial_db,
    column_sums, bands, V, D, dy_bands, sizes,
):  # fmt: skip
    """partial[piece] = dU (16, C, F) of a share of the tasks: at each of the 16 places V^T @ D, D = A dy AT."""
    C, F, row, dy_row = x_canvas.C, dy_canvas.C, x_canvas.width * x_canvas.C, dy_canvas.width * dy_canvas.C
    columns = VECTORS * (VECTOR_BYTES // x.itemsize)
    V_step, D_step = sizes[1] // 16, sizes[2] // 16
    height = down * m + 4 - m
    for piece in prange(pieces):
        thread = numba.get_thread_id()
        band, v, d, dy_band = thread * sizes[0], thread * sizes[1], thread * sizes[2], thread * sizes[3]
        begin, end = piece * shares.tasks // pieces, (piece + 1) * shares.tasks // pieces
        for f in range(F):
            partial_db[piece * F + f] = 0
        for task in range(begin, end):
            n, images, first, count = share(task, shares)
            tile_rows = (count + m - 1) // m
            t = 0
            for image in range(images):
                place, dy_place = band + image * height * row, dy_band + image * tile_rows * m * dy_row
                lay_band(PLAIN, x, x, winner, x_canvas, n + image, first, tile_rows * m + 4 - m, bands, place)
                lay_band(kind, dy, mask, winner, dy_canvas, n + image, first, tile_rows * m, dy_bands, dy_place)
                for i in range(tile_rows):
                    for j in range(across):
                        corner = place + (i * row + j * C) * m
                        _pixels(bands, corner, V, v + t * C, row, C, 4 * V_step, V_step, C)
                        t += 1
            T = t
            add_columns(dy_bands, dy_band, T * m * m, F, column_sums, thread * F, partial_db, piece * F)
            for f in range(0, F, columns):
                width = min(columns, F - f)
                for xi in range(16 if width < columns else 0):
                    zero(D, d + xi * D_step, T * columns)
                for t in range(T):
                    place, corner = d + t * columns, dy_band + (t // across * dy_row + t % across * F) * m + f
                    if m == 2:
                        _gradients_3(dy_bands, corner, D, place, dy_row, F, 4 * D_step, D_step, width)
                    else:
                        _gradients_2(dy_bands, corner, D, place, dy_row, F, 4 * D_step, D_step, width)
                for xi in range(16):
                    for c in range(0, C, ROWS):
                        tile(
                            V, v + xi * V_step, cols, c, min(ROWS, C - c), rows, 0, T, D, d + xi * D_step,
                            partial, ((piece * 16 + xi) * C + c) * F + f, F, width, task > begin,
                        )  # fmt: skip
