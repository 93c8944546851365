"""Copies of the structure of a model."""

from __future__ import annotations

import copy

from ..layers.input import Input
from ..nest import by_key, flatten, mapped, taken_apart
from ..registry import custom_object_scope
from .functional import Functional, Model, takes_graph
from .pickling import classes_in
from .sequential import Sequential


def clone_model(model, input_tensors=None, clone_function=None, call_function=None, recursive=False):
    """A model of the same structure. By default it has new layers with new weights.

    clone_function(layer) is called for every layer but inputs, and returns the layer that takes its place: a new one,
    or the same one, whose weights are then shared. call_function(layer, *args, **kwargs) calls a layer on symbols, and
    returns the output: it may add further layers. recursive: models within the model are cloned in the same way,
    and not given to clone_function. input_tensors: symbols in the place of new inputs. A compiled model's clone is
    compiled too, with a new optimizer.
    """
    if input_tensors is None and clone_function is None and call_function is None:
        with custom_object_scope(classes_in(model)):
            clone = type(model).from_config(model.get_config())
    elif isinstance(model, Sequential) and call_function is not None:
        raise ValueError(f"The layers of a Sequential are not called one by one; received {call_function=!r}.")
    elif not isinstance(model, Sequential) and getattr(model, "plan", None) is None:
        raise ValueError(
            f"{model.name!r} defines call, so its layers are not known: clone_model({model.name}) takes no functions "
            "and no input_tensors."
        )
    else:
        clone = _Cloning(clone_function or _new_layer, call_function or _call, recursive).of(model, input_tensors)
    if model.compiled:
        optimizer = type(model.optimizer).from_config(model.optimizer.get_config())
        clone.compile(
            optimizer, **copy.deepcopy(model.compile_arguments), run_eagerly=model.run_eagerly,
            steps_per_execution=model.steps_per_execution, jit_compile=model.jit_compile,
        )  # fmt: skip
    return clone


def _input_like(symbol):
    return Input(batch_shape=symbol.shape, dtype=symbol.dtype, name=symbol.name)


def _new_layer(layer):
    with custom_object_scope(classes_in(layer)):
        return type(layer).from_config(layer.get_config())


def _call(layer, *args, **kwargs):
    return layer(*args, **kwargs)


class _Cloning:
    """One call of `clone_model` with functions. A layer that the model uses twice is cloned once."""

    def __init__(self, clone_function, call_function, recursive):
        self.clone_function, self.call_function, self.recursive = clone_function, call_function, recursive
        self._cloned: dict = {}

    def of(self, model, input_tensors=None):
        """A clone of the model."""
        if isinstance(model, Sequential):
            return self._row(model, input_tensors)
        inputs = self._inputs(model, input_tensors)
        form = model.form_of_inputs()
        places = dict(zip(flatten(form), flatten(taken_apart(form, inputs)), strict=True))
        symbols = {id(old): places[i] for i, old in enumerate(model.inputs)}
        for node in model.plan.nodes:
            made = self._called(node, [symbols[id(old)] for old in node.inputs])
            symbols.update((id(old), new) for old, new in zip(node.outputs, flatten(by_key(made)), strict=True))
        outputs = mapped(lambda place: symbols[id(model.outputs[place])], model.form_of_outputs())
        made_by = type(model) if takes_graph(type(model)) else Functional
        return made_by(inputs, outputs, name=model.name)

    def _row(self, model, input_tensors):
        layers = [self._clone(layer) for layer in model.layers]
        given = flatten(input_tensors)
        if input_tensors is not None and len(given) != 1:
            raise ValueError(f"A Sequential has one input; received {len(given)} input_tensors.")
        if input_tensors is not None:
            layers.insert(0, given[0])
        elif model.inputs and model.has_an_input:
            layers.insert(0, _input_like(model.inputs[0]))
        return Sequential(layers, name=model.name, trainable=model.trainable)

    def _inputs(self, model, input_tensors):
        """The clone's inputs, in the form of the model's."""
        form = model.form_of_inputs()
        if input_tensors is None:
            return mapped(lambda place: _input_like(model.inputs[place]), form)
        if not isinstance(form, (list, tuple, dict)):  # one input may be given as a list of one
            (input_tensors,) = flatten(input_tensors)
        try:
            taken_apart(form, input_tensors)
        except ValueError as error:
            raise ValueError(f"input_tensors must have the form of the inputs of {model.name!r}. {error}") from None
        return input_tensors

    def _clone(self, layer):
        if id(layer) not in self._cloned:
            inner = isinstance(layer, Model) and (isinstance(layer, Sequential) or layer.plan is not None)
            self._cloned[id(layer)] = self.of(layer) if self.recursive and inner else self.clone_function(layer)
        return self._cloned[id(layer)]

    def _called(self, node, symbols):
        """What the clone of a node's layer makes of these symbols."""
        layer = node.layer
        if layer.is_source:
            return node.outputs
        if layer.is_operation:
            return layer(symbols if layer.takes_several else symbols[0])
        named = {} if node.training is None else {"training": node.training}
        if layer._draws:
            return self.call_function(self._clone(layer), **layer._form.filled(symbols), **named)
        if isinstance(layer, Model) and layer.plan is not None:
            inputs = mapped(lambda place: symbols[place], layer.form_of_inputs())
            return self.call_function(self._clone(layer), inputs, **named)
        return self.call_function(self._clone(layer), symbols if layer.takes_several else symbols[0], **named)
