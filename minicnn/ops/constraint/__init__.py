"""Constraints: limits of the weights, applied in place after every step.

    non_negative   w = w where w >= 0, else 0
    limit_norm     w = w * wanted / (epsilon + norm)
                   norm = sqrt(sum of w^2 over `axes`)
                   wanted = rate * clip(norm, least, most) + (1 - rate) * norm

The formulas are Keras's. Source of the limited norm: Srivastava et al., "Dropout", 2014.

Reading order: `vectorized.py` (the definition), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def non_negative(w):
    variant(__name__).non_negative(w)


def limit_norm(w, axes, least, most, rate=1.0, epsilon=1e-7):
    """Limit the norms of w in place. axes: the axes to sum over, each from 0 to w.ndim - 1."""
    variant(__name__).limit_norm(w, axes, least, most, rate, epsilon)
