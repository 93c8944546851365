"""Reverse the last axis: y[..., c] = x[..., C - 1 - c]. This turns RGB images into BGR images.

The gradient is reversed in the same way: dx[..., c] = dy[..., C - 1 - c].

Reading order: `vectorized.py` (the definition), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def forward(x, need_saved=True):
    """y and None: `backward` needs nothing saved."""
    return variant(__name__).forward(x, need_saved)


def backward(dy, saved, need_dx=True):
    """dx for the upstream gradient dy, or None unless need_dx."""
    return variant(__name__).backward(dy, saved, need_dx)
