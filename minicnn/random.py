"""Random numbers, as `keras.random` draws them: arrays, or within a `call` symbols, which draw new ones in every pass.

`seed` is an integer, which gives the same numbers every time; a SeedGenerator, which gives other numbers every time,
the same ones in every run of the program; or None, which follows `utils.set_random_seed`. The numbers have Keras's
distributions, but are not Keras's numbers.
"""

from __future__ import annotations

import math

import numpy as np

from . import config
from .functions.apply import as_array, draws
from .functions.elementwise import erf, floor
from .functions.operators import minimum
from .layers import Dropout
from .layers.drawing import symbol_of
from .layers.random_source import RandomSource, SeedGenerator
from .registry import missing_name
from .symbol import drawing

__all__ = [
    "SeedGenerator", "beta", "binomial", "categorical", "dropout", "gamma", "normal", "randint", "shuffle",
    "truncated_normal", "uniform",
]  # fmt: skip


def normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normally distributed numbers."""
    if _draws_anew(seed):
        return _normal_symbol(shape, dtype, seed) * stddev + mean
    return _array(_generator(seed).normal(mean, stddev, _sizes(shape)), dtype)


def uniform(shape, minval=0.0, maxval=1.0, dtype=None, seed=None):
    """Numbers from minval to below maxval, all equally likely."""
    if dtype is not None and np.dtype(dtype).kind != "f":
        raise ValueError(f"random.uniform draws floats, random.randint integers; received dtype={dtype!r}.")
    if _draws_anew(seed):  # the share of a normal distribution below its own number is uniform
        share = 0.5 * (1.0 + erf(_normal_symbol(shape, dtype, seed) * math.sqrt(0.5)))
        below = np.nextafter(
            np.asarray(maxval, share.dtype), np.asarray(minval, share.dtype)
        )  # rounding gives maxval too
        return minimum(share * float(maxval - minval) + float(minval), float(below))
    return _array(_generator(seed).uniform(minval, maxval, _sizes(shape)), dtype)


def randint(shape, minval, maxval, dtype="int32", seed=None):
    """Whole numbers from minval to below maxval, all equally likely."""
    if _draws_anew(seed):
        return minimum(floor(uniform(shape, minval, maxval, seed=seed)), float(maxval - 1))
    return _array(_generator(seed).integers(int(minval), int(maxval), _sizes(shape)), dtype)


def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=None, seed=None):
    """Normally distributed numbers, of which those beyond two standard deviations are drawn again."""
    generator = _generator_of_arrays(seed, "truncated_normal")
    numbers = generator.normal(size=_sizes(shape))
    while (far := abs(numbers) > 2).any():
        numbers[far] = generator.normal(size=far.sum())
    return _array(mean + stddev * numbers, dtype)


def dropout(inputs, rate, noise_shape=None, seed=None):
    """Each number becomes 0 with probability `rate`; the others are multiplied by 1 / (1 - rate)."""
    layer = Dropout(rate, noise_shape, None if isinstance(seed, SeedGenerator) else seed)
    if isinstance(seed, SeedGenerator):
        layer.random_stream = int(seed.next_key()) % 2**63
    if draws(inputs):
        return layer(inputs, training=True)
    return layer(np.asarray(inputs), training=True)


def shuffle(x, axis=0, seed=None):
    """The parts of x along an axis in another order."""
    return _array(_generator_of_arrays(seed, "shuffle", x).permutation(np.asarray(x), axis), np.asarray(x).dtype)


def categorical(logits, num_samples, dtype="int32", seed=None):
    """For each row of logits (N, F) so many numbers of classes (N, num_samples), with the logits' probabilities."""
    logits = np.asarray(logits, np.float64)
    if logits.ndim != 2:
        raise ValueError(f"logits must have shape (N, F); received shape {logits.shape}.")
    noise = _generator_of_arrays(seed, "categorical").gumbel(size=(logits.shape[0], num_samples, logits.shape[1]))
    return _array((logits[:, None] + noise).argmax(-1), dtype)


def binomial(shape, counts, probabilities, dtype=None, seed=None):
    """How many of `counts` tries succeed, each with these probabilities."""
    counts = np.asarray(counts).astype(np.int64)
    return _array(_generator_of_arrays(seed, "binomial").binomial(counts, probabilities, _sizes(shape)), dtype)


def beta(shape, alpha, beta, dtype=None, seed=None):
    """Numbers of the beta distribution, between 0 and 1."""
    return _array(_generator_of_arrays(seed, "beta").beta(alpha, beta, _sizes(shape)), dtype)


def gamma(shape, alpha, dtype=None, seed=None):
    """Numbers of the gamma distribution with scale 1."""
    return _array(_generator_of_arrays(seed, "gamma").gamma(alpha, 1.0, _sizes(shape)), dtype)


def _draws_anew(seed):
    """Whether a `call` is drawn in which these numbers change from pass to pass."""
    return drawing() is not None and (seed is None or isinstance(seed, SeedGenerator))


def _normal_symbol(shape, dtype, seed):
    generator = seed if isinstance(seed, SeedGenerator) else SeedGenerator()
    owner = drawing().owner
    dtype = dtype or (config.floatx() if owner is None else owner.dtype)
    return symbol_of(RandomSource(_sizes(shape), generator, dtype))


def _sizes(shape):
    sizes = [shape] if hasattr(shape, "__index__") else list(shape)
    if any(size is None for size in sizes):
        raise ValueError(
            f"Random numbers need every size; received shape {tuple(sizes)}. In call, ops.shape(x)[0] is the number of "
            "rows of x, where x.shape[0] may be None."
        )
    return tuple(int(size) for size in sizes)


def _generator_of_arrays(seed, name, *values):
    if _draws_anew(seed) or draws(*values):
        raise TypeError(f"random.{name} draws arrays, and cannot be used in call, where numbers are symbols.")
    return _generator(seed)


def _generator(seed):
    """NumPy's generator for a seed."""
    if isinstance(seed, SeedGenerator):
        return np.random.default_rng(int(seed.next_key()))
    if seed is None:
        return np.random.default_rng(config.next_seed())
    if not hasattr(seed, "__index__"):
        raise ValueError(f"seed must be an integer, a SeedGenerator or None; received seed={seed!r}.")
    return np.random.default_rng(int(seed))


def _array(numbers, dtype):
    numbers = np.asarray(numbers)
    return as_array(numbers.astype(dtype or config.floatx()), numbers.astype(dtype or config.floatx()))


def __getattr__(name):
    raise missing_name(__name__, name)
