"""A function as a layer."""

from __future__ import annotations

import inspect

from ..registry import custom_object
from .base import Layer


class Lambda(Layer):
    """Applies `function`, made of layers and functions of `minicnn.ops`, to its input. arguments: others that it gets.

    A file holds the function's name, and no code that minicnn runs: `load_model` gets the function in custom_objects,
    under its name, or under "<lambda>" if it has none. output_shape is not needed, since the function tells it.
    """

    def __init__(self, function, output_shape=None, mask=None, arguments=None, **kwargs):
        super().__init__(**kwargs)
        if isinstance(function, str):
            function = _named(function)
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


def _named(name):
    """The function that a file names."""
    function = custom_object(name)
    if function is None:
        raise ValueError(
            f"The file holds the name of a Lambda's function, {name!r}, and no code that minicnn runs: give the "
            f"function, load_model(..., custom_objects={{{name!r}: function}})."
        )
    return function
