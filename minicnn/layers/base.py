"""The layer contract: build, compute_output_shape, forward, backward.

A layer keeps no state between calls except its weights and its random counter. `forward` returns what `backward`
needs, so a layer that a model uses twice gets both gradients right.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from .. import config, constraints, initializers, regularizers
from ..kernels.cpu.denormals import flushed
from ..registry import Configurable, Registry, nearest
from ..results import Array
from ..runtime import transfer
from ..runtime.replay import changes
from ..symbol import Node, Symbol, is_symbolic
from ..variable import Variable
from .checks import check_sizes, checked_shape
from .names import automatic_name, building, path_of_weight
from .penalty import add_loss, collected_losses, with_activity_penalty

FOR_WEIGHTS = "weights"
"""`need_saved` is True (backward will compute every gradient), FOR_WEIGHTS (only gradients of the weights, as nothing
below can be trained) or False (there will be no backward). A single layer may treat True and FOR_WEIGHTS alike."""

registry = Registry("layer")
"""Layers and models by the names of their classes."""


class Layer(changes.Watched, Configurable):
    """Base class of layers and models.

    A subclass defines `build` (make weights with `add_weight`), `compute_output_shape`, `forward` and `backward`.
    Called on a symbol, a layer adds itself to a graph; called on an array, it computes.
    """

    rank: int | None = None
    """The number of axes that inputs must have, or None for any number."""

    ends_in: str | None = None
    """"softmax" or "sigmoid" if that is the last operation; then `forward` takes logits=True, which leaves it out."""

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
        activity_regularizer=None,
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
        self._containers: list[list | tuple | dict] = []  # attributes that hold layers
        self._losses_of_call: list[float] = []
        self._built_for: tuple | list | None = None
        self.activity_regularizer = regularizers.get(activity_regularizer)
        if input_dim is not None:
            input_shape = (input_dim,)
        if batch_input_shape is not None:
            input_shape = tuple(batch_input_shape)[1:]
        self.input_shape_argument = None if input_shape is None else checked_shape(input_shape, "input_shape")

    # What subclasses define

    def __init_subclass__(cls, **kwargs):
        """Make `build` safe to call twice: weights are made only once."""
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _once(cls.build)

    def build(self, input_shape) -> None:
        """Make the weights for inputs of this shape (None for unknown sizes)."""

    def compute_output_shape(self, input_shape) -> tuple:
        """The shape of the output for inputs of this shape; may be called before `build`."""
        return tuple(input_shape)

    def forward(self, x, training=False, need_saved=True):
        """(y, saved): the output, and what `backward` needs."""
        hint = " (call is Keras's: minicnn computes no gradient by itself)" if hasattr(self, "call") else ""
        raise NotImplementedError(
            f"{type(self).__name__} does not define forward: define it, and backward for its gradient{hint}."
        )

    def backward(self, dy, saved, need_dx=True):
        """dx for the upstream gradient dy (None unless need_dx); adds the weights' gradients to their `.grad`."""
        raise NotImplementedError(f"{type(self).__name__} does not define backward.")

    def flops(self, input_shape) -> int:
        """Floating-point operations for one input of this shape (a multiply-add is two); by default one per output."""
        return math.prod(self.compute_output_shape(input_shape)[1:])

    def largest_output(self, input_shape) -> int:
        """The numbers in the largest array that the layer makes from one input of this shape. A size that a user's
        layer does not know counts as 1."""
        made = self.compute_output_shape(input_shape)
        return max(math.prod(size or 1 for size in shape[1:]) for shape in (made if self.gives_several else [made]))

    def get_config(self):
        config = super().get_config()
        if config.get("activity_regularizer", 0) is None:  # not every class of Keras has this argument
            del config["activity_regularizer"]
        return config

    # Weights

    _keeps_layers = True

    def __setattr__(self, name, value):
        """Set an attribute. Layers in it, also in a list or dictionary, belong to this layer with their weights."""
        super().__setattr__(name, value)
        if name.startswith("_") or not self._keeps_layers:
            return
        if isinstance(value, Layer):
            if "_sublayers" not in vars(self):
                raise RuntimeError(f"Call super().__init__() in {type(self).__name__} before giving it layers.")
            if value not in self._sublayers:
                self._sublayers.append(value)
        elif (
            isinstance(value, (list, tuple, dict))
            and "_containers" in vars(self)
            and not any(value is known for known in self._containers)
        ):
            held = value.values() if isinstance(value, dict) else value
            if not value or any(isinstance(v, Layer) for v in held):
                self._containers.append(value)

    @property
    def _inner_layers(self) -> list[Layer]:
        """The layers within this one, read from lists and dictionaries each time, because these may have grown."""
        if not self._containers:
            return self._sublayers
        held = [v for c in self._containers for v in (c.values() if isinstance(c, dict) else c) if isinstance(v, Layer)]
        return list({id(layer): layer for layer in [*self._sublayers, *held]}.values())

    def add_weight(
        self,
        shape=(),
        initializer="glorot_uniform",
        dtype=None,
        trainable=True,
        regularizer=None,
        constraint=None,
        name="weight",
    ) -> Variable:
        """Make a weight of this layer. ValueError if the initializer makes another shape."""
        make = initializers.get(initializer or "glorot_uniform")
        regularizer, constraint = regularizers.get(regularizer), constraints.get(constraint)
        with building(self):
            path = path_of_weight(name)
        variable = Variable(make, shape, dtype or self.dtype, trainable, name, path, regularizer, constraint)
        self._variables.append(variable)
        return variable

    @property
    def trainable(self) -> bool:
        """Whether training may change the weights. Setting it also sets it in every layer within."""
        return self._trainable

    @trainable.setter
    def trainable(self, value):
        self._trainable = bool(value)
        for layer in self._inner_layers:
            layer.trainable = value

    def flattened(self) -> list[Layer]:
        """This layer and every layer within it, each once."""
        found = {id(self): self}
        for layer in self._inner_layers:
            found.update((id(inner), inner) for inner in layer.flattened())
        return list(found.values())

    @property
    def weights(self) -> list[Variable]:
        """All weights, layer by layer, the trainable ones of a layer first."""
        own = sorted(self._variables, key=lambda variable: not variable.trainable)
        inner = self._inner_layers
        return _unique(own + [v for layer in inner for v in layer.weights]) if inner else own

    @property
    def variables(self) -> list[Variable]:
        return self.weights

    @property
    def trainable_weights(self) -> list[Variable]:
        """The weights that training changes: none if the layer is frozen."""
        if not self.trainable:
            return []
        own = [variable for variable in self._variables if variable.trainable]
        inner = self._inner_layers
        return _unique(own + [v for layer in inner for v in layer.trainable_weights]) if inner else own

    @property
    def trainable_variables(self) -> list[Variable]:
        return self.trainable_weights

    @property
    def non_trainable_weights(self) -> list[Variable]:
        """The weights that training does not change."""
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
        variables, arrays = self.weights, [np.asarray(w) for w in weights]
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
        return sum(variable.array.size for variable in self.weights)

    def has_trainable_weights(self) -> bool:
        """Whether backward must compute gradients of weights here."""
        return self._trainable and (
            any(v.trainable for v in self._variables) or any(s.has_trainable_weights() for s in self._inner_layers)
        )

    def add_gradients(self, *pairs) -> None:
        """Add gradients to their variables: (variable, gradient) pairs; a pair with None in it is skipped."""
        if self._trainable:
            for variable, gradient in pairs:
                if variable is not None and variable.trainable and gradient is not None:
                    variable.add_gradient(gradient)

    def add_loss(self, loss) -> None:
        """For use in `forward`: add a number to the loss of the running pass. `backward` must add its gradient."""
        add_loss(loss)

    @property
    def losses(self) -> list[float]:
        """The penalties of the regularized weights, and what the last call on arrays added to the loss."""
        penalties = [v.regularizer(v) for v in self.trainable_weights if v.regularizer is not None]
        return penalties + self._losses_of_call

    # Being called

    def __call__(self, x, training=None):
        """On symbols, add the layer to the graph and return a symbol. On arrays, return the output, a new array.

        Without `training`, layers work on arrays as in inference, but augmentation is active, as in Keras. On symbols,
        a given `training` holds for this call in every model that contains the call; otherwise the model says whether
        it trains.
        """
        if is_symbolic(x):
            return self._call_on_symbols(x, training)
        several = isinstance(x, (list, tuple)) and self.takes_several
        x = [self._as_input(v) for v in x] if several else self._as_input(x)
        self.build_for([v.shape for v in x] if several else x.shape)
        self.to_device()
        there = [transfer.to_device(v) for v in x] if several else transfer.to_device(x)
        with flushed(), collected_losses() as collected:
            y, _ = with_activity_penalty(self).forward(there, training=training, need_saved=False)
        self._losses_of_call = [float(loss) for loss in collected]
        inputs = x if several else [x]
        outputs = [self._own(transfer.to_host(v), inputs).view(Array) for v in (y if self.gives_several else [y])]
        return outputs if self.gives_several else outputs[0]

    @staticmethod
    def _own(y, inputs):
        return y.copy() if any(np.may_share_memory(y, v) for v in inputs) else y

    def to_device(self) -> None:
        """Move the weights to where the backend in use computes."""
        for variable in self.weights:
            variable.to_device()

    takes_several = False
    """Whether the layer takes a list of inputs."""

    may_be_recorded = True
    """Whether a training step with this layer may be recorded and replayed (`runtime/replay`): what it computes on the
    host must be the same in every step."""

    gives_several = False
    """Whether the layer gives a list of outputs; then `compute_output_shape` gives a list of shapes, and `backward`
    gets a list of gradients, None where there is none."""

    def _as_input(self, x):
        if type(x) is np.ndarray and x.flags.carray and x.dtype == self.dtype:
            return x  # the lines below give the same x, but take ten times as long
        x = np.asarray(x)
        if x.dtype.kind not in "buif":
            raise ValueError(f"{self.name!r} takes arrays of numbers; received an array of type {x.dtype}.")
        return np.require(x, self.dtype, ["C", "W"])

    def _call_on_symbols(self, x, training=None):
        inputs = list(x) if isinstance(x, (list, tuple)) else [x]
        for symbol in inputs:
            if not isinstance(symbol, Symbol):
                raise ValueError(
                    f"{self.name!r} takes symbols or arrays, not both; received symbols and {type(symbol).__name__}."
                )
            if symbol.dtype != self.dtype:
                raise ValueError(
                    f"A model computes in one type: {self.name!r} is {self.dtype}, its input is {symbol.dtype}."
                )
        if len(inputs) > 1 and not self.takes_several:
            raise ValueError(f"{self.name!r} ({type(self).__name__}) takes one input; received {len(inputs)}.")
        shapes = [symbol.shape for symbol in inputs]
        shape = shapes if isinstance(x, (list, tuple)) and self.takes_several else shapes[0]
        self.build_for(shape)
        made = self.compute_output_shape(shape)
        outputs = [Symbol(s, self.dtype) for s in (made if self.gives_several else [made])]
        self._nodes.append(Node(self, inputs, outputs, training))
        return outputs if self.gives_several else outputs[0]

    def build_for(self, input_shape) -> None:
        """Check the input's axes and sizes, and build once."""
        check_sizes(self, input_shape)
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
        self.built, self._built_for = True, input_shape

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
        """The symbol (or list of symbols) that the layer's first call made."""
        outputs = self._first_node().outputs
        return outputs if len(outputs) > 1 else outputs[0]

    def _first_node(self):
        if not self._nodes:
            raise AttributeError(
                f"{self.name!r} has no input or output yet: it is not part of a model with a known input shape."
            )
        return self._nodes[0]

    def __getstate__(self):
        """For pickles and copies: the layer and its weights, but not the models it belongs to."""
        return {**vars(self), "_nodes": []}

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _once(build):
    """A `build` that does nothing on a layer that is built already."""

    @functools.wraps(build)
    def build_once(self, input_shape=None):
        if not self.built:
            with building(self):
                build(self, input_shape)
            self.built = True

    return build_once


def _unique(variables):
    return list({id(v): v for v in variables}.values())
