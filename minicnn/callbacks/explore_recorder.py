"""The weights of several epochs, for the page of `visualize.explore`."""

from __future__ import annotations

import numpy as np

from ..shapes import is_number, is_positive_integer
from .history import History


class ExploreRecorder(History):
    """Keep copies of all weights before training and after every so many epochs: `explore(..., history=recorder)` then
    has a slider over the epochs.

    every: the epochs from one record to the next. size: the most megabytes of memory for all records. If they become
    larger, every second one is given up, and `every` doubles. `history` and `epoch` are as in what `fit` returns;
    `records` is [(number of finished epochs, weights as in `model.get_weights()`), ...]. In a second `fit` the recorder
    counts on.
    """

    def __init__(self, every=1, size=64.0):
        super().__init__()
        if not is_positive_integer(every):
            raise ValueError(f"every must be a positive integer; received every={every!r}.")
        if not is_number(size) or size <= 0:
            raise ValueError(f"size must be a positive number of megabytes; received size={size!r}.")
        self.every, self.size = int(every), float(size)
        self.records: list[tuple[int, list[np.ndarray]]] = []

    def on_train_begin(self, logs=None):
        if not self.records and self.model.built:
            self._record(0)

    def on_epoch_end(self, epoch, logs=None):
        super().on_epoch_end(epoch, logs)
        finished = len(self.epoch)
        if finished % self.every == 0:
            self._record(finished)

    def _record(self, epoch):
        weights = self.model.get_weights()
        one = sum(array.nbytes for array in weights)
        if one > self.size * 1e6:
            raise ValueError(
                f"The weights of one epoch take {one / 1e6:.1f} MB; received size={self.size}: give a larger size."
            )
        self.records.append((epoch, weights))
        while one * len(self.records) > self.size * 1e6:
            self.every *= 2
            self.records = [record for record in self.records if record[0] % self.every == 0] or self.records[-1:]
