"""Losses that are functions of (y_true, y_pred), or classes with a `call` of these two.

The function is run once on symbols, and what it draws gives the loss of every row and its gradient (`models/drawn.py`).
It may return one number for each row, for each output, or one for the whole batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from ..activation_functions import of_ops
from ..kept_graphs import graph_for, shapes_of_outputs
from ..runtime.replay import changes


def over_counted(rows):
    """Losses, such that their mean is the mean of the rows that count. Rows do not count in a loss with ignore_class,
    which says so in the symbol's attribute `counted`: 1 or 0 for each row."""
    counted = getattr(rows, "counted", None)
    if counted is None:
        return rows
    share = of_ops("maximum")(of_ops("mean")(counted), 1e-12)  # if no row counts, all losses are 0
    return rows / share


class DrawnLoss(changes.Watched):
    """The part of a loss that runs its `call`. Its inputs are targets in their own shape, and predictions."""

    draw: Callable | None = None
    """(function of [y_true, y_pred], shapes, dtype, name) -> a Drawn; `models/drawn.py` sets this function."""

    @property
    def _draws(self) -> bool:
        return callable(getattr(self, "call", None))

    @property
    def may_be_recorded(self) -> bool:
        """Whether a training step with this loss may be replayed."""
        return all(drawn.may_be_recorded for drawn in self._graphs().values() if hasattr(drawn, "plan"))

    def drawn_for(self, y_shape, output_shape, dtype):
        """The graph of `call` for targets and predictions of these shapes; the size of the batch does not matter."""
        return graph_for(self._graphs(), self._drawn, (y_shape, output_shape), str(dtype))

    def _graphs(self):
        return vars(self).setdefault("_drawings", {})

    def _drawn(self, shapes, dtype):
        mean = self.reduction not in ("sum", "none", None)
        call = (lambda symbols: over_counted(self.call(*symbols))) if mean else (lambda symbols: self.call(*symbols))
        drawn = DrawnLoss.draw(call, shapes, dtype, self.name)
        if drawn.gives_several:
            raise ValueError(f"The loss {self.name!r} must return one array; it returned {drawn.count}.")
        return drawn

    def __setattr__(self, name, value):
        """Set an attribute, which `call` may read: what it has drawn is forgotten."""
        super().__setattr__(name, value)
        self._graphs().clear()

    def __getstate__(self):
        """For copies and pickles: without the graphs, in which this loss is."""
        return {name: value for name, value in vars(self).items() if name != "_drawings"}

    def drawn_shape(self, y_shape, output_shape) -> tuple:
        """The shape of the losses for targets and predictions of these shapes."""
        y_shape = self.standard_shape(tuple(y_shape), output_shape)
        return shapes_of_outputs(self._graphs(), self._drawn, (y_shape, tuple(output_shape)), "float32")[0]

    @staticmethod
    def standard_shape(y_shape, output_shape) -> tuple:
        """The targets' shape with the predictions' rank, if a last axis of size 1 gives it, as in Keras."""
        if len(y_shape) == len(output_shape) - 1 and output_shape[-1] == 1:
            return (*y_shape, 1)
        if len(y_shape) == len(output_shape) + 1 and y_shape[-1] == 1:
            return y_shape[:-1]
        return y_shape

    def drawn_targets(self, y, output_shape, dtype):
        """A batch of targets as the function gets it."""
        return np.ascontiguousarray(y, dtype).reshape(self.standard_shape(y.shape, output_shape))

    def forward_drawn(self, targets, y_pred, need_saved):
        """`forward` of a loss that defines `call`. A layer that it calls does not train, as in Keras."""
        drawn = self.drawn_for(targets.shape, y_pred.shape, y_pred.dtype)
        (losses,), saved = drawn.forward([targets, y_pred], False, need_saved)
        return losses.reshape(max(1, math.prod(losses.shape))), (drawn, saved, losses.shape)

    def backward_drawn(self, dlosses, saved):
        """`backward` of a loss that defines `call`."""
        drawn, saved, shape = saved
        return drawn.backward([dlosses.reshape(shape)], saved)[1]
