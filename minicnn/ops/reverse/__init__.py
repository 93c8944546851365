"""The last axis the other way round: y[..., c] = x[..., C - 1 - c], as images go from RGB to BGR.

Its gradient is the same: dx[..., c] = dy[..., C - 1 - c].

Reading order: `vectorized.py` (the definition), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def forward(x, need_saved=True):
    """y, and nothing that `backward` needs."""
    return variant(__name__).forward(x, need_saved)


def backward(dy, saved, need_dx=True):
    """dx for the upstream gradient dy, or None unless need_dx."""
    return variant(__name__).backward(dy, saved, need_dx)
