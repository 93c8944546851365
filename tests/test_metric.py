"""The cases of ops/metric, which counts right and wrong predictions."""

from __future__ import annotations

import numpy as np
from cases import both_tests, case
from helpers import labels, probabilities


@case("metric", "top k and counts")
def _(op, dtype):
    p, t = probabilities(9, 4, dtype=dtype), np.eye(4, dtype=dtype)[labels(9, classes=4)]
    p[0, 1:3] = 2  # a tie
    p[1, labels(9, classes=4)[1]] = np.nan
    p[2, 3] = np.inf
    counts = ("true_positives", "false_positives", "true_negatives", "false_negatives")
    return {
        "sparse": op.sparse_top_k(p, labels(9, classes=4), 2), "one-hot": op.top_k(p, t, 2),
        **{name: getattr(op, name)(p, t, 0.3) for name in counts},
    }  # fmt: skip


@case("metric", "accuracies")
def _(op, dtype):
    p, t = probabilities(9, 4, dtype=dtype), np.eye(4, dtype=dtype)[labels(9, classes=4)]
    p[0, 1:3] = 2  # a tie: the first counts
    p[1, 2] = np.nan
    return {
        "sparse": op.sparse_categorical_accuracy(p, labels(9, classes=4)), "categorical": op.categorical_accuracy(p, t),
        "binary": op.binary_accuracy(p, t, 0.3),
    }  # fmt: skip


test_float64_is_the_definition, test_float32_is_as_near_the_definition_as_numpy = both_tests(__name__)
