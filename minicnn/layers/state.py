"""Keeps the state of layers that a forward pass in training mode changes."""

from __future__ import annotations

from contextlib import contextmanager

from .base import Layer
from .random_source import SeedGenerator


@contextmanager
def unchanged_state(layer: Layer):
    """After this block, moving statistics and random counters are as before, also if forward ran in training mode."""
    layers = layer.flattened()
    held = [value for inner in layers for value in vars(inner).values() if isinstance(value, SeedGenerator)]
    counters = [(part, part.random_counter) for part in [*layers, *held] if hasattr(part, "random_counter")]
    values = [(v, v.numpy()) for inner in layers for v in inner._variables if not v.learns]
    try:
        yield
    finally:
        for inner, counter in counters:
            inner.random_counter = counter
        for variable, value in values:
            variable.assign(value)
