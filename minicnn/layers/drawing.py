"""What a `call` draws when it is run on symbols, apart from calls of layers: weights that it reads, constants, weights
that it writes, losses that it adds. Each is a layer in the graph, so that the graph computes all of it.

`models/drawn.py` runs a function on symbols and makes a plan of what it drew.
"""

from __future__ import annotations

from collections import Counter

import numpy as np

from ..nest import mapped
from ..runtime import transfer, weighted_sum
from ..runtime.replay import changes
from ..symbol import Node, Symbol, drawing
from ..variable import Variable
from .base import Layer, registry
from .called import SLOT, Form
from .names import operation_name
from .penalty import add_loss


class Drawing:
    """The graph that a function draws. owner: the layer whose `call` it is, or None."""

    def __init__(self, owner=None):
        self.owner, self.asked = owner, False  # asked: for a size that is not known (`kept_graphs.py`)
        self.symbols: dict[int, tuple[Variable, Symbol]] = {}  # by id of the variable: what stands for its value now
        self.names: Counter[str] = Counter()  # of the operations in this graph
        self.effects: list[Symbol] = []  # of writing weights and adding losses: computed although nothing reads them

    def source(self, variable: Variable) -> Symbol:
        """The symbol of a variable's value: as it lies, or what the function has assigned to it."""
        if id(variable) not in self.symbols:
            self.symbols[id(variable)] = variable, symbol_of(VariableSource(variable, self._owner_of(variable)))
        return self.symbols[id(variable)][1]

    def _owner_of(self, variable):
        layers = [] if self.owner is None else self.owner.flattened()
        return next((layer for layer in layers if any(v is variable for v in layer._variables)), self.owner)

    def assign(self, variable: Variable, value: Symbol) -> Symbol:
        """From here on the variable's value is this symbol's; running the graph writes it into the variable."""
        written = WriteVariable(variable)(value)
        self.symbols[id(variable)] = variable, written
        self.effects.append(written)
        return written

    def add_loss(self, loss: Symbol) -> None:
        """Add a symbol to the losses of every pass."""
        self.effects.append(AddLoss(dtype=loss.dtype)(loss))

    def update_metric(self, metric, given, named) -> None:
        """Give a metric these arguments, with arrays in the place of symbols, whenever the graph runs."""
        symbols: list[Symbol] = []

        def slot(value):
            if not isinstance(value, Symbol):
                return value
            symbols.append(value)
            return SLOT

        form = Form(mapped(slot, {"given": list(given), "named": dict(named)}))
        self.effects.append(UpdateMetric(metric, form, dtype=symbols[0].dtype)(symbols))


def symbol_of(source) -> Symbol:
    """The symbol of a layer that needs no input."""
    node = Node(source, [], [Symbol(source.compute_output_shape([]), source.dtype)])
    return node.outputs[0]


def as_symbol(value, dtype) -> Symbol:
    """A symbol for a symbol, a variable, a number or an array; TypeError for what holds no numbers."""
    if isinstance(value, Symbol):
        return value
    if isinstance(value, Variable):
        graph = drawing()
        return symbol_of(VariableSource(value, None)) if graph is None else graph.source(value)
    array = np.asarray(value)
    if array.dtype.kind not in "buif":
        raise TypeError(f"A symbol can be combined only with numbers, arrays and symbols; received {value!r}.")
    return symbol_of(ConstantSource(array, dtype=dtype))


Symbol.of = staticmethod(as_symbol)


class _Source(Layer):
    """A layer without inputs: the beginning of a graph, beside the model's inputs."""

    takes_several = True
    is_source = is_operation = True

    def flops(self, input_shape):
        return 0

    def backward(self, dy, saved, need_dx=True):
        return []


@registry.add()
class VariableSource(_Source):
    """The value of a variable. backward adds the gradient to the variable's. owner: the layer whose weight it is."""

    def __init__(self, variable, owner=None, name=None):
        super().__init__(name=name or operation_name("Variable"), dtype=variable.dtype)
        self._held, self._owner = variable, owner
        self.built = True

    def compute_output_shape(self, input_shape):
        return self._held.shape

    @property
    def variable(self):
        return self._held

    def has_trainable_weights(self):
        return self._held.trainable and self._owner is not None and self._owner.trainable

    def forward(self, x, training=False, need_saved=True):
        return self._held.array, None

    def backward(self, dy, saved, need_dx=True):
        if self.has_trainable_weights():
            self._held.add_gradient(dy)
        return []


@registry.add()
class ConstantSource(_Source):
    """An array that does not change."""

    def __init__(self, value, name=None, dtype=None):
        super().__init__(name=name or operation_name("Constant"), dtype=dtype)
        self.value = np.array(value)
        self._there = np.ascontiguousarray(self.value, self.dtype).reshape(self.value.shape)

    def get_config(self):
        return {"value": self.value.tolist(), "name": self.name, "dtype": self.dtype}

    def compute_output_shape(self, input_shape):
        return self.value.shape

    def forward(self, x, training=False, need_saved=True):
        there = transfer.to_device(self._there)
        if there is not self._there:
            self._there = there
        return there, None


class WriteVariable(Layer):
    """Writes its input into a variable, and gives it on: `assign` of a symbol. No gradient comes back through it."""

    may_be_recorded = False

    def __init__(self, variable):
        super().__init__(name=operation_name("Assign"), dtype=variable.dtype)
        self._held = variable

    def forward(self, x, training=False, need_saved=True):
        with changes.of_weights.within():
            transfer.assign(self._held.array, np.broadcast_to(transfer.to_host(x), self._held.shape))
        return x, None

    def backward(self, dy, saved, need_dx=True):
        return None


class UpdateMetric(Layer):
    """Gives its inputs to a metric: `update_state` on symbols. Nothing reads its output, so it has no backward."""

    takes_several = True
    may_be_recorded = False

    def __init__(self, metric, form, dtype=None):
        super().__init__(name=operation_name("UpdateMetric"), dtype=dtype)
        self._held = metric, form

    def compute_output_shape(self, input_shape):
        return tuple(input_shape[0])

    def forward(self, x, training=False, need_saved=True):
        metric, form = self._held
        arguments = form.filled([np.array(transfer.to_host(part)) for part in x])
        metric.update_state(*arguments["given"], **arguments["named"])
        return x[0], None


class AddLoss(Layer):
    """Adds the sum of its input to the losses of the pass: `add_loss` of a symbol."""

    adds_loss = True

    def forward(self, x, training=False, need_saved=True):
        add_loss(weighted_sum.forward(x.reshape(-1)))
        return x, x

    def backward(self, dy, saved, need_dx=True):
        return transfer.full_like(saved, 1)  # nothing reads the output, so there is no dy
