"""The layer contract: build, compute_output_shape, forward, backward.

A layer keeps no state between calls except its weights and its random counter. `forward` returns what `backward`
needs, so a layer used twice in a model gets its two gradients right.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from contextlib import contextmanager

import numpy as np

from .. import config, initializers
from ..ops import transfer
from ..registry import Configurable, Registry, nearest, snake_case
from ..symbol import Node, Symbol, is_symbolic
from ..variable import Variable

FOR_WEIGHTS = "weights"
"""`need_saved` may be True (backward will be asked for every gradient), FOR_WEIGHTS (for the weights' only: nothing
below can be trained) or False (there will be no backward). A single layer may treat the first two alike."""

registry = Registry("layer")
"""Layers and models by the names of their classes."""

_names_given: Counter[str] = Counter()


def automatic_name(class_name: str) -> str:
    """Keras's automatic names: "Conv2D" gives conv2d, conv2d_1, ...; "MaxPooling2D" max_pooling2d."""
    name = snake_case(class_name)
    count = _names_given[name]
    _names_given[name] += 1
    return f"{name}_{count}" if count else name


def clear_session() -> None:
    """Start the automatic names anew, and give the memory that no model is using just now back."""
    _names_given.clear()
    transfer.clear()


class Layer(Configurable):
    """Base class of layers and models.

    A subclass defines `build` (make weights with `add_weight`), `compute_output_shape`, `forward` and `backward`.
    Called on a symbol, a layer adds itself to a graph; called on an array, it computes.
    """

    rank: int | None = None
    """The number of axes that inputs must have, or None for any number."""

    ends_in: str | None = None
    """"softmax" or "sigmoid" if that is the last operation; then `forward` takes logits=True, to leave it out."""

    _not_in_config = ("input_shape", "batch_shape", "batch_input_shape", "input_dim")

    def __init__(
        self,
        *,
        name=None,
        dtype=None,
        trainable=True,
        input_shape=None,
        batch_input_shape=None,
        input_dim=None,
        **unknown,
    ):
        if unknown:
            known = self._argument_names()
            first = next(iter(unknown))
            raise TypeError(
                f"{type(self).__name__} has no argument {first!r} (received {first}={unknown[first]!r}). "
                f"{nearest(first, known)}"
            )
        if name is not None and not isinstance(name, str):
            raise ValueError(f"A layer's name is a string; received name={name!r}.")
        self.name = name or automatic_name(type(self).__name__)
        self.dtype = config.checked_float_type(dtype or config.floatx())
        self._trainable = bool(trainable)
        self.built = False
        self._variables: list[Variable] = []
        self._nodes: list[Node] = []
        self._sublayers: list[Layer] = []
        if input_dim is not None:
            input_shape = (input_dim,)
        if batch_input_shape is not None:
            input_shape = tuple(batch_input_shape)[1:]
        self.input_shape_argument = None if input_shape is None else checked_shape(input_shape, "input_shape")

    # What subclasses define

    def __init_subclass__(cls, **kwargs):
        """Whoever calls `build`, weights are made once."""
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _once(cls.build)

    def build(self, input_shape) -> None:
        """Make the weights for inputs of this shape (None for unknown sizes)."""

    def compute_output_shape(self, input_shape) -> tuple:
        """The shape of the output for inputs of this shape; may be asked before `build`."""
        return tuple(input_shape)

    def forward(self, x, training=False, need_saved=True):
        """(y, saved): the output, and what `backward` needs."""
        raise NotImplementedError(f"{type(self).__name__} does not define forward.")

    def backward(self, dy, saved, need_dx=True):
        """dx for the upstream gradient dy (None unless need_dx); adds the weights' gradients to their `.grad`."""
        raise NotImplementedError(f"{type(self).__name__} does not define backward.")

    def flops(self, input_shape) -> int:
        """Floating-point operations for one input of this shape (a multiply-add is two); by default one per output."""
        return math.prod(self.compute_output_shape(input_shape)[1:])

    # Weights

    _keeps_layers = True

    def __setattr__(self, name, value):
        """A layer kept in an attribute belongs to this one: its weights are this layer's weights."""
        super().__setattr__(name, value)
        if self._keeps_layers and isinstance(value, Layer) and value not in self._sublayers:
            self._sublayers.append(value)

    def add_weight(
        self, shape=(), initializer="glorot_uniform", name="weight", trainable=True, regularizer=None, dtype=None
    ) -> Variable:
        """Make a weight of this layer. ValueError if the initializer makes another shape."""
        make, dtype = initializers.get(initializer or "glorot_uniform"), dtype or self.dtype
        value = np.require(make(tuple(shape), dtype), dtype, ["C", "W", "O"])
        if value.shape != tuple(shape):
            raise ValueError(f"The initializer of {self.name}/{name} was asked for {tuple(shape)}; made {value.shape}.")
        variable = Variable(value, name, f"{self.name}/{name}", trainable, regularizer)
        self._variables.append(variable)
        return variable

    @property
    def trainable(self) -> bool:
        """Whether training may change the weights. Setting it sets every layer within."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._trainable = bool(value)
        for layer in self._sublayers:
            layer.trainable = value

    def flattened(self) -> list[Layer]:
        """This layer and every layer within it, each once."""
        found = {id(self): self}
        for layer in self._sublayers:
            found.update((id(inner), inner) for inner in layer.flattened())
        return list(found.values())

    @property
    def weights(self) -> list[Variable]:
        """All weights, layer by layer, the trainable ones of a layer first."""
        own = sorted(self._variables, key=lambda variable: not variable.trainable)
        if not self._sublayers:
            return own
        return _unique(own + [v for layer in self._sublayers for v in layer.weights])

    @property
    def variables(self) -> list[Variable]:
        return self.weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes: none if the layer is frozen."""
        if not self.trainable:
            return []
        own = [variable for variable in self._variables if variable.trainable]
        if not self._sublayers:
            return own
        return _unique(own + [v for layer in self._sublayers for v in layer.trainable_weights])

    @property
    def trainable_variables(self) -> list[Variable]:
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training leaves alone."""
        trainable = {id(v) for v in self.trainable_weights}
        return [v for v in self.weights if id(v) not in trainable]

    @property
    def non_trainable_variables(self) -> list[Variable]:
        return self.non_trainable_weights

    def get_weights(self) -> list[np.ndarray]:
        """Copies of all weights."""
        return [variable.numpy() for variable in self.weights]

    def set_weights(self, weights) -> None:
        """Replace all weights; ValueError, before anything changes, if their number or a shape differs."""
        variables, arrays = self.weights, [np.asarray(w, self.dtype) for w in weights]
        if len(arrays) != len(variables):
            raise ValueError(f"{self.name!r} has {len(variables)} weights; received {len(arrays)} arrays.")
        for variable, array in zip(variables, arrays, strict=True):
            if variable.shape != array.shape:
                raise ValueError(f"Weight {variable.path!r} has shape {variable.shape}; received {array.shape}.")
        for variable, array in zip(variables, arrays, strict=True):
            variable.assign(array)

    def count_params(self) -> int:
        """The number of numbers in all weights."""
        if not self.built:
            raise ValueError(f"{self.name!r} has no weights yet: build it, or call it on data, before counting them.")
        return sum(variable.value.size for variable in self.weights)

    def has_trainable_weights(self) -> bool:
        """Whether backward has anything to do here for the weights' sake."""
        return self._trainable and (
            any(v.trainable for v in self._variables) or any(s.has_trainable_weights() for s in self._sublayers)
        )

    def add_gradients(self, *pairs) -> None:
        """Add gradients to their variables: (variable, gradient) pairs, either of them None where there is none."""
        if self._trainable:
            for variable, gradient in pairs:
                if variable is not None and variable.trainable and gradient is not None:
                    variable.add_gradient(gradient)

    # Being called

    def __call__(self, x, training=False):
        """On symbols: a symbol, the layer added to the graph. On arrays: the output, an array of its own."""
        if is_symbolic(x):
            return self._call_on_symbols(x)
        several = isinstance(x, (list, tuple)) and self.takes_several
        x = [self._as_input(v) for v in x] if several else self._as_input(x)
        self.build_for([v.shape for v in x] if several else x.shape)
        self.bring_here()
        there = [transfer.here(v) for v in x] if several else transfer.here(x)
        y = transfer.to_host(self.forward(there, training=bool(training), need_saved=False)[0])
        return y.copy() if any(np.may_share_memory(y, v) for v in (x if several else [x])) else y

    def bring_here(self) -> None:
        """Move the weights to where the backend in use computes."""
        for variable in self.weights:
            variable.bring_here()

    takes_several = False
    """Whether the layer takes a list of inputs."""

    def _as_input(self, x):
        x = np.asarray(x)
        if x.dtype.kind not in "buif":
            raise ValueError(f"{self.name!r} takes arrays of numbers; received an array of type {x.dtype}.")
        return np.require(x, self.dtype, ["C", "W"])

    def _call_on_symbols(self, x):
        inputs = list(x) if isinstance(x, (list, tuple)) else [x]
        for symbol in inputs:
            if not isinstance(symbol, Symbol):
                raise ValueError(f"{self.name!r} was called on symbols and {type(symbol).__name__} mixed.")
            if symbol.dtype != self.dtype:
                raise ValueError(
                    f"A model computes in one type: {self.name!r} is {self.dtype}, its input is {symbol.dtype}."
                )
        if len(inputs) > 1 and not self.takes_several:
            raise ValueError(f"{self.name!r} ({type(self).__name__}) takes one input; received {len(inputs)}.")
        shapes = [symbol.shape for symbol in inputs]
        shape = shapes if isinstance(x, (list, tuple)) and self.takes_several else shapes[0]
        self.build_for(shape)
        output = Symbol(self.compute_output_shape(shape), self.dtype)
        self._nodes.append(Node(self, inputs, output))
        return output

    def build_for(self, input_shape) -> None:
        """Check the input's rank and build once."""
        if self.rank is not None and len(input_shape) != self.rank:
            axes = {4: "(N, H, W, C)", 2: "(N, features)"}.get(self.rank, f"{self.rank} axes")
            raise ValueError(
                f"{self.name!r} ({type(self).__name__}) takes inputs of shape {axes}; "
                f"received shape {tuple(input_shape)}."
            )
        if 0 in tuple(input_shape)[1:]:
            raise ValueError(f"{self.name!r} takes inputs of positive sizes; received shape {tuple(input_shape)}.")
        if self.built:
            self.check_input(input_shape)
            return
        try:
            self.build(input_shape)
            self.check_input(input_shape)
        except Exception:
            self._variables.clear()
            self.built = False
            raise
        self.built = True

    def check_input(self, input_shape) -> None:
        """ValueError if a built layer cannot take inputs of this shape."""

    # The graph

    @property
    def input(self) -> Symbol:
        """The symbol (or list of symbols) that the layer was first called on."""
        inputs = self._first_node().inputs
        return inputs if len(inputs) > 1 else inputs[0]

    @property
    def output(self) -> Symbol:
        """The symbol that the layer's first call made."""
        return self._first_node().output

    def _first_node(self):
        if not self._nodes:
            raise AttributeError(
                f"{self.name!r} has no input or output yet: it is not part of a model with a known input shape."
            )
        return self._nodes[0]

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _once(build):
    """`build`, doing nothing on a layer that is built already."""

    @functools.wraps(build)
    def build_once(self, input_shape=None):
        if not self.built:
            build(self, input_shape)
            self.built = True

    return build_once


def _unique(variables):
    return list({id(v): v for v in variables}.values())


def checked_shape(shape, name: str) -> tuple:
    """A shape without its batch axis as a tuple of positive integers and None; ValueError otherwise."""
    shape = (shape,) if not isinstance(shape, (tuple, list)) else tuple(shape)
    for size in shape:
        if size is not None and not (hasattr(size, "__index__") and int(size) > 0):
            raise ValueError(f"{name} must hold positive integers (or None); received {name}={shape!r}.")
    return tuple(None if size is None else int(size) for size in shape)


def checked_data_format(data_format):
    """Images are NHWC here; ValueError for Keras's other layout."""
    if data_format not in (None, "channels_last"):
        raise ValueError(
            f'minicnn keeps images as (N, H, W, C), data_format="channels_last"; received data_format={data_format!r}.'
        )
    return "channels_last"


def checked_choice(value, choices, name: str):
    """`value` in lower case if it is one of `choices`; ValueError otherwise."""
    lowered = value.lower() if isinstance(value, str) else value
    if lowered not in choices:
        raise ValueError(f"{name} must be one of {', '.join(repr(c) for c in choices)}; received {name}={value!r}.")
    return lowered


@contextmanager
def unchanged_state(layer: Layer):
    """Forward may run in training mode in this block; after it moving statistics and random counters are as before."""
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
