"""Data sets that chain: dataset.map(function).shuffle(1000).batch(32).prefetch(2), with the names of tf.data.

A data set is a recipe. Every `for` over it begins a new pass: it takes elements from the data set before it, one after
the other, and hands them on. An element is an array, or arrays in tuples, lists and dictionaries, such as
(images, labels). Nothing is computed before an element is asked for, and only `cache` and `shuffle` keep elements.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from .. import config
from ..models.batches import BatchSource, PyDataset
from ..nest import flatten, mapped, packed
from ..results import Array
from ..shapes import is_positive_integer

INFINITE, UNKNOWN = -1, -2
"""What `cardinality` says if there is no end, or if the number of elements is not known."""

_AUTOMATIC = 2  # elements that prefetch makes ahead if it is given tf.data.AUTOTUNE, which is -1
_METHODS = (
    "as_numpy_iterator", "batch", "cache", "cardinality", "concatenate", "enumerate", "filter", "map", "prefetch",
    "rebatch", "reduce", "repeat", "shard", "shuffle", "skip", "take", "unbatch",
)  # fmt: skip


@dataclass(frozen=True)
class TensorSpec:
    """The shape and type of an array in every element; None is a size that differs."""

    shape: tuple
    dtype: str


class Chains:
    """The methods with which one data set makes another. `elements()` begins a pass, `size()` is their number."""

    def elements(self) -> Iterator:
        raise NotImplementedError(f"{type(self).__name__} does not define elements.")

    def size(self) -> int:
        raise NotImplementedError(f"{type(self).__name__} does not define size.")

    def _then(self, elements: Callable[[], Iterator], size) -> Dataset:
        """A data set with these elements, which keeps what is known of this one's classes and files."""
        made = Dataset(elements, size)
        for name in ("class_names", "file_paths", "batch_size"):
            if name in vars(self):
                setattr(made, name, getattr(self, name))
        return made

    batch_size: int | None = None
    """The number of samples in an element, if `batch` made it."""

    def map(self, map_func, num_parallel_calls=None, deterministic=None, name=None):
        """function(element) of every element, or function(*element) if elements are tuples, in their order.
        num_parallel_calls changes nothing."""
        return self._then(lambda: (_called(map_func, element) for element in self.elements()), self.size)

    def filter(self, predicate, name=None):
        """The elements of which the function says True."""

        def elements():
            return (element for element in self.elements() if bool(np.all(_called(predicate, element))))

        return self._then(elements, lambda: INFINITE if self.size() == INFINITE else UNKNOWN)

    def batch(self, batch_size, drop_remainder=False, num_parallel_calls=None, deterministic=None, name=None):
        """Stacks of batch_size elements; the last one may be smaller, or is dropped."""
        if not is_positive_integer(batch_size):
            raise ValueError(f"batch_size must be a positive integer; received batch_size={batch_size!r}.")

        def elements():
            source = self.elements()
            while group := list(itertools.islice(source, batch_size)):
                if len(group) == batch_size or not drop_remainder:
                    yield _stacked(group)

        def size():
            n = self.size()
            return n if n < 0 else n // batch_size if drop_remainder else -(-n // batch_size)

        made = self._then(elements, size)
        made.batch_size = int(batch_size)
        return made

    def unbatch(self, name=None):
        """The single samples of batches."""

        def elements():
            for batch in self.elements():
                for i in range(len(flatten(batch)[0])):
                    yield mapped(lambda part, i=i: _array(part[i]), batch)

        made = self._then(elements, self._samples)
        made.batch_size = None
        return made

    def rebatch(self, batch_size, drop_remainder=False, name=None):
        """The samples in batches of another size."""
        return self.unbatch().batch(batch_size, drop_remainder)

    def _samples(self):
        return INFINITE if self.size() == INFINITE else UNKNOWN

    def shuffle(self, buffer_size, seed=None, reshuffle_each_iteration=True, name=None):
        """The elements in random order: each is drawn from a buffer of the next buffer_size ones. The order is another
        one in every pass, unless reshuffle_each_iteration=False."""
        stream, passes = config.next_seed() if seed is None else int(seed), itertools.count()

        def elements():
            rng = np.random.default_rng((stream, next(passes) if reshuffle_each_iteration else 0))
            source = self.elements()
            buffer = list(itertools.islice(source, max(1, int(buffer_size))))
            for element in source:
                i = int(rng.integers(len(buffer)))
                buffer[i], drawn = element, buffer[i]
                yield drawn
            yield from (buffer[i] for i in rng.permutation(len(buffer)))

        return self._then(elements, self.size)

    def repeat(self, count=None, name=None):
        """The elements again and again: `count` times, or without end."""
        endless = count is None or count < 0

        def elements():
            for _ in itertools.count() if endless else range(count):
                some = False
                for element in self.elements():
                    some = True
                    yield element
                if not some:
                    return

        def size():
            n = 0 if count == 0 else self.size()
            return INFINITE if endless and n else n if n < 0 else n * (0 if endless else count)

        return self._then(elements, size)

    def take(self, count, name=None):
        """The first `count` elements, all of them for -1."""
        if count < 0:
            return self._then(self.elements, self.size)

        def size():
            n = self.size()
            return count if n == INFINITE else n if n < 0 else min(n, count)

        return self._then(lambda: itertools.islice(self.elements(), count), size)

    def skip(self, count, name=None):
        """All but the first `count` elements; none for -1."""

        def size():
            n = self.size()
            return n if n < 0 else 0 if count < 0 else max(0, n - count)

        return self._then(lambda: iter(()) if count < 0 else itertools.islice(self.elements(), count, None), size)

    def shard(self, num_shards, index, name=None):
        """Every num_shards-th element, from the one with this index on."""
        if not (is_positive_integer(num_shards) and 0 <= index < num_shards):
            raise ValueError(
                f"index must be from 0 to num_shards - 1; received num_shards={num_shards}, index={index}."
            )

        def size():
            n = self.size()
            return n if n < 0 else -(-(n - index) // num_shards) if n > index else 0

        return self._then(lambda: itertools.islice(self.elements(), index, None, num_shards), size)

    def reduce(self, initial_state, reduce_func, name=None):
        """The last state: state = reduce_func(state, element) for one element after the other."""
        return functools.reduce(reduce_func, self.elements(), initial_state)

    def prefetch(self, buffer_size=None, name=None):
        """The same elements, made by a thread while the ones before are used, up to buffer_size ahead."""
        ahead = _AUTOMATIC if buffer_size is None or buffer_size < 0 else int(buffer_size)
        return self._then(lambda: _made_ahead(self.elements(), ahead) if ahead else self.elements(), self.size)

    def cache(self, filename="", name=None):
        """The elements of the first whole pass, kept in memory for the passes after it. A filename changes nothing."""
        kept: list = []
        done: list[bool] = []

        def elements():
            if done:
                yield from kept
                return
            made = []
            for element in self.elements():
                made.append(element)
                yield element
            if not done:
                kept.extend(made)
                done.append(True)

        return self._then(elements, lambda: len(kept) if done else self.size())

    def enumerate(self, start=0, name=None):
        """(number, element) of every element."""
        return self._then(
            lambda: ((_array(np.int64(i)), element) for i, element in zip(itertools.count(start), self.elements())),
            self.size,
        )

    def concatenate(self, dataset, name=None):
        """The elements of this data set, then those of another."""

        def size():
            both = self.size(), dataset.size()
            return INFINITE if INFINITE in both else UNKNOWN if UNKNOWN in both else sum(both)

        return self._then(lambda: itertools.chain(self.elements(), dataset.elements()), size)

    def as_numpy_iterator(self):
        """The elements as plain NumPy arrays."""
        return (mapped(lambda part: np.asarray(part).view(np.ndarray), element) for element in self.elements())

    def cardinality(self, name=None):
        """The number of elements: -1 if there is no end, -2 if it is not known."""
        return _array(np.int64(self.size()))

    @property
    def element_spec(self):
        """The shape and type of each array in the elements, read from the first one. Batches have the size None."""
        first = next(iter(self.elements()), None)
        if first is None:
            raise ValueError("This data set has no elements, so their shapes are not known.")

        def spec(part):
            sizes = part.shape if self.batch_size is None else (None, *part.shape[1:])
            return TensorSpec(sizes, part.dtype.name)

        return mapped(spec, first)


class Dataset(Chains):
    """A data set that others made with `map`, `batch` and so on. elements: a function that begins a pass; size: one
    that gives the number of elements."""

    def __init__(self, elements: Callable[[], Iterator], size: Callable[[], int] = lambda: UNKNOWN):
        self.elements, self.size = elements, size

    def __iter__(self):
        return iter(self.elements())

    def __len__(self):
        n = self.size()
        if n < 0:
            what = "infinite" if n == INFINITE else "not known"
            raise TypeError(
                f"The length of this data set is {what}; give fit the number of batches with steps_per_epoch."
            )
        return n

    def __getattr__(self, name):
        raise AttributeError(f"minicnn's data sets have no {name!r}; they have {', '.join(_METHODS)}.")

    def __repr__(self):
        n = self.size()
        return f"<Dataset of {n if n >= 0 else 'endless' if n == INFINITE else 'some'} elements>"


def samples_of(arrays) -> Dataset:
    """A data set of the single samples of arrays of one length, as tf.data.Dataset.from_tensor_slices."""
    parts = [np.asarray(part) for part in flatten(arrays)]
    n = len(parts[0])
    if any(len(part) != n for part in parts):
        raise ValueError(f"The arrays must have one length; received {', '.join(str(len(part)) for part in parts)}.")
    return Dataset(lambda: (packed(arrays, [_array(part[i]) for part in parts]) for i in range(n)), lambda: n)


def numbered_elements(batches: PyDataset) -> Iterator:
    """The batches of a PyDataset, made ahead by its threads."""
    source = BatchSource(batches, lambda batch: batch)
    try:
        for batch, _ in source.begin():
            yield batch
    finally:
        source.close()


def _called(function, element):
    """What a user's function makes of an element: arrays with `.numpy()`. The function gets copies: it may write into
    them (x /= 255), and the element may be a part of the user's own array, or kept by `cache`."""
    element = mapped(lambda part: part.copy(), element)
    made = function(*element) if isinstance(element, tuple) else function(element)
    return mapped(_array, made)


def _array(value):
    return np.asarray(value).view(Array)


def _stacked(group):
    parts = [flatten(element) for element in group]
    return packed(group[0], [np.stack(same).view(Array) for same in zip(*parts, strict=True)])


def _made_ahead(source, ahead):
    """The elements of `source`, up to `ahead` of them made by a thread before they are asked for."""
    end, waiting = object(), []
    with ThreadPoolExecutor(1, thread_name_prefix="minicnn-prefetch") as thread:
        try:
            waiting = [thread.submit(next, source, end) for _ in range(ahead)]
            while True:
                element = waiting.pop(0).result()
                if element is end:
                    return
                waiting.append(thread.submit(next, source, end))
                yield element
        finally:
            for future in waiting:
                future.cancel()
