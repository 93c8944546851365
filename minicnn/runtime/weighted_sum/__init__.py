"""Add up many numbers to one, for the host to read.

    total = sum over i of x[i] * weights[i]          x, weights (M,)

The result is a number, or an object for a number that is still on its way; float(total) waits for it. So a training
step on a GPU does not have to wait for its loss.

Reading order: `vectorized.py` (the definition), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def forward(x, weights=None):
    """The sum of x * weights, or of x alone: a float, or an object that float() turns into one."""
    return variant(__name__).forward(x, weights)
