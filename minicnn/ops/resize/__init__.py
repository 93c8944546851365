"""Resize images from x (N, H, W, C) to y (N, OH, OW, C), as tf.image.resize does without antialiasing.

A pixel is a square, and its place is the centre of the square. So row o of y is at place (o + 0.5) H / OH - 0.5 of x.
"bilinear" mixes the pixels before and after this place. "nearest" takes the pixel whose square contains the place. Two
tables, one for rows and one for columns, hold these pixels. They are made once for the whole batch:

    y[n, i, j] = (1 - t) ((1 - s) x[n, i0, j0] + s x[n, i0, j1]) + t ((1 - s) x[n, i1, j0] + s x[n, i1, j1])

    i0, i1, t of table row i      j0, j1, s of table column j

Reading order: `vectorized.py` (the definition), `tables.py` (the tables), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant

INTERPOLATIONS = ("nearest", "bilinear")


def forward(x, size, interpolation="bilinear", need_saved=True):
    """y and what `backward` needs. size (OH, OW)."""
    return variant(__name__).forward(x, size, interpolation, need_saved)


def backward(dy, saved, need_dx=True):
    """dx for the upstream gradient dy, or None unless need_dx."""
    return variant(__name__).backward(dy, saved, need_dx)
