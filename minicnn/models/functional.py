"""Models made of a graph of symbols: `Model(inputs, outputs)`. A model is a layer, so a model can hold models."""

from __future__ import annotations

import inspect
import warnings
from collections import Counter

from ..layers.base import Layer
from ..nest import by_key, flatten, is_nested, mapped, paths, taken_apart
from ..registry import custom_object_scope
from ..results import Array
from ..symbol import Symbol, is_symbolic
from .by_name import in_order
from .data import with_rank
from .files import saving
from .graph import Plan
from .graph_config import graph_from_config, graph_to_config
from .pickling import parts_of, rebuilt
from .summary import print_summary, summary_html
from .trainer import Trainer


class Model(Trainer, Layer):
    """A layer that holds layers and can be trained: `Model(inputs, outputs)`, or a subclass that you write.

    inputs are symbols made by `Input` or symbols of another model, outputs are symbols computed from them. Each is one
    symbol, a list, or a dictionary by name. A model shares its layers with the other models of these symbols.

    A subclass either passes inputs and outputs to this class's `__init__`, or keeps its layers in attributes and
    defines `call`, or `forward` and `backward`, as a layer does.
    """

    _not_in_config = ("inputs", "outputs")

    def __new__(cls, *args, **kwargs):
        if cls is Model:
            if not args and "inputs" not in kwargs:
                raise TypeError("Model needs inputs and outputs: Model(inputs=..., outputs=...).")
            cls = Functional
        return super().__new__(cls)

    def __init__(self, inputs=None, outputs=None, name=None, trainable=True, dtype=None):
        if inputs is None and outputs is None:
            super().__init__(name=name, trainable=trainable, dtype=dtype)
            return
        starts, ends = _symbols(by_key(inputs), "inputs"), _symbols(by_key(outputs), "outputs")
        super().__init__(name=name, trainable=trainable, dtype=starts[0].dtype)
        self.plan = Plan(starts, ends)
        self.inputs, self.outputs = starts, ends
        self._input_keys, self._input_nest = _form_of(by_key(inputs))
        self._output_keys, self._output_nest = _form_of(by_key(outputs))
        if self._input_keys or self._input_nest is not None:
            self._input_places = _places(inputs, starts)
        if self._output_keys or self._output_nest is not None or isinstance(outputs, tuple):
            self._output_places = _places(outputs, ends)
        for name, count in Counter(layer.name for layer in self.plan.layers).items():
            if count > 1:
                raise ValueError(f"{self.name!r} has {count} layers named {name!r}; names must be unique.")
        self._sublayers = self.plan.layers
        self.built = True
        if not trainable:
            self.trainable = False

    @property
    def _keeps_layers(self):
        return self.plan is None  # with a graph, the layers are those between its symbols

    @property
    def layers(self) -> list[Layer]:
        """The layers, in the order of their weights, without the operations between them (`x + y`, `ops.exp(x)`)."""
        return [layer for layer in self._inner_layers if not layer.is_operation]

    @property
    def layers_and_operations(self) -> list[Layer]:
        """What the model computes, as `summary` lists it."""
        return list(self._inner_layers)

    def get_layer(self, name: str | None = None, index: int | None = None) -> Layer:
        """The layer with this name or index; ValueError if there is none."""
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
            f"{self.name!r} has no layer {name!r}; its layers are {', '.join(layer.name for layer in self.layers)}."
        )

    inputs: list[Symbol] = []  # noqa: RUF012 - replaced, never changed in place
    outputs: list[Symbol] = []  # noqa: RUF012
    plan: Plan | None = None
    _input_keys: list[str] | None = None  # of models whose inputs or outputs were given as a dictionary
    _output_keys: list[str] | None = None
    _input_nest: object = None  # of models whose inputs or outputs were given as lists within lists, and so on
    _output_nest: object = None
    _input_places: object = None  # the inputs as they were given, with the place of each among `inputs`
    _output_places: object = None  # the outputs as they were given, with the place of each among `outputs`

    @property
    def input_names(self) -> list[str]:
        """The inputs' names. A dictionary of arrays is put in their order."""
        if self._form is not None and not self._form.is_one_array:
            (given,) = self._form.arguments.values()
            return list(given) if isinstance(given, dict) else [f"input_{i}" for i in range(len(flatten(given)))]
        return self._input_keys or [symbol.name for symbol in self.inputs] or ["input"]

    @property
    def output_names(self) -> list[str]:
        """The outputs' names. Dictionaries of targets, losses, metrics and weights are put in their order."""
        drawn = self.last_drawing() if self._draws else None
        if drawn is not None and drawn.gives_several:
            return drawn.names()
        if self._output_keys or self._output_nest is not None:
            return self._output_keys or paths(self._output_nest)
        names, taken = [symbol.name for symbol in self.outputs] or [self.name], Counter()
        for i, name in enumerate(names):
            names[i] = f"{name}_{taken[name]}" if taken[name] else name
            taken[name] += 1
        return names

    @property
    def takes_several(self) -> bool:
        return len(self.inputs) > 1 or (self._form is not None and not self._form.is_one_array)

    @property
    def gives_several(self) -> bool:
        drawn = self.last_drawing() if self._draws else None
        return len(self.outputs) > 1 if drawn is None else drawn.gives_several

    @property
    def input(self) -> Symbol:
        """The model's input, or the list of its inputs; a dictionary of them if the model was made with one."""
        self._only(self.inputs)
        return mapped(lambda place: self.inputs[place], self.form_of_inputs())

    @property
    def output(self) -> Symbol:
        """The model's output, or the list of its outputs; a dictionary of them if the model was made with one."""
        self._only(self.outputs)
        return mapped(lambda place: self.outputs[place], self.form_of_outputs())

    def inputs_given(self, x):
        """What is given for the inputs, with the lists and dictionaries of `_input_nest` taken apart, and without
        entries of a dictionary that the model does not read. ValueError for a list in the place of a dictionary whose
        order it might not have."""
        if self._input_nest is not None:
            return taken_apart(self._input_nest, x)
        names = self.input_names
        if isinstance(x, dict) and set(names) < set(x):
            unread = ", ".join(repr(name) for name in x if name not in names)
            warnings.warn(f"{self.name!r} does not read the inputs {unread}.", stacklevel=3)
            return {name: x[name] for name in names}
        if self._input_keys is not None and isinstance(x, (list, tuple)) and len(names) > 1:
            said = f"{self.name!r} takes a dictionary with {', '.join(map(repr, self._input_places))}; received a list"
            if list(self._input_places) != names:
                raise ValueError(f"{said}.")
            warnings.warn(f"{said}, whose entries are taken in this order.", stacklevel=3)
        return x

    def form_of_inputs(self):
        """The inputs as the model was made with them, each as its place among `inputs`."""
        return _form(self._input_places, self.inputs)

    def form_of_outputs(self):
        """The outputs as the model was made with them, each as its place among `outputs`."""
        return _form(self._output_places, self.outputs)

    def _only(self, symbols):
        if not symbols:
            raise AttributeError(f"{self.name!r} does not know its shapes yet: build it, or call it on data.")
        return symbols[0] if len(symbols) == 1 else list(symbols)

    @property
    def input_shape(self) -> tuple:
        """The input's shape, with None for the batch axis; for several inputs a list of shapes."""
        self._only(self.inputs)
        shapes = [symbol.shape for symbol in self.inputs]
        return shapes if self.takes_several else shapes[0]

    @property
    def output_shape(self) -> tuple:
        """The output's shape, with None for the batch axis; for several outputs a list of shapes."""
        self._only(self.outputs)
        shapes = [symbol.shape for symbol in self.outputs]
        return shapes if self.gives_several else shapes[0]

    def __call__(self, *inputs, training=None, **named):
        """Call the model as a layer. Several inputs come in a list or a dictionary by name; outputs: see `as_given`."""
        if self._draws:
            return super().__call__(*inputs, training=training, **named)
        x, training = self._input_and_training(inputs, named, training)
        if isinstance(x, (list, tuple, dict)):
            x = self.inputs_given(x)
        several, outputs = self.takes_several, None
        if several or isinstance(x, dict):
            x = in_order(x, self.input_names, f"A call of {self.name!r}")
        elif isinstance(x, (list, tuple)) and self.inputs:
            if len(x) != 1:
                raise ValueError(f"{self.name!r} takes one input; received {len(x)} in a {type(x).__name__}.")
            x = x[0]
        x = x if several or not isinstance(x, list) else x[0]
        if training is not True and self.activity_regularizer is None and not is_symbolic(x):
            xs = [self._as_input(v) for v in x] if several else [self._as_input(x)]
            for i, symbol in enumerate(self.inputs):
                if xs[i].ndim != len(symbol.shape):
                    xs[i] = with_rank(xs[i], symbol.shape)
                    x = xs if several else xs[0]
            outputs = self._prediction.outputs(xs, training)
        if outputs is None:
            return self.as_given(super().__call__(x, training))
        if self._losses_of_call or self._prediction.losses:
            self._losses_of_call = self._prediction.losses
        outputs = [y.view(Array) for y in outputs]
        return self.as_given(outputs if self.gives_several else outputs[0])

    def as_given(self, outputs):
        """The outputs as a dictionary by name if the model was made with one, or as `call` returned them."""
        if self._draws and self.gives_several:
            return self.last_drawing().packed(outputs)
        if self._output_places is None:
            return outputs
        return mapped(lambda place: outputs[place] if self.gives_several else outputs, self._output_places)

    def check_input(self, input_shape):
        if not self.inputs:
            return
        for symbol, shape in zip(self.inputs, input_shape if self.takes_several else [input_shape], strict=True):
            expected = symbol.shape
            fits = len(expected) == len(shape) and all(
                wanted is None or size is None or wanted == size
                for wanted, size in zip(expected[1:], tuple(shape)[1:], strict=True)
            )
            if not fits:
                which = f" as {symbol.name!r}" if self.takes_several else ""
                raise ValueError(
                    f"{self.name!r} takes inputs of shape {expected}{which}; received shape {tuple(shape)}."
                )

    def get_config(self):
        if self.plan is None or not takes_graph(type(self)):
            return super().get_config()  # a user's subclass, described by its arguments
        return {"name": self.name, "trainable": self.trainable, **graph_to_config(self)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        if "input_layers" not in config:
            with custom_object_scope(custom_objects or {}):
                return super().from_config(config)
        with custom_object_scope(custom_objects or {}):
            inputs, outputs = graph_from_config(config)
            own = {key: value for key, value in config.items() if key not in _OF_GRAPHS}  # of a user's subclass
            model = cls(inputs, outputs, name=config.get("name"), **own)
        if not config.get("trainable", True):
            model.trainable = False
        return model

    @property
    def ends_in(self):
        if self._draws:
            return self.end_of_drawings()
        ends = self.plan.ends if self.plan else [None]
        return ends if self.gives_several else ends[0]

    def compute_output_shape(self, input_shape):
        if self.plan is None:
            return super().compute_output_shape(input_shape)
        shapes = self.plan.output_shapes(input_shape if self.takes_several else [input_shape])
        return shapes if self.gives_several else shapes[0]

    def forward(self, x, training=False, need_saved=True, logits=False):
        if self._draws:
            return self.forward_drawn(x, training, need_saved, logits)
        if self.plan is None:
            return super().forward(x, training, need_saved)
        wanted = logits if self.gives_several else [logits]
        ys, saved = self.plan.forward(x if self.takes_several else [x], training, need_saved, wanted if logits else ())
        return ys if self.gives_several else ys[0], saved

    forward.runs_call = True

    def backward(self, dy, saved, need_dx=True):
        if self.plan is None:
            return super().backward(dy, saved, need_dx)
        dxs = self.plan.backward(dy if self.gives_several else [dy], saved, need_dx)
        return dxs if dxs is None or self.takes_several else dxs[0]

    def largest_output(self, input_shape):
        if self._draws:
            shapes = input_shape if self.takes_several else [input_shape]
            return self.drawn_for(shapes, False).plan.largest_output(shapes)
        if self.plan is None:
            return super().largest_output(input_shape)
        return self.plan.largest_output(input_shape if self.takes_several else [input_shape])

    def flops(self, input_shape):
        if self.plan is None:
            return super().flops(input_shape)
        return self.plan.flops(input_shape if self.takes_several else [input_shape])

    def __reduce_ex__(self, protocol):
        if self.plan is None and type(self).get_config is Model.get_config:
            return super().__reduce_ex__(protocol)  # a user's subclass without get_config: pickle its attributes
        return rebuilt, parts_of(self)

    def save(self, filepath, overwrite=True, include_optimizer=True, **unknown) -> None:
        """Save the model to a file; see `minicnn.saving.save_model`."""
        saving().save_model(self, filepath, overwrite, include_optimizer, **unknown)

    def save_weights(self, filepath, overwrite=True) -> None:
        """Save the weights to a file; see `minicnn.saving.save_weights`."""
        saving().save_weights(self, filepath, overwrite)

    def load_weights(self, filepath, skip_mismatch=False, by_name=False) -> None:
        """Load the weights from a file; see `minicnn.saving.load_weights`."""
        saving().load_weights(self, filepath, skip_mismatch, by_name)

    def to_json(self, **options) -> str:
        """The structure as JSON text; `models.model_from_json` makes a model from it."""
        return saving().to_json(self, **options)

    def summary(
        self, line_length=None, positions=None, print_fn=None, expand_nested=False, show_trainable=False, cost=False
    ) -> None:
        """Print the layers, their output shapes and their numbers of parameters, as Keras 3 draws them.

        cost=True adds, per layer and image: floating-point operations, megabytes of output, and measured milliseconds
        of a forward pass in inference.
        """
        print_summary(self, line_length, positions, print_fn, expand_nested, show_trainable, cost)

    def _repr_html_(self):
        return summary_html(self)  # in a notebook


class Functional(Model):
    """The class of the object that `Model(inputs, outputs)` makes; see `Model`."""

    def __init__(self, inputs, outputs, name=None, trainable=True):
        super().__init__(inputs, outputs, name, trainable)


def _form_of(given):
    """(the names, if this is a dictionary; the structure, if there are lists or dictionaries in it), or None."""
    nested = is_nested(given)
    return (list(given) if isinstance(given, dict) and not nested else None), (
        mapped(lambda symbol: symbol.name, given) if nested else None
    )


def _places(given, symbols):
    """`given`, with the place of each symbol among `symbols`."""
    places = {id(symbol): i for i, symbol in enumerate(symbols)}
    return mapped(lambda symbol: places[id(symbol)], given)


def _form(places, symbols):
    return places if places is not None else list(range(len(symbols))) if len(symbols) > 1 else 0


def _symbols(given, name) -> list[Symbol]:
    """One symbol, or the symbols in lists and dictionaries, as a list."""
    symbols = flatten(given)
    if not symbols or not all(isinstance(symbol, Symbol) for symbol in symbols):
        raise ValueError(
            f"A model takes symbols as {name}, made by Input or by calling layers: one, a list or a dictionary; "
            f"received {given!r}."
        )
    return symbols


_OF_GRAPHS = ("name", "trainable", "dtype", "layers", "input_layers", "output_layers")


def takes_graph(model_class) -> bool:
    """Whether a class of models is made from inputs and outputs, as Model is."""
    parameters = inspect.signature(model_class.__init__).parameters
    return "inputs" in parameters or any(p.kind is p.VAR_POSITIONAL for p in parameters.values())
