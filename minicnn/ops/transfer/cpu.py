"""Arrays on the host, as in NumPy; the workspace keeps some for later."""

from __future__ import annotations

from ...kernels import workspace
from .vectorized import assign, here, number, to_host, zeros_like

__all__ = ["assign", "clear", "here", "number", "to_host", "zeros_like"]


def clear():
    workspace.clear()
