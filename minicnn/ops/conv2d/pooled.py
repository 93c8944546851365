"""The gradients of a convolution with a pool, computed only from the pixels that won.

Max pooling gives the gradient of a 2 x 2 window to its largest pixel. The other three get none. Where ReLU made all
four zero, no pixel gets a gradient. So most of dy is zero: on Fashion-MNIST only a fifth is not zero early in training,
later a tenth. The other files of this folder multiply all of dy. Here a thread goes through the filters. For each
filter f it lists the gradients g that are not zero and, for each g, where its window of x begins. Then it computes

    dw[f] += g * window        adds the windows up, with dw[f] in registers
    dx's window += g * w[f]    adds to the windows, with w[f] in registers

with the two functions of `kernels/cpu/windows.py`. Both use the same list, in one kernel, on bands of rows in the
cache. The band of x is padded as in `cpu.py`. The band of dx is as large; its last rows are copied to the next band.

What it gains, for both gradients of a 3x3 convolution from 32 to 64 channels, 32 images of 14 x 14, two Zen 4 cores:
0.7 ms if 40 % of the windows have a winner, 1.0 ms if 70 % have one; `winograd.py` takes 1.4 ms.

What it costs: the time depends on the numbers. If 94 % of the windows have a winner, it takes 1.3 ms. From 64 to 128
channels it then takes a tenth to a quarter longer than `winograd.py`. Every band reads all of w and dw, so large
kernels gain less. One thread computes a whole image. An infinity in x makes no NaN here if its outputs lost their
windows; `vectorized.py` multiplies it by zero, which makes NaN.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numba import intp, prange, uintp

from ...kernels.cpu import workspace
from ...kernels.cpu.bands import Canvas, from_images, lay_band
from ...kernels.cpu.compile import THREADS, helper, kernel
from ...kernels.cpu.matmul import add_pieces
from ...kernels.cpu.microkernel import VECTOR_BYTES
from ...kernels.cpu.recording import do
from ...kernels.cpu.split import own_part, pieces_of
from ...kernels.cpu.vector_loop import copy, zero
from ...kernels.cpu.windows import make_gather, make_scatter, vectors_across

_NUMBERS = 8 * 1024  # numbers in a band of x, and in one of dx: 32 kB each in float32
_WINDOW = 4  # pixels in the smallest pool for which this file is used
_KERNEL = 640 * 1024  # numbers in the largest kernel for which it is used: 3x3 taps, 256 channels and 256 filters fit
_IMAGES = THREADS  # with fewer images, some threads would have nothing to do


class PooledGradient(NamedTuple):
    """The gradient dy (N, OH, OW, F) of the output of a PH x PW pool, and which pixel won each window. Arrays flat."""

    dy: np.ndarray
    argmax: np.ndarray
    N: int
    OH: int
    OW: int
    F: int
    PH: int
    PW: int


def suits(w, win, groups, pool, N) -> bool:
    """Whether this file can, and should, compute the gradients of such a convolution with a pool."""
    plain = (win.SH, win.SW, win.DH, win.DW, groups) == (1, 1, 1, 1, 1)
    pays = pool[0] * pool[1] >= _WINDOW and w.size <= _KERNEL and N >= _IMAGES
    return plain and pays and w.shape[2] % _lanes(w.dtype) == 0


def _lanes(dtype):
    return VECTOR_BYTES // np.dtype(dtype).itemsize


def gradients(dy, argmax, pool, x, w, win, dw, db, dx):
    """Compute dw, db and, unless it is None, dx.

    dy (N, OH, OW, F) is the gradient of the pooled output, argmax says which pixel won each window.
    """
    (N, H, W, C), (KH, KW, _, F), (_, OH, OW, _), (PH, PW) = x.shape, w.shape, dy.shape, pool
    canvas = Canvas(H, W, C, win.PT, win.PL, width=W + win.PL + win.PR)
    rows = max(1, min(OH, (_NUMBERS // (canvas.width * C) - KH + 1) // PH))
    band_size = (rows * PH + KH - 1) * canvas.width * C
    places = _places(rows, OW, PH, PW, canvas.width, C)
    w_by_filter = workspace.empty((F, w.size // F), w.dtype)
    do(np.copyto, w_by_filter, w.reshape(-1, F).T)
    pieces = pieces_of(N, w.size)
    partial, partial_db = workspace.empty((pieces, w.size), w.dtype), workspace.empty((pieces, F), w.dtype)
    listed = workspace.empty((THREADS * rows * OW,), np.intp)
    buffers = workspace.scratch(w.dtype, band_size, band_size, rows * OW)
    dy = PooledGradient(dy.reshape(-1), argmax, N, OH, OW, F, PH, PW)
    _gradients(KH, vectors_across(KH, KW * C // _lanes(w.dtype)))(
        from_images(x), canvas, dy, rows, places, w_by_filter.reshape(-1), KW, pieces, partial.reshape(-1),
        partial_db.reshape(-1), (x if dx is None else dx).reshape(-1), dx is not None, listed, buffers,
    )  # fmt: skip
    total = workspace.empty((F, w.size // F), w.dtype)
    add_pieces(partial.reshape(-1), total.reshape(-1))
    do(np.copyto, dw.reshape(-1, F), total.T)
    do(np.sum, partial_db, axis=0, out=db)


@lru_cache(maxsize=256)
def _places(rows, OW, PH, PW, width, C):
    """Where the window of each possible winner begins, on a band of `rows` pooled rows: (rows, OW, PH * PW + 1), flat.

    The last of each PH * PW + 1 entries is for a pool without a winner.
    """
    row, ow, ph, pw = np.ix_(range(rows), range(OW), range(PH), range(PW))
    starts = ((row * PH + ph) * width + ow * PW + pw) * C
    nobody = np.zeros((rows * OW, 1), np.intp)
    return np.concatenate([starts.reshape(rows * OW, -1).astype(np.intp), nobody], axis=1).reshape(-1)


@helper
def _list_winners(dy, start, count, places, listed, values, here):
    """List the gradients that are not zero, and their places, for `count` pooled pixels of one filter.

    A cell of PH * PW means that ReLU stopped the window (`bands.finish_band`): it is not listed.
    Return (the length of the list, the sum of its gradients). The loop writes every pixel to the end of the list, but
    moves the end only if the pixel counts. A branch would be slower: the processor would guess it wrong half the time.
    """
    start, end, total, cells = uintp(start), uintp(here), values.dtype.type(0), dy.PH * dy.PW
    for i in range(uintp(count)):
        gradient, cell = dy.dy[start], uintp(dy.argmax[start])
        values[end] = gradient
        listed[end] = places[i * uintp(cells + 1) + cell]
        counts = (cell < uintp(cells)) & (gradient != 0)
        total += gradient if cell < uintp(cells) else values.dtype.type(0)
        end += uintp(counts)
        start += uintp(dy.F)
    return intp(end) - here, total


@helper
def _finish_rows(bands, start, canvas, n, first, rows, dx):
    """Copy rows first .. first+rows of the canvas, without its padding, to their place in image n of dx."""
    for r in range(rows):
        h = first + r - canvas.top
        if 0 <= h < canvas.H:
            source = start + (r * canvas.width + canvas.left) * canvas.C
            copy(bands, source, dx, (n * canvas.H + h) * canvas.W * canvas.C, canvas.W * canvas.C)


@lru_cache
def _gradients(KH, V):
    """Make add_winners for kernels of KH rows; it works on V vectors of each row at a time.

    add_winners, or functions that it calls, close over KH and V. So KH and V are part of the key of the code on disk.
    """
    gather, scatter = make_gather(KH, V), make_scatter(KH, V)

    @kernel(parallel=True)
    def add_winners(
        x, canvas, dy, rows, places, w, KW, pieces, partial, partial_db, dx, need_dx, listed, buffers
    ):  # fmt: skip
        """partial[piece] (F, KH, KW, C) = dw of a share of the images. Also their dx, one band of rows at a time."""
        (bands, dx_bands, values), N, OH, OW, F, PH = buffers, dy.N, dy.OH, dy.OW, dy.F, dy.PH
        C, row, run = canvas.C, canvas.width * canvas.C, KW * canvas.C
        columns = V * (VECTOR_BYTES // w.itemsize)
        kept = (KH - 1) * row  # the last KH - 1 rows of dx's band: windows of the next band reach into them as well
        for piece in prange(pieces):
            band, here = own_part(bands), own_part(values)
            zero(partial, piece * F * KH * run, F * KH * run)
            zero(partial_db, piece * F, F)
            for n in range(piece * N // pieces, (piece + 1) * N // pieces):
                if need_dx:
                    zero(dx_bands, band, kept)
                for oh in range(0, OH, rows):
                    count = min(rows, OH - oh)
                    lay_band(x, canvas, n, oh * PH, count * PH + KH - 1, bands, band)
                    if need_dx:
                        zero(dx_bands, band + kept, count * PH * row)
                    for f in range(F):
                        start = (n * OH + oh) * OW * F + f
                        length, total = _list_winners(dy, start, count * OW, places, listed, values, here)
                        partial_db[piece * F + f] += total
                        for k in range(0, run, columns):
                            gather(
                                bands, band + k, row, listed, values, here, length,
                                partial, (piece * F + f) * KH * run + k, run,
                            )  # fmt: skip
                            if need_dx:
                                scatter(dx_bands, band + k, row, listed, values, here, length, w, f * KH * run + k, run)
                    if need_dx:
                        _finish_rows(dx_bands, band, canvas, n, oh * PH, count * PH, dx)
                        copy(dx_bands, band + count * PH * row, dx_bands, band, kept)
                if need_dx:
                    _finish_rows(dx_bands, band, canvas, n, OH * PH, KH - 1, dx)
                    first = max(0, OH * PH + KH - 1 - canvas.top)
                    if first < canvas.H:
                        zero(dx, (n * canvas.H + first) * canvas.W * C, (canvas.H - first) * canvas.W * C)

    return add_winners
