"""Pipeline: several layers as one layer, to change images one way after the other."""

from __future__ import annotations

from ..registry import serialize
from .base import Layer, registry


class Pipeline(Layer):
    """Applies layers one after the other. Without `training` they work as in training, as augmentation does."""

    def __init__(self, layers, name=None):
        super().__init__(name=name)
        self.layers = list(layers)

    def call(self, inputs, training=True):
        for layer in self.layers:
            inputs = layer(inputs, training=training)
        return inputs

    def get_config(self):
        return {"layers": [serialize(layer) for layer in self.layers], "name": self.name}

    @classmethod
    def from_config(cls, config):
        """A new pipeline from what `get_config` returned."""
        return cls([registry.get(layer) for layer in config["layers"]], name=config.get("name"))
