"""Many numbers added up to one, for the host to look at.

    total = sum over i of x[i] * weights[i]          x, weights (M,)

The result is a number, or one that is still on its way: float(total) waits for it. So a training step on a GPU need
not wait for its loss.

Reading order: `vectorized.py` (the definition), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def forward(x, weights=None):
    """sum of x * weights, or of x alone: a float, or what float() turns into one."""
    return variant(__name__).forward(x, weights)
