"""Stochastic gradient descent, with momentum and Nesterov's variant."""

from __future__ import annotations

from ..ops import optimizer_update
from ..shapes import is_number
from .base import Optimizer, registry


@registry.add("sgd")
class SGD(Optimizer):
    """w -= rate * g, or with momentum v = momentum * v - rate * g; w += v (Nesterov: momentum * v - rate * g)."""

    def __init__(self, learning_rate=0.01, momentum=0.0, nesterov=False, name=None, **others):
        super().__init__(learning_rate, name=name, **others)
        if not (is_number(momentum) and 0 <= momentum <= 1):
            raise ValueError(f"momentum must be a number from 0 to 1; received momentum={momentum!r}.")
        self.momentum, self.nesterov = float(momentum), nesterov

    def memory_names(self):
        return ["momentum"] if self.momentum else []

    def update(self, w, g, memory, rate):
        if self.momentum:
            optimizer_update.momentum(w, g, memory["momentum"], rate, self.momentum, self.nesterov)
        else:
            optimizer_update.sgd(w, g, rate)
