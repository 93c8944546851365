"""Images laid out on a larger canvas of zeros, and cut out of one, on the GPU. See `kernels/cpu/padding.py`."""

from __future__ import annotations

from numba import cuda

from . import arrays
from .launch import gpu_kernel


def pad_and_dilate(x, H_out, W_out, top, left, SH, SW):
    """z (N, H_out, W_out, C), zero except z[n, top + h*SH, left + w*SW] = x[n, h, w]."""
    N, H, W, C = x.shape
    z = arrays.empty((N, H_out, W_out, C), x.dtype)
    _pad_and_dilate.over(z.size, x, H, W, C, H_out, W_out, top, left, SH, SW, x.dtype.type(0), z)
    return z


@gpu_kernel()
def _pad_and_dilate(x, H, W, C, H_out, W_out, top, left, SH, SW, zero, z, n):
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        c, pixel = place % C, place // C
        across, down, image = pixel % W_out - left, pixel // W_out % H_out - top, pixel // W_out // H_out
        h, w = down // SH, across // SW
        on_x = down >= 0 and across >= 0 and h < H and w < W and h * SH == down and w * SW == across
        z[place] = x[((image * H + h) * W + w) * C + c] if on_x else zero


def cut_out(z, H, W, top, left):
    """x (N, H, W, C), the part of z (N, H_in, W_in, C) that begins at row `top` and column `left`."""
    N, H_in, W_in, C = z.shape
    x = arrays.empty((N, H, W, C), z.dtype)
    _cut_out.over(x.size, z, H_in, W_in, C, H, W, top, left, x)
    return x


@gpu_kernel()
def _cut_out(z, H_in, W_in, C, H, W, top, left, x, n):
    for place in range(cuda.grid(1), n, cuda.gridsize(1)):
        c, pixel = place % C, place // C
        w, h, image = pixel % W + left, pixel // W % H + top, pixel // W // H
        x[place] = z[((image * H_in + h) * W_in + w) * C + c]
