"""Single objects as Keras's JSON, and back: what a layer's `get_config` says of the layers that it is made of."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from .. import activations, losses, metrics
from ..registry import Configurable, custom_object, custom_object_scope
from . import configuration

_PLAIN = (str, int, float, bool, type(None))


def serialize_keras_object(obj):
    """A layer, loss, function, array or plain value, or these in lists, tuples and dictionaries, as Keras's JSON."""
    if isinstance(obj, (list, tuple)):
        return type(obj)(serialize_keras_object(part) for part in obj)
    if isinstance(obj, dict):
        return {key: serialize_keras_object(part) for key, part in obj.items()}
    if isinstance(obj, _PLAIN):
        return obj
    if isinstance(obj, np.generic):
        return obj.item()
    if isinstance(obj, np.ndarray):
        return {"class_name": "__numpy__", "config": {"value": obj.tolist(), "dtype": obj.dtype.name}}
    if isinstance(obj, slice):
        return {"class_name": "__slice__", "config": {"start": obj.start, "stop": obj.stop, "step": obj.step}}
    if obj is ...:
        return {"class_name": "__ellipsis__", "config": {}}
    if isinstance(obj, Configurable):
        return configuration.to_keras(obj)
    name = getattr(obj, "_registered_name", getattr(obj, "__name__", "<lambda>"))
    if callable(obj) and not isinstance(obj, type) and name != "<lambda>":
        return {"module": "builtins", "class_name": "function", "config": name, "registered_name": "function"}
    raise ValueError(f"No file can hold {obj!r:.200}: it has no configuration and no name.")


def deserialize_keras_object(config, custom_objects=None, safe_mode=True):
    """What `serialize_keras_object` described, made anew. custom_objects: {name: class or function of yours}.

    ValueError for a name that is not known. safe_mode changes nothing: minicnn never runs code from a description.
    """
    with custom_object_scope(custom_objects or {}):
        return _made(config)


def _made(config):
    if isinstance(config, (list, tuple)):
        return [_made(part) for part in config]
    if not isinstance(config, dict):
        return config
    kind, described = config.get("class_name"), config.get("config")
    if kind == "__numpy__":
        return np.array(described["value"], described["dtype"])
    if kind == "function":
        return _function(described)
    if not isinstance(kind, str) or not isinstance(described, dict):
        return {key: _made(part) for key, part in config.items()}
    described = configuration.from_keras(config)
    if not isinstance(described, dict):  # a slice, an ellipsis, a type of numbers
        return described
    name = described.get("registered_name") or described["class_name"]
    found = custom_object(name) or configuration.class_of(name, config.get("module"))
    if found is None:
        raise ValueError(f"{name!r} is not known: give your own class as custom_objects={{{name!r}: ...}}.")
    return found.from_config(described["config"])


def _function(name):
    for find in (custom_object, activations.get, losses.get, metrics.get):
        with suppress(ValueError):
            if (found := find(name)) is not None:
                return found
    raise ValueError(f"The function {name!r} is not known: give your own one as custom_objects={{{name!r}: ...}}.")
