"""Keeps the state of layers that a forward pass in training mode changes."""

from __future__ import annotations

from contextlib import contextmanager

from .base import Layer


@contextmanager
def unchanged_state(layer: Layer):
    """After this block, moving statistics and random counters are as before, also if forward ran in training mode."""
    layers = layer.flattened()
    counters = [(inner, inner.random_counter) for inner in layers if hasattr(inner, "random_counter")]
    values = [(v, v.numpy()) for inner in layers for v in inner._variables if not v.trainable]
    try:
        yield
    finally:
        for inner, counter in counters:
            inner.random_counter = counter
        for variable, value in values:
            variable.assign(value)
