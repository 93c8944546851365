"""A function run on symbols, and the graph that it draws: how layers, models and losses that define `call` compute.

The graph is a `Plan`, as that of a functional model. Nothing new derives anything: `graph.py` walks it backwards.
"""

from __future__ import annotations

from contextlib import nullcontext

from ..activations import FunctionActivation
from ..layers.base import Layer
from ..layers.called import DefinesCall
from ..layers.drawing import AddLoss, Drawing
from ..layers.names import building
from ..losses.of_function import DrawnLoss
from ..nest import by_key, flatten, mapped
from ..regularizers import Regularizer
from ..symbol import Node, Symbol, drawn_in
from .graph import Plan


class _Given(Layer):
    """An input of the graph: a placeholder, whose array is given to `forward`."""


class Drawn:
    """What `function` draws when it is called on symbols of these shapes. owner: the layer whose weights it may use."""

    def __init__(self, function, shapes, dtype, owner=None, name=None):
        inputs = [Symbol(shape, dtype) for shape in shapes]
        for i, symbol in enumerate(inputs):
            Node(_Given(name=f"input_{i}", dtype=dtype), [], [symbol])
        graph = Drawing(owner)
        with drawn_in(graph), building(owner) if owner is not None else nullcontext():
            try:
                made = function(inputs)
                flat = flatten(by_key(made))
                outputs = [self._as_output(value, dtype, name or owner.name) for value in flat]
            except (TypeError, ValueError) as error:
                error.asked = graph.asked
                raise
        self.asked = graph.asked
        places = {id(value): i for i, value in enumerate(flat)}
        self.places = mapped(lambda value: places[id(value)], made)  # of each output among those by key
        self.count, self.kind = len(outputs), type(made).__name__
        self.gives_several = isinstance(made, (list, tuple, dict))
        self.plan = Plan(inputs, [*outputs, *graph.effects], as_called=True)
        layers = [step.layer for step in self.plan.steps]
        self.adds_loss = any(isinstance(layer, AddLoss) or layer.adds_loss for layer in layers)
        self.may_be_recorded = all(layer.may_be_recorded for layer in layers)

    @staticmethod
    def _as_output(value, dtype, whose):
        if value is None:
            raise ValueError(f"call of {whose!r} must return what it computes; it returned None.")
        return Symbol.of(value, dtype)

    @property
    def ends_in(self):
        ends = self.plan.ends[: self.count]
        return ends if self.gives_several else ends[0]

    def output_shapes(self, input_shapes) -> list[tuple]:
        """The outputs' shapes for inputs of these shapes."""
        return self.plan.output_shapes(input_shapes)[: self.count]

    def names(self) -> list[str]:
        """The outputs' names: their keys in dictionaries, or output_0, output_1, ..."""
        if self.kind == "dict" and len(self.places) == self.count:
            return [str(key) for key in sorted(self.places)]
        return [f"output_{i}" for i in range(self.count)]

    def packed(self, outputs):
        """Outputs in the lists, tuples and dictionaries that the function returned."""
        return mapped(lambda place: outputs[place], self.places)

    def forward(self, xs, training, need_saved, logits=()):
        """(outputs, what `backward` needs)."""
        logits = [*logits, *[False] * (len(self.plan.output_slots) - len(logits))] if any(logits) else ()
        ys, saved = self.plan.forward(xs, training, need_saved, logits)
        return ys[: self.count], saved

    def backward(self, dys, saved, need_dx=True):
        """The inputs' gradients, None where there is none."""
        return self.plan.backward([*dys, *[None] * (len(self.plan.output_slots) - self.count)], saved, need_dx)


def _draw(layer, shapes, training) -> Drawn:
    return Drawn(lambda symbols: layer.run_call(symbols, training), shapes, layer.dtype, layer)


def _draw_function(function, shapes, dtype, name) -> Drawn:
    return Drawn(function, shapes, dtype, name=name)


def _draw_penalty(regularizer, shape, dtype, name) -> Drawn:
    return Drawn(lambda symbols: regularizer(*symbols), [shape], dtype, name=name)


Regularizer.draw = staticmethod(_draw_penalty)
DefinesCall.draw = staticmethod(_draw)
DrawnLoss.draw = FunctionActivation.draw = staticmethod(_draw_function)
