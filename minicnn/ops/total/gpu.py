"""The sum on the GPU, in float64 and always in the same order (`kernels/gpu_sums.py`)."""

from __future__ import annotations

from ...kernels.gpu_sums import weighted_sum


def forward(x, weights=None):
    return weighted_sum(x, weights, x.size)
