"""split_dataset: a part of the samples for training, the rest for validation."""

from __future__ import annotations

import numpy as np

from .. import config
from ..nest import flatten, packed
from ..results import Array
from .dataset import Chains, Dataset, samples_of


def split_dataset(dataset, left_size=None, right_size=None, shuffle=False, seed=None, preferred_backend=None):
    """(left, right): two data sets, of single samples, or of batches if `dataset` has batches.

    dataset: an array, a tuple or list of arrays of one length, or a data set. left_size, right_size: shares between 0
    and 1, or numbers of samples; one follows from the other.
    """
    if isinstance(dataset, Chains):
        samples = list((dataset if dataset.batch_size is None else dataset.unbatch()).elements())
        n, read = len(samples), samples.__getitem__
    else:
        arrays = dataset if isinstance(dataset, (tuple, dict)) or hasattr(dataset, "__array__") else tuple(dataset)
        parts = [np.asarray(part) for part in flatten(arrays)]
        n = len(samples_of(arrays))

        def read(i):
            return packed(arrays, [part[i].view(Array) for part in parts])

    left, right = _sizes(left_size, right_size, n)
    order = np.arange(n)
    if shuffle:
        np.random.default_rng(config.next_seed() if seed is None else seed).shuffle(order)
    batch_size = getattr(dataset, "batch_size", None)
    halves = [_part(read, rows) for rows in (order[:left], order[n - right :])]
    return tuple(half if batch_size is None else half.batch(batch_size) for half in halves)


def _part(read, rows):
    return Dataset(lambda: (read(int(i)) for i in rows), lambda: len(rows))


def _sizes(left, right, n):
    """The numbers of samples of both parts."""
    if left is None and right is None:
        raise ValueError("Give left_size, right_size or both: a share between 0 and 1, or a number of samples.")
    for name, size in (("left_size", left), ("right_size", right)):
        fits = size is None or (isinstance(size, float) and 0 < size < 1) or (isinstance(size, int) and 0 < size < n)
        if not fits:
            raise ValueError(f"{name} must be between 0 and 1, or a number below the {n} samples; received {size!r}.")
    left = round(left * n) if isinstance(left, float) else left
    right = round(right * n) if isinstance(right, float) else right
    left = n - right if left is None else left
    right = n - left if right is None else right
    if left + right > n:
        raise ValueError(f"left_size and right_size need {left + right} samples; there are {n}.")
    return left, right
