"""FTRL: follow the regularized leader, which sets weights of little use to exactly zero."""

from __future__ import annotations

from ..ops import optimizer_update
from ..shapes import is_number
from .base import Optimizer, registry


@registry.add("ftrl")
class Ftrl(Optimizer):
    """FTRL-Proximal: weights follow from the sum of all gradients, with penalties l1 and l2 inside the formula."""

    def __init__(
        self,
        learning_rate=0.001,
        learning_rate_power=-0.5,
        initial_accumulator_value=0.1,
        l1_regularization_strength=0.0,
        l2_regularization_strength=0.0,
        l2_shrinkage_regularization_strength=0.0,
        beta=0.0,
        name=None,
        **others,
    ):
        super().__init__(learning_rate, name=name, **others)
        self.learning_rate_power, self.initial_accumulator_value = learning_rate_power, initial_accumulator_value
        self.l1_regularization_strength = l1_regularization_strength
        self.l2_regularization_strength = l2_regularization_strength
        self.l2_shrinkage_regularization_strength = l2_shrinkage_regularization_strength
        self.beta = beta
        for label in (
            "initial_accumulator_value", "l1_regularization_strength", "l2_regularization_strength",
            "l2_shrinkage_regularization_strength", "beta",
        ):  # fmt: skip
            value = getattr(self, label)
            if not (is_number(value) and value >= 0):
                raise ValueError(f"{label} must be a number, zero or more; received {label}={value!r}.")
        if not (is_number(learning_rate_power) and learning_rate_power <= 0):
            raise ValueError(f"learning_rate_power must be zero or less; received {learning_rate_power!r}.")

    def memory_names(self):
        return ["accumulator", "linear"]

    def memory_order(self):
        return [self.memory_names()]

    def first_memory(self, name):
        return self.initial_accumulator_value if name == "accumulator" else 0.0

    def update(self, w, g, memory, rate):
        optimizer_update.ftrl(
            w, g, memory["accumulator"], memory["linear"], rate, self.learning_rate_power,
            self.l1_regularization_strength, self.l2_regularization_strength,
            self.l2_shrinkage_regularization_strength, self.beta,
        )  # fmt: skip
