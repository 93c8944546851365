"""Several arrays into one.

    add          y = x_1 + x_2 + ...                  dx_i = dy
    average      y = (x_1 + ... + x_n) / n            dx_i = dy / n
    multiply     y = x_1 * x_2 * ...                  dx_i = dy * the product of the others
    subtract     y = x_1 - x_2                        dx_1 = dy, dx_2 = -dy
    divide       y = x_1 / x_2                        dx_1 = dy / x_2, dx_2 = -dy * y / x_2
    maximum      y = the largest of x_1, x_2, ...     dx_i = dy where x_i is it, the first of equal ones, else 0
    minimum      y = the smallest                     likewise
    concatenate  the x_i side by side along `axis`    dx_i = the part of dy that came from x_i

All but the last broadcast axes of size 1 as NumPy does; such an input's gradient is summed over them.
A gradient may be dy itself or a view of it: nobody writes into gradients that somebody else made.

Every operation has `<name>_forward(xs, need_saved) -> y, saved` for a list of arrays, and `<name>_backward(dy, saved)`,
which gives the list of the inputs' gradients.

Reading order: `vectorized.py` (the definition), `formulas.py` (the same for two numbers), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant

NAMES = ("add", "average", "multiply", "subtract", "divide", "maximum", "minimum")
"""The operations number by number."""


def forward(name, xs, need_saved=True):
    """y and what `backward` needs, for the operation of that name."""
    return getattr(variant(__name__), f"{name}_forward")(xs, need_saved)


def backward(name, dy, saved):
    """The list of the inputs' gradients."""
    return getattr(variant(__name__), f"{name}_backward")(dy, saved)


def concatenate_forward(xs, axis=-1, need_saved=True):
    """y and what `concatenate_backward` needs, for a list of arrays alike but for their size along `axis`."""
    return variant(__name__).concatenate_forward(xs, axis, need_saved)


def concatenate_backward(dy, saved):
    """The list of the inputs' gradients."""
    return variant(__name__).concatenate_backward(dy, saved)
