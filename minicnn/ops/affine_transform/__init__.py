"""Rotate, shift, scale, mirror or crop images: each pixel of y is looked up at a place in x.

    y[n, h, w, c] = x[n, b0 w + b1 h + b2, a0 w + a1 h + a2, c]

    x (N, H, W, C)      transforms (N, 6): a0 a1 a2 b0 b1 b2 of each image      y (N, OH, OW, C)

Several such steps can be combined into one transform. So each image is read, and blurred by interpolation, only once.
At a place between pixels, "bilinear" mixes the four pixels around it and "nearest" takes the nearest one. Outside the
image:

    fill_mode          the row a b c d is continued as
    "constant"         k k k k | a b c d | k k k k      k = fill_value; half a pixel outside is half k
    "nearest"          a a a a | a b c d | d d d d
    "reflect"          d c b a | a b c d | d c b a
    "wrap"             a b c d | a b c d | a b c d      roughly: TensorFlow counts the periods with one pixel less
    "cut"              k k k k | a b c d | k k k k      every place outside the centres of the outermost pixels is k
    "wrap_between"     d b c | a b c d | b c a          d and the next period's a are at the same place

The first four modes are those of Keras's layers and TensorFlow's ImageProjectiveTransformV3. The last two are the modes
that scipy.ndimage.affine_transform and Keras's ImageDataGenerator call "constant" and "wrap".

Backward adds each dy to the pixels that y was mixed from, with the same weights. Transforms get no gradient.

Reading order: `vectorized.py` (the definition), `formulas.py` (places outside an image), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant

FILL_MODES = ("constant", "nearest", "reflect", "wrap", "cut", "wrap_between")
INTERPOLATIONS = ("nearest", "bilinear")


def forward(x, transforms, size, fill_mode="reflect", fill_value=0.0, interpolation="bilinear", need_saved=True):
    """y and what `backward` needs. size (OH, OW). Places are computed in the type of `transforms`."""
    return variant(__name__).forward(x, transforms, size, fill_mode, fill_value, interpolation, need_saved)


def backward(dy, saved, need_dx=True):
    """dx for the upstream gradient dy, or None unless need_dx."""
    return variant(__name__).backward(dy, saved, need_dx)
