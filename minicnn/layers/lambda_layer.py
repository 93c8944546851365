"""A function as a layer."""

from __future__ import annotations

import inspect

from .base import Layer


class Lambda(Layer):
    """Applies `function`, made of layers and functions of `minicnn.ops`, to its input. arguments: others that it gets.

    A model with it can be saved if the function has a name, which `load_model` gets in custom_objects. output_shape is
    not needed, since the function tells it.
    """

    def __init__(self, function, output_shape=None, mask=None, arguments=None, **kwargs):
        super().__init__(**kwargs)
        if not callable(function):
            raise ValueError(f"Lambda takes a function; received {function!r}.")
        self.function, self.output_shape_argument, self.arguments = function, output_shape, arguments or {}
        self._takes_training = "training" in inspect.signature(function).parameters

    def get_config(self):
        kept = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype}
        return {
            **kept,
            "function": self.function,
            "output_shape": self.output_shape_argument,
            "arguments": self.arguments,
        }

    def call(self, inputs, training=None):
        more = {"training": training} if self._takes_training else {}
        return self.function(inputs, **self.arguments, **more)
