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

import functools
import inspect

from ..registry import missing_name
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
from .similarity import CategoricalHinge, CosineSimilarity, categorical_hinge, cosine_similarity

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
}


def get(identifier) -> Loss | None:
    """A loss from its name, its function here, its configuration, its class or itself."""
    if callable(identifier) and identifier in FUNCTIONS:
        return FUNCTIONS[identifier]()
    if inspect.isfunction(identifier) or isinstance(identifier, functools.partial):
        return LossFunctionWrapper(identifier)
    loss = registry.get(identifier)
    if inspect.isfunction(loss):
        return LossFunctionWrapper(loss)
    if loss is not None and not isinstance(loss, Loss):
        raise ValueError(
            f"A loss is a name, a function of (y_true, y_pred) or a minicnn.losses.Loss; received {identifier!r}."
        )
    return loss


class LossFunctionWrapper(Loss):
    """The loss of a function of (y_true, y_pred), which is made of functions of `minicnn.ops`."""

    def __init__(self, fn, reduction="sum_over_batch_size", name=None, **arguments):
        super().__init__(reduction, name or getattr(fn, "__name__", "loss"))
        self.fn, self.arguments = fn, arguments

    def get_config(self):
        return {"fn": self.fn, "reduction": self.reduction, "name": self.name, **self.arguments}

    def call(self, y_true, y_pred):
        return self.fn(y_true, y_pred, **self.arguments)


def serialize(loss) -> dict:
    """A loss as {"class_name", "config"}."""
    return registry_serialize(loss)


def deserialize(config, custom_objects=None):
    """A loss from what `serialize` returned."""
    return registry.deserialize(config, custom_objects)


def __getattr__(name):
    raise missing_name(__name__, name)


__all__ = [
    "BinaryCrossentropy",
    "BinaryFocalCrossentropy",
    "CategoricalCrossentropy",
    "CategoricalFocalCrossentropy",
    "CategoricalGeneralizedCrossEntropy",
    "CategoricalHinge",
    "CosineSimilarity",
    "Dice",
    "Hinge",
    "Huber",
    "KLDivergence",
    "LogCosh",
    "Loss",
    "MeanAbsoluteError",
    "MeanAbsolutePercentageError",
    "MeanSquaredError",
    "MeanSquaredLogarithmicError",
    "Poisson",
    "SparseCategoricalCrossentropy",
    "SquaredHinge",
    "Tversky",
    "binary_crossentropy",
    "binary_focal_crossentropy",
    "categorical_crossentropy",
    "categorical_focal_crossentropy",
    "categorical_generalized_cross_entropy",
    "categorical_hinge",
    "check_lengths",
    "cosine_similarity",
    "deserialize",
    "dice",
    "float_array",
    "get",
    "hinge",
    "huber",
    "kl_divergence",
    "log_cosh",
    "mean_absolute_error",
    "mean_absolute_percentage_error",
    "mean_squared_error",
    "mean_squared_logarithmic_error",
    "poisson",
    "registry",
    "serialize",
    "sparse_categorical_crossentropy",
    "squared_hinge",
    "tversky",
    "weights_per_row",
]  # fmt: skip
