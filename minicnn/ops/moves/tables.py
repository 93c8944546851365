"""The index of a rearrangement, and its inverse: for each input number, the output numbers that are copies of it."""

from __future__ import annotations

from functools import cached_property

import numpy as np


class Table:
    """index (M,): for each output number the place of its input number in a row of K, or -1 for the constant."""

    def __init__(self, index, K: int):
        self.index, self.K = np.ascontiguousarray(index, np.int32).reshape(-1), int(K)

    @cached_property
    def inverse(self):
        """(starts (K + 1,), copies): the copies of number j stand at copies[starts[j]], ..., copies[starts[j + 1] - 1].

        With it the gradient of a number is a sum that one thread adds up in order, and no two threads write into the
        same place.
        """
        order = np.argsort(self.index, kind="stable").astype(np.int32)
        starts = np.searchsorted(self.index[order], np.arange(self.K + 1)).astype(np.int32)
        return starts, order
