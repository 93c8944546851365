"""Noise for training: n_i are normally distributed random numbers, kept_i is 1 with probability 1 - rate, else 0.

    added        y = x + stddev * n_i                                     dx = dy
    multiplied   y = x * (1 + stddev * n_i)                               dx = dy * (1 + stddev * n_i)
    alpha        y = a * (x or, where dropped, low) + b                   dx = dy * a * kept_i
                 low = -1.7581, a = 1 / sqrt((1 - rate) (1 + rate low^2)), b = -a low rate

Alpha dropout replaces dropped numbers by `low`, the limit of selu for x to minus infinity. Inputs with mean 0 and
variance 1 keep this mean and variance. The random bits are hashes of (key, i), see `kernels/random.py`, so backward
draws them again. `formulas.py` turns them into normally distributed numbers.

Sources: Gaussian dropout, Srivastava et al. 2014; alpha dropout, Klambauer et al. 2017.

Reading order: `vectorized.py` (the definition), `formulas.py` (normal numbers from random bits), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def added_forward(x, stddev, key, need_saved=True):
    """y and None: `added_backward` needs nothing saved. key: as in `ops.dropout`."""
    return variant(__name__).added_forward(x, stddev, key, need_saved)


def added_backward(dy, saved, need_dx=True):
    """dx for the upstream gradient dy, or None unless need_dx."""
    return variant(__name__).added_backward(dy, saved, need_dx)


def multiplied_forward(x, stddev, key, need_saved=True):
    """y and what `multiplied_backward` needs."""
    return variant(__name__).multiplied_forward(x, stddev, key, need_saved)


def multiplied_backward(dy, saved, need_dx=True):
    """dx for the upstream gradient dy, or None unless need_dx."""
    return variant(__name__).multiplied_backward(dy, saved, need_dx)


def alpha_forward(x, rate, key, noise_shape=None, need_saved=True):
    """y and what `alpha_backward` needs. noise_shape: as in `ops.dropout`."""
    return variant(__name__).alpha_forward(x, rate, key, noise_shape, need_saved)


def alpha_backward(dy, saved, need_dx=True):
    """dx for the upstream gradient dy, or None unless need_dx."""
    return variant(__name__).alpha_backward(dy, saved, need_dx)
