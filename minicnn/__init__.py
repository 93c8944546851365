"""minicnn: convolutional networks in NumPy and Numba, with Keras's words."""

from . import (
    activations,
    backend,
    callbacks,
    config,
    datasets,
    initializers,
    layers,
    losses,
    metrics,
    models,
    optimizers,
    regularizers,
    utils,
)
from .layers import Input, Layer
from .models import Model, Sequential

__version__ = "0.1.0"

__all__ = [
    "Input", "Layer", "Model", "Sequential", "activations", "backend", "callbacks", "config", "datasets",
    "initializers", "layers", "losses", "metrics", "models", "optimizers", "regularizers", "utils",
]  # fmt: skip
