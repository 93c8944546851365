"""Metrics, with Keras's names: numbers that are reported over the batches of an epoch.

metric     the base classes: Metric, Mean        accuracies     shares of right answers
counts     true and false positives, precision, recall          curves   AUC and points on the curve
scores     F-scores and R2                       loss_metrics   losses as metrics
segmentation   intersection over union                          correlation   of predictions with targets
"""

from __future__ import annotations

from .. import losses
from ..registry import Registry, missing_name, object_name
from ..registry import serialize as registry_serialize
from .accuracies import (
    Accuracy,
    BinaryAccuracy,
    CategoricalAccuracy,
    SparseCategoricalAccuracy,
    SparseTopKCategoricalAccuracy,
    TopKCategoricalAccuracy,
    binary_accuracy,
    categorical_accuracy,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from .correlation import ConcordanceCorrelation, PearsonCorrelation, concordance_correlation, pearson_correlation
from .counts import FalseNegatives, FalsePositives, Precision, Recall, TrueNegatives, TruePositives
from .curves import AUC, PrecisionAtRecall, RecallAtPrecision, SensitivityAtSpecificity, SpecificityAtSensitivity
from .loss_metrics import (
    BinaryCrossentropy,
    CategoricalCrossentropy,
    CategoricalHinge,
    CosineSimilarity,
    Hinge,
    KLDivergence,
    LogCoshError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredError,
    MeanSquaredLogarithmicError,
    Poisson,
    RootMeanSquaredError,
    SparseCategoricalCrossentropy,
    SquaredHinge,
)
from .metric import Mean, MeanMetricWrapper, Metric, Sum, registry
from .scores import F1Score, FBetaScore, R2Score
from .segmentation import BinaryIoU, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU

# keras.metrics has the loss functions too.
binary_crossentropy, categorical_crossentropy = losses.binary_crossentropy, losses.categorical_crossentropy
sparse_categorical_crossentropy = losses.sparse_categorical_crossentropy
mean_squared_error, mean_absolute_error = losses.mean_squared_error, losses.mean_absolute_error
mean_absolute_percentage_error = losses.mean_absolute_percentage_error
mean_squared_logarithmic_error = losses.mean_squared_logarithmic_error
huber, log_cosh, kl_divergence, poisson = losses.huber, losses.log_cosh, losses.kl_divergence, losses.poisson
hinge, squared_hinge = losses.hinge, losses.squared_hinge
categorical_hinge, categorical_focal_crossentropy = losses.categorical_hinge, losses.categorical_focal_crossentropy
binary_focal_crossentropy = losses.binary_focal_crossentropy

_ACCURACY = ("accuracy", "acc")
_BY_OUTPUT = (*_ACCURACY, "crossentropy", "ce")


def get(identifier, loss=None, y_shape=None, output_shape=None):
    """A metric from its name, its configuration, its class, a function or a metric object; None is none.

    "accuracy" (or "acc") and "crossentropy" (or "ce") depend on the model and need y_shape and output_shape. They mean
    the binary metric if the model has one output, the sparse categorical one if targets are integer labels, and else
    the categorical one. A metric given by its name is called by that name in the logs.
    """
    if identifier is None:
        return None
    if isinstance(identifier, str) and identifier in _BY_OUTPUT:
        kind = "Accuracy" if identifier in _ACCURACY else "Crossentropy"
        if output_shape[-1] == 1:
            name = f"Binary{kind}"
        elif len(y_shape) == len(output_shape) and y_shape[-1] == output_shape[-1]:
            name = f"Categorical{kind}"
        else:
            name = f"SparseCategorical{kind}"
        arguments = {"from_logits": True} if kind == "Crossentropy" and loss and loss.from_logits else {}
        return registry.find(name)(name=identifier, **arguments)
    if isinstance(identifier, str):
        if identifier not in registry.entries:
            _registry_with_shortcuts().find(identifier)
        return registry.find(identifier)(name=identifier)
    if callable(identifier) and identifier in losses.FUNCTIONS and identifier.__name__ in registry.entries:
        return registry.find(identifier.__name__)(name=identifier.__name__)
    metric = registry.get(identifier)
    if callable(metric) and not isinstance(metric, (Metric, type)):  # a function, a method, a loss
        return MeanMetricWrapper(metric, object_name(metric))
    if not isinstance(metric, Metric):
        raise ValueError(f"A metric is a name or a minicnn.metrics.Metric; received {identifier!r}.")
    return metric


def _registry_with_shortcuts():
    """The registry plus the names that depend on the model, for the error message about an unknown name."""
    everything = Registry("metric")
    everything.entries = {**registry.entries, **dict.fromkeys(_BY_OUTPUT)}
    return everything


def serialize(metric) -> dict:
    """A metric as {"class_name", "config"}."""
    return registry_serialize(metric)


def deserialize(config, custom_objects=None):
    """A metric from what `serialize` returned."""
    return registry.deserialize(config, custom_objects)


def __getattr__(name):
    raise missing_name(__name__, name)


__all__ = [
    "AUC", "Accuracy", "BinaryAccuracy", "BinaryCrossentropy", "BinaryIoU", "CategoricalAccuracy",
    "CategoricalCrossentropy", "CategoricalHinge", "ConcordanceCorrelation", "CosineSimilarity", "F1Score",
    "FBetaScore", "FalseNegatives", "FalsePositives", "Hinge", "IoU", "KLDivergence", "LogCoshError", "Mean",
    "MeanAbsoluteError", "MeanAbsolutePercentageError", "MeanIoU", "MeanMetricWrapper", "MeanSquaredError",
    "MeanSquaredLogarithmicError", "Metric", "OneHotIoU", "OneHotMeanIoU", "PearsonCorrelation", "Poisson",
    "Precision", "PrecisionAtRecall", "R2Score", "Recall", "RecallAtPrecision", "RootMeanSquaredError",
    "SensitivityAtSpecificity", "SparseCategoricalAccuracy", "SparseCategoricalCrossentropy",
    "SparseTopKCategoricalAccuracy", "SpecificityAtSensitivity", "SquaredHinge", "Sum", "TopKCategoricalAccuracy",
    "TrueNegatives", "TruePositives", "binary_accuracy", "binary_crossentropy", "categorical_accuracy",
    "categorical_crossentropy", "concordance_correlation", "deserialize", "get", "hinge", "huber", "kl_divergence",
    "log_cosh", "mean_absolute_error", "mean_absolute_percentage_error", "mean_squared_error",
    "mean_squared_logarithmic_error", "pearson_correlation", "poisson", "registry", "serialize",
    "sparse_categorical_accuracy", "sparse_categorical_crossentropy", "sparse_top_k_categorical_accuracy",
    "squared_hinge", "top_k_categorical_accuracy",
]  # fmt: skip
