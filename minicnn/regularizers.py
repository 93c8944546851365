"""Penalties on weights, added to the loss: l1 * sum|w| + l2 * sum w^2, or what a user's function says."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .activation_functions import of_ops
from .kept_graphs import kept
from .ops import merge, optimizer_update
from .registry import Configurable, Registry, missing_name
from .registry import serialize as registry_serialize
from .runtime import transfer, weighted_sum
from .runtime.replay import changes
from .symbol import Symbol, drawing, is_symbolic

registry = Registry("regularizer")


class Regularizer(changes.Watched, Configurable):
    """Base class. minicnn's own regularizers have the two factors `l1` and `l2`.

    A subclass may define `__call__(self, x)` instead, made of functions of `minicnn.ops`. It is run on a symbol of the
    weights' shape, and what it draws has a gradient.
    """

    l1 = 0.0
    l2 = 0.0

    draw: Callable | None = None
    """(function, shape, dtype, name) -> a Drawn; `models/drawn.py` sets this function."""

    def __call__(self, x) -> float | Symbol:
        """The penalty of an array; of a symbol, or of a weight in `call`, a symbol."""
        if is_symbolic(x) or drawing() is not None:
            sum, abs, square = of_ops("sum"), of_ops("abs"), of_ops("square")
            return self.l1 * sum(abs(x)) + self.l2 * sum(square(x))
        return float(optimizer_update.penalty(transfer.to_device(np.asarray(x)), self.l1, self.l2))

    @property
    def _draws(self) -> bool:
        """Whether a user's `__call__` says what the penalty is; see `runtime/replay/recorded.py`."""
        return type(self).__call__ is not Regularizer.__call__

    @property
    def may_be_recorded(self) -> bool:
        return all(graph.may_be_recorded for graph in vars(self).get("_graphs", {}).values())

    def penalty(self, x, divisor=1):
        """The penalty of an array where the backend computes, over `divisor`: a float, or what float() makes one."""
        if not self._draws:
            return optimizer_update.penalty(x, self.l1 / divisor, self.l2 / divisor)
        (y,), _ = self._graph(x).forward([x], False, False)
        return weighted_sum.forward(y.reshape(-1), transfer.full_like(y.reshape(-1), 1 / divisor))

    def add_gradient(self, gradient, x, divisor=1):
        """The gradient plus that of the penalty over `divisor`, in a new buffer."""
        if not self._draws:
            return optimizer_update.add_penalty_gradient(gradient, x, self.l1 / divisor, self.l2 / divisor)
        graph = self._graph(x)
        (y,), saved = graph.forward([x], False, True)
        (dx,) = graph.backward([transfer.full_like(y, 1 / divisor)], saved)
        return gradient if dx is None else merge.forward("add", [gradient, dx], need_saved=False)[0]

    def _graph(self, x):
        """What `__call__` draws for an array of this shape."""
        graphs = vars(self).setdefault("_graphs", {})
        return kept(graphs, lambda shape, dtype: Regularizer.draw(self, shape, dtype, self.name), x.shape, str(x.dtype))

    @property
    def name(self) -> str:
        return type(self).__name__

    def __setattr__(self, name, value):
        vars(self).pop("_graphs", None)  # `__call__` may draw something else now
        super().__setattr__(name, value)

    def __getstate__(self):
        return {name: value for name, value in vars(self).items() if name != "_graphs"}


class FunctionRegularizer(Regularizer):
    """The penalty of a function, made of functions of `minicnn.ops`."""

    def __init__(self, fn):
        self.fn = fn

    def __call__(self, x):
        return self.fn(x)

    @property
    def name(self):
        return getattr(self.fn, "__name__", "regularizer")

    @property
    def stands_for(self):
        """See `registry.serialize`."""
        return self.fn


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


@registry.add("l1_l2", "l1l2")
class L1L2(Regularizer):
    """l1 * sum|w| + l2 * sum w^2."""

    def __init__(self, l1=0.0, l2=0.0):
        self.l1, self.l2 = _factor(l1 or 0.0, "l1"), _factor(l2 or 0.0, "l2")


l1, l2, l1_l2 = L1, L2, L1L2


@registry.add("orthogonal_regularizer")
class OrthogonalRegularizer(Regularizer):
    """Penalizes rows (or columns) of a matrix that are not at right angles: factor * the mean of their |cosines|."""

    def __init__(self, factor=0.01, mode="rows"):
        self.factor = _factor(factor, "factor")
        if mode not in ("rows", "columns"):
            raise ValueError(f'mode must be "rows" or "columns"; received mode={mode!r}.')
        self.mode = mode

    def __call__(self, x):
        if len(x.shape) != 2:
            raise ValueError(f"OrthogonalRegularizer takes a matrix; received shape {tuple(x.shape)}.")
        transpose, eye = of_ops("transpose"), of_ops("eye")
        x = x if self.mode == "rows" else transpose(x)
        count = x.shape[0]
        if count < 2:
            return 0.0 * of_ops("sum")(x)
        x = x / of_ops("sqrt")(of_ops("maximum")(of_ops("sum")(of_ops("square")(x), axis=1, keepdims=True), 1e-12))
        cosines = of_ops("abs")(of_ops("matmul")(x, transpose(x)) * (1 - np.asarray(eye(count), x.dtype)))
        return self.factor * of_ops("sum")(cosines) / (count * (count - 1))


orthogonal_regularizer = OrthogonalRegularizer


def get(identifier):
    """A regularizer from its name, its configuration, its class, itself, or a function made of `minicnn.ops`."""
    regularizer = registry.get(identifier)
    if regularizer is None or isinstance(regularizer, Regularizer):
        return regularizer
    if callable(regularizer):
        return FunctionRegularizer(regularizer)
    raise ValueError(f"A regularizer is a name, a Regularizer or a function of weights; received {identifier!r}.")


def serialize(regularizer) -> dict:
    """A regularizer as {"class_name", "config"}."""
    return registry_serialize(regularizer)


def deserialize(config, custom_objects=None):
    """A regularizer from what `serialize` returned."""
    return registry.deserialize(config, custom_objects)


def __getattr__(name):
    raise missing_name(__name__, name)
