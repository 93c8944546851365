"""Several arrays into one.

    add          y = x_1 + x_2 + ...              dx_i = dy
    multiply     y = x_1 * x_2 * ...              dx_i = dy * the product of the others
    concatenate  the x_i side by side along `axis`     dx_i = the part of dy that came from x_i

`add` and `multiply` broadcast axes of size 1 as NumPy does; such an input's gradient is summed over them.
A gradient may be dy itself or a view of it: nobody writes into gradients that somebody else made.
"""

from ...backend import variant


def add_forward(xs, need_saved=True):
    """y and what `add_backward` needs, for a list of arrays."""
    return variant(__name__).add_forward(xs, need_saved)


def add_backward(dy, saved):
    """The list of the inputs' gradients."""
    return variant(__name__).add_backward(dy, saved)


def multiply_forward(xs, need_saved=True):
    """y and what `multiply_backward` needs, for a list of arrays."""
    return variant(__name__).multiply_forward(xs, need_saved)


def multiply_backward(dy, saved):
    """The list of the inputs' gradients."""
    return variant(__name__).multiply_backward(dy, saved)


def concatenate_forward(xs, axis=-1, need_saved=True):
    """y and what `concatenate_backward` needs, for a list of arrays alike but for their size along `axis`."""
    return variant(__name__).concatenate_forward(xs, axis, need_saved)


def concatenate_backward(dy, saved):
    """The list of the inputs' gradients."""
    return variant(__name__).concatenate_backward(dy, saved)
