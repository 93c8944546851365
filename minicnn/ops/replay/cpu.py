"""Where calling is cheap there is nothing to record."""

from __future__ import annotations

from .vectorized import make

__all__ = ["make"]
