"""Adafactor: adaptive steps with little memory: of a matrix's squared gradients it keeps means of rows and columns."""

from __future__ import annotations

import math

from ..ops import optimizer_update
from .base import Optimizer, registry


@registry.add("adafactor")
class Adafactor(Optimizer):
    """Adafactor (Shazeer and Stern 2018). With relative_step a rate that is a number is at most 1 / sqrt(step)."""

    def __init__(
        self, learning_rate=0.001, beta_2_decay=-0.8, epsilon_1=1e-30, epsilon_2=1e-3, clip_threshold=1.0,
        relative_step=True, name=None, **others,
    ):  # fmt: skip
        super().__init__(learning_rate, name=name, **others)
        self.beta_2_decay, self.epsilon_1, self.epsilon_2 = beta_2_decay, epsilon_1, epsilon_2
        self.clip_threshold, self.relative_step = clip_threshold, relative_step

    may_be_recorded = False  # its update is NumPy's

    def memory_names(self):
        return ["row", "column", "velocity"]

    def memory_order(self):
        return [self.memory_names()]

    def memory_shape(self, name, variable):
        """A weight of two and more axes has the means of its last two: rows without the last axis, columns without the
        one before. Others have numbers in their places, as in Keras's files, which are not used."""
        shape = variable.shape
        if name == "velocity":
            return shape
        if len(shape) < 2:
            return ()
        return shape[:-1] if name == "row" else (*shape[:-2], shape[-1])

    def step_rate(self, learning_rate, t):
        """The rate, and the share of the old means, 1 - t^beta_2_decay."""
        return min(learning_rate, 1 / math.sqrt(t)), 1 - t**self.beta_2_decay

    def update(self, w, g, memory, rate):
        r, c = (memory["row"], memory["column"]) if len(w.shape) > 1 else (None, None)
        optimizer_update.adafactor(
            w, g, r, c, memory["velocity"], *self._numbers, self.epsilon_1, self.epsilon_2, self.clip_threshold
        )
