"""Adadelta: the sizes of the last steps and of the last gradients set the size of a step."""

from __future__ import annotations

from ..ops import optimizer_update
from .base import Optimizer, checked_share, registry


@registry.add("adadelta")
class Adadelta(Optimizer):
    """Adadelta: a step is the gradient times (running root mean square of the steps) / (that of the gradients)."""

    def __init__(self, learning_rate=0.001, rho=0.95, epsilon=1e-7, name=None, **others):
        super().__init__(learning_rate, name=name, **others)
        self.rho, self.epsilon = checked_share(rho, "rho"), epsilon

    def memory_names(self):
        return ["accumulated_grad", "accumulated_delta_var"]

    def memory_order(self):
        return [self.memory_names()]

    def update(self, w, g, memory, rate):
        gradients, steps = memory["accumulated_grad"], memory["accumulated_delta_var"]
        optimizer_update.adadelta(w, g, gradients, steps, rate, self.rho, self.epsilon)
