"""Adam and AdamW: momentum and RMSprop together, both corrected for starting at zero."""

from __future__ import annotations

import math

from ..ops import optimizer_update
from .base import Optimizer, checked_share, registry


@registry.add("adam")
class Adam(Optimizer):
    """Adam; with amsgrad it divides by the root of the largest second moment so far."""

    def __init__(self, learning_rate=0.001, beta_1=0.9, beta_2=0.999, epsilon=1e-7, amsgrad=False, name=None, **others):
        super().__init__(learning_rate, name=name, **others)
        self.beta_1, self.beta_2 = checked_share(beta_1, "beta_1"), checked_share(beta_2, "beta_2")
        self.epsilon, self.amsgrad = epsilon, amsgrad

    def memory_names(self):
        return ["momentum", "velocity", *(["velocity_hat"] if self.amsgrad else [])]

    def memory_order(self):
        return [["momentum", "velocity"], *([["velocity_hat"]] if self.amsgrad else [])]

    def step_rate(self, learning_rate, t):
        """The rate, corrected for the start at zero: at step t both means are too small by the factor 1 - beta^t."""
        return learning_rate * math.sqrt(1 - self.beta_2**t) / (1 - self.beta_1**t)

    def update(self, w, g, memory, rate):
        optimizer_update.adam(
            w, g, memory["momentum"], memory["velocity"], memory.get("velocity_hat"),
            rate, self.beta_1, self.beta_2, self.epsilon,
        )  # fmt: skip


@registry.add("adamw")
class AdamW(Adam):
    """Adam with decoupled weight decay: every step also subtracts weight * rate * weight_decay."""

    def __init__(
        self,
        learning_rate=0.001,
        weight_decay=0.004,
        beta_1=0.9,
        beta_2=0.999,
        epsilon=1e-7,
        amsgrad=False,
        name=None,
        **others,
    ):
        if weight_decay is None:
            raise ValueError("weight_decay must be a number; received weight_decay=None. Adam is without it.")
        super().__init__(learning_rate, beta_1, beta_2, epsilon, amsgrad, name, weight_decay=weight_decay, **others)
