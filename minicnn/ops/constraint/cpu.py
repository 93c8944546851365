"""Constraints on the CPU, in NumPy: weights are few compared to the numbers in images, so NumPy is fast enough."""

from __future__ import annotations

from ...kernels.cpu.recording import do
from . import vectorized


def non_negative(w):
    do(vectorized.non_negative, w)


def limit_norm(w, axes, least, most, rate=1.0, epsilon=1e-7):
    do(vectorized.limit_norm, w, axes, least, most, rate, epsilon)
