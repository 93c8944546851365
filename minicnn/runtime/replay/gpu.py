"""With MINICNN_CUDA_LAUNCH=graph, record the work as a CUDA graph and replay the graph, see `kernels/gpu/graph.py`."""

from __future__ import annotations

from ...kernels.gpu.graph import Graph
from ...kernels.gpu.launch import way_to_launch
from .recorded import Recorded


def make(function, parts):
    return Recorded(function, parts, _record, _allows, _run) if way_to_launch() == "graph" else function


def make_prediction(function, parts, unchanged, idle):
    return make(function, parts)


def _record(function, arrays):
    graph = Graph(function, arrays)
    return graph.replay, graph.replay(arrays)


def _run(work, arrays):
    return work(arrays)


def _allows(part):
    return getattr(part, "may_be_recorded", True)
