"""Several arrays into one.

    add          y = x_1 + x_2 + ...                  dx_i = dy
    average      y = (x_1 + ... + x_n) / n            dx_i = dy / n
    multiply     y = x_1 * x_2 * ...                  dx_i = dy * the product of the others
    subtract     y = x_1 - x_2                        dx_1 = dy, dx_2 = -dy
    divide       y = x_1 / x_2                        dx_1 = dy / x_2, dx_2 = -dy * y / x_2
    maximum      y = the largest of x_1, x_2, ...     dx_i = dy where x_i is the first that equals y, else 0
    minimum      y = the smallest of x_1, x_2, ...    the same
    power        y = x_1 ^ x_2                        dx_1 = dy * x_2 * x_1^(x_2 - 1), dx_2 = dy * y * log(x_1)
    keep_where   y = x_1 where x_2 is not 0, else 0   dx_1 the same of dy
    greater, greater_equal, less, less_equal, equal, not_equal          y = 1 or 0, no gradient
    concatenate  the x_i side by side along `axis`    dx_i = the part of dy where y is x_i

All but concatenate broadcast axes of size 1, as NumPy does. The gradient of a broadcast input is summed over these
axes. A gradient may be dy itself or a view of dy, because no function writes into a gradient that another one made.

Every operation has `<name>_forward(xs, need_saved) -> y, saved` for a list of arrays, and `<name>_backward(dy, saved)`,
which returns the list of the inputs' gradients.

Reading order: `vectorized.py` (the definition), `formulas.py` (the same for two numbers), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant

COMPARISONS = ("greater", "greater_equal", "less", "less_equal", "equal", "not_equal")
NAMES = (
    "add", "average", "multiply", "subtract", "divide", "maximum", "minimum", "power", "keep_where", *COMPARISONS,
)  # fmt: skip
"""The operations that work number by number. From "power" on, and subtract and divide, they take two inputs."""


def forward(name, xs, need_saved=True):
    """y and what `backward` needs, for the operation `name`."""
    return getattr(variant(__name__), f"{name}_forward")(xs, need_saved)


def backward(name, dy, saved):
    """The list of the inputs' gradients. A gradient that is zero everywhere may be None."""
    return getattr(variant(__name__), f"{name}_backward")(dy, saved)


def concatenate_forward(xs, axis=-1, need_saved=True):
    """y and what `concatenate_backward` needs, for a list of arrays whose shapes differ only along `axis`."""
    return variant(__name__).concatenate_forward(xs, axis, need_saved)


def concatenate_backward(dy, saved):
    """The list of the inputs' gradients."""
    return variant(__name__).concatenate_backward(dy, saved)
