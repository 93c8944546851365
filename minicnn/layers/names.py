"""Automatic names of layers, and the paths of weights, made of the names of layers."""

from __future__ import annotations

import threading
from contextlib import contextmanager

from ..registry import automatic_name, names_given, snake_case
from ..runtime import transfer
from ..symbol import drawing


def clear_session() -> None:
    """Begin the automatic names again without numbers, and give memory that is kept for later back to the system."""
    names_given.clear()
    transfer.clear()


__all__ = ["automatic_name", "building", "clear_session", "operation_name", "path_of_weight"]


def operation_name(kind: str) -> str:
    """The automatic name of an operation. In a graph that is drawn by a `call` or a loss, names are counted for this
    graph alone: in Keras such a function makes no operations, so the names of layers after it must not change."""
    graph = drawing()
    if graph is None:
        return automatic_name(kind)
    name = snake_case(kind)
    graph.names[name] += 1
    return f"{name}_{graph.names[name]}"


class _Building(threading.local):
    def __init__(self):
        self.layers: list = []


_building = _Building()


@contextmanager
def building(layer):
    """Within this block weights are made for `layer`: their paths begin with the outer layers' names and its own."""
    around = _building.layers
    if not (around and around[-1] is layer):
        _building.layers = [*around, layer]
    try:
        yield
    finally:
        _building.layers = around


def path_of_weight(name: str) -> str:
    """The path of a weight that is made now: the names of the layers in `building`, then the weight's name."""
    return "/".join([*(layer.name for layer in _building.layers), name])
