"""Arrays on the host, as in NumPy."""

from __future__ import annotations

from .vectorized import assign, here, to_host, zeros_like

__all__ = ["assign", "here", "to_host", "zeros_like"]
