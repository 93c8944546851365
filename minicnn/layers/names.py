"""Automatic names of layers, and the paths of weights, made of the names of layers."""

from __future__ import annotations

import threading
from collections import Counter
from contextlib import contextmanager

from ..registry import snake_case
from ..runtime import transfer

_names_given: Counter[str] = Counter()


def automatic_name(class_name: str) -> str:
    """Keras's automatic names: "Conv2D" gives conv2d, conv2d_1, ...; "MaxPooling2D" max_pooling2d."""
    name = snake_case(class_name)
    count = _names_given[name]
    _names_given[name] += 1
    return f"{name}_{count}" if count else name


def clear_session() -> None:
    """Begin the automatic names again without numbers, and give memory that is kept for later back to the system."""
    _names_given.clear()
    transfer.clear()


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
