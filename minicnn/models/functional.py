"""Models made of a graph of symbols: `Model(inputs, outputs)`. A model is a layer, so models nest."""

from __future__ import annotations

from collections import Counter

from ..layers.base import Layer
from ..registry import custom_object_scope
from ..symbol import Symbol
from .files import saving
from .graph import Plan
from .graph_config import graph_from_config, graph_to_config
from .summary import print_summary
from .trainer import Trainer


class Model(Trainer, Layer):
    """A layer that holds layers and can be trained. `Model(inputs, outputs)` makes a functional model.

    inputs is a symbol (or a list of one) made by `Input` or belonging to another model, outputs a symbol computed
    from it. Layers are shared with every other model that the symbols belong to.
    """

    def __new__(cls, *args, **kwargs):
        if cls is Model:
            if not args and "inputs" not in kwargs:
                raise TypeError("Model needs inputs and outputs: Model(inputs=..., outputs=...).")
            cls = Functional
        return super().__new__(cls)

    @property
    def layers(self) -> list[Layer]:
        """The layers, in the order of their weights."""
        return list(self._sublayers)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer of that name or number; ValueError if there is none."""
        if (name is None) == (index is None):
            raise ValueError(f"get_layer takes a name or an index; received name={name!r}, index={index!r}.")
        if index is not None:
            if not -len(self.layers) <= index < len(self.layers):
                raise ValueError(f"{self.name!r} has {len(self.layers)} layers; received index={index!r}.")
            return self.layers[index]
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise ValueError(
            f"No layer {name!r} in {self.name!r}: it has {', '.join(layer.name for layer in self.layers)}."
        )

    inputs: list[Symbol] = []  # noqa: RUF012 - replaced, never changed in place
    outputs: list[Symbol] = []  # noqa: RUF012
    _keeps_layers = False  # a model's layers are those of its graph

    @property
    def input(self) -> Symbol:
        return self._only(self.inputs)

    @property
    def output(self) -> Symbol:
        return self._only(self.outputs)

    def _only(self, symbols):
        if not symbols:
            raise AttributeError(f"{self.name!r} does not know its shapes yet: build it, or call it on data.")
        return symbols[0]

    @property
    def input_shape(self) -> tuple:
        """The input's shape, None for the batch."""
        return self.input.shape

    @property
    def output_shape(self) -> tuple:
        """The output's shape, None for the batch."""
        return self.output.shape

    def check_input(self, input_shape):
        if not self.inputs:
            return
        expected = self.inputs[0].shape
        fits = len(expected) == len(input_shape) and all(
            wanted is None or size is None or wanted == size
            for wanted, size in zip(expected[1:], tuple(input_shape)[1:], strict=True)
        )
        if not fits:
            raise ValueError(f"{self.name!r} takes inputs of shape {expected}; received shape {tuple(input_shape)}.")

    def get_config(self):
        raise NotImplementedError(f"{type(self).__name__} is a model of your own: define get_config to save it.")

    def save(self, filepath, overwrite=True, include_optimizer=True, **unknown) -> None:
        """Save the model to a file; see `minicnn.saving.save_model`."""
        saving().save_model(self, filepath, overwrite, include_optimizer, **unknown)

    def save_weights(self, filepath, overwrite=True) -> None:
        """Save the weights to a file; see `minicnn.saving.save_weights`."""
        saving().save_weights(self, filepath, overwrite)

    def load_weights(self, filepath, skip_mismatch=False, by_name=False) -> None:
        """Take the weights in a file; see `minicnn.saving.load_weights`."""
        saving().load_weights(self, filepath, skip_mismatch, by_name)

    def to_json(self, **options) -> str:
        """The structure as JSON text; `models.model_from_json` makes a model of it."""
        return saving().to_json(self, **options)

    def summary(
        self, line_length=None, positions=None, print_fn=None, expand_nested=False, show_trainable=False, cost=False
    ) -> None:
        """Print the layers, their output shapes and their numbers of parameters, as Keras 3 draws them.

        cost=True adds, per layer and image: floating-point operations, megabytes of output, and measured milliseconds
        of a forward pass in inference.
        """
        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, cost)


class Functional(Model):
    """A model between symbols; see `Model`."""

    def __init__(self, inputs, outputs, name=None, trainable=True):
        self.inputs, self.outputs = _one_symbol(inputs, "inputs"), _one_symbol(outputs, "outputs")
        super().__init__(name=name, trainable=trainable, dtype=self.inputs[0].dtype)
        self.plan = Plan(self.inputs, self.outputs)
        for name, count in Counter(layer.name for layer in self.plan.layers).items():
            if count > 1:
                raise ValueError(f"{self.name!r} has {count} layers named {name!r}; names must be unique.")
        self._sublayers = self.plan.layers
        self.built = True
        if not trainable:
            self.trainable = False

    def get_config(self):
        return {"name": self.name, "trainable": self.trainable, **graph_to_config(self)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        with custom_object_scope(custom_objects or {}):
            inputs, outputs = graph_from_config(config)
            model = cls(inputs, outputs, name=config.get("name"))
        if not config.get("trainable", True):
            model.trainable = False
        return model

    @property
    def ends_in(self):
        return self.outputs[0].node.layer.ends_in if self.plan.steps else None

    def compute_output_shape(self, input_shape):
        return self.plan.output_shape(input_shape)

    def forward(self, x, training=False, need_saved=True, logits=False):
        return self.plan.forward(x, training, need_saved, logits)

    def backward(self, dy, saved, need_dx=True):
        return self.plan.backward(dy, saved, need_dx)

    def flops(self, input_shape):
        return self.plan.flops(input_shape)


def _one_symbol(symbols, name):
    symbols = list(symbols) if isinstance(symbols, (list, tuple)) else [symbols]
    if len(symbols) != 1 or not isinstance(symbols[0], Symbol):
        raise ValueError(
            f"A model takes one symbol as {name}, made by Input or by calling a layer; received {symbols!r}."
        )
    return symbols
