"""The sum on the GPU, in float64 and always in the same order (`kernels/gpu/reductions.py`)."""

from __future__ import annotations

from ...kernels.gpu.reductions import weighted_sum


def forward(x, weights=None):
    return weighted_sum(x, weights, x.size)
