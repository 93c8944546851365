"""Adamax: Adam with the largest gradient in place of the mean square."""

from __future__ import annotations

from ..ops import optimizer_update
from .base import Optimizer, checked_share, registry


@registry.add("adamax")
class Adamax(Optimizer):
    """Adamax: momentum divided by the largest |gradient| so far, which is multiplied by beta_2 in every step."""

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, name=None, **others):
        super().__init__(learning_rate, name=name, **others)
        self.beta_1, self.beta_2 = checked_share(beta_1, "beta_1"), checked_share(beta_2, "beta_2")
        self.epsilon = epsilon

    def memory_names(self):
        return ["momentum", "norm"]

    def memory_order(self):
        return [self.memory_names()]

    def step_rate(self, learning_rate, t):
        """The rate, corrected for the start at zero: at step t momentum is too small by the factor 1 - beta_1^t."""
        return learning_rate / (1 - self.beta_1**t)

    def update(self, w, g, memory, rate):
        m, u = memory["momentum"], memory["norm"]
        optimizer_update.adamax(w, g, m, u, rate, self.beta_1, self.beta_2, self.epsilon)
