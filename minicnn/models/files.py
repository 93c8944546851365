"""Saving and loading, at the same place as in Keras: in `models`.

`minicnn.saving` does the work. It is one floor above and imports h5py, so it is imported only when it is needed.
"""

from __future__ import annotations

import importlib

from ..layers.input import InputLayer
from ..nest import mapped
from ..registry import custom_object_scope, serialize
from .pickling import classes_in


def saving():
    """The package `minicnn.saving`."""
    return importlib.import_module("minicnn.saving")


def save_model(model, filepath, overwrite=True, include_optimizer=True, **unknown) -> None:
    """Save a model to a file; see `minicnn.saving.save_model`."""
    saving().save_model(model, filepath, overwrite, include_optimizer, **unknown)


def load_model(filepath, custom_objects=None, compile=True, safe_mode=True):
    """The model in a file; see `minicnn.saving.load_model`."""
    return saving().load_model(filepath, custom_objects, compile, safe_mode)


def model_from_json(json_string, custom_objects=None):
    """A new model from the text that `to_json` returned; see `minicnn.saving.from_json`."""
    return saving().from_json(json_string, custom_objects)


def clone_model(model, input_tensors=None, clone_function=None):
    """A model of the same structure with new weights.

    clone_function(layer) is called for every layer except inputs, and returns a layer. The clone then gets a new
    layer with the returned layer's configuration. By default the new layer has the old layer's configuration.
    """
    if input_tensors is not None:
        raise ValueError("clone_model makes its own inputs: call the clone on the symbols given as input_tensors.")
    config, classes = model.get_config(), classes_in(model)
    if clone_function is not None:
        layers, names = {layer.name: layer for layer in model.layers if not isinstance(layer, InputLayer)}, {}
        for entry in config["layers"]:
            old = layers.get(entry["config"]["name"])
            if old is not None:
                new = clone_function(old)
                entry.update(serialize(new))
                names[old.name] = new.name
                classes[type(new).__name__] = type(new)
        places = [(entry, key) for entry in config["layers"] for key in ("name", "inbound_nodes") if key in entry]
        places += [(config, key) for key in ("input_layers", "output_layers") if key in config]
        for entry, key in places:
            entry[key] = mapped(lambda part: names.get(part, part) if isinstance(part, str) else part, entry[key])
    with custom_object_scope(classes):
        return type(model).from_config(config)
