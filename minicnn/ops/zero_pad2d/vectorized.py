"""Zero padding in NumPy: the definition."""

from __future__ import annotations

import numpy as np


def forward(x, padding, need_saved=True):
    top, bottom, left, right = padding
    y = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)))
    return y, ((x.shape, top, left) if need_saved else None)


def backward(dy, saved, need_dx=True):
    if not need_dx:
        return None
    (_, H, W, _), top, left = saved
    return np.ascontiguousarray(dy[:, top : top + H, left : left + W])
