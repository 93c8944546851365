"""Initializers, which make the first values of weights. Names, scales and truncation are those of Keras.

An initializer with a seed gives the same numbers at every call. Without a seed it draws from the library's stream of
random numbers, which `set_random_seed` restarts.
"""

from __future__ import annotations

import math
import threading
from contextlib import contextmanager

import numpy as np

from . import config
from .registry import Configurable, Registry, missing_name
from .registry import serialize as registry_serialize

registry = Registry("initializer")
_TRUNCATED_STD = 0.87962566103423978  # the standard deviation of a standard normal distribution cut off at -2 and 2


class Initializer(Configurable):
    """Base class: a callable that makes an array of a given shape and type."""

    def __call__(self, shape, dtype=None) -> np.ndarray:
        """An array of `shape` (ints) and `dtype` ("float32" or "float64"; by default `config.floatx()`)."""
        raise NotImplementedError(f"{type(self).__name__} does not define __call__.")


class _Random(Initializer):
    """An initializer that draws random numbers; subclasses define `draw`."""

    seed: int | None = None

    def __call__(self, shape, dtype=None):
        generator = np.random.default_rng(config.next_seed() if self.seed is None else self.seed)
        return self.draw(generator, tuple(shape)).astype(dtype or config.floatx())

    def draw(self, generator: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        raise NotImplementedError(f"{type(self).__name__} does not define draw.")


@registry.add("zeros")
class Zeros(Initializer):
    """All zeros."""

    def __call__(self, shape, dtype=None):
        return np.zeros(shape, dtype or config.floatx())


@registry.add("ones")
class Ones(Initializer):
    """All ones."""

    def __call__(self, shape, dtype=None):
        return np.ones(shape, dtype or config.floatx())


@registry.add("constant")
class Constant(Initializer):
    """The same value everywhere."""

    def __init__(self, value=0.0):
        self.value = value

    def __call__(self, shape, dtype=None):
        return np.full(shape, self.value, dtype or config.floatx())


@registry.add("random_normal", "normal")
class RandomNormal(_Random):
    """Random numbers from a normal distribution."""

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def draw(self, generator, shape):
        return generator.normal(self.mean, self.stddev, shape)


@registry.add("random_uniform", "uniform")
class RandomUniform(_Random):
    """Random numbers from the uniform distribution on [minval, maxval)."""

    def __init__(self, minval=-0.05, maxval=0.05, seed=None):
        self.minval, self.maxval, self.seed = minval, maxval, seed

    def draw(self, generator, shape):
        return generator.uniform(self.minval, self.maxval, shape)


@registry.add("truncated_normal")
class TruncatedNormal(_Random):
    """Normal random numbers; those more than two standard deviations from the mean are drawn again."""

    def __init__(self, mean=0.0, stddev=0.05, seed=None):
        self.mean, self.stddev, self.seed = mean, stddev, seed

    def draw(self, generator, shape):
        return self.mean + self.stddev * _truncated_normal(generator, shape)


def _truncated_normal(generator, shape):
    numbers = generator.standard_normal(shape)
    far = np.abs(numbers) > 2
    while far.any():
        numbers[far] = generator.standard_normal(np.count_nonzero(far))
        far = np.abs(numbers) > 2
    return numbers


@registry.add("variance_scaling")
class VarianceScaling(_Random):
    """Random numbers of variance scale / fan. fan: inputs ("fan_in"), outputs ("fan_out") or their mean ("fan_avg").

    A kernel (KH, KW, C, F) has KH*KW*C inputs and KH*KW*F outputs. Sources: Glorot and Bengio 2010 (fan_avg,
    scale 1); He et al. 2015 (fan_in, scale 2); LeCun et al. 1998 (fan_in, scale 1).
    """

    def __init__(self, scale=1.0, mode="fan_in", distribution="truncated_normal", seed=None):
        if not scale > 0:
            raise ValueError(f"scale must be positive; received scale={scale!r}.")
        if mode not in ("fan_in", "fan_out", "fan_avg"):
            raise ValueError(f'mode must be "fan_in", "fan_out" or "fan_avg"; received mode={mode!r}.')
        distribution = "truncated_normal" if distribution == "normal" else distribution
        if distribution not in ("truncated_normal", "untruncated_normal", "uniform"):
            raise ValueError(
                'distribution must be "truncated_normal", "untruncated_normal" or "uniform"; '
                f"received distribution={distribution!r}."
            )
        self.scale, self.mode, self.distribution, self.seed = scale, mode, distribution, seed

    def draw(self, generator, shape):
        fan_in, fan_out = _fans(shape)
        fan = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2}[self.mode]
        variance = self.scale / max(1.0, fan)
        if self.distribution == "truncated_normal":
            return math.sqrt(variance) / _TRUNCATED_STD * _truncated_normal(generator, shape)
        if self.distribution == "untruncated_normal":
            return generator.normal(0.0, math.sqrt(variance), shape)
        limit = math.sqrt(3 * variance)
        return generator.uniform(-limit, limit, shape)


def _fans(shape):
    """How many numbers feed one output, and how many outputs one number feeds."""
    if len(shape) < 2:
        size = shape[0] if shape else 1
        return size, size
    taps = math.prod(shape[:-2])
    return taps * shape[-2], taps * shape[-1]


def _scaled(class_name, names, scale, mode, distribution, sentence):
    """A named special case of VarianceScaling whose only argument is the seed."""

    def start(self, seed=None):
        VarianceScaling.__init__(self, scale, mode, distribution, seed)

    members = {"__init__": start, "__doc__": sentence, "__module__": __name__}
    return registry.add(*names)(type(class_name, (VarianceScaling,), members))


GlorotUniform = _scaled(
    "GlorotUniform", ["glorot_uniform"], 1.0, "fan_avg", "uniform", "Uniform, variance 2 / (fan_in + fan_out)."
)
GlorotNormal = _scaled(
    "GlorotNormal", ["glorot_normal"], 1.0, "fan_avg", "truncated_normal", "Normal, variance 2 / (fan_in + fan_out)."
)
HeUniform = _scaled("HeUniform", ["he_uniform"], 2.0, "fan_in", "uniform", "Uniform, variance 2 / fan_in.")
HeNormal = _scaled("HeNormal", ["he_normal"], 2.0, "fan_in", "truncated_normal", "Normal, variance 2 / fan_in.")
LecunUniform = _scaled("LecunUniform", ["lecun_uniform"], 1.0, "fan_in", "uniform", "Uniform, variance 1 / fan_in.")
LecunNormal = _scaled(
    "LecunNormal", ["lecun_normal"], 1.0, "fan_in", "truncated_normal", "Normal, variance 1 / fan_in."
)


class Given(Initializer):
    """An array as the first value. ValueError for another shape."""

    def __init__(self, value):
        self.value = np.asarray(value)

    def __call__(self, shape, dtype=None):
        if self.value.shape != tuple(shape):
            raise ValueError(f"The array given as initializer has shape {self.value.shape}; needed is {tuple(shape)}.")
        return self.value.astype(dtype or config.floatx())


@registry.add("orthogonal", "OrthogonalInitializer")
class Orthogonal(_Random):
    """A random matrix with orthonormal rows or columns, times gain. All axes except the last form its rows."""

    def __init__(self, gain=1.0, seed=None):
        self.gain, self.seed = gain, seed

    def draw(self, generator, shape):
        if len(shape) < 2:
            raise ValueError(f"An orthogonal matrix needs at least two axes; received shape={shape}.")
        rows, columns = math.prod(shape[:-1]), shape[-1]
        q, r = np.linalg.qr(generator.standard_normal((max(rows, columns), min(rows, columns))))
        q = q * np.sign(np.diag(r))
        return self.gain * (q if rows >= columns else q.T).reshape(shape)


@registry.add("identity", "IdentityInitializer")
class Identity(Initializer):
    """The identity matrix times gain."""

    def __init__(self, gain=1.0):
        self.gain = gain

    def __call__(self, shape, dtype=None):
        if len(shape) != 2:
            raise ValueError(f"An identity matrix has two axes; received shape={tuple(shape)}.")
        return self.gain * np.eye(*shape, dtype=dtype or config.floatx())


zeros, ones, constant, identity, orthogonal = Zeros, Ones, Constant, Identity, Orthogonal
random_normal, random_uniform, truncated_normal = RandomNormal, RandomUniform, TruncatedNormal
variance_scaling = VarianceScaling
glorot_normal, glorot_uniform = GlorotNormal, GlorotUniform
he_normal, he_uniform = HeNormal, HeUniform
lecun_normal, lecun_uniform = LecunNormal, LecunUniform
IdentityInitializer, OrthogonalInitializer = Identity, Orthogonal


class _ThisThread(threading.local):
    left_out = False


_here = _ThisThread()


@contextmanager
def left_out():
    """Within this block new weights are zeros, whatever their initializers: a file brings their numbers. NumPy gets
    memory for zeros only when it is written, so weights that the file does not have cost nothing."""
    before, _here.left_out = _here.left_out, True
    try:
        yield
    finally:
        _here.left_out = before


def for_weight(identifier):
    """The initializer of a new weight; within `left_out` that of zeros."""
    made = get(identifier)
    return Zeros() if _here.left_out else made


def get(identifier):
    """An initializer from its name, its configuration, its class, itself, or an array that is the first value."""
    if isinstance(identifier, (np.ndarray, list)):
        return Given(identifier)
    return registry.get(identifier)


def serialize(initializer) -> dict:
    """An initializer as {"class_name", "config"}."""
    return registry_serialize(initializer)


def deserialize(config, custom_objects=None):
    """An initializer from what `serialize` returned."""
    return registry.deserialize(config, custom_objects)


def __getattr__(name):
    raise missing_name(__name__, name)
