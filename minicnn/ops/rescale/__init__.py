"""Rescaling, with one scale and one offset per channel (the last axis).

    y = x * scale + offset          dx = dy * scale

Reading order: `vectorized.py` (the definition), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def forward(x, scale, offset, need_saved=True):
    """y and what `backward` needs. scale, offset (C,), of x's type."""
    return variant(__name__).forward(x, scale, offset, need_saved)


def backward(dy, saved, need_dx=True):
    """dx = dy * scale, or None unless need_dx."""
    return variant(__name__).backward(dy, saved, need_dx)
