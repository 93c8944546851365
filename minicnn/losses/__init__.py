"""Losses as Keras names them: objects for `compile`, functions for arrays.

A loss flattens predictions (N, ..., K) to rows (M, K) and gives one number per row. `fit` takes the mean of these
numbers, each weighted by its sample's weight. Some losses also compute the activation that the model ends in (softmax
with cross-entropy, sigmoid with binary cross-entropy): the trainer gives them logits instead of probabilities.

- base.py: the base class: checks targets, gives one number per row, and each row's weight in the batch's loss
- cross_entropy.py: for labels, one-hot targets, and yes or no; with logits, label smoothing and ignored classes
- regression.py: squared, absolute and relative errors; Huber and log-cosh
- distributions.py: Kullback-Leibler divergence and Poisson
- hinges.py: hinge and its square
- focal.py: cross-entropies that weigh hard examples, and one for wrong labels
- overlap.py: Dice and Tversky, for segmentation
- similarity.py: angles, and the hinge of classes
- composed.py: losses of two predictions, with the gradients of both
- of_function.py: losses that are functions, or define `call`
"""

from __future__ import annotations

import inspect

from ..registry import custom_object, custom_object_scope, missing_name, object_name
from ..registry import serialize as registry_serialize
from .base import Loss, check_lengths, float_array, registry, weights_per_row
from .cross_entropy import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    SparseCategoricalCrossentropy,
    binary_crossentropy,
    categorical_crossentropy,
    sparse_categorical_crossentropy,
)
from .distributions import KLDivergence, Poisson, kl_divergence, poisson
from .focal import (
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    CategoricalGeneralizedCrossEntropy,
    binary_focal_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
)
from .hinges import Hinge, SquaredHinge, hinge, squared_hinge
from .overlap import Dice, Tversky, dice, tversky
from .regression import (
    Huber,
    LogCosh,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    huber,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
)
from .similarity import CategoricalHinge, Circle, CosineSimilarity, categorical_hinge, circle, cosine_similarity

FUNCTIONS = {
    sparse_categorical_crossentropy: SparseCategoricalCrossentropy,
    categorical_crossentropy: CategoricalCrossentropy,
    binary_crossentropy: BinaryCrossentropy,
    mean_squared_error: MeanSquaredError,
    mean_absolute_error: MeanAbsoluteError,
    mean_absolute_percentage_error: MeanAbsolutePercentageError,
    mean_squared_logarithmic_error: MeanSquaredLogarithmicError,
    huber: Huber,
    log_cosh: LogCosh,
    kl_divergence: KLDivergence,
    poisson: Poisson,
    hinge: Hinge,
    squared_hinge: SquaredHinge,
    binary_focal_crossentropy: BinaryFocalCrossentropy,
    categorical_focal_crossentropy: CategoricalFocalCrossentropy,
    categorical_generalized_cross_entropy: CategoricalGeneralizedCrossEntropy,
    dice: Dice,
    tversky: Tversky,
    categorical_hinge: CategoricalHinge,
    cosine_similarity: CosineSimilarity,
    circle: Circle,
}


def get(identifier):
    """The function of a function's name ("mse"); a loss from its class's name, its configuration or its class; a loss,
    a function and None as they are."""
    if isinstance(identifier, dict) and identifier.get("class_name") == "function":
        identifier = identifier.get("config")
    if isinstance(identifier, str) and custom_object(identifier) is None:
        kind = registry.find(identifier)
        if identifier != kind.__name__:
            return next(function for function, known in FUNCTIONS.items() if known is kind)
    if isinstance(identifier, str) and inspect.isfunction(custom_object(identifier)):
        return custom_object(identifier)
    return registry.get(identifier)


def as_loss(identifier) -> Loss | None:
    """The loss that `compile` means by a name, a function, a configuration, a class or a loss."""
    found = get(identifier)
    if callable(found) and found in FUNCTIONS:
        return FUNCTIONS[found]()
    if callable(found) and not isinstance(found, (Loss, type)):
        return LossFunctionWrapper(found, name=object_name(found))
    if found is not None and not isinstance(found, Loss):
        raise ValueError(
            f"A loss is a name, a function of (y_true, y_pred) or a minicnn.losses.Loss; received {identifier!r}."
        )
    return found


class LossFunctionWrapper(Loss):
    """The loss of a function of (y_true, y_pred), which is made of functions of `minicnn.ops`."""

    def __init__(self, fn, reduction="sum_over_batch_size", name=None, dtype=None, **arguments):
        super().__init__(reduction, name or getattr(fn, "__name__", "loss"), dtype)
        self.fn, self.arguments = fn, arguments

    def get_config(self):
        return {"fn": self.fn, "reduction": self.reduction, "name": self.name, **self.arguments}

    def call(self, y_true, y_pred):
        return self.fn(y_true, y_pred, **self.arguments)


def serialize(loss) -> dict:
    """A loss as {"class_name", "config"}."""
    return registry_serialize(loss)


def deserialize(config, custom_objects=None):
    """A loss or a function from what `serialize` returned."""
    with custom_object_scope(custom_objects or {}):
        return get(config)


def __getattr__(name):
    raise missing_name(__name__, name)


__all__ = [
    "BinaryCrossentropy", "BinaryFocalCrossentropy", "CategoricalCrossentropy", "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy", "CategoricalHinge", "Circle", "CosineSimilarity", "Dice", "Hinge", "Huber",
    "KLDivergence", "LogCosh", "Loss", "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanSquaredError",
    "MeanSquaredLogarithmicError", "Poisson", "SparseCategoricalCrossentropy", "SquaredHinge", "Tversky",
    "binary_crossentropy", "binary_focal_crossentropy", "categorical_crossentropy", "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy", "categorical_hinge", "check_lengths", "circle", "cosine_similarity",
    "deserialize", "dice", "float_array", "get", "hinge", "huber", "kl_divergence", "log_cosh", "mean_absolute_error",
    "mean_absolute_percentage_error", "mean_squared_error", "mean_squared_logarithmic_error", "poisson", "registry",
    "serialize", "sparse_categorical_crossentropy", "squared_hinge", "tversky", "weights_per_row",
]  # fmt: skip
