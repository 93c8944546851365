"""Constraints on the CPU: weights are few, beside the images that pass them, and NumPy's passes over them are quick."""

from __future__ import annotations

from ...kernels.cpu.recording import do
from . import vectorized


def non_negative(w):
    do(vectorized.non_negative, w)


def limit_norm(w, axes, least, most, rate=1.0, epsilon=1e-7):
    do(vectorized.limit_norm, w, axes, least, most, rate, epsilon)
