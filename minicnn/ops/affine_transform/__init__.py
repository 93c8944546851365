"""Images turned, shifted, scaled, mirrored or cut out: every pixel of y looks up where in x it comes from.

    y[n, h, w, c] = x[n, b0 w + b1 h + b2, a0 w + a1 h + a2, c]

    x (N, H, W, C)      transforms (N, 6): a0 a1 a2 b0 b1 b2 of each image      y (N, OH, OW, C)

Any chain of such steps is one such step, so a picture is read and blurred once, whatever is done to it. A place between
pixels is the mix of its four neighbours ("bilinear") or the one nearest to it ("nearest"). What lies outside:

    fill_mode          a b c d is continued as
    "constant"         k k k k | a b c d | k k k k      k = fill_value; half a pixel outside is half k
    "nearest"          a a a a | a b c d | d d d d
    "reflect"          d c b a | a b c d | d c b a
    "wrap"             a b c d | a b c d | a b c d      roughly: TensorFlow's rule, with its period of one pixel less
    "cut"              k k k k | a b c d | k k k k      all that is outside the outermost pixels' centres is k
    "wrap_between"     b c d | a b c d | b c d          the last pixel is the first one of the next turn

The first four are Keras's layers' and TensorFlow's ImageProjectiveTransformV3's, the last two are what
scipy.ndimage.affine_transform calls "constant" and "wrap", and with it Keras's ImageDataGenerator.

Backward hands every dy back to the pixels that it was mixed from, with the same weights; transforms get no gradient.

Reading order: `vectorized.py` (the definition), `formulas.py` (places outside an image), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant

FILL_MODES = ("constant", "nearest", "reflect", "wrap", "cut", "wrap_between")
INTERPOLATIONS = ("nearest", "bilinear")


def forward(x, transforms, size, fill_mode="reflect", fill_value=0.0, interpolation="bilinear", need_saved=True):
    """y and what `backward` needs. size (OH, OW); places are computed in the transforms' type."""
    return variant(__name__).forward(x, transforms, size, fill_mode, fill_value, interpolation, need_saved)


def backward(dy, saved, need_dx=True):
    """dx for the upstream gradient dy, or None unless need_dx."""
    return variant(__name__).backward(dy, saved, need_dx)
