"""Resizing in NumPy: the definition."""

from __future__ import annotations

import numpy as np

from .tables import table


def forward(x, size, interpolation="bilinear", need_saved=True):
    rows, columns = (table(x.shape[i + 1], size[i], interpolation) for i in (0, 1))
    (i0, i1, t), (j0, j1, s) = rows, columns
    if interpolation == "nearest":  # a copy: 0 times an infinite neighbour would be NaN
        return x[:, i0][:, :, j0], ((x.shape, rows, columns, interpolation) if need_saved else None)
    t, s = t.astype(x.dtype)[:, None, None], s.astype(x.dtype)[:, None]
    upper = x[:, i0][:, :, j0] * (1 - s) + x[:, i0][:, :, j1] * s
    lower = x[:, i1][:, :, j0] * (1 - s) + x[:, i1][:, :, j1] * s
    return upper * (1 - t) + lower * t, ((x.shape, rows, columns, interpolation) if need_saved else None)


def backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    shape, (i0, i1, t), (j0, j1, s), interpolation = saved
    dx = np.zeros(shape, dy.dtype)
    if interpolation == "nearest":
        np.add.at(dx, (slice(None), i0[:, None], j0[None]), dy)
        return dx
    for i, vertical in ((i0, 1 - t), (i1, t)):
        for j, horizontal in ((j0, 1 - s), (j1, s)):
            weights = np.multiply.outer(vertical.astype(dy.dtype), horizontal.astype(dy.dtype))
            np.add.at(dx, (slice(None), i[:, None], j[None]), dy * weights[..., None])
    return dx
