"""Contrast and brightness of images x (N, H, W, C): f_n and d_n are one number for each image.

    contrast      y = clip(f_n x + (1 - f_n) m_nc)      m_nc the mean of channel c of image n
    brightness    y = clip(x + d_n)

clip limits numbers to the range from low to high. A clipped number gets no gradient. With g = dy where y was not
clipped, else 0:

    contrast      dx = f_n g + (1 - f_n) mean of g over the pixels of channel c
    brightness    dx = g

Reading order: `vectorized.py` (the definition), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def contrast_forward(x, factors, low, high, need_saved=True):
    """y and what `contrast_backward` needs. factors (N,), of x's type."""
    return variant(__name__).contrast_forward(x, factors, low, high, need_saved)


def contrast_backward(dy, saved, need_dx=True):
    """dx for the upstream gradient dy, or None unless need_dx."""
    return variant(__name__).contrast_backward(dy, saved, need_dx)


def brightness_forward(x, deltas, low, high, need_saved=True):
    """y and what `brightness_backward` needs. deltas (N,), of x's type."""
    return variant(__name__).brightness_forward(x, deltas, low, high, need_saved)


def brightness_backward(dy, saved, need_dx=True):
    """dx for the upstream gradient dy, or None unless need_dx."""
    return variant(__name__).brightness_backward(dy, saved, need_dx)
