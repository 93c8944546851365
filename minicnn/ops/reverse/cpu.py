"""Reversing the last axis on the CPU: NumPy copies x into a buffer of the workspace."""

from __future__ import annotations

import numpy as np

from ...kernels.cpu import workspace
from ...kernels.cpu.recording import do


def forward(x, need_saved=True):
    return _reversed(x), None


def backward(dy, saved, need_dx=True):
    return _reversed(dy) if need_dx else None


def _reversed(x):
    y = workspace.empty(x.shape, x.dtype)
    do(np.copyto, y, x[..., ::-1])
    return y
