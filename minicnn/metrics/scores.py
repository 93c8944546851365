"""F-scores, which weigh two kinds of mistakes, and R2, which compares a model with the targets' mean."""

from __future__ import annotations

import numpy as np

from .. import config, losses
from ..results import Array, Number
from ..shapes import is_number, is_positive_integer
from .metric import Metric, registry


class _ScoreOfOutputs(Metric):
    """Sums over the rows (N, K) of every batch, separate for each output. Subclasses define `sums` and `result`."""

    larger_is_better = True
    kinds = 0
    """The number of sums for each output."""

    def __init__(self, name, dtype):
        super().__init__(name, dtype)
        self._sums, self._rows = np.zeros((self.kinds, 1)), 0

    def reset_state(self):
        self._sums, self._rows = np.zeros_like(self._sums), 0

    def check_targets(self, y, output_shape):
        one_each = tuple(output_shape[1:]) == (1,) and y.shape == tuple(output_shape[:1])
        if not one_each and (len(output_shape) != 2 or y.shape != tuple(output_shape)):
            raise ValueError(
                f"{type(self).__name__} takes targets and outputs of one shape (N, K); received targets of shape "
                f"{y.shape} and outputs of shape {tuple(output_shape)}."
            )

    def update_state(self, y_true, y_pred, sample_weight=None):
        t, p = np.asarray(y_true, np.float64), losses.float_array(y_pred)
        self.check_targets(t, p.shape)
        t = t.reshape(p.shape)
        weights = np.ones(len(p))
        if sample_weight is not None:
            weights = losses.weights_per_row(sample_weight, p.shape[:1], float)
        if self._sums.shape[1] != p.shape[1]:
            if self._rows:
                raise ValueError(
                    f"{self.name!r} was used with {self._sums.shape[1]} outputs before; received {p.shape[1]} outputs. "
                    "Call reset_state first."
                )
            self._sums = np.zeros((self.kinds, p.shape[1]))
        self._sums += np.array([(part * weights[:, None]).sum(axis=0) for part in self.sums(t, p)])
        self._rows += len(p)

    def sums(self, t, p):
        """The arrays to add up over the rows, each (N, K)."""
        raise NotImplementedError(f"{type(self).__name__} does not define sums.")


@registry.add("f_beta_score")
class FBetaScore(_ScoreOfOutputs):
    """(1 + beta^2) precision recall / (beta^2 precision + recall), for targets (N, K) of 0 and 1.

    Recall counts beta times as much as precision. An output is positive if it is above the threshold; without a
    threshold, if it is the row's largest. average: None gives a score for each output; "macro" their mean; "weighted"
    their mean weighted by how often each is the target; "micro" one score from the counts of all outputs together.
    """

    kinds = 3

    def __init__(self, average=None, beta=1.0, threshold=None, name="fbeta_score", dtype=None):
        if average not in (None, "micro", "macro", "weighted"):
            raise ValueError(f'average must be None, "micro", "macro" or "weighted"; received average={average!r}.')
        if not (is_number(beta) and beta > 0):
            raise ValueError(f"beta must be a number above 0; received beta={beta!r}.")
        if threshold is not None and not (is_number(threshold) and 0 < threshold <= 1):
            raise ValueError(f"threshold must be a number above 0 and at most 1; received threshold={threshold!r}.")
        self.average, self.beta = average, float(beta)
        self.threshold = None if threshold is None else float(threshold)
        super().__init__(name, dtype)

    def counted(self):
        tp, fp, fn = self._sums
        names = "true_positives", "false_positives", "false_negatives", "intermediate_weights"
        return dict(zip(names, (tp, fp, fn, tp + fn), strict=True))

    def sums(self, t, p):
        if self.threshold is None:
            positive = (p == p.max(axis=1, keepdims=True)) & (np.abs(p) > 1e-9)  # a row of zeros has no positive
        else:
            positive = p > p.dtype.type(self.threshold)
        return positive * t, positive * (1 - t), ~positive * t

    def result(self):
        tp, fp, fn = self._sums.sum(axis=1, keepdims=True) if self.average == "micro" else self._sums
        little = config.epsilon()
        precision, recall = tp / (tp + fp + little), tp / (tp + fn + little)
        scores = (1 + self.beta**2) * precision * recall / (self.beta**2 * precision + recall + little)
        if self.average is None:
            return scores.view(Array)
        if self.average == "weighted":
            return Number((scores * (tp + fn)).sum() / ((tp + fn).sum() + little))
        return Number(scores.mean())


@registry.add("f1_score")
class F1Score(FBetaScore):
    """The harmonic mean of precision and recall, for targets (N, K) of 0 and 1; options as in `FBetaScore`."""

    def __init__(self, average=None, threshold=None, name="f1_score", dtype=None):
        super().__init__(average, 1.0, threshold, name, dtype)


@registry.add("r2_score")
class R2Score(_ScoreOfOutputs):
    """1 - (squared error / squared distance from the targets' mean): 1 is perfect, 0 is as good as the mean.

    An output whose targets are all equal has score 0. class_aggregation: "uniform_average" over the outputs,
    "variance_weighted_average", or None for a score of each output. num_regressors: the number of inputs that explain
    the targets, to adjust the score for it; 0 for no adjustment. The score is adjusted only once the targets seen,
    rows times outputs, are more than num_regressors + 1.
    """

    kinds = 4

    def __init__(self, class_aggregation="uniform_average", num_regressors=0, name="r2_score", dtype=None):
        if class_aggregation not in (None, "uniform_average", "variance_weighted_average"):
            raise ValueError(
                'class_aggregation must be None, "uniform_average" or "variance_weighted_average"; '
                f"received class_aggregation={class_aggregation!r}."
            )
        if num_regressors != 0 and not is_positive_integer(num_regressors):
            raise ValueError(f"num_regressors must be an integer, 0 or more; received {num_regressors!r}.")
        self.class_aggregation, self.num_regressors = class_aggregation, num_regressors
        super().__init__(name, dtype)

    def sums(self, t, p):
        return np.ones_like(t), t, t * t, (t - p) ** 2

    def result(self):
        count, total, squares, error = self._sums
        spread = squares - total * np.divide(total, count, out=np.zeros_like(total), where=count > 0)
        scores = 1 - np.divide(error, spread, out=np.ones_like(error), where=spread > 0)
        if self.class_aggregation == "uniform_average":
            scores = scores.mean()
        elif self.class_aggregation == "variance_weighted_average":
            scores = np.average(scores, weights=spread) if spread.any() else 0.0
        free = self._rows * self._sums.shape[1] - self.num_regressors - 1
        if self.num_regressors and free > 0:
            scores = 1 - (1 - scores) * (free + self.num_regressors) / free
        return scores.view(Array) if self.class_aggregation is None else Number(scores)
