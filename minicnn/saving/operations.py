"""The functions of `minicnn.ops` in a functional model, as Keras writes them: operations called on tensors.

In Keras's configuration an operation is in the list of layers. Some of its arguments are in its "config"; the others
are arguments of its call, among them constants. minicnn keeps arguments in the layer (`layers/operations.py`), and a
constant array is a layer without inputs (`layers/drawing.py`).

Reading turns an operation into a call of the function of this name (`models/graph_config.py`).
"""

from __future__ import annotations

from ..layers.arithmetic import KERAS_NAMES
from ..layers.places import key_of
from ..registry import snake_case

_NUMPY, _MATH, _NN, _CORE = (f"keras.src.ops.{module}" for module in ("numpy", "math", "nn", "core"))
_MODULES = {"Rsqrt": _MATH, "Erf": _MATH, "Sigmoid": _NN, "StopGradient": _CORE, "Cast": _CORE}  # of all others: numpy
_CLASSES = {"conv": "Conv", "depthwise_conv": "DepthwiseConv", "conv_transpose": "ConvTranspose", "getitem": "GetItem"}
_ARGUMENTS = {"reps": "repeats"}  # Keras's names of NumPy's arguments
_NAMES = {  # functions that Keras's classes do not name
    "get_item": "getitem", "true_divide": "divide", "rms_norm": "rms_normalization",
    "layer_norm": "layer_normalization", "batch_norm": "batch_normalization",
}  # fmt: skip


def operations_to_keras(layers: list[dict]) -> list[dict]:
    """The list of layers of a functional model: operations in Keras's form, constants where they are used."""
    constants = {entry["name"]: entry["config"] for entry in layers if entry["class_name"] == "ConstantSource"}
    for entry in layers:
        if entry["class_name"] == "VariableSource":
            raise ValueError("The model calculates with a Variable that belongs to no layer, so it cannot be saved.")
    return [_to_keras(entry, constants) for entry in layers if entry["name"] not in constants]


def _to_keras(entry, constants):
    nodes = [
        {**node, "args": [_with_constants(argument, constants) for argument in node["args"]]}
        for node in entry.get("inbound_nodes", [])
    ]
    form = _FORMS.get(entry["class_name"])
    if form is None:
        return {**entry, "inbound_nodes": nodes} if "inbound_nodes" in entry else entry
    kind, config, arguments = form(entry["config"])
    name = entry["config"]["name"]
    return {
        "module": _MODULES.get(kind, _NN if kind in _CLASSES.values() and kind != "GetItem" else _NUMPY),
        "class_name": kind, "config": {"name": name, **config}, "registered_name": kind, "name": entry["name"],
        "inbound_nodes": [{**node, "args": arguments(node["args"][0])} for node in nodes],
    }  # fmt: skip


def _with_constants(argument, constants):
    if isinstance(argument, list):
        return [_with_constants(part, constants) for part in argument]
    place = argument.get("config", {}).get("keras_history") if isinstance(argument, dict) else None
    if place and place[0] in constants:
        held = constants[place[0]]
        return {"class_name": "__numpy__", "config": {"value": held["value"], "dtype": held["dtype"]}}
    return argument


def _arithmetic(config):
    def arguments(taken):
        constant = config["constant"]
        if constant is None:
            return list(taken)
        if isinstance(constant, list):
            constant = {"class_name": "__numpy__", "config": {"value": constant, "dtype": config["dtype"]}}
        return [constant, taken] if config["constant_first"] else [taken, constant]

    return KERAS_NAMES[config["operation"]], {}, arguments


def _one(taken):
    return [taken]


def _class(operation):
    return _CLASSES.get(operation) or "".join(part[:1].upper() + part[1:] for part in operation.split("_"))


def _move(config):
    move, given = config["move"], {_ARGUMENTS.get(name, name): value for name, value in config["arguments"].items()}
    if move == "getitem":
        parts = [_index(part) for part in key_of(given["key"])]
        return "GetItem", {}, lambda taken: [taken, parts if len(parts) > 1 else parts[0]]
    if move == "take":
        return "Take", {"axis": given["axis"]}, lambda taken: [taken, given["indices"]]
    if move == "pad":
        given["mode"] = given.get("mode", "constant")
        return "Pad", given, lambda taken: [taken, *([config["fill"]] if given["mode"] == "constant" else [])]
    return _class(move), given, _one


def _index(part):
    """A part of an index in Keras's JSON."""
    if part is Ellipsis:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(part, slice):
        return {"class_name": "__slice__", "config": {"start": part.start, "stop": part.stop, "step": part.step}}
    return part


def _convolution(config):
    given = {"strides": _number(config["strides"]), "padding": config["padding"]}
    given["dilation_rate"] = _number(config["dilation"])
    if config["kind"] == "conv_transpose":
        given["output_padding"] = config["output_padding"]
    return _class(config["kind"]), {**given, "data_format": "channels_last"}, list


def _number(pair):
    """One number for two equal ones: some of Keras's operations take no list."""
    return pair[0] if pair[0] == pair[1] else list(pair)


def _view(config):
    kind, shape = config["kind"], config["shape"]
    if kind == "reshape":
        return "Reshape", {"newshape": [-1 if size is None else size for size in shape]}, _one
    return _class(kind), {"axis": shape}, _one


# {layer: function of its config -> (Keras's class, its config, function of what it is called on -> arguments)}
_FORMS = {
    "Arithmetic": _arithmetic,
    "Elementwise": lambda config: (_class(config["operation"]), {}, _one),
    "Reduction": lambda config: (
        _class(config["operation"]), {"axis": config["axis"], "keepdims": config["keepdims"]}, _one,
    ),
    "Rearrangement": _move,
    "View": _view,
    "Matmul": lambda config: ("Matmul", {}, list),
    "Cast": lambda config: ("Cast", {"dtype": config["to"]}, _one),
    "Logical": lambda config: (_class(config["operation"]), {}, list),
    "Where": lambda config: ("Where", {}, list),
    "ConvolutionBy": _convolution,
    "StopGradient": lambda config: ("StopGradient", {}, _one),
}  # fmt: skip


def operation_from_keras(described: dict) -> dict | None:
    """{"operation", "config", "name", "inbound_nodes"} for an operation of Keras, else None."""
    if not str(described.get("module")).startswith("keras.src.ops."):
        return None
    name = snake_case(str(described.get("class_name")))
    config = {key: value for key, value in described["config"].items() if key != "name"}
    return {
        "operation": _NAMES.get(name, name), "config": config, "name": described.get("name"),
        "inbound_nodes": described.get("inbound_nodes", []),
    }  # fmt: skip
