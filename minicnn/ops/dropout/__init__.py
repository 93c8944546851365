"""Dropout: in training each number becomes zero with probability `rate`; the others are divided by 1 - rate.

    y = x * kept / (1 - rate)         kept = 1 where a random number in [0, 1) is at least `rate`, else 0

`noise_shape` has x's rank, but size 1 on some axes. Numbers along these axes are dropped together: (N, 1, 1, C) drops
whole channels. The random number of element i is a hash of (key, i), see `kernels/random.py`. So the mask need not be
saved: backward draws it again. The mask is the same in every variant and for any number of threads.

Source: Srivastava et al., "Dropout", 2014.

Reading order: `vectorized.py` (the definition), `cpu.py`, `gpu.py`.
"""

from ...dispatch import variant


def forward(x, rate, key, noise_shape=None, need_saved=True):
    """y and what `backward` needs.

    key: the key of a stream of `kernels.random`, or what `runtime.transfer.number` returns for it. With
    noise_shape=None every number is dropped or kept separately.
    """
    return variant(__name__).forward(x, rate, key, noise_shape, need_saved)


def backward(dy, saved, need_dx=True):
    """dx for the upstream gradient dy, or None unless need_dx."""
    return variant(__name__).backward(dy, saved, need_dx)
