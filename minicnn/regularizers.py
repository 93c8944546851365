"""Penalties on weights, added to the loss: l1 * sum|w| + l2 * sum w^2."""

from __future__ import annotations

import numpy as np

from .ops import optimizer_update
from .registry import Configurable, Registry, missing_name
from .registry import serialize as registry_serialize
from .runtime import transfer
from .runtime.replay import changes

registry = Registry("regularizer")


class Regularizer(changes.Watched, Configurable):
    """Base class. A regularizer has the two factors `l1` and `l2`."""

    l1 = 0.0
    l2 = 0.0

    def __call__(self, x) -> float:
        """The penalty of an array."""
        return float(optimizer_update.penalty(transfer.to_device(np.asarray(x)), self.l1, self.l2))


def _factor(value, name):
    if isinstance(value, bool) or not np.isscalar(value) or not value >= 0 or value == np.inf:
        raise ValueError(f"{name} must be a number, zero or more; received {name}={value!r}.")
    return float(value)


@registry.add("l1")
class L1(Regularizer):
    """l1 * sum|w|."""

    def __init__(self, l1=0.01):
        self.l1 = _factor(l1, "l1")


@registry.add("l2")
class L2(Regularizer):
    """l2 * sum w^2."""

    def __init__(self, l2=0.01):
        self.l2 = _factor(l2, "l2")


@registry.add("l1_l2")
class L1L2(Regularizer):
    """l1 * sum|w| + l2 * sum w^2."""

    def __init__(self, l1=0.0, l2=0.0):
        self.l1, self.l2 = _factor(l1 or 0.0, "l1"), _factor(l2 or 0.0, "l2")


l1, l2, l1_l2 = L1, L2, L1L2


def get(identifier):
    """A regularizer from its name, its configuration, its class or itself. ValueError for any other function."""
    regularizer = registry.get(identifier)
    if regularizer is not None and type(regularizer).__call__ is not Regularizer.__call__:
        raise ValueError(
            "A regularizer needs a derivative: it is one of minicnn.regularizers, l1 * sum|w| + l2 * sum w^2; "
            f"received {identifier!r}."
        )
    return regularizer


def serialize(regularizer) -> dict:
    """A regularizer as {"class_name", "config"}."""
    return registry_serialize(regularizer)


def deserialize(config, custom_objects=None):
    """A regularizer from what `serialize` returned."""
    return registry.deserialize(config, custom_objects)


def __getattr__(name):
    raise missing_name(__name__, name)
