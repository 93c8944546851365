"""The `.h5` file of older Keras: structure, weights and optimizer state in one HDF5 file.

    model_config, training_config      attributes of the file: JSON
    model_weights/<layer>/             attribute weight_names, and the arrays under these names
    optimizer_weights/                 the same for the optimizer: number of steps, rate, then its memories

Keras 3.15 cannot continue training a model from a file that has optimizer_weights, even from a file of its own. So
minicnn reads optimizer_weights, but writes to optimizer_state/. Keras ignores that group and starts with a fresh
optimizer.

In files of Keras 2 the weights have names such as dense/dense/kernel:0. Only the order of the names is used.
"""

from __future__ import annotations

import json

import h5py
import numpy as np

from ..registry import custom_object_scope
from .archive import _WRITTEN_AS, opened
from .configuration import model_for_weights, model_to_keras, own_compile_to_keras
from .weights import array_of, attribute_of, child, dataset_in, take_optimizer_state

_LARGEST_ATTRIBUTE = 64_000  # the most bytes that HDF5 keeps in an attribute


def write(file: str, model, include_optimizer=True) -> None:
    """Write a model to a path."""
    with h5py.File(file, "w") as h5:
        h5.attrs["keras_version"] = _WRITTEN_AS
        h5.attrs["backend"] = "tensorflow"
        _write_text(h5, "model_config", json.dumps(model_to_keras(model)))
        compiling = own_compile_to_keras(model) if include_optimizer and model.compiled else None
        if compiling:
            _write_text(
                h5, "training_config", json.dumps({**compiling, "optimizer_config": compiling.get("optimizer")})
            )
        write_weights(h5.create_group("model_weights"), model)
        if compiling:
            state = model.optimizer.state(model.trainable_weights)
            _write_arrays(h5.create_group("optimizer_state"), [f"{i}" for i in range(len(state))], state)


def _write_text(h5, name, text):
    h5.attrs.create(name, np.bytes_(text.encode())) if len(text) < _LARGEST_ATTRIBUTE else h5.attrs.create(
        name, text, dtype=h5py.string_dtype()
    )


def write_weights(group: h5py.Group, model) -> None:
    """Write the weights of every layer of a model, layer by layer."""
    _write_names(group, "layer_names", [layer.name for layer in model.layers])
    group.attrs["backend"], group.attrs["keras_version"] = "tensorflow", _WRITTEN_AS
    for layer in sorted(model.layers, key=lambda layer: layer.name):
        variables = legacy_weights(layer)
        _write_arrays(
            group.create_group(layer.name), [variable.path for variable in variables], [v.numpy() for v in variables]
        )
    _write_arrays(group.create_group("top_level_model_weights"), [], [])


def _write_arrays(group, names, arrays):
    used: dict[str, int] = {}
    for i, name in enumerate(names):
        used[name] = used.get(name, -1) + 1
        names[i] = f"{name}_{used[name]}" if used[name] else name
    _write_names(group, "weight_names", names)
    for name, array in zip(names, arrays, strict=True):
        group.create_dataset(name, data=array)


def _write_names(group, attribute, names):
    """Write the names to an attribute, or to several attributes of about 64 kB if one cannot hold them."""
    encoded = [name.encode() for name in names]
    pieces = 1
    while any(np.array(part).nbytes > _LARGEST_ATTRIBUTE for part in np.array_split(encoded, pieces)):
        pieces += 1
    if pieces == 1:
        group.attrs[attribute] = encoded
        return
    for i, part in enumerate(np.array_split(encoded, pieces)):
        group.attrs[f"{attribute}{i}"] = part


def legacy_weights(layer) -> list:
    """A layer's weights in the order of these files: first all trainable weights, those of inner layers included."""
    return layer.trainable_weights + layer.non_trainable_weights


def read(file: str, custom_objects=None, compile=True):
    """The model in a file. ValueError if the file does not hold one."""
    with opened(file, file) as h5:
        model = model_for_weights(_json(h5, "model_config", file), custom_objects)
        weights = child(h5, "model_weights")
        if weights is None:
            raise ValueError(f"{file!r} has no model_weights.")
        read_weights(weights, model)
        if compile and "training_config" in h5.attrs:
            _compile(h5, model, _json(h5, "training_config", file), custom_objects)
    return model


def _compile(h5, model, settings, custom_objects):
    if "optimizer_config" in settings and not settings.get("optimizer"):
        settings["optimizer"] = settings["optimizer_config"]
    with custom_object_scope(custom_objects or {}):
        model.compile_from_config(settings)
    if not model.compiled:
        return
    group = child(h5, "optimizer_state") or child(h5, "optimizer_weights")
    if isinstance(group, h5py.Group):
        take_optimizer_state(model, [array_of(dataset) for dataset in _stored(group)])


def _json(h5, name, file):
    text = attribute_of(h5, name)
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    if not isinstance(text, str):
        raise ValueError(f"{file!r} holds no model: it has no {name}. If it holds only weights, use load_weights.")
    try:
        described = json.loads(text)
    except (json.JSONDecodeError, RecursionError) as error:
        raise ValueError(f"The {name} in {file!r} is broken: {error}.") from error
    if not isinstance(described, dict):
        raise ValueError(f"The {name} in {file!r} is broken: it is not a JSON object.")
    return described


def read_weights(group: h5py.Group, model, skip_mismatch=False, by_name=False) -> None:
    """Set the weights of every layer, in order or by the layers' names. A ValueError leaves all weights unchanged."""
    layers = {layer.name: legacy_weights(layer) for layer in model.layers}
    layers = {name: variables for name, variables in layers.items() if variables}
    stored = {}
    for name in _names(group, "layer_names"):
        found = child(group, name)
        if isinstance(found, h5py.Group) and len(_names(found, "weight_names")):
            stored[name] = found
    if by_name:
        matched = [(name, layers[name], stored[name]) for name in layers if name in stored]
    elif len(stored) != len(layers):
        raise ValueError(
            f"The file has {len(stored)} layers with weights ({', '.join(stored)}), {model.name!r} has {len(layers)} "
            f"({', '.join(layers)})."
        )
    else:
        matched = [(name, layers[name], group) for name, group in zip(layers, stored.values(), strict=True)]
    pairs = []
    for name, variables, group in matched:
        datasets = _stored(group)
        shapes, found = [v.shape for v in variables], [dataset.shape for dataset in datasets]
        if shapes == found:
            pairs += [(variable, array_of(dataset)) for variable, dataset in zip(variables, datasets, strict=True)]
        elif not skip_mismatch:
            raise ValueError(
                f"The weights of {name!r} do not fit: the layer has shapes {shapes}, the file has {found}."
            )
    for variable, array in pairs:
        variable.assign(array)


def _stored(group):
    """The datasets that a group names, not yet read."""
    return [dataset_in(group, name) for name in _names(group, "weight_names")]


def _names(group, attribute):
    """The names in an attribute, or in the several attributes that `_write_names` makes."""
    values = attribute_of(group, attribute)
    if values is None:
        parts = []
        while (part := attribute_of(group, f"{attribute}{len(parts)}")) is not None:
            parts.append(part)
        values = [name for part in parts for name in part]
    return [name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in values]
