"""Muon: the steps of matrices are made orthogonal, so that all directions move alike; other weights follow AdamW."""

from __future__ import annotations

import math
import re

from ..ops import optimizer_update
from .base import Optimizer, registry


@registry.add("muon")
class Muon(Optimizer):
    """Muon (Jordan 2024), for the kernels of Dense layers; biases, kernels of convolutions and so on follow AdamW.

    exclude_layers: patterns of the paths of weights that follow AdamW too. rms_rate scales the steps to the size of
    Adam's (Liu et al. 2025); None leaves them.
    """

    def __init__(
        self, learning_rate=0.001, adam_beta_1=0.9, adam_beta_2=0.999, adam_weight_decay=0.004, epsilon=1e-7,
        weight_decay=0.004, name=None, exclude_layers=None, exclude_embeddings=True, muon_a=3.4445, muon_b=-4.7750,
        muon_c=2.0315, adam_lr_ratio=1, momentum=0.95, ns_steps=5, nesterov=True, rms_rate=0.2, **others,
    ):  # fmt: skip
        super().__init__(learning_rate, weight_decay=weight_decay, name=name, **others)
        self.adam_beta_1, self.adam_beta_2, self.adam_weight_decay = adam_beta_1, adam_beta_2, adam_weight_decay
        self.epsilon, self.exclude_layers, self.exclude_embeddings = epsilon, exclude_layers or [], exclude_embeddings
        self.muon_a, self.muon_b, self.muon_c, self.adam_lr_ratio = muon_a, muon_b, muon_c, adam_lr_ratio
        self.momentum, self.ns_steps, self.nesterov, self.rms_rate = momentum, ns_steps, nesterov, rms_rate

    may_be_recorded = False  # its update is NumPy's

    def memory_names(self):
        return ["momentum", "velocity"]

    def memory_order(self):
        return [self.memory_names()]

    def memory_shape(self, name, variable):
        return variable.shape if name == "momentum" or self._follows_adam(variable) else None

    def _follows_adam(self, variable):
        excluded = (re.search(pattern, variable.path) for pattern in self.exclude_layers)
        embedding = self.exclude_embeddings and "embedding" in variable.path.lower()
        return len(variable.shape) != 2 or embedding or any(excluded)

    def decay_of(self, variable):
        return self.adam_weight_decay if self._follows_adam(variable) else self.weight_decay

    def step_rate(self, learning_rate, t):
        """The rate of matrices, and Adam's corrected rate."""
        corrected = learning_rate * math.sqrt(1 - self.adam_beta_2**t) / (1 - self.adam_beta_1**t)
        return learning_rate, corrected * self.adam_lr_ratio

    def update(self, w, g, memory, rate):
        if "velocity" in memory:
            m, v = memory["momentum"], memory["velocity"]
            optimizer_update.adam(w, g, m, v, None, rate[1], self.adam_beta_1, self.adam_beta_2, self.epsilon)
            return
        scale = 1.0 if self.rms_rate is None else math.sqrt(max(w.shape)) * self.rms_rate
        polynomial = self.muon_a, self.muon_b, self.muon_c
        optimizer_update.muon(
            w, g, memory["momentum"], self._numbers[0] * scale, self.momentum, self.nesterov, polynomial, self.ns_steps
        )
