"""Whether this thread is recording a training step as a graph (`graph.py`). Then kernels are recorded, not run."""

from __future__ import annotations

import threading
from contextlib import contextmanager

from .device import gpu_lock

_recorded = threading.local()


def recording():
    """The graph that this thread is recording, or None."""
    return getattr(_recorded, "graph", None)


@contextmanager
def recorded_by(graph):
    """Within this block kernels are recorded, not run, and memory comes from the graph's pool. Other threads wait."""
    with gpu_lock:
        _recorded.graph = graph
        try:
            yield
        finally:
            _recorded.graph = None


def not_while_recording(what: str) -> None:
    """RuntimeError if a step is being recorded: then no data may move between host and GPU."""
    if recording():
        raise RuntimeError(
            f"While a training step was recorded as a CUDA graph, {what}. A replay would not repeat this. "
            "Set MINICNN_CUDA_LAUNCH=direct to train without graphs."
        )
