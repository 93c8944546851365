"""Average pooling on the GPU: forward uses a thread for each output, backward a thread for each number of dx.

A thread of backward goes through the windows that contain its pixel.
"""

from __future__ import annotations

from numba import cuda

from ...kernels.gpu import arrays
from ...kernels.gpu.launch import gpu_kernel
from ...shapes import window


def forward(x, pool_size=(2, 2), strides=(2, 2), padding="valid", need_saved=True):
    N, H, W, C = x.shape
    win = window(H, W, pool_size, strides, padding)
    y = arrays.empty((N, win.OH, win.OW, C), x.dtype)
    _pool.over(
        y.size,
        x,
        H,
        W,
        C,
        win.OH,
        win.OW,
        win.KH,
        win.KW,
        win.SH,
        win.SW,
        win.PT,
        win.PL,
        x.dtype.type(0),
        x.dtype.type(1),
        y,
    )
    return y, ((x.shape, win) if need_saved else None)


@gpu_kernel()
def _pool(x, H, W, C, OH, OW, KH, KW, SH, SW, PT, PL, zero, one, y, n):
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        c, pixel = place % C, place // C
        left, top, image = pixel % OW * SW - PL, pixel // OW % OH * SH - PT, pixel // OW // OH
        total, count = zero, zero
        for h in range(max(0, top), min(H, top + KH)):
            for w in range(max(0, left), min(W, left + KW)):
                total += x[((image * H + h) * W + w) * C + c]
                count += one
        y[place] = total / count


def backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    (N, H, W, C), win = saved
    dx = arrays.empty((N, H, W, C), dy.dtype)
    _unpool.over(
        dx.size, dy, H, W, C, win.OH, win.OW, win.KH, win.KW, win.SH, win.SW, win.PT, win.PL, dy.dtype.type(0), dx
    )
    return dx


@gpu_kernel()
def _unpool(dy, H, W, C, OH, OW, KH, KW, SH, SW, PT, PL, zero, dx, n):
    """dx = the sum of the pixel's shares of the gradients of its windows; cells outside the image get no share."""
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        c, pixel = place % C, place // C
        w, h, image = pixel % W + PL, pixel // W % H + PT, pixel // W // H
        total = zero
        for oh in range(max(0, (h - KH) // SH + 1), min(OH, h // SH + 1)):
            top = oh * SH - PT
            rows = min(KH, H - top) - max(0, -top)
            for ow in range(max(0, (w - KW) // SW + 1), min(OW, w // SW + 1)):
                left = ow * SW - PL
                columns = min(KW, W - left) - max(0, -left)
                gradient = dy[((image * OH + oh) * OW + ow) * C + c]
                total += gradient / type(gradient)(rows * columns)
        dx[place] = total
