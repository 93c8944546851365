"""Convert labels to one-hot rows."""

from __future__ import annotations

import numpy as np


def to_categorical(x, num_classes: int | None = None) -> np.ndarray:
    """Integer labels (...) or (..., 1) as float32 rows (..., num_classes): 1 at the label, 0 elsewhere.

    num_classes is the largest label plus one unless given. ValueError for labels that are not whole numbers in range.
    """
    labels = np.asarray(x)
    if labels.dtype.kind not in "buif" or (labels.dtype.kind == "f" and (labels != np.floor(labels)).any()):
        raise ValueError(f"to_categorical takes whole numbers; received an array of type {labels.dtype}.")
    shape = labels.shape[:-1] if labels.ndim > 1 and labels.shape[-1] == 1 else labels.shape
    flat = labels.reshape(-1).astype(np.int64)
    if num_classes is None:
        num_classes = int(flat.max()) + 1 if flat.size else 0
    if flat.size and not (flat.min() >= 0 and flat.max() < num_classes):
        raise ValueError(
            f"Labels must be from 0 to {num_classes - 1}; received labels from {flat.min()} to {flat.max()}."
        )
    rows = np.zeros((flat.size, num_classes), np.float32)
    rows[np.arange(flat.size), flat] = 1
    return rows.reshape(*shape, num_classes)
