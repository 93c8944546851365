"""Losses of distributions: how well predicted probabilities or rates fit the targets."""

from __future__ import annotations

import numpy as np

from .base import Loss, registry


@registry.add("kl_divergence", "kullback_leibler_divergence", "kld", "KLD")
class KLDivergence(Loss):
    """Sum over the last axis of t log(t / p), of probabilities."""

    broadcasts_targets = True
    operation = "kl_divergence"

    def __init__(self, reduction="sum_over_batch_size", name="kl_divergence", dtype=None):
        super().__init__(reduction, name, dtype)


@registry.add("poisson")
class Poisson(Loss):
    """Mean over the last axis of p - t log p: how well counts t fit the rates p."""

    broadcasts_targets = True
    operation = "poisson"


def kl_divergence(y_true, y_pred) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return KLDivergence("none")(y_true, y_pred)


def poisson(y_true, y_pred) -> np.ndarray:
    """The loss of every row: y_true and y_pred (N, ..., K), result (N, ...)."""
    return Poisson("none")(y_true, y_pred)
