"""Constraints on the CPU: weights are few, beside the images that pass them, and NumPy's passes over them are quick."""

from __future__ import annotations

from .vectorized import limit_norm, non_negative

__all__ = ["limit_norm", "non_negative"]
