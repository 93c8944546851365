"""Constraints in NumPy: the definitions."""

from __future__ import annotations

import numpy as np


def non_negative(w):
    w *= w >= 0


def limit_norm(w, axes, least, most, rate=1.0, epsilon=1e-7):
    norm = np.sqrt(np.square(w).sum(axis=axes, keepdims=True))
    wanted = rate * np.clip(norm, least, most) + (1 - rate) * norm
    w *= wanted / (w.dtype.type(epsilon) + norm)
