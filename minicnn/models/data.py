"""Training data as arrays: checked once, cut into batches."""

from __future__ import annotations

import numpy as np

from ..losses import Loss
from ..shapes import is_positive_integer


class Data:
    """Inputs x (n, ...), targets y (n, ...) or None, weights (n,) or None. No array is copied."""

    def __init__(self, x, y=None, sample_weight=None):
        self.x = _number_array(_only_one(x), "x")
        self.y = None if y is None else _number_array(_only_one(y), "y")
        self.weights = None if sample_weight is None else _number_array(sample_weight, "sample_weight")
        self.size = len(self.x)
        if self.size == 0:
            raise ValueError(f"x is empty: received an array of shape {self.x.shape}.")
        for name, array in (("y", self.y), ("sample_weight", self.weights)):
            if array is not None and len(array) != self.size:
                raise ValueError(
                    f"x and {name} must have one entry per sample; "
                    f"received {self.size} samples in x and {len(array)} in {name}."
                )

    def fit_rank(self, input_shape) -> None:
        """Give x the model's rank where only a channel axis of size 1 is missing or too much, as Keras does."""
        if self.x.ndim == len(input_shape) - 1 and input_shape[-1] == 1:
            self.x = self.x[..., None]
        elif self.x.ndim == len(input_shape) + 1 and self.x.shape[-1] == 1:
            self.x = self.x[..., 0]

    def apply_class_weight(self, class_weight: dict, loss: Loss) -> None:
        """Multiply every sample's weight by its class's, which is 1 for a class without an entry."""
        labels = self.y.argmax(axis=-1) if not loss.sparse and self.y.ndim > 1 and self.y.shape[-1] > 1 else self.y
        labels = labels.reshape(self.size, -1).astype(np.int64)
        classes, places = np.unique(labels, return_inverse=True)
        by_class = np.array([class_weight.get(int(c), 1.0) for c in classes], np.float64)
        if not np.isfinite(by_class).all():
            raise ValueError(f"class_weight must hold finite numbers; received {class_weight!r}.")
        weights = by_class[places].reshape(labels.shape)
        if self.weights is not None:
            weights = weights * self.weights.reshape(self.size, -1)
        self.weights = weights[:, 0] if weights.shape[1] == 1 else weights

    def split(self, fraction: float) -> tuple[Data, Data]:
        """The first part for training, the last `fraction` for validation."""
        if not (isinstance(fraction, (int, float, np.number)) and 0 < fraction < 1):
            raise ValueError(f"validation_split must be between 0 and 1; received validation_split={fraction!r}.")
        cut = int(self.size * (1 - fraction))
        if cut in (0, self.size):
            raise ValueError(
                f"validation_split={fraction} of {self.size} samples leaves nothing on one side; use more samples."
            )
        return self._part(slice(None, cut)), self._part(slice(cut, None))

    def _part(self, rows):
        y = None if self.y is None else self.y[rows]
        return Data(self.x[rows], y, None if self.weights is None else self.weights[rows])

    def batches(self, batch_size: int, order=None):
        """Which rows come next, batch_size at a time (fewer at the end): parts of `order`, or slices of all rows."""
        for start in range(0, self.size, batch_size):
            rows = slice(start, min(start + batch_size, self.size))
            yield rows if order is None else order[rows]


def checked_batch_size(batch_size) -> int:
    """32 for None; ValueError unless a positive integer."""
    if batch_size is None:
        return 32
    if not is_positive_integer(batch_size):
        raise ValueError(f"batch_size must be a positive integer; received batch_size={batch_size!r}.")
    return int(batch_size)


def _only_one(arrays):
    """The array itself where a model's only input or target is wrapped in a list, a tuple or a dictionary."""
    if isinstance(arrays, dict) and len(arrays) == 1:
        return next(iter(arrays.values()))
    if isinstance(arrays, (list, tuple)) and len(arrays) == 1 and isinstance(arrays[0], np.ndarray) and arrays[0].ndim:
        return arrays[0]
    return arrays


def _number_array(array, name):
    array = np.asarray(array)
    if array.dtype.kind not in "buif":
        raise ValueError(f"{name} must hold numbers; received an array of type {array.dtype}.")
    if array.ndim == 0:
        raise ValueError(f"{name} must be an array with one entry per sample; received the single number {array}.")
    return array
