"""Reversing the last axis in NumPy: the definition."""

from __future__ import annotations

import numpy as np


def forward(x, need_saved=True):
    return np.ascontiguousarray(x[..., ::-1]), None


def backward(dy, saved, need_dx=True):
    return np.ascontiguousarray(dy[..., ::-1]) if need_dx else None
