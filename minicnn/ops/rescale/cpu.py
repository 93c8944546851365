"""Rescaling in Numba: one pass."""

from __future__ import annotations

import numpy as np
from numba import prange

from ...kernels.cpu import workspace
from ...kernels.cpu.compile import kernel


def forward(x, scale, offset, need_saved=True):
    return _rescaled(x, scale, offset), (scale if need_saved else None)


def backward(dy, saved, need_dx=True):
    return _rescaled(dy, saved, np.zeros_like(saved)) if need_dx else None


def _rescaled(x, scale, offset):
    C = x.shape[-1]
    y = workspace.empty(x.shape, x.dtype)
    _rescale.for_work(x.size)(x.reshape(-1, C), scale, offset, y.reshape(-1, C))
    return y


@kernel(parallel=True)
def _rescale(x, scale, offset, y):
    """y = x * scale + offset, for x and y (pixels, C), scale and offset (C,)."""
    for i in prange(x.shape[0]):
        for c in range(x.shape[1]):
            y[i, c] = x[i, c] * scale[c] + offset[c]
