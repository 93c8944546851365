"""Metrics of a classifier of two classes at many thresholds: the area under its curve, and the best point on it.

Numbers above a threshold count as positive, and a target other than 0 is a positive. The metric keeps two histograms:
the weight of the positives, and of the negatives, between each two neighbouring thresholds. Their sums from the top
are the true and false positives. If thresholds are at equal distances from 0 to 1, predictions below 0 count as 0 and
predictions above 1 as 1. NaN counts as 0.
"""

from __future__ import annotations

import numpy as np

from .. import config, losses
from ..results import Number
from ..shapes import is_number, is_positive_integer
from .metric import Metric, is_per_number, registry

_LOSS = losses.BinaryCrossentropy()  # checks and reshapes the targets


class _Curve(Metric):
    """Counts at ascending thresholds: `labels` columns, or one column where all outputs are counted together.

    even: whether the thresholds are at equal distances from 0 to 1.
    """

    larger_is_better = True

    def __init__(self, thresholds, even, name, dtype):
        super().__init__(name, dtype)
        self._thresholds, self._even = np.asarray(thresholds, np.float64), even
        self.reset_state()

    def reset_state(self):
        self._histograms = None

    def check_targets(self, y, output_shape):
        _LOSS.check_targets(y, output_shape)

    def _rows(self, y_true, y_pred, sample_weight):
        """Targets of 0 and 1 (M, K), predictions (M, K), and weights of rows (M, 1) or of numbers (M, K)."""
        y_true, y_pred = np.asarray(y_true), losses.float_array(y_pred)
        losses.check_lengths(y_true, y_pred)
        self.check_targets(y_true, y_pred.shape)
        p = y_pred.reshape(-1, y_pred.shape[-1])
        t = (_LOSS.targets(y_true, y_pred.shape, np.float64) != 0).astype(np.float64).reshape(p.shape)
        if sample_weight is None:
            return t, p, np.ones((len(p), 1))
        if is_per_number(sample_weight, y_pred):
            return t, p, np.broadcast_to(np.asarray(sample_weight, float), y_pred.shape).reshape(p.shape)
        return t, p, losses.weights_per_row(sample_weight, y_pred.shape[:-1], float)[:, None]

    def _count(self, t, p, weights):
        """Add targets t, predictions p and weights to the histograms. t, p: (M, labels); weights broadcast to that."""
        bins, labels = len(self._thresholds) + 1, p.shape[1]
        places = (self._thresholds_below(p) * labels + np.arange(labels)).reshape(-1)
        if self._histograms is None:
            self._histograms = np.zeros((2, bins, labels))
        if labels != self._histograms.shape[2]:
            raise ValueError(
                f"{self.name!r} was used with {self._histograms.shape[2]} outputs before; received {labels} outputs. "
                "Call reset_state first."
            )
        for histogram, share in zip(self._histograms, (t, 1 - t), strict=True):
            histogram += np.bincount(places, (share * weights).reshape(-1), bins * labels).reshape(bins, labels)

    def _thresholds_below(self, p):
        """The number of thresholds below each prediction, computed in the metric's type."""
        p = np.where(np.isnan(p), 0, p).astype(self.dtype)
        if not self._even:
            return np.searchsorted(self._thresholds.astype(p.dtype), p, side="left")
        steps = p.dtype.type(len(self._thresholds) - 1)
        return np.maximum(np.ceil(p.clip(0, 1) * steps), 1).astype(np.intp)  # 0 is above the first threshold

    def counts(self):
        """(true positives, false positives, true negatives, false negatives), each (thresholds, labels)."""
        if self._histograms is None:
            return (np.zeros((len(self._thresholds), 1)),) * 4
        positives, negatives = (histogram[::-1].cumsum(axis=0)[::-1] for histogram in self._histograms)
        return positives[1:], negatives[1:], negatives[0] - negatives[1:], positives[0] - positives[1:]

    def counted(self):
        names = "true_positives", "false_positives", "true_negatives", "false_negatives"
        labels = slice(None) if getattr(self, "multi_label", False) else 0
        return {name: counts[:, labels] for name, counts in zip(names, self.counts(), strict=True)}

    def __getattr__(self, name):
        """What has been counted, by its name: `metric.true_positives`."""
        if name.endswith(("_positives", "_negatives")) and not name.startswith("_"):
            return self.counted()[name]
        raise AttributeError(f"{type(self).__name__} has no attribute {name!r}.")

    def _rates(self):
        """(recall, precision, the share of the negatives above, the share of the negatives not above)."""
        tp, fp, tn, fn = self.counts()
        return _share(tp, tp + fn), _share(tp, tp + fp), _share(fp, fp + tn), _share(tn, fp + tn)


def _share(part, whole):
    """part / whole; 0 where whole is 0."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


@registry.add("auc")
class AUC(_Curve):
    """The area under a curve of two rates that change with the threshold.

    curve: "ROC", recall over the share of false positives among all negatives; "PR", precision over recall; or
    "PRGAIN", both as gains over calling everything positive (Flach and Kull, "Precision-recall-gain curves", 2015).
    summation_method: how the area between two points is computed. "interpolation" draws straight lines. For "PR" the
    straight lines are true positives over all predicted positives, so precision between two points is a hyperbola
    (Davis and Goadrich, "The relationship between Precision-Recall and ROC curves", 2006, section 4). "minoring" takes
    the lower end of each step, "majoring" the higher.
    thresholds: numbers between 0 and 1; without them, num_thresholds at equal distances. 0 and 1 are always included.
    multi_label: compute an area for each output, then their mean, weighted by label_weights. Otherwise all outputs are
    counted together, each weighted by label_weights. from_logits: a sigmoid is applied to predictions first.
    """

    def __init__(
        self,
        num_thresholds=200,
        curve="ROC",
        summation_method="interpolation",
        name=None,
        dtype=None,
        thresholds=None,
        multi_label=False,
        num_labels=None,
        label_weights=None,
        from_logits=False,
    ):
        if str(curve).upper() not in ("ROC", "PR", "PRGAIN"):
            raise ValueError(f'curve must be "ROC", "PR" or "PRGAIN"; received curve={curve!r}.')
        if str(summation_method).lower() not in ("interpolation", "minoring", "majoring"):
            raise ValueError(
                'summation_method must be "interpolation", "minoring" or "majoring"; '
                f"received summation_method={summation_method!r}."
            )
        if num_labels and not multi_label:
            raise ValueError(
                f"num_labels needs multi_label=True; received num_labels={num_labels!r}, multi_label={multi_label!r}."
            )
        given = None if thresholds is None else sorted(_checked_numbers("thresholds", thresholds, most=1))
        between = _even_thresholds(num_thresholds)[1:-1] if given is None else given
        self.num_thresholds, self.curve = len(between) + 2, str(curve).upper()
        self.summation_method = str(summation_method).lower()
        self.multi_label, self.num_labels, self.from_logits = multi_label, num_labels, from_logits
        self.label_weights = None if label_weights is None else _checked_numbers("label_weights", label_weights)
        self._thresholds_given = given
        even = given is None or np.allclose([0, *given, 1], _even_thresholds(len(given) + 2), atol=config.epsilon())
        # A prediction of 0 is above the first threshold, and a prediction of 1 is not above the last.
        super().__init__([-config.epsilon(), *between, 1 + config.epsilon()], even, name, dtype)

    @property
    def thresholds(self) -> list[float]:
        """All thresholds, in order."""
        return self._thresholds.tolist()

    def get_config(self):
        described = super().get_config()
        if self._thresholds_given is None:
            del described["thresholds"]
        else:
            described["thresholds"] = self._thresholds_given
        return described

    def check_targets(self, y, output_shape):
        super().check_targets(y, output_shape)
        labels = output_shape[-1]
        if self.num_labels not in (None, labels):
            raise ValueError(f"There are {labels} outputs; received num_labels={self.num_labels!r}.")
        if self.label_weights is not None and len(self.label_weights) != labels:
            raise ValueError(f"There are {labels} outputs; received label_weights={self.label_weights!r}.")

    def update_state(self, y_true, y_pred, sample_weight=None):
        t, p, weights = self._rows(y_true, y_pred, sample_weight)
        if self.from_logits:
            p = 0.5 + 0.5 * np.tanh(0.5 * p)
        if self.multi_label:
            self._count(t, p, weights)
            return
        weights = np.broadcast_to(weights if self.label_weights is None else weights * self.label_weights, p.shape)
        self._count(t.reshape(-1, 1), p.reshape(-1, 1), weights.reshape(-1, 1))

    def result(self):
        if self.curve == "PR" and self.summation_method == "interpolation":
            areas = self._interpolated_precision()
        else:
            recall, precision, false_positive_rate, _ = self._rates()
            x, y = (false_positive_rate, recall) if self.curve == "ROC" else (recall, precision)
            if self.curve == "PRGAIN":
                x, y = self._gains()
            fill = {"interpolation": lambda a, b: (a + b) / 2, "minoring": np.minimum, "majoring": np.maximum}
            areas = ((x[:-1] - x[1:]) * fill[self.summation_method](y[:-1], y[1:])).sum(axis=0)
        if not (self.multi_label and self.label_weights):
            return Number(areas.mean())
        return Number(_share((areas * self.label_weights).sum(), np.sum(self.label_weights)))

    def _gains(self):
        """(recall gain, precision gain): 1 - odds * mistakes / true positives.

        Without true positives the recall gain is 0 and the precision gain is 1. The recall gain is never below 0.
        """
        tp, fp, tn, fn = self.counts()
        odds = _share(tp + fn, fp + tn)
        recall_gain, precision_gain = (1 - odds * _share(mistakes, tp) for mistakes in (fn, fp))
        return np.maximum(np.where(tp > 0, recall_gain, 0), 0), np.where(tp > 0, precision_gain, 1)

    def _interpolated_precision(self):
        """The area under precision over recall, with straight lines of true positives over all predicted positives.

        Let P be the weight of the predictions above a threshold, and T the part of P whose targets are positive. From
        threshold b down to threshold a, T = intercept + slope P. The integral of T / P over T is
        slope * (Ta - Tb + intercept * log(Pa / Pb)). Recall is T divided by all positives, so the area is this
        integral divided by all positives. If no prediction is above b, precision equals the slope all the way.
        """
        right, wrong, _, missed = self.counts()
        above = right + wrong
        gained, slope = right[:-1] - right[1:], _share(right[:-1] - right[1:], above[:-1] - above[1:])
        intercept = right[1:] - slope * above[1:]
        ratio = np.divide(above[:-1], above[1:], out=np.ones_like(gained), where=above[1:] > 0)
        return _share(slope * (gained + intercept * np.log(ratio)), (right + missed)[1:]).sum(axis=0)


def _even_thresholds(count, least=2):
    """`count` thresholds at equal distances from 0 to 1; [0.5] if count is 1."""
    if not (is_positive_integer(count) and count >= least):
        raise ValueError(f"num_thresholds must be an integer, {least} or more; received num_thresholds={count!r}.")
    return [0.5] if count == 1 else [i / (count - 1) for i in range(count)]


def _checked_numbers(label, values, most=np.inf):
    """`values` as a list of floats. ValueError unless all are numbers from 0 to `most`."""
    listed = list(values) if hasattr(values, "__len__") and not isinstance(values, str) else []
    if not listed or not all(is_number(value) and 0 <= value <= most for value in listed):
        wanted = "that are zero or more" if most == np.inf else f"between 0 and {most}"
        raise ValueError(f"{label} must be a list of numbers {wanted}; received {label}={values!r}.")
    return [float(value) for value in listed]


def _checked_share(label, value):
    if not (is_number(value) and 0 <= value <= 1):
        raise ValueError(f"{label} must be between 0 and 1; received {label}={value!r}.")
    return float(value)


class _BestPoint(_Curve):
    """The largest value of one rate where another is at least `least`; 0 if it never is. class_id: only that output."""

    def __init__(self, least, num_thresholds, class_id, name, dtype):
        self.num_thresholds, self.class_id, self._least = num_thresholds, class_id, least
        super().__init__(_even_thresholds(num_thresholds, least=1), num_thresholds > 1, name, dtype)

    def check_targets(self, y, output_shape):
        super().check_targets(y, output_shape)
        if self.class_id is not None and not (is_number(self.class_id) and 0 <= self.class_id < output_shape[-1]):
            raise ValueError(f"class_id must be from 0 to {output_shape[-1] - 1}; received {self.class_id!r}.")

    def update_state(self, y_true, y_pred, sample_weight=None):
        t, p, weights = self._rows(y_true, y_pred, sample_weight)
        chosen = slice(None) if self.class_id is None else slice(self.class_id, self.class_id + 1)
        t, p, weights = t[:, chosen], p[:, chosen], np.broadcast_to(weights, p.shape)[:, chosen]
        self._count(t.reshape(-1, 1), p.reshape(-1, 1), weights.reshape(-1, 1))

    def _best(self, rate, required):
        return Number(np.where(required >= self._least, rate, 0).max())


@registry.add("sensitivity_at_specificity")
class SensitivityAtSpecificity(_BestPoint):
    """The largest recall at a threshold where at least `specificity` of the negatives are not above it."""

    def __init__(self, specificity, num_thresholds=200, class_id=None, name=None, dtype=None):
        self.specificity = _checked_share("specificity", specificity)
        super().__init__(self.specificity, num_thresholds, class_id, name, dtype)

    def result(self):
        recall, _, _, specificity = self._rates()
        return self._best(recall, specificity)


@registry.add("specificity_at_sensitivity")
class SpecificityAtSensitivity(_BestPoint):
    """The largest share of the negatives not above a threshold where recall is at least `sensitivity`."""

    def __init__(self, sensitivity, num_thresholds=200, class_id=None, name=None, dtype=None):
        self.sensitivity = _checked_share("sensitivity", sensitivity)
        super().__init__(self.sensitivity, num_thresholds, class_id, name, dtype)

    def result(self):
        recall, _, _, specificity = self._rates()
        return self._best(specificity, recall)


@registry.add("precision_at_recall")
class PrecisionAtRecall(_BestPoint):
    """The largest precision at a threshold where recall is at least `recall`."""

    def __init__(self, recall, num_thresholds=200, class_id=None, name=None, dtype=None):
        self.recall = _checked_share("recall", recall)
        super().__init__(self.recall, num_thresholds, class_id, name, dtype)

    def result(self):
        recall, precision, _, _ = self._rates()
        return self._best(precision, recall)


@registry.add("recall_at_precision")
class RecallAtPrecision(_BestPoint):
    """The largest recall at a threshold where precision is at least `precision`."""

    def __init__(self, precision, num_thresholds=200, class_id=None, name=None, dtype=None):
        self.precision = _checked_share("precision", precision)
        super().__init__(self.precision, num_thresholds, class_id, name, dtype)

    def result(self):
        recall, precision, _, _ = self._rates()
        return self._best(recall, precision)
