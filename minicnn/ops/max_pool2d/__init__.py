"""Max pooling: each channel's largest number in every window.

    y[n, oh, ow, c] = max over kh, kw inside the image of x[n, oh*SH + kh - PT, ow*SW + kw - PL, c]

    x (N, H, W, C)      y (N, OH, OW, C)

Padding never wins: cells outside the image are left out, not counted as zeros. The gradient goes to the first
largest number of the window in reading order, which is TensorFlow's rule for ties. A window with NaN gives NaN.

Reading order: `loops.py` (the definition), `vectorized.py`, `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def forward(x, pool_size=(2, 2), strides=(2, 2), padding="valid", need_saved=True):
    """y and what `backward` needs. ValueError if the window does not fit the image."""
    return variant(__name__).forward(x, pool_size, strides, padding, need_saved)


def backward(dy, saved, need_dx=True):
    """dx for the upstream gradient dy, or None unless need_dx."""
    return variant(__name__).backward(dy, saved, need_dx)
