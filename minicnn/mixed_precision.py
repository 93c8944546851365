"""Keras's module of this name. With "mixed" policies, too, minicnn computes in float32."""

from __future__ import annotations

from .dtype_policy import DTypePolicy, dtype_policy, set_dtype_policy
from .optimizers import LossScaleOptimizer
from .registry import missing_name

Policy = DTypePolicy
global_policy, set_global_policy = dtype_policy, set_dtype_policy


def __getattr__(name):
    raise missing_name(__name__, name)


__all__ = [
    "DTypePolicy", "LossScaleOptimizer", "Policy", "dtype_policy", "global_policy", "set_dtype_policy",
    "set_global_policy",
]  # fmt: skip
