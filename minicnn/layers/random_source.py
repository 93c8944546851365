"""Random numbers in what a `call` draws: the generator that a user's layer keeps, and the layer that draws them."""

from __future__ import annotations

import numpy as np

from .. import config
from ..kernels.random import stream_key
from ..ops import noise
from ..registry import Configurable
from ..runtime import transfer
from .drawing import _Source
from .names import automatic_name, operation_name


class SeedGenerator(Configurable):
    """A row of random streams: every use of it takes the next one. The same seed gives the same row.

    random_stream   the seed, drawn from `utils.set_random_seed`'s stream if None was given
    random_counter  how many streams were taken
    """

    def __init__(self, seed=None, name=None, **unknown):
        if unknown:
            raise ValueError(f"SeedGenerator takes seed and name; received {', '.join(unknown)}.")
        if seed is not None and not (hasattr(seed, "__index__") and int(seed) >= 0):
            raise ValueError(f"A seed is an integer, zero or more, or None; received seed={seed!r}.")
        self.seed, self.name = seed, name or automatic_name("SeedGenerator")
        self.random_stream = config.next_seed() if seed is None else int(seed)
        self.random_counter = 0

    def next_key(self) -> np.uint64:
        """The key of the next stream; see `kernels/random.py`."""
        key = stream_key(self.random_stream, self.random_counter)
        self.random_counter += 1
        return key

    def next(self, ordered=True) -> np.ndarray:
        """The seed and the number of streams taken before, as Keras's `next` returns them; takes a stream."""
        state = np.array([self.random_stream % 2**32, self.random_counter], np.uint32)
        self.random_counter += 1
        return state


class RandomSource(_Source):
    """Normally distributed numbers of mean 0 and deviation 1, new ones in every pass."""

    may_be_recorded = False

    def __init__(self, shape, generator, dtype):
        super().__init__(name=operation_name("RandomNormal"), dtype=dtype)
        self._shape, self._held = tuple(shape), generator

    def compute_output_shape(self, input_shape):
        return self._shape

    def forward(self, x, training=False, need_saved=True):
        zeros = transfer.to_device(np.zeros(self._shape, self.dtype))
        key = transfer.number(self._held.next_key, "uint64")
        return noise.added_forward(zeros, 1.0, key, need_saved=False)
