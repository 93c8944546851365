"""Global pooling: one number per image and channel.

    average   y[n, c] = mean over h, w of x[n, h, w, c]         x (N, H, W, C)      y (N, C)
    maximum   y[n, c] = max over h, w of x[n, h, w, c]

If several numbers are the largest, they share the gradient of the maximum equally, as in TensorFlow's reduction.

Reading order: `vectorized.py` (the definition), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def average_forward(x, need_saved=True):
    """y (N, C) and what `average_backward` needs."""
    return variant(__name__).average_forward(x, need_saved)


def average_backward(dy, saved, need_dx=True):
    """dx (N, H, W, C) for the upstream gradient dy (N, C), or None unless need_dx."""
    return variant(__name__).average_backward(dy, saved, need_dx)


def maximum_forward(x, need_saved=True):
    """y (N, C) and what `maximum_backward` needs."""
    return variant(__name__).maximum_forward(x, need_saved)


def maximum_backward(dy, saved, need_dx=True):
    """dx (N, H, W, C) for the upstream gradient dy (N, C), or None unless need_dx."""
    return variant(__name__).maximum_backward(dy, saved, need_dx)
