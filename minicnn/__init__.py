"""minicnn: convolutional networks in NumPy and Numba, with Keras's names."""

from importlib import import_module as _import_module

from . import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    datasets,
    functions,  # noqa: F401 - the functions of `ops`
    initializers,
    layers,
    losses,
    metrics,
    mixed_precision,
    models,
    ops,
    optimizers,
    random,
    regularizers,
    utils,
    visualize,
)
from .initializers import Initializer
from .layers import Input, InputSpec, Layer
from .losses import Loss
from .metrics import Metric
from .mixed_precision import DTypePolicy
from .models import Model, Sequential
from .optimizers import Optimizer
from .registry import missing_name
from .regularizers import Regularizer
from .variable import Variable

__version__ = "0.1.0"

__all__ = [
    "DTypePolicy", "Initializer", "Input", "InputSpec", "Layer", "Loss", "Metric", "Model", "Optimizer", "Regularizer",
    "Sequential", "Variable",
    "activations", "applications", "backend", "callbacks", "config", "constraints", "datasets", "initializers",
    "layers", "losses", "metrics", "mixed_precision", "models", "ops", "optimizers", "preprocessing", "random",
    "regularizers", "saving", "utils", "visualize",
]  # fmt: skip


_LATER = ("applications", "preprocessing", "saving")  # imported at their first use, together with what they need


def __getattr__(name):
    if name in _LATER:
        return _import_module(f"{__name__}.{name}")
    raise missing_name(__name__, name)
