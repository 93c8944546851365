"""minicnn: convolutional networks in NumPy and Numba, with Keras's words."""

from . import (
    activations,
    backend,
    callbacks,
    config,
    constraints,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    utils,
    visualize,
)
from .initializers import Initializer
from .layers import Input, Layer
from .losses import Loss
from .metrics import Metric
from .models import Model, Sequential
from .models.files import saving as _saving
from .optimizers import Optimizer
from .registry import missing_name
from .regularizers import Regularizer
from .variable import Variable

__version__ = "0.1.0"

__all__ = [
    "Initializer", "Input", "Layer", "Loss", "Metric", "Model", "Optimizer", "Regularizer", "Sequential", "Variable",
    "activations", "backend", "callbacks", "config", "constraints", "datasets", "initializers", "layers", "losses",
    "metrics", "models", "optimizers", "regularizers", "saving", "utils", "visualize",
]  # fmt: skip


def __getattr__(name):
    if name == "saving":  # with h5py, when it is first asked for
        return _saving()
    raise missing_name(__name__, name)
