"""Nadam: Adam whose momentum looks one step ahead, as Nesterov's does."""

from __future__ import annotations

import numpy as np

from ..ops import optimizer_update
from .base import Optimizer, checked_share, registry


@registry.add("nadam")
class Nadam(Optimizer):
    """Nadam: the momentum's share of a step grows from step to step, u_t = beta_1 (1 - 0.5 * 0.96^t)."""

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, name=None, **others):
        super().__init__(learning_rate, name=name, **others)
        self.beta_1, self.beta_2 = checked_share(beta_1, "beta_1"), checked_share(beta_2, "beta_2")
        self.epsilon = epsilon
        self._product = 0, 1.0  # t, and the product of the shares u_1 to u_t

    def memory_names(self):
        return ["momentum", "velocity"]

    def memory_order(self):
        return [self.memory_names()]

    def more_state(self):
        return [np.array(self._product_of_shares(self.iterations), np.float32)]

    def _share(self, t):
        return self.beta_1 * (1 - 0.5 * 0.96**t)

    def _product_of_shares(self, t):
        """u_1 * u_2 * ... * u_t, mostly from that of the last step."""
        before, product = self._product
        if not before <= t <= before + 1:
            before, product = 0, 1.0
        for i in range(before + 1, t + 1):
            product *= self._share(i)
        return product

    def step_rate(self, learning_rate, t):
        """The factors of the momentum, of the gradient, and of the mean square in step t."""
        self._product = t, self._product_of_shares(t)
        now, product = self._share(t), self._product[1]
        ahead = self._share(t + 1)
        of_m, of_g = ahead / (1 - product * ahead), (1 - now) / (1 - product)
        return learning_rate * of_m, learning_rate * of_g, 1 / (1 - self.beta_2**t)

    def update(self, w, g, memory, rate):
        m, v = memory["momentum"], memory["velocity"]
        optimizer_update.nadam(w, g, m, v, rate, self.beta_1, self.beta_2, self.epsilon)
