"""Adagrad: a rate for each weight, which falls as the sum of the weight's squared gradients grows."""

from __future__ import annotations

from ..ops import optimizer_update
from ..shapes import is_number
from .base import Optimizer, registry


@registry.add("adagrad")
class Adagrad(Optimizer):
    """Adagrad: divides the step by the root of the sum of all squared gradients. The sum starts at a small number."""

    def __init__(self, learning_rate=0.001, initial_accumulator_value=0.1, epsilon=1e-7, name=None, **others):
        super().__init__(learning_rate, name=name, **others)
        if not (is_number(initial_accumulator_value) and initial_accumulator_value >= 0):
            raise ValueError(
                "initial_accumulator_value must be a number, zero or more; received "
                f"initial_accumulator_value={initial_accumulator_value!r}."
            )
        self.initial_accumulator_value, self.epsilon = initial_accumulator_value, epsilon

    def memory_names(self):
        return ["accumulator"]

    def first_memory(self, name):
        return self.initial_accumulator_value

    def update(self, w, g, memory, rate):
        optimizer_update.adagrad(w, g, memory["accumulator"], rate, self.epsilon)
