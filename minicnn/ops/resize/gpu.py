"""Resizing on the GPU: a thread for each number of y.

Backward has a thread for each image and channel, which goes through all its pixels. This is slow, but no two threads
add to the same place. Backward is needed only if layers before the resizing are trained.
"""

from __future__ import annotations

from numba import cuda

from ...kernels.gpu import arrays
from ...kernels.gpu.launch import gpu_kernel
from .tables import table


def forward(x, size, interpolation="bilinear", need_saved=True):
    N, H, W, C = x.shape
    rows, columns = (_there(x.shape[i + 1], size[i], interpolation, x.dtype) for i in (0, 1))
    y = arrays.empty((N, *size, C), x.dtype)
    _resize.over(y.size, x, H, W, C, *size, *rows, *columns, interpolation == "nearest", x.dtype.type(1), y)
    return y, ((x.shape, rows, columns, interpolation) if need_saved else None)


def _there(length, wanted, interpolation, dtype):
    """A table in the GPU's memory."""
    first, second, share = table(length, wanted, interpolation)
    return arrays.constant(first), arrays.constant(second), arrays.constant(share.astype(dtype))


@gpu_kernel()
def _resize(x, H, W, C, OH, OW, first_row, second_row, t_of, first_column, second_column, s_of, nearest, one, y, n):
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        c, pixel = place % C, place // C
        j, i, image = pixel % OW, pixel // OW % OH, pixel // OW // OH
        t, s = t_of[i], s_of[j]
        upper, lower = (image * H + first_row[i]) * W, (image * H + second_row[i]) * W
        left, right = first_column[j], second_column[j]
        if nearest:  # a copy: 0 times an infinite neighbour would be NaN
            y[place] = x[(upper + left) * C + c]
            continue
        above = x[(upper + left) * C + c] * (one - s) + x[(upper + right) * C + c] * s
        below = x[(lower + left) * C + c] * (one - s) + x[(lower + right) * C + c] * s
        y[place] = above * (one - t) + below * t


def backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    (N, H, W, C), rows, columns, interpolation = saved
    _, OH, OW, _ = dy.shape
    dx, number = arrays.empty((N, H, W, C), dy.dtype), dy.dtype.type
    nearest = interpolation == "nearest"
    _hand_back.over(N * C, dy, H, W, C, OH, OW, *rows, *columns, nearest, number(0), number(1), dx)
    return dx


@gpu_kernel()
def _hand_back(
    dy, H, W, C, OH, OW, first_row, second_row, t_of, first_column, second_column, s_of, nearest, zero, one, dx, n
):  # fmt: skip
    for chain in range(cuda.grid(1), n, cuda.gridsize(1)):
        c, image = chain % C, chain // C
        start = image * H * W * C + c
        for pixel in range(H * W):
            dx[start + pixel * C] = zero
        for i in range(OH):
            for j in range(OW):
                share, s = dy[((image * OH + i) * OW + j) * C + c], s_of[j]
                if nearest:
                    dx[start + (first_row[i] * W + first_column[j]) * C] += share
                    continue
                upper, lower = share * (one - t_of[i]), share * t_of[i]
                above, below = start + first_row[i] * W * C, start + second_row[i] * W * C
                dx[above + first_column[j] * C] += upper * (one - s)
                dx[above + second_column[j] * C] += upper * s
                dx[below + first_column[j] * C] += lower * (one - s)
                dx[below + second_column[j] * C] += lower * s
