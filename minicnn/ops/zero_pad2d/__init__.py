"""Zero padding of images: rows and columns of zeros around x (N, H, W, C).

    y[n, h + top, w + left, c] = x[n, h, w, c], and zero elsewhere          dx: the middle of dy

y (N, top + H + bottom, left + W + right, C)      padding = (top, bottom, left, right)

Reading order: `vectorized.py` (the definition), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def forward(x, padding, need_saved=True):
    """y and what `backward` needs."""
    return variant(__name__).forward(x, padding, need_saved)


def backward(dy, saved, need_dx=True):
    """dx, the middle of the upstream gradient dy, or None unless need_dx."""
    return variant(__name__).backward(dy, saved, need_dx)
