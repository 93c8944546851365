"""Constraints: conditions that weights satisfy after every training step. The names are Keras's."""

from __future__ import annotations

import numpy as np

from . import config
from .ops import constraint as op
from .registry import Configurable, Registry, missing_name
from .registry import serialize as registry_serialize
from .runtime import transfer
from .runtime.replay import changes

registry = Registry("constraint")


class Constraint(changes.Watched, Configurable):
    """Base class. A user's subclass defines `__call__`. minicnn's subclasses define `hold`, which copies nothing."""

    def hold(self, w) -> None:
        """Change the weight w in place. w is stored where the backend computes."""
        if type(self).__call__ is Constraint.__call__:
            raise NotImplementedError(f"{type(self).__name__} does not define __call__(w), which gives the new weight.")
        transfer.assign(w, np.asarray(self(np.array(transfer.to_host(w))), w.dtype))

    @property
    def may_be_recorded(self) -> bool:
        """Whether the subclass defines `hold`, which works where the backend computes. Only then may a training step
        that uses the constraint be recorded (`runtime/replay`)."""
        return type(self).hold is not Constraint.hold

    def __call__(self, w) -> np.ndarray:
        """A copy of the array w that satisfies the constraint."""
        held = transfer.to_device(np.array(w))
        self.hold(held)
        return np.array(transfer.to_host(held))


class FunctionConstraint(Constraint):
    """A user's function of a weight, which gives the new weight. It may be made of functions of `minicnn.ops`."""

    def __init__(self, fn):
        self.fn = fn

    def __call__(self, w):
        return np.asarray(self.fn(w))

    @property
    def stands_for(self):
        """See `registry.serialize`."""
        return self.fn


@registry.add("non_neg")
class NonNeg(Constraint):
    """No number below zero."""

    def hold(self, w):
        op.non_negative(w)


class _Norm(Constraint):
    """Limits the norm over `axis`: 0 for each unit of a Dense kernel, [0, 1, 2] for each filter of a Conv2D kernel."""

    axis: int | list[int]
    least, most, rate = 0.0, 1.0, 1.0

    def hold(self, w):
        axes = tuple(self.axis) if isinstance(self.axis, (list, tuple)) else (self.axis,)
        if not all(-w.ndim <= axis < w.ndim for axis in axes):
            raise ValueError(
                f"axis must be from {-w.ndim} to {w.ndim - 1} for a weight of shape {tuple(w.shape)}; "
                f"received axis={self.axis!r}."
            )
        op.limit_norm(w, tuple(axis % w.ndim for axis in axes), self.least, self.most, self.rate, config.epsilon())


@registry.add("max_norm")
class MaxNorm(_Norm):
    """A norm of at most max_value."""

    def __init__(self, max_value=2, axis=0):
        self.max_value, self.axis = max_value, axis
        self.most = max_value


@registry.add("unit_norm")
class UnitNorm(_Norm):
    """A norm of 1."""

    least = 1.0

    def __init__(self, axis=0):
        self.axis = axis


@registry.add("min_max_norm")
class MinMaxNorm(_Norm):
    """A norm between min_value and max_value. With rate < 1, each step moves the norm only that part of the way."""

    def __init__(self, min_value=0.0, max_value=1.0, rate=1.0, axis=0):
        self.min_value, self.max_value, self.rate, self.axis = min_value, max_value, rate, axis
        self.least, self.most = min_value, max_value


max_norm, non_neg, unit_norm, min_max_norm = MaxNorm, NonNeg, UnitNorm, MinMaxNorm


def get(identifier):
    """A constraint from its name, its configuration, its class, a function or itself."""
    constraint = registry.get(identifier)
    if callable(constraint) and not isinstance(constraint, (Constraint, type)):
        return FunctionConstraint(constraint)
    if constraint is not None and not isinstance(constraint, Constraint):
        raise ValueError(
            f"A constraint is a name, a function or a minicnn.constraints.Constraint; received {identifier!r}."
        )
    return constraint


def serialize(constraint) -> dict:
    """A constraint as {"class_name", "config"}."""
    return registry_serialize(constraint)


def deserialize(config, custom_objects=None):
    """A constraint from what `serialize` returned."""
    return registry.deserialize(config, custom_objects)


def __getattr__(name):
    raise missing_name(__name__, name)
