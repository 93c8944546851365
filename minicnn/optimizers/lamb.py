"""LAMB: Adam whose step in each array of weights is as long as the array's norm says."""

from __future__ import annotations

from ..ops import optimizer_update
from .base import Optimizer, checked_share, registry


@registry.add("lamb")
class Lamb(Optimizer):
    """LAMB: Adam's step, scaled so that its norm is the learning rate times the norm of the weights."""

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, name=None, **others):
        super().__init__(learning_rate, name=name, **others)
        self.beta_1, self.beta_2 = checked_share(beta_1, "beta_1"), checked_share(beta_2, "beta_2")
        self.epsilon = epsilon

    def memory_names(self):
        return ["momentum", "velocity"]

    def memory_order(self):
        return [self.memory_names()]

    def step_rate(self, learning_rate, t):
        """The rate, and the factors that correct both means for their start at zero."""
        return learning_rate, 1 / (1 - self.beta_1**t), 1 / (1 - self.beta_2**t)

    def update(self, w, g, memory, rate):
        m, v = memory["momentum"], memory["velocity"]
        optimizer_update.lamb(w, g, m, v, rate, self.beta_1, self.beta_2, self.epsilon)
