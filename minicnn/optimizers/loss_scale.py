"""LossScaleOptimizer: for losses that were multiplied by a large number, so that small gradients stay above zero."""

from __future__ import annotations

import numpy as np

from ..registry import serialize
from ..runtime import transfer
from .base import Optimizer, get, registry


@registry.add()
class LossScaleOptimizer(Optimizer):
    """Another optimizer, whose steps are left out if a gradient is infinite or NaN.

    A step of your own multiplies its loss with `scale_loss`; `apply_gradients` divides the gradients again. The scale
    is halved by a step that was left out, and doubled after dynamic_growth_steps good ones. minicnn computes in float32
    or float64, where gradients need no scale, so `fit` scales no loss; it only leaves out such steps.
    """

    def __init__(self, inner_optimizer, initial_scale=2.0**15, dynamic_growth_steps=2000, name=None, **others):
        super().__init__(0.0, name=name, **others)
        self.inner_optimizer = get(inner_optimizer)
        self.initial_scale, self.dynamic_growth_steps = float(initial_scale), int(dynamic_growth_steps)
        self.dynamic_scale, self._good_steps = self.initial_scale, 0

    may_be_recorded = False  # the gradients decide whether there is a step

    def get_config(self):
        return {
            "name": self.name,
            "inner_optimizer": serialize(self.inner_optimizer),
            "initial_scale": self.initial_scale,
            "dynamic_growth_steps": self.dynamic_growth_steps,
        }

    @property
    def learning_rate(self):
        return self.inner_optimizer.learning_rate

    @learning_rate.setter
    def learning_rate(self, value):
        if hasattr(self, "inner_optimizer"):  # not in the constructor
            self.inner_optimizer.learning_rate = value

    @property
    def iterations(self):
        return self.inner_optimizer.iterations

    def scale_loss(self, loss):
        return loss * self.dynamic_scale

    def _unscaled(self, gradient):
        return np.asarray(gradient) / self.dynamic_scale

    def apply(self, gradients, variables):
        if not all(g is None or np.isfinite(transfer.to_host(g)).all() for g in gradients):
            self.dynamic_scale, self._good_steps = self.dynamic_scale / 2, 0
            return
        self.inner_optimizer.apply(gradients, variables)
        self._good_steps += 1
        if self._good_steps == self.dynamic_growth_steps:
            self.dynamic_scale, self._good_steps = self.dynamic_scale * 2, 0

    # Memories: those of the inner optimizer

    @property
    def use_ema(self):
        return self.inner_optimizer.use_ema

    @use_ema.setter
    def use_ema(self, value):
        if value:
            raise ValueError("LossScaleOptimizer has no use_ema: give it to the inner optimizer.")

    def state(self, variables):
        """Keras's order: an unused count and rate, the good steps and the scale, then the inner optimizer's state."""
        own = [np.int64(0), np.float32(0), np.int32(self._good_steps), np.float32(self.dynamic_scale)]
        return [*map(np.array, own), *self.inner_optimizer.state(variables)]

    def set_state(self, variables, arrays):
        if len(arrays) < 4 or any(np.shape(number) for number in arrays[:4]):
            raise ValueError(f"The state of {self.name!r} begins with four numbers; received {len(arrays)} arrays.")
        good_steps, scale = arrays[2:4]
        if not (0 <= good_steps < 2**31 and good_steps == int(good_steps) and 0 < scale < np.inf):
            raise ValueError(
                f"The state of {self.name!r} needs a whole number of good steps and a scale above 0; received "
                f"{good_steps} and {scale}."
            )
        self.inner_optimizer.set_state(variables, arrays[4:])
        self._good_steps, self.dynamic_scale = int(good_steps), float(scale)

    def remembers(self, variable):
        return self.inner_optimizer.remembers(variable)

    def memories(self, variable):
        return self.inner_optimizer.memories(variable)

    def build(self, variables):
        self.inner_optimizer.build(variables)

    @property
    def variables(self):
        return self.inner_optimizer.variables

    def to_device(self):
        self.inner_optimizer.to_device()

    def exclude_from_weight_decay(self, var_list=None, var_names=None):
        self.inner_optimizer.exclude_from_weight_decay(var_list, var_names)

    def decays(self, variable):
        return self.inner_optimizer.decays(variable)

    def finalize_variable_values(self, var_list):
        self.inner_optimizer.finalize_variable_values(var_list)

    def exchange_with_averages(self, var_list):
        self.inner_optimizer.exchange_with_averages(var_list)

    def take_as_averages(self, var_list):
        self.inner_optimizer.take_as_averages(var_list)
