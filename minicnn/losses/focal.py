"""Cross-entropies that weigh hard examples: what is known already counts little."""

from __future__ import annotations

from .. import config, ops
from .base import Loss, registry


def binary_focal_crossentropy(
    y_true, y_pred, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1
):
    """Mean along `axis` of (1 - p_t)^gamma * cross-entropy, p_t being the probability of the truth."""
    y_true = ops.cast(y_true, y_pred.dtype) * (1.0 - label_smoothing) + 0.5 * label_smoothing
    p = ops.sigmoid(y_pred) if from_logits else y_pred
    p_true = y_true * p + (1.0 - y_true) * (1.0 - p)
    losses = ops.power(1.0 - p_true, gamma) * ops.binary_crossentropy(y_true, p)
    if apply_class_balancing:
        losses = losses * (y_true * alpha + (1.0 - y_true) * (1.0 - alpha))
    return ops.mean(losses, axis=axis)


def categorical_focal_crossentropy(
    y_true, y_pred, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1
):
    """Sum along `axis` of -alpha * (1 - p)^gamma * y_true * log(p)."""
    y_true = ops.cast(y_true, y_pred.dtype) * (1.0 - label_smoothing) + label_smoothing / y_pred.shape[axis]
    p = ops.softmax(y_pred, axis=axis) if from_logits else y_pred
    p = ops.clip(p / ops.sum(p, axis=axis, keepdims=True), config.epsilon(), 1.0 - config.epsilon())
    return ops.sum(-alpha * ops.power(1.0 - p, gamma) * y_true * ops.log(p), axis=axis)


@registry.add("binary_focal_crossentropy")
class BinaryFocalCrossentropy(Loss):
    """Binary cross-entropy times (1 - p_t)^gamma; with apply_class_balancing, times alpha for ones and 1 - alpha for
    zeros. Source: Lin et al., "Focal Loss for Dense Object Detection", 2017."""

    def __init__(
        self, apply_class_balancing=False, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1,
        reduction="sum_over_batch_size", name=None, dtype=None,
    ):  # fmt: skip
        super().__init__(reduction, name, dtype)
        self.apply_class_balancing, self.alpha, self.gamma = apply_class_balancing, alpha, gamma
        self.from_logits, self.label_smoothing, self.axis = from_logits, label_smoothing, axis

    def call(self, y_true, y_pred):
        return binary_focal_crossentropy(
            y_true, y_pred, self.apply_class_balancing, self.alpha, self.gamma, self.from_logits, self.label_smoothing,
            self.axis,
        )  # fmt: skip


@registry.add("categorical_focal_crossentropy")
class CategoricalFocalCrossentropy(Loss):
    """Cross-entropy of one-hot targets times alpha * (1 - p)^gamma. Source: as above."""

    def __init__(
        self, alpha=0.25, gamma=2.0, from_logits=False, label_smoothing=0.0, axis=-1, reduction="sum_over_batch_size",
        name=None, dtype=None,
    ):  # fmt: skip
        super().__init__(reduction, name, dtype)
        self.alpha, self.gamma, self.from_logits = alpha, gamma, from_logits
        self.label_smoothing, self.axis = label_smoothing, axis

    def call(self, y_true, y_pred):
        return categorical_focal_crossentropy(
            y_true, y_pred, self.alpha, self.gamma, self.from_logits, self.label_smoothing, self.axis
        )


def categorical_generalized_cross_entropy(y_true, y_pred, q):
    """(1 - p^q) / q, p being the probability of the label."""
    chosen = ops.one_hot(ops.cast(y_true, "int32"), y_pred.shape[-1])
    return (1.0 - ops.power(ops.sum(y_pred * chosen, axis=-1), q)) / q


@registry.add("categorical_generalized_cross_entropy")
class CategoricalGeneralizedCrossEntropy(Loss):
    """(1 - p^q) / q for integer labels: between cross-entropy (q near 0) and mean absolute error (q near 1), for labels
    that may be wrong. Source: Zhang and Sabuncu, "Generalized Cross Entropy Loss for Training Deep Neural Networks with
    Noisy Labels", 2018."""

    def __init__(self, q=0.5, reduction="sum_over_batch_size", name=None, dtype=None):
        super().__init__(reduction, name, dtype)
        if not 0 < q < 1:
            raise ValueError(f"q must be between 0 and 1; received q={q!r}.")
        self.q = q

    def call(self, y_true, y_pred):
        return categorical_generalized_cross_entropy(y_true, y_pred, self.q)
