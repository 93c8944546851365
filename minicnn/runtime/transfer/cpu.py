"""Arrays on the host, as in `vectorized.py`; the workspace keeps some memory for reuse."""

from __future__ import annotations

from ...kernels.cpu import recording, workspace
from .vectorized import assign, full_like, to_device, to_host

__all__ = ["assign", "clear", "full_like", "number", "to_device", "to_host"]


def number(next_one, dtype):
    return recording.number(next_one, dtype)


def clear():
    workspace.clear()
