"""Counter-based random numbers: number i of stream `key` is a hash of (key, i).

No state is kept from one number to the next. So any thread can draw any number, in any order, with the same result.
NumPy and Numba run the same lines. The hash is SplitMix64 (Steele, Lea and Flood, "Fast splittable pseudorandom number
generators", OOPSLA 2014): a counter that grows in steps of the golden ratio, then a bit mixer.
"""

from __future__ import annotations

import numpy as np

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_30, _27, _31, _32 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(32)


def random_bits(key, index):
    """The 32 random bits at `index` (uint64, scalar or array) of stream `key` (uint64), as uint64 below 2**32."""
    z = key + index * _GOLDEN
    z = (z ^ (z >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    return (z ^ (z >> _31)) >> _32


def stream_key(seed: int, counter: int) -> np.uint64:
    """The key of the `counter`-th stream of a seed: streams of neighbouring counters are unrelated."""
    key = np.array([(seed + counter * int(_MIX_2)) % 2**64], np.uint64)
    high, low = random_bits(key, np.arange(2, dtype=np.uint64))
    return high << _32 | low


def threshold(rate: float) -> np.uint64:
    """The number that `random_bits` is below with probability `rate`."""
    return np.uint64(round(rate * 2**32))
