"""Lion: every weight moves by the same amount, in the direction of its momentum."""

from __future__ import annotations

from ..ops import optimizer_update
from .base import Optimizer, checked_share, registry


@registry.add("lion")
class Lion(Optimizer):
    """Lion: w -= rate * sign(beta_1 * momentum + (1 - beta_1) * gradient); beta_2 is the momentum's own share."""

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.99, name=None, **others):
        super().__init__(learning_rate, name=name, **others)
        self.beta_1, self.beta_2 = checked_share(beta_1, "beta_1"), checked_share(beta_2, "beta_2")
        if beta_1 == 0:
            raise ValueError("beta_1 must be above 0, or the momentum would have no effect; received beta_1=0.")

    def memory_names(self):
        return ["momentum"]

    def update(self, w, g, memory, rate):
        optimizer_update.lion(w, g, memory["momentum"], rate, self.beta_1, self.beta_2)
