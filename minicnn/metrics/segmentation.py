"""How much the areas of classes overlap: intersection over union, from counts of (true class, predicted class)."""

from __future__ import annotations

import numpy as np

from .. import config
from ..results import Number
from .metric import Metric, registry


@registry.add("io_u")
class IoU(Metric):
    """The mean over target_class_ids of (pixels of the class in both) / (pixels of the class in one of them).

    Classes that appear nowhere do not count. sparse_y_true, sparse_y_pred: whether they hold labels; otherwise the
    largest number along `axis` tells the class. ignore_class: pixels with this true class do not count.
    """

    larger_is_better = True

    def __init__(
        self,
        num_classes,
        target_class_ids,
        name=None,
        dtype=None,
        ignore_class=None,
        sparse_y_true=True,
        sparse_y_pred=True,
        axis=-1,
    ):
        super().__init__(name, None)
        if max(target_class_ids) >= num_classes:
            raise ValueError(
                f"target_class_ids must be below num_classes={num_classes}; received {list(target_class_ids)}."
            )
        self.num_classes, self.target_class_ids, self.axis = num_classes, list(target_class_ids), axis
        self.ignore_class, self.sparse_y_true, self.sparse_y_pred = ignore_class, sparse_y_true, sparse_y_pred
        self.reset_state()

    def reset_state(self):
        self.total_cm = np.zeros((self.num_classes, self.num_classes), np.float64)

    def counted(self):
        return {"total_confusion_matrix": self.total_cm}

    def update_state(self, y_true, y_pred, sample_weight=None):
        t, p = np.asarray(y_true), np.asarray(y_pred)
        t = t if self.sparse_y_true else t.argmax(axis=self.axis)
        p = p if self.sparse_y_pred else p.argmax(axis=self.axis)
        t, p = t.astype(np.int64).reshape(-1), p.astype(np.int64).reshape(-1)
        if len(t) != len(p):
            raise ValueError(f"{self.name!r} compares equally many labels; received {len(t)} and {len(p)}.")
        weights = np.ones(len(t)) if sample_weight is None else np.asarray(sample_weight, float).reshape(-1)
        weights = np.repeat(weights, len(t) // max(1, len(weights)))
        counted = (t >= 0) & (t < self.num_classes) & (p >= 0) & (p < self.num_classes)
        if self.ignore_class is not None:
            counted &= t != self.ignore_class
        np.add.at(self.total_cm, (t[counted], p[counted]), weights[counted])

    def result(self):
        both = np.diag(self.total_cm)[self.target_class_ids]
        one = (self.total_cm.sum(axis=0) + self.total_cm.sum(axis=1))[self.target_class_ids] - both
        there = one > 1e-9
        return Number((both[there] / (one[there] + config.epsilon())).sum() / (there.sum() + config.epsilon()))


@registry.add("binary_io_u")
class BinaryIoU(IoU):
    """IoU of the classes 0 and 1, for predictions that count as 1 from `threshold` on."""

    def __init__(self, target_class_ids=(0, 1), threshold=0.5, name=None, dtype=None):
        super().__init__(2, target_class_ids, name)
        self.threshold = threshold

    _not_in_config = ("dtype", "num_classes", "ignore_class", "sparse_y_true", "sparse_y_pred", "axis")

    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(y_true, np.asarray(y_pred) >= self.threshold, sample_weight)


@registry.add("mean_io_u")
class MeanIoU(IoU):
    """IoU of all classes."""

    def __init__(
        self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_true=True, sparse_y_pred=True, axis=-1
    ):
        super().__init__(num_classes, range(num_classes), name, dtype, ignore_class, sparse_y_true, sparse_y_pred, axis)


@registry.add("one_hot_io_u")
class OneHotIoU(IoU):
    """IoU of one-hot targets and of scores (..., classes)."""

    _not_in_config = ("dtype", "sparse_y_true")

    def __init__(
        self, num_classes, target_class_ids, name=None, dtype=None, ignore_class=None, sparse_y_pred=False, axis=-1
    ):
        super().__init__(num_classes, target_class_ids, name, dtype, ignore_class, False, sparse_y_pred, axis)


@registry.add("one_hot_mean_io_u")
class OneHotMeanIoU(MeanIoU):
    """IoU of all classes, of one-hot targets and of scores (..., classes)."""

    _not_in_config = ("dtype", "sparse_y_true")

    def __init__(self, num_classes, name=None, dtype=None, ignore_class=None, sparse_y_pred=False, axis=-1):
        super().__init__(num_classes, name, dtype, ignore_class, False, sparse_y_pred, axis)
