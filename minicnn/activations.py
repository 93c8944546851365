"""The activations by name, as objects that layers use and users may call on arrays."""

from __future__ import annotations

import inspect
from collections.abc import Callable

import numpy as np

from . import activation_functions as functions
from . import config
from .kept_graphs import graph_for
from .ops import activation as op
from .registry import Registry, custom_object, missing_name
from .runtime import transfer
from .runtime.replay import changes
from .symbol import is_symbolic
from .variable import Variable

_registry = Registry("activation")
_OTHER_LIBRARIES = ("jax", "keras", "tensorflow", "torch")
_NEVER_FALL = {None, "relu", "sigmoid", "tanh", "softplus", "selu", "exponential", "softsign", "hard_sigmoid"}
_NEVER_FALL_FROM_0 = {"leaky_relu", "elu", "clipped_relu"}  # if their parameter is 0 or more


class Activation(changes.Watched):
    """An activation with its parameter (slope, alpha or limit) fixed: forward, backward, and a plain call."""

    def __init__(self, name: str, operation: str | None, parameter: float = 0.0, general: Callable | None = None):
        self.__name__ = name
        self._general = general  # the function with Keras's arguments, for arrays and symbols
        self.operation = operation
        self.parameter = parameter

    @property
    def never_falls(self) -> bool:
        """Whether a larger x never gives a smaller y. Then a max pooling may come before or after it."""
        if type(self) is not Activation:
            return False  # a user's own function
        return self.operation in _NEVER_FALL or (self.operation in _NEVER_FALL_FROM_0 and self.parameter >= 0)

    def in_layer(self, x, need_saved, training):
        """`forward` in a layer of a model. Only a layer as an activation asks whether the model trains."""
        return self.forward(x, need_saved)

    def forward(self, x, need_saved=True):
        """y of x's shape, and what `backward` needs."""
        if self.operation is None:
            return x, None
        return op.forward(self.operation, x, self.parameter, need_saved)

    def backward(self, dy, saved):
        """dx for the upstream gradient dy."""
        return dy if self.operation is None else op.backward(self.operation, dy, saved)

    def __call__(self, x, *arguments, **named):
        """The activation of an array, as a new array, or of a symbol. Arguments as in Keras: relu's negative_slope,
        max_value and threshold, softmax's axis, and so on."""
        if arguments or named or is_symbolic(x) or isinstance(x, Variable):
            return self._general(x if hasattr(x, "shape") else np.asarray(x, config.floatx()), *arguments, **named)
        x = np.asarray(x)
        if x.dtype.name not in ("float32", "float64"):
            x = x.astype(config.floatx())
        x = np.require(x, requirements=["C", "W"])
        if self.operation is None:
            return x.copy()
        return transfer.to_host(self.forward(transfer.to_device(x), need_saved=False)[0])

    def __reduce_ex__(self, protocol):
        """A known activation is copied and pickled by its name."""
        known = _registry.entries.get(self.__name__) is self
        return (get, (self.__name__,)) if known else super().__reduce_ex__(protocol)

    def __repr__(self):
        return f"<activation {self.__name__}>"


class FunctionActivation(Activation):
    """A user's function as an activation. It is run once on a symbol, and what it draws has a gradient."""

    draw: Callable | None = None
    """(function of [x], shapes, dtype, name) -> a Drawn; `models/drawn.py` sets this function."""

    def __init__(self, function, name=None):
        super().__init__(name or getattr(function, "__name__", "function"), "function", general=function)
        self.function, self._drawings = function, {}

    _draws = True  # see `runtime/replay/recorded.py`: its Python code runs once

    @property
    def may_be_recorded(self) -> bool:
        """Whether a training step with it may be replayed."""
        return all(drawn.may_be_recorded for drawn in self._drawings.values() if hasattr(drawn, "plan"))

    def forward(self, x, need_saved=True):
        return self.in_layer(x, need_saved, training=False)

    def in_layer(self, x, need_saved, training):
        drawn = self.drawn_for(x.shape, x.dtype)
        (y,), saved = drawn.forward([x], training, need_saved)
        return y, (drawn, saved)

    def drawn_for(self, shape, dtype):
        """The graph of the function for an array of this shape."""
        return graph_for(self._drawings, self._drawn, [shape], str(dtype))

    def _drawn(self, shapes, dtype):
        return FunctionActivation.draw(lambda xs: self.function(*xs), shapes, dtype, self.__name__)

    def backward(self, dy, saved):
        drawn, saved = saved
        return drawn.backward([dy], saved)[0]

    def __call__(self, x, *arguments, **named):
        return self.function(x, *arguments, **named)

    def __getstate__(self):
        return {**vars(self), "_drawings": {}}


def _named(name, operation, parameter=0.0, *aliases, general=None):
    general = general or getattr(functions, name, None) or functions.of_ops(name)
    activation = _registry.entries[name] = Activation(name, operation, parameter, general)
    for alias in aliases:
        _registry.entries[alias] = activation
    return activation


linear = _named("linear", None)
relu = _named("relu", "relu")
relu6 = _named("relu6", "clipped_relu", 6.0)
leaky_relu = _named("leaky_relu", "leaky_relu", 0.2)
elu = _named("elu", "elu", 1.0)
sigmoid = _named("sigmoid", "sigmoid")
tanh = _named("tanh", "tanh")
softmax = _named("softmax", "softmax")
softplus = _named("softplus", "softplus")
silu = swish = _named("silu", "swish", 0.0, "swish")
gelu = _named("gelu", "gelu")
selu = _named("selu", "selu")
exponential = _named("exponential", "exponential", general=functions.of_ops("exp"))
softsign = _named("softsign", "softsign")
mish = _named("mish", "mish")
hard_sigmoid = _named("hard_sigmoid", "hard_sigmoid")
hard_silu = hard_swish = _named("hard_silu", "hard_swish", 0.0, "hard_swish")


def _of_functions(name):
    function = getattr(functions, name, None) or functions.of_ops(name)
    activation = _registry.entries[name] = FunctionActivation(function, name)
    return activation


celu, glu, threshold = _of_functions("celu"), _of_functions("glu"), functions.threshold
hard_shrink, soft_shrink, tanh_shrink = (_of_functions(f"{kind}_shrink") for kind in ("hard", "soft", "tanh"))
hard_tanh, log_sigmoid, log_softmax = (_of_functions(name) for name in ("hard_tanh", "log_sigmoid", "log_softmax"))
sparse_plus, sparse_sigmoid, squareplus = (
    _of_functions(name) for name in ("sparse_plus", "sparse_sigmoid", "squareplus")
)


def get(identifier) -> Activation:
    """An activation from its name, from a function of `minicnn.ops`, from a layer or from itself; None is linear.

    For a function of TensorFlow, as tf.nn.relu, it is the one of that name here.
    """
    if identifier is None:
        return linear
    if isinstance(identifier, Activation):
        return identifier
    if isinstance(identifier, dict) and identifier.get("class_name") == "function":
        identifier = identifier.get("config")
    if isinstance(identifier, str):
        identifier = _registry.find(identifier)
    if isinstance(identifier, Activation):
        return identifier
    if str(getattr(identifier, "__module__", "")).partition(".")[0] in _OTHER_LIBRARIES:  # tf.nn.relu
        name = getattr(identifier, "__name__", type(identifier).__name__).removesuffix("_v2")
        if name in _registry.entries or not identifier.__module__.startswith("keras"):
            return get(name)
    if callable(identifier) and not inspect.isclass(identifier):  # a function of ops, or a layer
        return FunctionActivation(identifier)
    known = ", ".join(sorted(_registry.entries))
    raise ValueError(f"An activation is a name, a function or a layer; received {identifier!r}. Known: {known}.")


def is_named(activation) -> bool:
    """Whether the activation is found by its name, here or among a user's registered objects."""
    own = _registry.entries.get(activation.__name__) is activation
    return own or not isinstance(activation, FunctionActivation) or custom_object(activation.__name__) is not None


def serialize(activation) -> str:
    """The name of an activation."""
    return get(activation).__name__


def deserialize(config, custom_objects=None) -> Activation:
    """An activation from its name."""
    return get(config)


def __getattr__(name):
    raise missing_name(__name__, name)
