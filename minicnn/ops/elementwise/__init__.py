"""Functions of one number that are no activations: y[i] = f(x[i]), dx[i] = dy[i] * f'(x[i]).

    square      x * x            dx = dy * 2 x              log         log(x)        dx = dy / x
    sqrt        sqrt(x)          dx = dy / (2 y)            log1p       log(1 + x)    dx = dy / (1 + x)
    rsqrt       1 / sqrt(x)      dx = -dy * y^3 / 2         expm1       exp(x) - 1    dx = dy * (y + 1)
    reciprocal  1 / x            dx = -dy * y^2             erf         erf(x)        dx = dy * 2 exp(-x^2) / sqrt(pi)
    absolute    |x|              dx = dy * sign(x)           sin         sin(x)        dx = dy * cos(x)
    arctan      arctan(x)        dx = dy / (1 + x^2)         cos         cos(x)        dx = -dy * sin(x)
    sign, floor, ceil, round, trunc                         these are steps:          dx = 0

exp, tanh and the like are among the activations (`ops/activation`). Every function has the pair
`<name>_forward(x, need_saved) -> y, saved` and `<name>_backward(dy, saved) -> dx`; all arrays have one shape.

Reading order: `vectorized.py` (the definition), `formulas.py` (the same for one number), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant

NAMES = (
    "square", "sqrt", "rsqrt", "reciprocal", "absolute", "log", "log1p", "expm1", "erf", "sin", "cos", "arctan", "sign",
    "floor", "ceil", "round", "trunc",
)  # fmt: skip


def forward(name, x, need_saved=True):
    """y and what `backward` needs, for the function `name`."""
    return getattr(variant(__name__), f"{name}_forward")(x, need_saved)


def backward(name, dy, saved):
    """dx for the upstream gradient dy."""
    return getattr(variant(__name__), f"{name}_backward")(dy, saved)
