"""Training data as arrays: checked once, cut into batches."""

from __future__ import annotations

import numpy as np

from ..losses import Loss
from ..shapes import is_positive_integer
from .by_name import in_order


class Data:
    """Inputs xs, one (n, ...) for each input; targets ys and weights, for each output an array (n, ...) or None.

    Each is given as an array, or for several inputs or outputs as a list or a dictionary by name. A single array may
    also come in a list or a dictionary of one entry. No array is copied.
    """

    def __init__(self, x, y=None, sample_weight=None, input_names=("x",), output_names=("y",)):
        self.xs = [_number_array(part, "x") for part in _by_name(x, input_names, "x")]
        self.size = len(self.xs[0])
        if self.size == 0:
            raise ValueError(f"x is empty: received an array of shape {self.xs[0].shape}.")
        self.ys = [None] * len(output_names)
        if y is not None:
            parts = _by_name(y, output_names, "y", missing_allowed=True)
            self.ys = [None if part is None else _number_array(part, "y") for part in parts]
        self.weights = [None] * len(output_names)
        if sample_weight is not None:
            together = len(output_names) == 1 or not isinstance(sample_weight, (list, tuple, dict))
            parts = (
                [sample_weight] * len(output_names)
                if together and not isinstance(sample_weight, dict)
                else in_order(sample_weight, list(output_names), "sample_weight", missing_allowed=True)
            )
            self.weights = [None if part is None else _number_array(part, "sample_weight") for part in parts]
        for name, arrays in (("x", self.xs), ("y", self.ys), ("sample_weight", self.weights)):
            for array in arrays:
                if array is not None and len(array) != self.size:
                    raise ValueError(
                        f"x and {name} must have one entry per sample; "
                        f"received {self.size} samples in x and {len(array)} in {name}."
                    )

    def fit_ranks(self, input_shapes) -> None:
        """Add or remove a last axis of size 1 where this gives xs the ranks that the model takes, as Keras does."""
        for i, (x, shape) in enumerate(zip(self.xs, input_shapes, strict=True)):
            self.xs[i] = with_rank(x, shape)

    def apply_class_weight(self, class_weight: dict, loss: Loss | None) -> None:
        """Multiply every sample's weight by the weight of its class, which is 1 for a class without an entry."""
        if len(self.ys) > 1:
            raise ValueError("class_weight is for models with one output; give sample_weight for each output instead.")
        y, weights = self.ys[0], self.weights[0]
        if y is None:
            raise ValueError("class_weight needs targets, whose classes it weighs; received none.")
        sparse = loss is not None and loss.sparse
        labels = y.argmax(axis=-1) if not sparse and y.ndim > 1 and y.shape[-1] > 1 else y
        labels = labels.reshape(self.size, -1).astype(np.int64)
        classes, places = np.unique(labels, return_inverse=True)
        by_class = np.array([class_weight.get(int(c), 1.0) for c in classes], np.float64)
        if not np.isfinite(by_class).all():
            raise ValueError(f"class_weight must hold finite numbers; received {class_weight!r}.")
        by_row = by_class[places].reshape(labels.shape)
        if weights is not None:
            by_row = by_row * weights.reshape(self.size, -1)
        self.weights[0] = by_row[:, 0] if by_row.shape[1] == 1 else by_row

    def split(self, fraction: float) -> tuple[Data, Data]:
        """The first part for training, the last `fraction` for validation."""
        if not (isinstance(fraction, (int, float, np.number)) and 0 < fraction < 1):
            raise ValueError(f"validation_split must be between 0 and 1; received validation_split={fraction!r}.")
        cut = int(self.size * (1 - fraction))
        if cut in (0, self.size):
            raise ValueError(
                f"validation_split={fraction} of {self.size} samples leaves no samples for training or for validation: "
                "use more samples."
            )
        return self._part(slice(None, cut)), self._part(slice(cut, None))

    def _part(self, rows):
        part = object.__new__(Data)
        part.xs = [x[rows] for x in self.xs]
        part.ys = [None if y is None else y[rows] for y in self.ys]
        part.weights = [None if w is None else w[rows] for w in self.weights]
        part.size = len(part.xs[0])
        return part

    def batches(self, batch_size: int, order=None):
        """Yield the rows of each batch, batch_size at a time (fewer at the end): parts of `order`, or slices."""
        for start in range(0, self.size, batch_size):
            rows = slice(start, min(start + batch_size, self.size))
            yield rows if order is None else order[rows]


def with_rank(x, shape):
    """x with a last axis of size 1 more or less, if this gives it the rank of `shape`; as Keras does it."""
    if len(x.shape) == len(shape) - 1 and shape[-1] == 1:
        return x[..., None]
    return x[..., 0] if len(x.shape) == len(shape) + 1 and x.shape[-1] == 1 else x


def checked_batch_size(batch_size) -> int:
    """The batch size, 32 for None; ValueError unless it is a positive integer."""
    if batch_size is None:
        return 32
    if not is_positive_integer(batch_size):
        raise ValueError(f"batch_size must be a positive integer; received batch_size={batch_size!r}.")
    return int(batch_size)


def _by_name(arrays, names, what, missing_allowed=False) -> list:
    """An array for each name. A single array is taken out of the list, tuple or dictionary that holds it."""
    if len(names) > 1:
        return in_order(arrays, list(names), what, missing_allowed)
    if isinstance(arrays, dict) and len(arrays) == 1:
        arrays = next(iter(arrays.values()))
    elif isinstance(arrays, (list, tuple)) and len(arrays) == 1 and hasattr(arrays[0], "__array__"):
        arrays = arrays[0] if np.ndim(arrays[0]) else arrays
    return [arrays]


def _number_array(array, name):
    array = np.asarray(array)
    if array.dtype.kind not in "buif":
        raise ValueError(f"{name} must hold numbers; received an array of type {array.dtype}.")
    if array.ndim == 0:
        raise ValueError(f"{name} must be an array with one entry per sample; received the single number {array}.")
    return array
