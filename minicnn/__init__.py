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
    visualize,
)
from .layers import Input, Layer
from .models import Model, Sequential
from .models.files import saving as _saving

__version__ = "0.1.0"

__all__ = [
    "Input", "Layer", "Model", "Sequential", "activations", "backend", "callbacks", "config", "datasets",
    "initializers", "layers", "losses", "metrics", "models", "optimizers", "regularizers", "saving",
    "utils", "visualize",
]  # fmt: skip


def __getattr__(name):
    if name == "saving":  # with h5py, when it is first asked for
        return _saving()
    raise AttributeError(f"module 'minicnn' has no attribute {name!r}")
