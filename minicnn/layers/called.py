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

from ..nest import flatten, mapped
from ..symbol import Symbol, drawing
from ..variable import Variable

_MOST_GRAPHS = 16  # that a layer keeps
_CHANGE_NO_GRAPH = {"trainable", "built", "name", "takes_several", "gives_several", "adds_loss", "may_be_recorded"}


class _Slot:
    """Stands in a form for an array."""

    def __repr__(self):
        return "array"


_SLOT = _Slot()


class Form(NamedTuple):
    """How the arrays of a call stand in its arguments: {name: structure with slots}. The other values are constants."""

    arguments: dict

    @property
    def is_one_array(self) -> bool:
        """Whether the call has one argument, an array."""
        return list(self.arguments.values()) == [_SLOT]

    def filled(self, values) -> dict:
        """The arguments with these values, one after the other, in the places of the arrays."""
        rest = iter(values)
        return mapped(lambda value: next(rest) if value is _SLOT else value, self.arguments)


class DefinesCall:
    """The part of a layer that runs its `call`. `_draws` says whether the class defines one, and no `forward`."""

    draw: Callable | None = None
    """(layer, shapes, training) -> the graph that `call` draws, a Drawn; `models/drawn.py` sets this function."""

    _draws = False
    _form: Form | None = None

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

    def take_form(self, form: Form) -> None:
        """Keep the form of the first call. ValueError if a later call has another one."""
        if self._form is None or (form != self._form and not self._nodes):
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
            return _SLOT

        return Form(mapped(slot, dict(bound))), tensors, said

    def take_form_of(self, x) -> None:
        """Keep the form of a call on x: an array, or arrays in a list, tuple or dictionary."""
        several = isinstance(x, dict) or (isinstance(x, (list, tuple)) and any(map(_is_tensor, flatten(x))))
        first = list(_signature(type(self).call).parameters)[1]
        self.take_form(Form({first: mapped(lambda _: _SLOT, x) if several else _SLOT}))

    def form_of_shapes(self, shapes) -> tuple[Form, list]:
        """(the form of a call on one array of this shape, or on a list or dictionary of them; the shapes in a list)."""
        flat: list = []

        def slot(structure):
            if isinstance(structure, dict):
                return {key: slot(part) for key, part in structure.items()}
            if isinstance(structure, (list, tuple)) and any(isinstance(p, (list, tuple, dict)) for p in structure):
                return [slot(part) for part in structure]
            flat.append(tuple(structure))
            return _SLOT

        names = list(_signature(type(self).call).parameters)[1:]
        return Form({names[0]: slot(shapes)}), flat

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
        key = tuple((None, *shape[1:]) if shape else () for shape in shapes), training
        graphs = self._drawings
        if key not in graphs:
            if len(graphs) >= _MOST_GRAPHS:
                del graphs[next(iter(graphs))]
            graphs[key] = drawn = DefinesCall.draw(self, *key)
            for name, value in (
                ("gives_several", drawn.gives_several), ("adds_loss", drawn.adds_loss),
                ("may_be_recorded", drawn.may_be_recorded),
            ):  # fmt: skip
                if not isinstance(getattr(type(self), name, None), property) and getattr(self, name) != value:
                    setattr(self, name, value)
        return graphs[key]

    def forget_drawings(self, name) -> None:
        """An attribute of this name has changed: `call` may draw something else now."""
        graphs = vars(self).get("_drawings")
        if graphs and not name.startswith("_") and name not in _CHANGE_NO_GRAPH:
            graphs.clear()

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
