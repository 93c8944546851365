"""One number from many: the middle axis of x (A, R, B) is summed up, or its largest number is found, and so on.

    sum     y[a, b] = sum over r of x[a, r, b]               dx[a, r, b] = dy[a, b]
    mean    y = sum / R                                      dx = dy / R
    prod    y = the product over r                           dx[a, r, b] = dy[a, b] * the product of the others
    max     y = the largest over r                           dx = dy where x is the largest, else 0
    min     y = the smallest over r                          the same
    argmax  y = the first r of the largest number            dx = 0
    argmin  y = the first r of the smallest number           dx = 0

    x  (A, R, B)        y  (A, B)

If several numbers are the largest, they share the gradient equally, as in TensorFlow. Reductions over other axes are
this one too: axes side by side are one axis of a reshaped array, and `ops/moves` moves axes to each other's side.

Every function has the pair `<name>_forward(x, need_saved) -> y, saved` and `<name>_backward(dy, saved) -> dx`.

Reading order: `vectorized.py` (the definition), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant

NAMES = ("sum", "mean", "prod", "max", "min", "argmax", "argmin")


def forward(name, x, need_saved=True):
    """y (A, B) and what `backward` needs, for the reduction `name` of x (A, R, B)."""
    return getattr(variant(__name__), f"{name}_forward")(x, need_saved)


def backward(name, dy, saved):
    """dx (A, R, B) for the upstream gradient dy (A, B)."""
    return getattr(variant(__name__), f"{name}_backward")(dy, saved)
