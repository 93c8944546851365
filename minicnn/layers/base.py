"""The layer contract: build, compute_output_shape, forward, backward.

A layer keeps no state between calls except its weights and its random counter. `forward` returns what `backward`
needs, so a layer that a model uses twice gets both gradients right.
"""

from __future__ import annotations

import functools
import math

import numpy as np

from .. import regularizers
from ..arguments import is_ours
from ..dtype_policy import dtype_policy
from ..kernels.cpu.denormals import flushed
from ..nest import mapped
from ..registry import Configurable, Registry, nearest
from ..results import Array
from ..runtime import transfer
from ..symbol import Node, Symbol, drawing, is_symbolic
from ..variable import Variable
from .checks import check_sizes, checked_shape
from .dtypes import HasType
from .holding import HoldsWeights
from .input_spec import InputSpec, check_spec
from .names import automatic_name, building
from .penalty import add_loss, collected_losses, with_activity_penalty

FOR_WEIGHTS = "weights"
"""`need_saved` is True (backward will compute every gradient), FOR_WEIGHTS (only gradients of the weights, as nothing
below can be trained) or False (there will be no backward). A single layer may treat True and FOR_WEIGHTS alike."""

registry = Registry("layer")
"""Layers and models by the names of their classes."""


class Layer(HoldsWeights, HasType, Configurable):
    """Base class of layers and models.

    A subclass defines `build` (make weights with `add_weight`), `compute_output_shape`, `forward` and `backward`. Or it
    defines `build` and `call(self, inputs, training=None)`, made of layers and functions of `minicnn.ops`: then the
    output's shape and the gradient follow from them (`called.py`). Called on a symbol, a layer adds itself to a graph;
    called on an array, it computes.
    """

    rank: int | None = None
    """The number of axes that inputs must have, or None for any number."""

    input_spec: InputSpec | list[InputSpec] | None = None
    """What a user's layer demands of its inputs, one for each."""

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
        self.dtype_policy = dtype or dtype_policy()
        if not isinstance(trainable, (bool, np.bool_)):
            raise ValueError(f"trainable must be True or False; received trainable={trainable!r}.")
        self._trainable = bool(trainable)
        self.built = type(self).build is Layer.build and is_ours(type(self))  # nothing to build
        self._variables: list[Variable] = []
        self._nodes: list[Node] = []
        self._sublayers: list = []  # layers, and lists and dictionaries of layers
        for early in vars(self).pop("_held_early", []):
            self._hold(early)
        self._losses_of_call: list[float] = []
        self._drawings: dict = {}  # {(shapes, training): what `call` draws}
        self._built_for: tuple | list | None = None
        self.activity_regularizer = regularizers.get(activity_regularizer)
        if input_dim is not None:
            input_shape = (input_dim,)
        if batch_input_shape is not None:
            input_shape = tuple(batch_input_shape)[1:]
        self.input_shape_argument = None if input_shape is None else checked_shape(input_shape, "input_shape")

    # What subclasses define

    def __init_subclass__(cls, **kwargs):
        """Make `build` safe to call twice: weights are made only once. Note whether the class defines `call`."""
        super().__init_subclass__(**kwargs)
        if "build" in cls.__dict__:
            cls.build = _once(cls.build)
        computes = next(c for c in cls.__mro__ if "forward" in vars(c))
        called = next((c for c in cls.__mro__ if "call" in vars(c)), computes)
        if called is not computes and issubclass(called, computes) and not cls.forward.__dict__.get("runs_call"):
            _run_call_instead(cls, computes)
        cls._draws = hasattr(cls, "call") and cls.forward.__dict__.get("runs_call", False)
        if cls._draws and not isinstance(cls.ends_in, property):
            cls.ends_in = property(_end_of_drawn)

    def build(self, input_shape) -> None:
        """Make the weights for inputs of this shape (None for unknown sizes). The default builds the layers within; in
        a layer it does not if a `build` of the user's calls it."""
        if self._draws and (type(self).build is Layer.build or hasattr(self, "compile")):
            form, shapes = self.form_of_shapes(input_shape)
            self.take_form(form if self._form is None else self._form)
            self.drawn_for(shapes, False)
        self.built = True

    def compute_output_shape(self, input_shape) -> tuple:
        """The shape of the output for inputs of this shape; may be called before `build`."""
        if not self._draws:
            return tuple(input_shape)
        form, shapes = self.form_of_shapes(input_shape)
        self.take_form(form if self._form is None else self._form)
        if not self.built:
            self.build_for(shapes if self.takes_several else shapes[0])  # `call` reads the weights
        made = self.drawn_output_shapes(shapes)
        return made if self.gives_several else made[0]

    def compute_output_spec(self, inputs):
        """Symbols of the output's shape and type, for symbols as inputs. The layer stays outside of every model."""
        several = isinstance(inputs, (list, tuple, dict))
        made = self.compute_output_shape(mapped(lambda symbol: symbol.shape, inputs) if several else inputs.shape)
        if self.gives_several or (made and isinstance(made[0], (list, tuple))):
            return type(made)(Symbol(tuple(shape), self.dtype) for shape in made)
        return Symbol(tuple(made), self.dtype)

    def forward(self, x, training=False, need_saved=True, logits=False):
        """(y, saved): the output, and what `backward` needs. logits: see `ends_in`."""
        if self._draws:
            return self.forward_drawn(x, training, need_saved, logits)
        raise NotImplementedError(
            f"{type(self).__name__} does not define forward: define it, and backward for its gradient; or define call."
        )

    forward.runs_call = True
    call_of_parent = None
    """What super().call of a subclass finds in one of minicnn's own layers; `parent.py` sets this function."""

    def backward(self, dy, saved, need_dx=True):
        """dx for the upstream gradient dy (it may be None without need_dx); adds to the weights' `.grad`."""
        if self._draws:
            return self.backward_drawn(dy, saved, need_dx)
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
        if not is_ours(type(self)):
            config = {"name": self.name, "trainable": self._trainable, "dtype": self.dtype, **config}
        if config.get("activity_regularizer", 0) is None:  # not every class of Keras has this argument
            del config["activity_regularizer"]
        return config

    @classmethod
    def from_config(cls, config):
        """A new layer from what `get_config` returned. A user's constructor need not take the name, `trainable` and the
        dtype."""
        known = cls._argument_names()
        unknown = set() if is_ours(cls) else {"name", "trainable", "dtype"}.difference(known)
        layer = cls(**{name: value for name, value in config.items() if name not in unknown})
        if "name" in unknown & config.keys():
            layer.name = config["name"]
        if "trainable" in unknown & config.keys() and not config["trainable"]:
            layer.trainable = False
        return layer

    def add_loss(self, loss) -> None:
        """For use in `call`: add a symbol to the loss of every pass. For use in `forward`: add a number to the loss of
        the running pass; then `backward` must add its gradient."""
        if is_symbolic(loss):
            drawing().add_loss(loss)
        else:
            add_loss(loss)

    @property
    def losses(self) -> list[float]:
        """The penalties of the regularized weights, and what the last call on arrays added to the loss."""
        penalties = [float(v.regularizer.penalty(v.array)) for v in self.trainable_weights if v.regularizer is not None]
        return penalties + self._losses_of_call

    # Being called

    def __call__(self, *inputs, training=None, **named):
        """On symbols, add the layer to the graph and return a symbol. On arrays, return the output, a new array.

        Without `training`, layers work on arrays as in inference, but augmentation is active, as in Keras. On symbols,
        a given `training` holds for this call in every model that contains the call; otherwise the model says whether
        it trains. A layer that defines `call` takes the arguments of `call`.
        """
        if self._draws:
            return self.call_drawn(inputs, named, training)
        x, training = self._input_and_training(inputs, named, training)
        if is_symbolic(x) or drawing() is not None:
            return self._call_on_symbols(x, training)
        several = isinstance(x, (list, tuple)) and self.takes_several
        outputs = self._call_on_arrays(x if several else [x], training)
        return outputs if self.gives_several else outputs[0]

    def _input_and_training(self, inputs, named, training):
        """(the input, `training`) of a call's arguments. `mask`, which Keras passes too, has no effect."""
        named.pop("mask", None)
        inputs = (*([named.pop("inputs")] if "inputs" in named else []), *inputs)
        if not 1 <= len(inputs) <= 2 or named:
            said = [
                *(type(value).__name__ for value in inputs),
                *(f"{name}={value!r}" for name, value in named.items()),
            ]
            raise TypeError(
                f"{self.name!r} takes an input and training=...; received {', '.join(said)[:200] or 'none'}."
            )
        return inputs[0], inputs[1] if len(inputs) == 2 else training

    def _call_on_arrays(self, xs, training) -> list:
        """New arrays with the outputs for these inputs."""
        several = self.takes_several
        x = [self._as_input(v) for v in xs] if several else self._as_input(xs[0])
        self.build_for([v.shape for v in x] if several else x.shape)
        self.to_device()
        there = [transfer.to_device(v) for v in x] if several else transfer.to_device(x)
        with flushed(), collected_losses() as collected:
            y, _ = with_activity_penalty(self).forward(there, training=training, need_saved=False)
        self._losses_of_call = [float(loss) for loss in collected]
        others = [*(x if several else [x]), *(self._arrays_of_graphs() if self._draws else ())]
        return [self._own(transfer.to_host(v), others).view(Array) for v in (y if self.gives_several else [y])]

    @staticmethod
    def _own(y, others):
        return y.copy() if any(np.may_share_memory(y, v) for v in others) else y

    def to_device(self) -> None:
        """Move the weights to where the backend in use computes."""
        for variable in self.weights:
            variable.to_device()

    takes_several = False
    """Whether the layer takes a list of inputs."""

    may_be_recorded = True
    """Whether a training step with this layer may be recorded and replayed (`runtime/replay`): what it computes on the
    host must be the same in every step."""

    is_source = False
    """Whether the layer begins a graph without being an input of the model: weights and constants (`drawing.py`)."""

    is_operation = False
    """Whether the layer stands for an operation in a graph. `Model.layers` leaves it out, as Keras's does."""

    adds_loss = False
    """Whether the layer adds to the loss, so that a gradient begins in it."""

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
        if drawing() is not None:
            inputs = [Symbol.of(value, self.dtype) for value in inputs]
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
        node = Node(self, inputs, outputs, training)
        if drawing() is None:
            self._nodes.append(node)
        elif self._draws:
            self._is_in_a_drawing = True
        return outputs if self.gives_several else outputs[0]

    def build_for(self, input_shape) -> None:
        """Check the input's axes and sizes, and build once."""
        check_sizes(self, input_shape)
        if self.input_spec is not None:
            check_spec(self, input_shape if isinstance(input_shape, list) else [input_shape])
        if self.built:
            self.check_input(input_shape)
            if self._built_for is None:  # setting an attribute costs time in every prediction
                self._built_for = input_shape
            return
        before = list(self._variables)
        try:
            if self._draws:
                self.build_parts(input_shape if self.takes_several else [input_shape])
            else:
                self.build(input_shape)
            self.check_input(input_shape)
        except Exception:
            self._variables[:] = before
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
        return {**vars(self), "_nodes": [], "_drawings": {}, "_drawn_after": None, "_is_in_a_drawing": False}

    def __repr__(self):
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"


def _run_call_instead(cls, computes):
    """Let a subclass of a layer with `forward` run the `call` that it defines."""
    if hasattr(computes, "add"):
        raise TypeError(f"{cls.__name__} defines call: derive it from Model, and keep the Sequential in an attribute.")
    computes.call = Layer.call_of_parent
    for name in ("forward", "backward", "compute_output_shape"):
        setattr(cls, name, vars(Layer)[name])
    cls.ends_in = property(_end_of_drawn)


def _end_of_drawn(layer):
    """`ends_in` of a layer that defines `call`."""
    return None if layer.activity_regularizer is not None else layer.end_of_drawings()


def _once(build):
    """A `build` that does nothing on a layer that is built already."""

    @functools.wraps(build)
    def build_once(self, *shapes, **named):
        if not self.built:
            with building(self):
                build(self, *(shapes if shapes or named else (None,)), **named)
            self.built = True

    return build_once
