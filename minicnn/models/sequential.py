"""Layers in a row."""

from __future__ import annotations

import numpy as np

from ..kernels.cpu import workspace
from ..layers.base import Layer
from ..layers.image import ImageLayer
from ..layers.input import Input, InputLayer
from ..layers.names import building
from ..layers.normalization import Normalization
from ..layers.penalty import makes_gradients
from ..layers.reshape import Rescaling
from ..registry import custom_object_scope
from ..symbol import Symbol
from .functional import Model
from .graph_config import row_from_config, row_to_config
from .schedule import row_of_steps, schedule

_FOR_ANY_SHAPE = (Rescaling, Normalization)


class Sequential(Model):
    """A model whose layers run one after the other. It knows its shapes when it knows the shape of its input.

    The first layer may be `Input(shape=...)`, an InputLayer, or any layer with input_shape=...; otherwise the first
    data decide the shape.
    """

    def __init__(self, layers=None, trainable=True, name=None):
        super().__init__(name=name, trainable=trainable)
        self.inputs, self.outputs = [], []
        self._names: set[str] = set()  # of the layers, so that adding many does not compare each with all
        if layers is not None:
            for layer in layers if isinstance(layers, (list, tuple)) else [layers]:
                self.add(layer)
        if not trainable:
            self.trainable = False

    def get_config(self):
        return {"name": self.name, "trainable": self.trainable, "dtype": self.dtype, **row_to_config(self)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        with custom_object_scope(custom_objects or {}):
            model = cls(row_from_config(config), name=config.get("name"))
        if not config.get("trainable", True):
            model.trainable = False
        return model

    def add(self, layer) -> None:
        """Append a layer."""
        if isinstance(layer, Symbol) and isinstance(layer.node.layer, InputLayer):
            layer = layer.node.layer
        if not isinstance(layer, Layer):
            raise ValueError(f"Only layers can be added to a Sequential model; received {layer!r}.")
        if isinstance(layer, InputLayer):
            if self.inputs or self._sublayers:
                raise ValueError(f"{self.name!r} has an input or layers already; received another {layer!r}.")
            self.dtype = layer.dtype
            self.inputs = self.outputs = [layer.output]
            return
        if layer.name in self._names and any(layer.name == other.name for other in self._sublayers):
            raise ValueError(f"{self.name!r} has a layer named {layer.name!r} already; names must be unique.")
        if layer.gives_several:
            raise ValueError(f"Layers of a Sequential must give one output; {layer.name!r} gives {len(layer.outputs)}.")
        inputs, outputs = self.inputs, self.outputs
        if not self._sublayers and not inputs:
            self.dtype = layer.dtype
            shape = layer.input_shape_argument
            if shape is None and isinstance(layer, Model) and layer.inputs:
                shape = layer.input_shape[1:]
            if shape is not None:
                inputs = outputs = [Input(shape, dtype=layer.dtype)]
        if inputs:
            with building(self):
                outputs = [layer(outputs[0])]
            self.built = True
        self.inputs, self.outputs = inputs, outputs
        self._sublayers.append(layer)
        self._names.add(layer.name)

    def pop(self) -> Layer:
        """Remove the last layer and return it."""
        if not self._sublayers:
            raise ValueError(f"{self.name!r} has no layer to remove.")
        layer = self._sublayers.pop()
        if self.outputs:
            self.outputs = [self.outputs[0].node.inputs[0]]
            self.built = bool(self._sublayers)
        return layer

    def build(self, input_shape=None):
        """Make all weights, for inputs of this shape (with the batch axis, which may be None)."""
        if not self._sublayers:
            raise ValueError(f"{self.name!r} has no layers: add some before building or running it.")
        if self.inputs:
            if input_shape is not None:
                self.check_input(tuple(input_shape))
            return
        if input_shape is None:
            raise ValueError(f"{self.name!r} does not know its input's shape; call build(input_shape).")
        inputs = outputs = [Input(tuple(input_shape)[1:], dtype=self.dtype)]
        for layer in self._sublayers:
            outputs = [layer(outputs[0])]
        self.inputs, self.outputs, self.has_an_input = inputs, outputs, False

    has_an_input = True
    """Whether the input's shape was given, and not found from the first data."""

    def build_for(self, input_shape):
        self.build(input_shape)
        super().build_for(input_shape)

    def check_input(self, input_shape):
        """A model without an Input takes other sizes than the first ones too, if its layers do."""
        if self.has_an_input or not self.inputs or len(input_shape) != len(self.inputs[0].shape):
            super().check_input(input_shape)
            return
        for layer in self._sublayers:
            layer.build_for(input_shape)
            input_shape = layer.compute_output_shape(input_shape)

    def __call__(self, x, training=None):
        """Call the model as a layer. If all its layers take images, a single image (H, W, C) is allowed too."""
        if isinstance(x, np.ndarray) and x.ndim == 3 and self._takes_images():
            return super().__call__(x[None], training)[0]
        return super().__call__(x, training)

    def _takes_images(self):
        take_images = [
            isinstance(layer, ImageLayer) for layer in self._sublayers if not isinstance(layer, _FOR_ANY_SHAPE)
        ]
        return bool(take_images) and all(take_images)

    _keeps_layers = False

    @property
    def output_names(self):
        return [self._sublayers[-1].name] if self._sublayers else [self.name]

    @property
    def ends_in(self):
        last = self._sublayers[-1]
        return last.ends_in if last.activity_regularizer is None else None

    def compute_output_shape(self, input_shape):
        for layer in self._sublayers:
            input_shape = layer.compute_output_shape(input_shape)
        return tuple(input_shape)

    def forward(self, x, training=False, need_saved=True, logits=False):
        saved, lent_before = [], workspace.lent()
        for step in self._schedule(training, need_saved, logits):
            x, kept = step.layer.forward(x, training, step.need_saved, **step.options)
            saved.append((step, kept if step.need_saved else None))
            if step.frees:
                workspace.give_back(lent_before, [x])
        return x, saved

    def backward(self, dy, saved, need_dx=True):
        """As in `Layer`. What `forward` kept decides how far down gradients go; need_dx is not looked at."""
        for step, kept in reversed(saved):
            if not step.need_saved:
                return None
            if dy is not None or makes_gradients(step.layer):
                dy = step.layer.backward(dy, kept, need_dx=step.need_saved is True)
        return dy

    def _schedule(self, training, need_saved, logits):
        """A step for each layer in this row, but one for a convolution and its pooling; see `schedule.py`."""
        return schedule(row_of_steps(self._sublayers), [0], [len(self._sublayers)], training, need_saved, [logits])

    def largest_output(self, input_shape):
        most = 0
        for layer in self._sublayers:
            most = max(most, layer.largest_output(input_shape))
            input_shape = layer.compute_output_shape(input_shape)
        return most

    def flops(self, input_shape):
        total = 0
        for layer in self._sublayers:
            total += layer.flops(input_shape)
            input_shape = layer.compute_output_shape(input_shape)
        return total
