"""`+ - * /` and `[..., ::-1]` on symbols, as Keras writes them: operations that are called on tensors and constants.

In a functional model's configuration such an operation is in the list of layers, and its tensors and constants are the
arguments of its call. minicnn keeps the constant in the layer (`layers/arithmetic.py`).
"""

from __future__ import annotations

import numpy as np

_MODULE = "keras.src.ops.numpy"
_CLASSES = {"add": "Add", "subtract": "Subtract", "multiply": "Multiply", "divide": "TrueDivide"}
_OPERATIONS = {name: operation for operation, name in _CLASSES.items()} | {"Divide": "divide"}
_REVERSED = [
    {"class_name": "__ellipsis__", "config": {}},
    {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": -1}},
]


def layer_to_keras(described: dict) -> dict:
    """A layer's entry in a functional model's configuration. minicnn's arithmetic layers become Keras's operations."""
    name, config = described["class_name"], described["config"]
    if name == "Arithmetic":
        kind = _CLASSES[config["operation"]]
        nodes = [{**node, "args": _arguments(node["args"][0], config)} for node in described["inbound_nodes"]]
    elif name == "ReverseLastAxis":
        kind = "GetItem"
        nodes = [{**node, "args": [*node["args"], _REVERSED]} for node in described["inbound_nodes"]]
    else:
        return described
    return {
        "module": _MODULE, "class_name": kind, "config": {"name": config["name"]}, "registered_name": kind,
        "name": described["name"], "inbound_nodes": nodes,
    }  # fmt: skip


def _arguments(taken, config):
    constant = config["constant"]
    if constant is None:
        return list(taken)
    if isinstance(constant, list):
        constant = {"class_name": "__numpy__", "config": {"value": constant, "dtype": config["dtype"]}}
    return [constant, taken] if config["constant_first"] else [taken, constant]


def layer_from_keras(described: dict) -> dict:
    """The inverse: Keras's operation as a layer of minicnn. ValueError for an operation that minicnn does not have."""
    if described.get("module") != _MODULE:
        return described
    kind, name, nodes = described.get("class_name"), described["config"].get("name"), described["inbound_nodes"]
    kept = {"name": described.get("name"), "inbound_nodes": []}
    if kind == "GetItem" and all(node["args"][1:] == [_REVERSED] for node in nodes):
        kept["inbound_nodes"] = [{**node, "args": node["args"][:1]} for node in nodes]
        return {"class_name": "ReverseLastAxis", "config": {"name": name, "dtype": _dtype(nodes[0]["args"][0])}, **kept}
    if kind not in _OPERATIONS or len(nodes) != 1 or len(nodes[0]["args"]) != 2:
        raise ValueError(f"minicnn cannot run Keras's operation {kind!r} ({name!r}) in the form that the model uses.")
    first, second = nodes[0]["args"]
    tensors = [argument for argument in (first, second) if _is_tensor(argument)]
    constants = [_number(argument) for argument in (first, second) if not _is_tensor(argument)]
    config = {
        "operation": _OPERATIONS[kind], "constant": constants[0] if constants else None,
        "constant_first": bool(constants) and not _is_tensor(first), "name": name, "dtype": _dtype(tensors[0]),
    }  # fmt: skip
    kept["inbound_nodes"] = [{**nodes[0], "args": [tensors[0] if constants else tensors]}]
    return {"class_name": "Arithmetic", "config": config, **kept}


def _is_tensor(argument):
    return isinstance(argument, dict) and argument.get("class_name") == "__keras_tensor__"


def _dtype(tensor):
    return tensor["config"]["dtype"]


def _number(argument):
    """A constant: a number, or numbers in lists or in Keras's description of an array."""
    if isinstance(argument, dict) and argument.get("class_name") == "__numpy__":
        argument = argument.get("config", {}).get("value")
    array = np.asarray(argument)
    if array.dtype.kind not in "buif":
        raise ValueError(f"The model calculates with {argument!r}, which is not a number or an array of numbers.")
    return array.tolist()
