"""Arrays on the host, as in NumPy; the workspace keeps some for later."""

from __future__ import annotations

from ...kernels import tape, workspace
from .vectorized import assign, here, to_host, zeros_like

__all__ = ["assign", "clear", "here", "number", "to_host", "zeros_like"]


def number(next_one, dtype):
    return tape.number(next_one, dtype)


def clear():
    workspace.clear()
