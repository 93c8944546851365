"""The sum in NumPy: the definition."""

from __future__ import annotations

import numpy as np


def forward(x, weights=None):
    return float(x.sum(dtype=np.float64) if weights is None else x @ weights)
