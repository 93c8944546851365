"""RMSprop: the step divided by a running root mean square of the gradient."""

from __future__ import annotations

from ..ops import optimizer_update
from .base import Optimizer, checked_share, registry


@registry.add("rmsprop")
class RMSprop(Optimizer):
    """RMSprop, also with momentum. centered subtracts the square of the running mean from the running mean square."""

    def __init__(self, learning_rate=0.001, rho=0.9, momentum=0.0, epsilon=1e-7, centered=False, name=None, **others):
        super().__init__(learning_rate, name=name, **others)
        self.rho, self.momentum = checked_share(rho, "rho"), checked_share(momentum, "momentum")
        self.epsilon, self.centered = epsilon, centered

    def memory_names(self):
        optional = (["momentum"] if self.momentum else []) + (["average_gradient"] if self.centered else [])
        return ["velocity", *optional]

    def update(self, w, g, memory, rate):
        optimizer_update.rmsprop(
            w, g, memory["velocity"], memory.get("average_gradient"), memory.get("momentum"),
            rate, self.rho, self.momentum, self.epsilon,
        )  # fmt: skip
