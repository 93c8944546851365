"""A functional model's graph as a configuration in Keras's form, and back.

Each layer is listed with its calls, the "inbound nodes". An input of a call is written as the place where it was made:
[name of the layer, number of that layer's call, number of that call's output].
"""

from __future__ import annotations

import inspect
from typing import NamedTuple

from .. import functions
from ..layers.base import Layer, registry
from ..layers.drawing import symbol_of
from ..layers.input import Input, InputLayer
from ..nest import packed
from ..registry import serialize
from ..symbol import Symbol, is_symbolic
from .by_name import as_list


def graph_to_config(model) -> dict:
    """{"layers", "input_layers", "output_layers"} of a Functional model."""
    places: dict[int, list] = {}  # by id of the symbol
    layers = []
    for i, symbol in enumerate(model.inputs):
        layer = symbol.node.layer
        if symbol.node.inputs:  # the model begins in the middle of another one: it gets an input layer there
            layer = InputLayer(batch_shape=symbol.shape, dtype=symbol.dtype, name=f"{layer.name}_output_{i}")
        places[id(symbol)] = [layer.name, 0, 0]
        layers.append({**serialize(layer), "name": layer.name, "inbound_nodes": []})
    calls: dict[int, list] = {}
    for node in model.plan.nodes:
        made = calls.setdefault(id(node.layer), [])
        for i, symbol in enumerate(node.outputs):
            places.setdefault(id(symbol), [node.layer.name, len(made), i])
        made.append(node)
    for layer in model.layers_and_operations:
        if id(layer) in calls:
            nodes = [_call_to_config(node, places) for node in calls[id(layer)]]
            layers.append({**serialize(layer), "name": layer.name, "inbound_nodes": nodes})
    inputs, outputs = ([places[id(symbol)] for symbol in symbols] for symbols in (model.inputs, model.outputs))
    outputs = tuple(outputs) if isinstance(model.form_of_outputs(), tuple) else outputs
    return {
        "layers": layers,
        "input_layers": _as_given(inputs, model._input_keys, model._input_nest),
        "output_layers": _as_given(outputs, model._output_keys, model._output_nest),
    }


def _as_given(places, keys, nest):
    """A single place as it is, so that Keras can tell it from a list; places by name if a dictionary was given."""
    if nest is not None:
        return packed(nest, places)
    if keys:
        return dict(zip(keys, places, strict=True))
    return places[0] if len(places) == 1 else places


def _call_to_config(node, places):
    tensors = [
        {
            "class_name": "__keras_tensor__",
            "config": {"shape": list(symbol.shape), "dtype": symbol.dtype, "keras_history": places[id(symbol)]},
        }
        for symbol in node.inputs
    ]
    said = {} if node.training is None else {"training": node.training}
    if node.layer._draws:
        args, given = node.layer.by_place(node.layer._form.filled(tensors))
        return {"args": args, "kwargs": {**given, **said}}
    return {"args": [tensors if node.layer.takes_several else tensors[0]], "kwargs": said}


def graph_from_config(config: dict) -> list:
    """Make new layers, call them on each other, and return [inputs, outputs], each a list or a dictionary by name.

    ValueError if the calls do not fit.
    """
    made: dict[str, object] = {}  # by name: a layer, or a function of `minicnn.ops` with its arguments
    waiting: list[tuple] = []  # (layer or function, (name, number of the call), the call)
    symbols: dict[tuple, Symbol] = {}
    for entry in config["layers"]:
        layer = _operation(entry) if "operation" in entry else _layer(entry)
        name = entry.get("name") or layer.name
        if name in made:
            raise ValueError(f"The configuration lists two layers named {name!r}.")
        made[name] = layer
        if isinstance(layer, InputLayer):
            symbols[name, 0, 0] = layer.output
        for i, call in enumerate(entry.get("inbound_nodes", [])):
            waiting.append((layer, (name, i), call))
    while waiting:
        later = []
        for layer, place, call in waiting:
            if all(p in symbols for p in _tensors_of(call)):
                made_here = layer(call, symbols) if isinstance(layer, _Operation) else _called(layer, call, symbols)
                symbols.update(((*place, i), symbol) for i, symbol in enumerate(as_list(made_here)))
            else:
                later.append((layer, place, call))
        if len(later) == len(waiting):
            names = ", ".join(sorted({place[0] for _, place, _ in waiting}))
            raise ValueError(f"The configuration calls {names} on outputs that no layer makes.")
        waiting = later
    return [_ends(config[key], symbols, key) for key in ("input_layers", "output_layers")]


def _layer(entry):
    return registry.get({key: entry.get(key) for key in ("class_name", "config", "registered_name")})


def _operation(entry):
    return _Operation(entry["operation"], entry["config"], entry.get("name"))


class _Operation(NamedTuple):
    """A function of `minicnn.ops`, as a file names it: its name, some of its arguments, the name of the operation."""

    function: str
    arguments: dict
    name: str

    def __call__(self, call, symbols):
        """The symbols that the function makes of a call's arguments. ValueError for a function that minicnn lacks."""
        image = {name: getattr(functions.image, name) for name in functions.image.__all__}
        function = (functions.FUNCTIONS | image | {"getitem": _take}).get(self.function)
        if not inspect.isfunction(function):
            raise ValueError(
                f"minicnn cannot run Keras's operation {self.function!r} ({self.name!r}), which the model uses."
            )
        positional, named = _filled([call.get("args", []), call.get("kwargs", {})], symbols)
        if not is_symbolic([positional, named]):
            raise ValueError(f"{self.name!r} calls {self.function!r} on nothing that the model computes.")
        try:
            bound = self._bound(function, positional, named)
            made = function(*bound.args, **bound.kwargs)
        except (TypeError, ArithmeticError, NotImplementedError) as error:
            raise ValueError(
                f"minicnn cannot run {self.name!r}, Keras's operation {self.function!r}: {error}"
            ) from error
        self._name(as_list(made), {id(symbol) for symbol in symbols.values()})
        return made

    def _name(self, made, known):
        """Give the operation's name to the last layer that the function called, and names with it to those before,
        which may have names that the file has too. known: the ids of the symbols that were there before."""
        last, waiting = made[0], [symbol for symbol in made if isinstance(symbol, Symbol)]
        named = set()
        while waiting:
            symbol = waiting.pop()
            layer = symbol.node.layer
            if id(symbol) in known or id(layer) in named or isinstance(layer, InputLayer):
                continue
            named.add(id(layer))
            layer.name = self.name if symbol is last else f"{self.name}_{layer.name}"
            waiting += symbol.node.inputs

    def _bound(self, function, positional, named):
        """The call's arguments and those of the operation, each in its place among the function's parameters."""
        signature, rest = inspect.signature(function), list(positional)
        given = {**named, **self.arguments}
        bound = signature.bind_partial()
        for name, parameter in signature.parameters.items():
            if name in given:
                bound.arguments[name] = given.pop(name)
            elif parameter.kind is inspect.Parameter.VAR_POSITIONAL:
                bound.arguments[name], rest = tuple(rest), []
            elif rest:
                bound.arguments[name] = rest.pop(0)
        unknown = {name: value for name, value in given.items() if value is not None and name != "dtype"}
        if rest or unknown:
            raise TypeError(f"it has no argument {next(iter(unknown), rest)!r}.")
        return bound


def _take(x, key):
    return x[tuple(key) if isinstance(key, list) else key]


def _tensors_of(call) -> list[tuple]:
    """The places of all tensors in a call's arguments."""
    if isinstance(call, list):
        return [_place(history) for history in call]
    found: list[tuple] = []

    def look(value):
        if _is_tensor(value):
            found.append(_place(value["config"]["keras_history"]))
        elif isinstance(value, (list, dict)):
            for part in value.values() if isinstance(value, dict) else value:
                look(part)

    look([call.get("args", []), call.get("kwargs", {})])
    return found


def _called(layer, call, symbols):
    """What the layer makes of a call's arguments."""
    if layer.is_source:
        return symbol_of(layer)
    if layer._draws and isinstance(call, dict):
        return layer(*_filled(call.get("args", []), symbols), **_filled(call.get("kwargs", {}), symbols))
    places, several, training = _places_of(call)
    taken = [symbols[p] for p in places]
    return layer(taken if several else taken[0], training=training)


def _filled(value, symbols):
    """A call's arguments with symbols in the places of tensors."""
    if _is_tensor(value):
        return symbols[_place(value["config"]["keras_history"])]
    if isinstance(value, dict):
        return {key: _filled(part, symbols) for key, part in value.items()}
    return [_filled(part, symbols) for part in value] if isinstance(value, list) else value


def _places_of(call):
    """(places of a call's inputs, whether in a list, its `training`), from Keras 3's form or from Keras 2's lists."""
    if isinstance(call, list):  # [[layer, call, output, options], ...]
        said = [history[3].get("training") for history in call if len(history) > 3]
        return [_place(history) for history in call], len(call) > 1, _checked_training(next(iter(said), None))
    options = call.get("kwargs", {})
    arguments = [*call.get("args", []), *(value for key, value in options.items() if key == "inputs")]
    if len(arguments) != 1:
        raise ValueError("The configuration calls a layer with several arguments; minicnn's layers take one.")
    (argument,) = arguments
    tensors = as_list(argument) if not _is_tensor(argument) else [argument]
    if not all(_is_tensor(tensor) for tensor in tensors):
        raise ValueError("The configuration calls a layer on a constant; minicnn's layers take only outputs of layers.")
    places = [_place(tensor["config"]["keras_history"]) for tensor in tensors]
    return places, not _is_tensor(argument), _checked_training(options.get("training"))


def _checked_training(said):
    if said not in (None, True, False):
        raise ValueError(f"The configuration calls a layer with training={said!r}, which is not true or false.")
    return said


def _is_tensor(value):
    return isinstance(value, dict) and value.get("class_name") == "__keras_tensor__"


def _place(history):
    name, call, output = history[:3]
    return name, call, output


def _is_place(part):
    """Whether this is [name, node, tensor]."""
    return isinstance(part, list) and bool(part) and isinstance(part[0], str)


def _ends(places, symbols, key):
    """The symbols of the model's inputs or outputs: a list, a dictionary by name, or these within each other."""
    if isinstance(places, (list, dict)) and not _is_place(places):
        parts = places.values() if isinstance(places, dict) else places
        if any(isinstance(part, (list, dict)) and not _is_place(part) for part in parts):
            made = [_ends(part, symbols, key) for part in parts]
            made = [one[0] if _is_place(part) else one for one, part in zip(made, parts, strict=True)]
            return dict(zip(places, made, strict=True)) if isinstance(places, dict) else made
    keys = list(places) if isinstance(places, dict) else None
    places = list(places.values()) if keys else places
    several = [places] if places and isinstance(places[0], str) else places
    missing = [place[0] for place in several if _place(place) not in symbols]
    if missing or not several:
        raise ValueError(f"The configuration's {key} must name outputs of its layers; received {missing or 'none'}.")
    found = [symbols[_place(place)] for place in several]
    return dict(zip(keys, found, strict=True)) if keys else tuple(found) if isinstance(places, tuple) else found


def row_to_config(model) -> dict:
    """{"layers"} of a Sequential model. If its input is known, an input layer comes first."""
    layers = [model.inputs[0].node.layer] if model.inputs else []
    return {"layers": [serialize(layer) for layer in [*layers, *model.layers]]}


def row_from_config(config: dict) -> list[Layer]:
    """New layers of a Sequential model, from its configuration."""
    layers = [registry.get(entry) for entry in config["layers"]]
    shape = config.get("build_input_shape")
    if shape and layers and not isinstance(layers[0], InputLayer):
        layers.insert(0, Input(tuple(shape)[1:], dtype=layers[0].dtype).node.layer)
    return layers
