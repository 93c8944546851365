"""Images laid out on a larger canvas of zeros: padding, and the dilation that undoes a stride."""

from __future__ import annotations

from numba import prange

from . import workspace
from .compile import kernel


def pad_and_dilate(x, H_out, W_out, top, left, SH, SW):
    """z (N, H_out, W_out, C), zero except z[n, top + h*SH, left + w*SW] = x[n, h, w]."""
    N, _, _, C = x.shape
    z = workspace.empty((N, H_out, W_out, C), x.dtype)
    _pad_and_dilate(x, top, left, SH, SW, z)
    return z


@kernel(parallel=True)
def _pad_and_dilate(x, top, left, SH, SW, z):
    _, H, W, C = x.shape
    N, H_out, W_out, _ = z.shape
    for row in prange(N * H_out):
        n, canvas_row = row // H_out, row % H_out
        h = (canvas_row - top) // SH
        if canvas_row < top or (canvas_row - top) % SH or h >= H:
            z[n, canvas_row] = 0
        else:
            z[n, canvas_row, :left] = 0
            if SW == 1:
                for i in range(W):
                    for c in range(C):
                        z[n, canvas_row, left + i, c] = x[n, h, i, c]
            else:
                z[n, canvas_row, left : left + (W - 1) * SW + 1] = 0
                for i in range(W):
                    for c in range(C):
                        z[n, canvas_row, left + i * SW, c] = x[n, h, i, c]
            z[n, canvas_row, left + (W - 1) * SW + 1 :] = 0
