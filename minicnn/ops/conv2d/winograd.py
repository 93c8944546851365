"""Winograd's convolution: 2x2 and 3x3 kernels with less than half the multiplications.

The idea in one dimension: two neighbouring outputs of a 3-tap kernel share inputs. F(2, 3) computes both outputs with 4
products. The definition needs 6.

    p0 = (d0 - d2) g0                         y0 = p0 + p1 + p2
    p1 = (d1 + d2) (g0 + g1 + g2) / 2         y1 = p1 - p2 + p3
    p2 = (d2 - d1) (g0 - g1 + g2) / 2
    p3 = (d3 - d1) g2

In matrices y = AT ((G g) * (BT d)), where * multiplies number by number. F(m, r) is the method's name, for m outputs of
r taps; F alone is the number of filters, as everywhere. Images need the transforms twice, down and sideways. This is
F(m x m, r x r):

    Y = AT [ (G g GT) * (BT d B) ] A          d: n x n pixels     g: r x r taps     Y: m x m outputs,  m + r - 1 = n = 4

r = 3 gives 4 outputs for 16 products instead of 36; r = 2 gives 9 outputs for 16 products instead of 36. BT is the same
for both. An n x n piece of the image is called a tile. A convolution sums over the channels. So `convolve` computes one
matrix product at each of the 16 places of a tile, for all T tiles: (T, C) times (C, F). The function `tile` of the
microkernel computes these products; its own tiles are pieces of M.

    V (16, T, C)  transformed pixels        U (16, C, F)  transformed kernel        M (16, T, F) = V @ U

The kernel gradient uses the transposes of AT and G: dU = V^T @ dM with dM = A dY AT, and dw = GT dU G. The input
gradient is a convolution with the kernel rotated by 180 degrees, as in `cpu.py`.

F(4, 3) works the same way with 6 products instead of 12. F(2, 3) is made from the points 0, +-1 and infinity, F(4, 3)
from 0, +-2/3, +-3/2 and infinity. F(4x4, 3x3) needs 36 products for 4 x 4 outputs, a quarter of the definition's 144.
`matrices` makes the transforms of them all.

What it gains, on 3x3 kernels and two cores that do 220 to 235 GFLOP/s on registers alone (GFLOP counted as in the
definition):
- F(2x2, 3x3), with 32 to 128 channels: 300 to 390 GFLOP/s on Zen 4, where the direct way of `cpu.py` does 200; 200 to
  350 on Zen 3, where the direct way does 160 to 180.
- F(4x4, 3x3): 1.1 to 1.4 times F(2x2, 3x3) on Zen 3, if the image's sides are multiples of four pixels.

How it stays fast:
- V, M and the sums of one band of tiles stay in the core's cache, so the transforms never touch main memory. M is made
  for one panel of filters at a time (as many filters as a tile is wide).
- U is stored in panels, so that the tiles read it from one end to the other.
- the strides of V and M are odd numbers of cache lines. With strides that are powers of two, the n*n places of a tile
  would compete for the same few cache lines.

What it costs: a NaN or infinity in the input spreads to all outputs of the tiles that read it, not only to the outputs
that depend on it. Rounding: the float32 errors of F(2x2, 3x3) are smaller than those of one long sum, because each of
its 16 sums is 9 times shorter. The errors of F(4x4, 3x3) are 1 to 3 times those of `vectorized.py` in the forward pass
(with the usual points 0, +-1, +-2 they would be 4 to 16 times). In the input gradient they would be 4 to 10 times, and
largest with a pool, where most of dy is zero and `vectorized.py` hardly rounds. So only the forward pass uses
F(4x4, 3x3).

Source: Winograd, "Arithmetic Complexity of Computations", 1980; Lavin and Gray, "Fast Algorithms for Convolutional
Neural Networks", CVPR 2016.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd

import numpy as np
from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.bands import add_columns, finish_band, lay_band, output
from ...kernels.cpu.compile import THREADS, kernel
from ...kernels.cpu.matmul import add_pieces, multiples
from ...kernels.cpu.microkernel import ROWS, VECTOR_BYTES, VECTORS, tile
from ...kernels.cpu.packing import tile_width
from ...kernels.cpu.recording import do, of_weights
from ...kernels.cpu.split import own_part, pieces_of, split, split_filters, task_rows
from ...kernels.cpu.transform import make_transform
from ...kernels.cpu.vector_loop import zero


def matrices(m, r, points):
    """AT (m, n), G (n, r) and BT (n, n) of F(m, r), n = m + r - 1, made from n - 1 different points.

    The method is the transpose of Toom and Cook's product of polynomials. G evaluates the kernel, as a polynomial, at
    every point and at infinity. AT holds the powers of the points. BT holds polynomials that are zero at all points but
    one.
    """
    points = np.array(points, np.float64)
    others = [np.delete(points, i) for i in range(len(points))]
    powers = points[:, None] ** np.arange(max(m, r))
    scale = [np.prod(point - rest) for point, rest in zip(points, others, strict=True)]
    at_infinity = np.eye(m + r - 1)[-1]
    AT = np.vstack([powers[:, :m], at_infinity[-m:]]).T
    G = np.vstack([powers[:, :r] / np.array(scale)[:, None], at_infinity[-r:]])
    BT = np.vstack([[*np.poly(rest)[::-1], 0] for rest in others] + [np.poly(points)[::-1]])
    return AT, G, BT


AT_2, G_2, BT_4 = matrices(2, 3, (0, 1, -1))
AT_3, G_3, _ = matrices(3, 2, (0, 1, -1))  # the same points give the same BT
AT_4, G_4, BT_6 = matrices(4, 3, (0, 2 / 3, -2 / 3, 3 / 2, -3 / 2))

# keys of _TAPS, _AT, _G: the tile's m (2 or 4 outputs of 3 taps, 3 outputs of 2 taps); keys of _BT: its n
_TAPS = {2: 3, 3: 2, 4: 3}
_AT, _G, _BT = {2: AT_2, 3: AT_3, 4: AT_4}, {2: G_2, 3: G_3, 4: G_4}, {4: BT_4, 6: BT_6}

_NUMBERS = 240 * 1024  # numbers in a band, its transforms and sums: 960 kB in float32, a core's second-level cache
_ADDED_ALONE = 32  # channels in one partial sum of F(4x4, 3x3): adding these rounds half as much as one long sum
_KERNELS = 128 * 256  # the largest C * F for which F(4x4, 3x3) is used
_CHANNELS = 16  # with fewer channels or filters the transforms cost more than the products they save


def suits(KH, KW, win, groups, C, F) -> bool:
    """Whether this file can, and should, compute a convolution of this shape."""
    plain = (win.SH, win.SW, win.DH, win.DW, groups) == (1, 1, 1, 1, 1)
    return plain and KH == KW and KH in (2, 3) and min(C, F) >= _CHANNELS


def products(source, canvas, w, win, groups, y, argmax, bias, relu, pool, largest_tile):
    """y = pool(relu(convolution of the canvas with w, plus bias)).

    For 3x3 kernels the tiles have 2 x 2 outputs, or 4 x 4 if largest_tile=4 and `tile_size` finds them better. For 2x2
    kernels they always have 3 x 3.
    """
    (r, _, C, F), (PH, PW), (N, OH, OW, _) = w.shape, pool, y.shape
    m = tile_size(r, OH * PH, OW * PW, C * F, largest_tile)
    n = m + r - 1
    across = -(-OW * PW // m)
    canvas = canvas._replace(width=max(across * m + r - 1, canvas.left + canvas.W))
    per_row = PH * (canvas.width * C + across * m * F + n * n * across * (C + tile_width(w.dtype)) // m)
    n_panels = -(-F // tile_width(w.dtype))
    work, parts = split_filters(
        N, OH, m // gcd(m, PH), per_row, _NUMBERS, canvas.H * canvas.width * C, n * n * C * F, n_panels
    )
    down = -(-work.rows * PH // m)
    sizes = _sizes(work.images, down, across, m, r, canvas.width, C, F, tile_width(w.dtype))
    rows, cols = multiples(work.images * down * across, C), multiples(C, 1)
    with of_weights():
        U = _transformed_kernel(w, m)
    out, buffers = output(y, argmax, bias, relu, pool), workspace.scratch(w.dtype, *sizes)
    _convolution(m)(source, canvas, work, parts, across, rows, cols, U, out, buffers)


def kernel_gradient(x, x_canvas, dy, dy_canvas, N, win, dw, db):
    """Compute dw and db, as `_kernel_gradient` of `cpu.py` does, from the gradient of the transformed kernel."""
    r, _, C, F = dw.shape
    m = 5 - r
    across = -(-win.OW // m)
    x_canvas = x_canvas._replace(width=max(across * m + r - 1, x_canvas.left + x_canvas.W))
    dy_canvas = dy_canvas._replace(width=across * m)
    per_row = x_canvas.width * C + across * m * F + 16 * across * (C + tile_width(dw.dtype)) // m
    work = split(N, win.OH, m, per_row, _NUMBERS)
    down = -(-work.rows // m)
    sizes = _sizes(work.images, down, across, m, r, x_canvas.width, C, F, tile_width(dw.dtype))
    rows, cols = multiples(work.images * down * across, C), multiples(C, 1)
    pieces = pieces_of(work.tasks, 16 * C * F)
    partial, partial_db = workspace.empty((pieces, 16 * C * F), dw.dtype), workspace.empty((pieces, F), dw.dtype)
    _gradient_summation(m)(
        x, x_canvas, dy, dy_canvas, work, across, rows, cols, pieces, partial.reshape(-1),
        partial_db.reshape(-1), workspace.scratch(dw.dtype, *sizes),
    )  # fmt: skip
    total = workspace.empty((16 * C * F,), dw.dtype)
    add_pieces(partial.reshape(-1), total)
    _gradient_transform(m)(total, C, F, dw.reshape(-1))
    do(np.sum, partial_db, axis=0, out=db)


def tile_size(r, height, width, kernels, largest):
    """The m of a tile's m x m outputs, for height x width outputs and C * F = `kernels` kernels of r x r taps.

    m = 4 must save a third of the products of m = 2, or its larger transforms cost more than it saves. For the 10 x 10
    outputs of README's second convolution it would need 324 products where m = 2 needs 400, so there m = 2. Above
    _KERNELS the 36 numbers of each kernel no longer fit a cache, and reading them costs more than they save.
    """
    if r == 2:
        return 3
    few, many = ((-(-height // m) * -(-width // m) * (m + r - 1) ** 2) for m in (4, 2))
    return 4 if largest >= 4 and kernels <= _KERNELS and few < 2 / 3 * many else 2


def _sizes(images, down, across, m, r, row, C, F, width):
    """The sizes of a thread's scratch buffers, in numbers: (the band of one image, V, a panel of M, sums)."""
    T, places = images * down * across, (m + r - 1) ** 2
    return (down * m + r - 1) * row * C, places * _spaced(T * C), places * _spaced(T * width), T * m * m * F


def _spaced(numbers):
    """`numbers` rounded up to an odd number of 64-byte cache lines of float32 (of pairs of lines of float64)."""
    return (numbers + 15) // 16 * 16 + (16 if (numbers + 15) // 16 % 2 == 0 else 0)


def _transformed_kernel(w, m):
    """U = G w GT for every channel and filter, in panels of as many filters as a tile is wide: (n*n, panels, C, width).

    The tile reads a panel from one end to the other. In a plain (C, F) matrix the rows of a panel would be F numbers
    apart. For F = 128 they would all fall into a quarter of the first-level cache.
    """
    (r, _, C, F), width = w.shape, tile_width(w.dtype)
    panels, n = -(-F // width), m + r - 1
    U = workspace.empty((n * n * panels * C * width,), w.dtype)
    _kernel_transform(m)(w.reshape(-1), C, F, panels, width, U)
    return U


# Each kernel below is made for one m. So the compiler knows the lengths of the loops and unrolls them, and a network
# compiles only the transforms that it uses.


@lru_cache
def _kernel_transform(m):
    """transform_kernel(w, C, F, panels, width, U): U = G w GT for every channel and filter."""
    r, transform = _TAPS[m], make_transform(_G[m])
    n = m + r - 1

    @kernel(parallel=True)
    def transform_kernel(w, C, F, panels, width, U):
        step = panels * C * width
        for c in prange(C):
            for panel in range(panels):
                start, place = c * F + panel * width, (panel * C + c) * width
                count = min(width, F - panel * width)
                for xi in range(n * n):
                    zero(U, place + xi * step + count, width - count)
                transform(w, start, U, place, r * C * F, C * F, n * step, step, count)

    return transform_kernel


@lru_cache
def _gradient_transform(m):
    """transform_gradient(dU, C, F, dw): dw (r, r, C, F) = GT dU G for every channel and filter of dU (16, C, F)."""
    r, transform = _TAPS[m], make_transform(_G[m].T)

    @kernel(parallel=True)
    def transform_gradient(dU, C, F, dw):
        for c in prange(C):
            transform(dU, c * F, dw, c * F, 4 * C * F, C * F, r * C * F, C * F, F)

    return transform_gradient


@lru_cache
def _convolution(m):
    """convolve: each task copies its band onto a canvas, transforms it, multiplies, transforms back and finishes it."""
    n, overlap = m + _TAPS[m] - 1, _TAPS[m] - 1  # a tile is n pixels wide and shares `overlap` of them with the next
    pixels_to_V, M_to_sums = make_transform(_BT[n]), make_transform(_AT[m])

    @kernel(parallel=True, as_written=True)
    def convolve(source, canvas, work, parts, across, rows, cols, U, out, buffers):
        (bands, V, M, sums), F, PH = buffers, out.bias.size, out.PH
        C, row = canvas.C, canvas.width * canvas.C
        columns = VECTORS * (VECTOR_BYTES // U.itemsize)
        panels = (F + columns - 1) // columns
        V_step, M_step = V.size // THREADS // (n * n), M.size // THREADS // (n * n)
        channels = _ADDED_ALONE if n == 6 else C  # in one partial sum
        for task in prange(work.tasks * parts):
            part = task % parts
            first_panel, end_panel = part * panels // parts, (part + 1) * panels // parts
            band, v, p, s = own_part(bands), own_part(V), own_part(M), own_part(sums)
            first_image, images, first, count = task_rows(task // parts, work)
            tile_rows = (count * PH + m - 1) // m
            t = 0
            for image in range(images):
                lay_band(source, canvas, first_image + image, first * PH, tile_rows * m + overlap, bands, band)
                for i in range(tile_rows):
                    for j in range(across):
                        corner = band + i * m * row + j * m * C
                        pixels_to_V(bands, corner, V, v + t * C, row, C, n * V_step, V_step, C)
                        t += 1
            T = t
            for panel in range(first_panel, end_panel):
                f, width = panel * columns, min(columns, F - panel * columns)
                for xi in range(n * n):
                    for t in range(0, T, ROWS):
                        for c in range(0, C, channels):
                            tile(
                                V, v + xi * V_step, rows, t, min(ROWS, T - t), cols, c, min(channels, C - c),  # a
                                U, ((xi * panels + panel) * C + c) * columns,  # b
                                M, p + xi * M_step + t * columns, columns, width, c > 0,  # c; c > 0: add to it
                            )  # fmt: skip
                for t in range(T):
                    place, corner = p + t * columns, s + (t // across * m * across + t % across) * m * F + f
                    M_to_sums(M, place, sums, corner, n * M_step, M_step, across * m * F, F, width)
            for image in range(images):
                image_sums = s + image * tile_rows * m * across * m * F
                y_start = ((first_image + image) * work.OH + first) * out.OW * F
                filters = min(F, end_panel * columns) - first_panel * columns
                finish_band(sums, image_sums, F, across * m, count, out, y_start, first_panel * columns, filters)

    return convolve


@lru_cache
def _gradient_summation(m):
    """sum_pieces: partial[piece] = dU (16, C, F) from a part of the tasks.

    At each of the 16 places of a tile, dU = V^T @ D with D = A dy AT.
    """
    pixels_to_V, dy_to_D = make_transform(BT_4), make_transform(_AT[m].T)

    @kernel(parallel=True)
    def sum_pieces(x, x_canvas, dy, dy_canvas, work, across, rows, cols, pieces, partial, partial_db, buffers):
        bands, V, D, dy_bands = buffers
        C, F, row, dy_row = x_canvas.C, dy_canvas.C, x_canvas.width * x_canvas.C, dy_canvas.width * dy_canvas.C
        columns = VECTORS * (VECTOR_BYTES // partial.itemsize)
        V_step, D_step = V.size // THREADS // 16, D.size // THREADS // 16
        for piece in prange(pieces):
            band, v, d, dy_band = own_part(bands), own_part(V), own_part(D), own_part(dy_bands)
            begin, end = piece * work.tasks // pieces, (piece + 1) * work.tasks // pieces
            for f in range(F):
                partial_db[piece * F + f] = 0
            for task in range(begin, end):
                n, images, first, count = task_rows(task, work)
                tile_rows = (count + m - 1) // m
                t = 0
                for image in range(images):
                    dy_place = dy_band + image * tile_rows * m * dy_row
                    lay_band(x, x_canvas, n + image, first, tile_rows * m + 4 - m, bands, band)
                    lay_band(dy, dy_canvas, n + image, first, tile_rows * m, dy_bands, dy_place)
                    for i in range(tile_rows):
                        for j in range(across):
                            corner = band + (i * row + j * C) * m
                            pixels_to_V(bands, corner, V, v + t * C, row, C, 4 * V_step, V_step, C)
                            t += 1
                T = t
                add_columns(dy_bands, dy_band, partial_db, piece * F, T * m * m, F, F)
                for f in range(0, F, columns):
                    width = min(columns, F - f)
                    for t in range(T):
                        place, corner = d + t * columns, dy_band + (t // across * dy_row + t % across * F) * m + f
                        dy_to_D(dy_bands, corner, D, place, dy_row, F, 4 * D_step, D_step, width)
                    for xi in range(16):
                        for c in range(0, C, ROWS):
                            tile(
                                V, v + xi * V_step, cols, c, min(ROWS, C - c), rows, 0, T,  # a, transposed
                                D, d + xi * D_step,  # b
                                partial, ((piece * 16 + xi) * C + c) * F + f, F, width, task > begin,  # c
                            )  # fmt: skip

    return sum_pieces
