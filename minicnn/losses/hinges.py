"""Hinge losses: how far predictions are from the right side of a margin."""

from __future__ import annotations

import numpy as np

from .base import Loss, registry


class _Hinge(Loss):
    """Targets are -1 and 1. If all are 0 or 1, the zeros become -1."""

    def targets(self, y, output_shape, dtype):
        t = super().targets(y, output_shape, dtype)
        return 2 * t - 1 if np.isin(t, (0, 1)).all() else t


@registry.add("hinge")
class Hinge(_Hinge):
    """Mean over the last axis of max(1 - t p, 0)."""

    operation = "hinge"


@registry.add("squared_hinge")
class SquaredHinge(_Hinge):
    """Mean over the last axis of max(1 - t p, 0)^2."""

    operation = "squared_hinge"


def hinge(y_true, y_pred) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return Hinge("none")(y_true, y_pred)


def squared_hinge(y_true, y_pred) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return SquaredHinge("none")(y_true, y_pred)
