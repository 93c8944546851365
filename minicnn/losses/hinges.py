"""Hinge losses: how far predictions are from the right side of a margin."""

from __future__ import annotations

import numpy as np

from ..activation_functions import of_ops
from ..symbol import is_symbolic
from .base import Loss, registry


class _Hinge(Loss):
    """Targets are -1 and 1. If all are 0 or 1, the zeros become -1."""

    def compared(self, t, output_shape):
        if not is_symbolic(t):
            return 2 * t - 1 if np.isin(t, (0, 1)).all() else t
        equal = of_ops("equal")
        binary = of_ops("all")(of_ops("logical_or")(equal(t, 0.0), equal(t, 1.0)))
        return of_ops("where")(binary, 2 * t - 1, t)

    def targets(self, y, output_shape, dtype):
        return self.compared(super().targets(y, output_shape, dtype), output_shape)


@registry.add("hinge")
class Hinge(_Hinge):
    """Mean over the last axis of max(1 - t p, 0)."""

    broadcasts_targets = True
    operation = "hinge"


@registry.add("squared_hinge")
class SquaredHinge(_Hinge):
    """Mean over the last axis of max(1 - t p, 0)^2."""

    broadcasts_targets = True
    operation = "squared_hinge"


def hinge(y_true, y_pred) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return Hinge("none")(y_true, y_pred)


def squared_hinge(y_true, y_pred) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return SquaredHinge("none")(y_true, y_pred)
