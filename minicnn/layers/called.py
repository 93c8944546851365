"""Layers and models that define `call`, as Keras's guides write them: call(self, inputs, training=None).

`call` is not run on arrays. It is run once on symbols, for each shape of the inputs and each value of `training`. What
it draws is a graph of layers and operations, which then runs forward and backward like any functional model
(`models/drawn.py`). So Python's `if` and `for` decide what is drawn, and cannot look at numbers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from ..kept_graphs import graph_for, shapes_of_outputs
from ..nest import flatten, mapped
from ..runtime import transfer
from ..runtime.replay import changes
from ..symbol import Symbol, drawing
from ..variable import Variable

_PLAIN = (bool, int, float, complex, str, bytes, type(None))
_CHANGE_NO_GRAPH = {
    "activity_regularizer", "adds_loss", "built", "compile_arguments", "gives_several", "history", "initial_epoch",
    "input_shape_argument", "jit_compile", "loss", "may_be_recorded", "name", "optimizer", "run_eagerly",
    "steps_per_execution", "stop_evaluating", "stop_predicting", "stop_training", "takes_several", "trainable",
    "_built_for", "_drawings", "_drawn_after", "_form", "_heads", "_heads_of", "_holds_containers", "_input_keys",
    "_input_nest", "_input_places", "_is_in_a_drawing", "_loss_mean", "_losses_of_call", "_metrics_within", "_names",
    "_nodes", "_output_keys", "_output_nest", "_output_places", "_prediction", "_sublayers", "_told_non_finite",
    "_trainable", "_variables",
}  # fmt: skip
"""Attributes that minicnn sets itself, in layers and models, and that no `call` reads."""


class _Slot:
    """Stands in a form for an array."""

    def __repr__(self):
        return "array"


SLOT = _Slot()


class Form(NamedTuple):
    """How the arrays of a call stand in its arguments: {name: structure with slots}. The other values are constants."""

    arguments: dict

    @property
    def is_one_array(self) -> bool:
        """Whether the call has one argument, an array."""
        return list(self.arguments.values()) == [SLOT]

    def filled(self, values) -> dict:
        """The arguments with these values, one after the other, in the places of the arrays."""
        rest = iter(values)
        return mapped(lambda value: next(rest) if value is SLOT else value, self.arguments)


class DefinesCall:
    """The part of a layer that runs its `call`. `_draws` says whether the class defines one, and no `forward`."""

    draw: Callable | None = None
    """(layer, shapes, training) -> the graph that `call` draws, a Drawn; `models/drawn.py` sets this function."""

    _draws = False
    _form: Form | None = None
    _is_in_a_drawing = False  # whether another layer's graph calls this layer, in its form
    _drawn_after: object = None

    def call_drawn(self, given, named, training):
        """`__call__` with these arguments: on arrays the outputs, on symbols symbols, as `call` returns them."""
        form, tensors, said = self._form_of(given, named)
        training = said if training is None else training
        self.take_form(form)
        symbolic = drawing() is not None or any(isinstance(tensor, Symbol) for tensor in tensors)
        if symbolic:
            inputs = [Symbol.of(tensor, self.dtype) for tensor in tensors]
            outputs = self._call_on_symbols(inputs if self.takes_several else inputs[0], training)
        else:
            outputs = self._call_on_arrays(tensors, training)
        shapes = [tensor.shape for tensor in (inputs if symbolic else tensors)]
        flat = outputs if isinstance(outputs, list) else [outputs]
        return self.drawn_for(shapes, training).packed(flat)

    @property
    def takes_training(self) -> bool:
        """Whether the layer is told that it trains: as in Keras, not if it is a model whose `call` has no argument for
        it."""
        return not self._draws or "training" in _signature(type(self).call).parameters

    def take_form(self, form: Form) -> None:
        """Keep the form of the first call. ValueError if a later call has another one."""
        if self._form is None or (form != self._form and not self._nodes and not self._is_in_a_drawing):
            self._drawings.clear()
            self._form = form
            if not isinstance(getattr(type(self), "takes_several", None), property):  # as it is for models
                self.takes_several = not form.is_one_array
        elif form != self._form:
            raise ValueError(
                f"{self.name!r} was first called with {self._form.arguments}, now with {form.arguments}: give every "
                "call of a layer the same arguments, or make two layers."
            )

    def _form_of(self, given, named):
        """(the form of these arguments, the arrays in it, the value given for `training`)."""
        named.pop("mask", None)
        signature = _signature(type(self).call)
        bound = signature.bind(self, *given, **named).arguments
        del bound[next(iter(bound))]  # self
        said, tensors = bound.pop("training", None), []
        first = next(iter(bound), None)
        if first is not None and not any(map(_is_tensor, flatten(bound[first]))):
            several = type(self).takes_several is True
            bound[first] = [np.asarray(part) for part in bound[first]] if several else np.asarray(bound[first])

        def slot(value):
            if not _is_tensor(value):
                return value
            tensors.append(value if isinstance(value, (Symbol, Variable, np.ndarray)) else np.asarray(value))
            return SLOT

        return Form(mapped(slot, dict(bound))), tensors, said

    def first_argument(self) -> str:
        """The name of the first argument of `call`."""
        return list(_signature(type(self).call).parameters)[1]

    def by_place(self, arguments) -> tuple[list, dict]:
        """(the first argument of `call` in a list, the others by name): Keras may have another name for the first."""
        first, rest = self.first_argument(), dict(arguments)
        if first not in rest:
            return [], rest
        value = rest.pop(first)
        several = _signature(type(self).call).parameters[first].kind is inspect.Parameter.VAR_POSITIONAL
        return list(value) if several else [value], rest

    def take_form_of(self, x) -> None:
        """Keep the form of a call on x: an array, or arrays in a list, tuple or dictionary."""
        several = isinstance(x, dict) or (isinstance(x, (list, tuple)) and any(map(_is_tensor, flatten(x))))
        self.take_form(Form({self.first_argument(): mapped(lambda _: SLOT, x) if several else SLOT}))

    def form_of_shapes(self, shapes) -> tuple[Form, list]:
        """(the form of a call on one array of this shape, or on a list or dictionary of them; the shapes in a list)."""
        flat: list = []

        def slot(structure):
            if isinstance(structure, dict):
                return {key: slot(part) for key, part in structure.items()}
            if isinstance(structure, (list, tuple)) and any(isinstance(p, (list, tuple, dict)) for p in structure):
                return [slot(part) for part in structure]
            flat.append(tuple(structure))
            return SLOT

        return Form({self.first_argument(): slot(shapes)}), flat

    def run_call(self, symbols, training):
        """What `call` returns for these symbols."""
        arguments = self._form.filled(symbols)
        names = _signature(type(self).call).parameters
        if "training" in names:
            arguments["training"] = training
        positional, named = [], {}
        for name, value in arguments.items():
            if names[name].kind is inspect.Parameter.VAR_POSITIONAL:
                positional += value
            elif names[name].kind is inspect.Parameter.VAR_KEYWORD:
                named.update(value)
            elif names[name].kind is inspect.Parameter.POSITIONAL_ONLY:
                positional.append(value)
            else:
                named[name] = value
        if positional:  # what comes before *args is given by position too
            before = [named.pop(name) for name in list(arguments) if name in named and _comes_first(names, name)]
            positional = [*before, *positional]
        return self.call(*positional, **named)

    def build_parts(self, shapes) -> None:
        """Call `build`, the user's or the default one, with the shapes as the arguments of `call` have them."""
        if self._form is None:
            self.take_form(self.form_of_shapes(shapes if len(shapes) > 1 else shapes[0])[0])
        if type(self).build.__module__ == "minicnn.layers.base":  # there is nothing to build but the layers within
            self.drawn_for(shapes, False)
            return
        arguments = self._form.filled([tuple(shape) for shape in shapes])
        names = list(inspect.signature(self.build).parameters)
        if len(names) > 1 and all(f"{name}_shape" in names for name in arguments):
            self.build(**{f"{name}_shape": shape for name, shape in arguments.items()})
        else:
            self.build(next(iter(arguments.values()), None))

    def drawn_for(self, shapes, training):
        """The graph that `call` draws for inputs of these shapes; the first size, of the batch, does not matter."""
        return graph_for(self._current_drawings(), self._drawn, shapes, training)

    def drawn_output_shapes(self, shapes) -> list[tuple]:
        """The outputs' shapes for inputs of these shapes, in inference."""
        return shapes_of_outputs(self._current_drawings(), self._drawn, shapes, False)

    def _current_drawings(self):
        """The graphs drawn so far: none if an attribute of a layer that defines `call` was set after they were drawn,
        as `call` may draw something else now."""
        if self._drawn_after is not changes.of_drawn_layers.last:
            self._drawings.clear()
            self._drawn_after = changes.of_drawn_layers.last
        return self._drawings

    def _drawn(self, shapes, training):
        drawn = DefinesCall.draw(self, shapes, training)
        graphs = [graph for graph in [*self._drawings.values(), drawn] if hasattr(graph, "plan")]
        for name, value in (
            ("gives_several", drawn.gives_several),
            ("adds_loss", any(graph.adds_loss for graph in graphs)),
            ("may_be_recorded", all(graph.may_be_recorded for graph in graphs)),
        ):
            if not isinstance(getattr(type(self), name, None), property) and getattr(self, name) != value:
                setattr(self, name, value)
        return drawn

    def _arrays_of_graphs(self) -> list[np.ndarray]:
        """The weights and constants, which `call` may return as they are."""
        steps = [step.layer for graph in self._drawings.values() if hasattr(graph, "plan") for step in graph.plan.steps]
        constants = [layer.forward([])[0] for layer in steps if layer.is_source]
        return [transfer.to_host(array) for array in [*(v.array for v in self.weights), *constants]]

    def last_drawing(self):
        """The graph that was drawn last, or None."""
        graphs = [graph for graph in self._drawings.values() if hasattr(graph, "plan")]
        return graphs[-1] if graphs else None

    def end_of_drawings(self):
        """`ends_in` of the graphs, if it is the same in training as in inference."""
        ends = []
        if "training" in _signature(type(self).call).parameters:
            for shapes, _ in list(self._drawings):
                self.drawn_for(shapes, True)
        for graph in self._drawings.values():
            if hasattr(graph, "plan"):
                ends.append(graph.ends_in if graph.gives_several else [graph.ends_in])
        if not ends:
            return None
        same = [end[0] if all(one is end[0] for one in end) else None for end in zip(*ends, strict=False)]
        return same if self.last_drawing().gives_several else same[0]

    def note_attribute(self, name, before, value) -> None:
        """An attribute has been set: what this layer, and layers around it, have drawn may hold no longer."""
        same = before is value or (type(before) is type(value) and isinstance(value, _PLAIN) and before == value)
        if name not in _CHANGE_NO_GRAPH and not same and drawing() is None:
            changes.of_drawn_layers.note()

    def forward_drawn(self, x, training, need_saved, logits=False):
        """`forward` of a layer that defines `call`."""
        if self._form is None:
            self.take_form_of(x)
        xs = list(x) if self.takes_several else [x]
        drawn = self.drawn_for([v.shape for v in xs], training)
        ys, saved = drawn.forward(xs, training, need_saved, logits if isinstance(logits, list) else [logits])
        return (ys if drawn.gives_several else ys[0]), (drawn, saved)

    def backward_drawn(self, dy, saved, need_dx):
        """`backward` of a layer that defines `call`."""
        drawn, saved = saved
        dxs = drawn.backward(dy if drawn.gives_several else [dy], saved, need_dx)
        return dxs if dxs is None or self.takes_several else dxs[0]


@lru_cache(maxsize=1024)
def _signature(function):
    return inspect.signature(function)


def _comes_first(names, name):
    """Whether a parameter stands before *args."""
    return all(
        names[other].kind is not inspect.Parameter.VAR_POSITIONAL for other in list(names)[: list(names).index(name)]
    )


def _is_tensor(value):
    return isinstance(value, (Symbol, Variable)) or (hasattr(value, "__array__") and not isinstance(value, type))
