"""The sum in NumPy: a batch's losses are too few for threads."""

from __future__ import annotations

from ...kernels.cpu.recording import reading
from . import vectorized


def forward(x, weights=None):
    return reading(lambda: vectorized.forward(x, weights))
