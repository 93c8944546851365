"""A model's structure and settings as Keras's JSON, and back.

In Keras's JSON an object is {"module", "class_name", "config", "registered_name"}; in minicnn it is
{"class_name", "config"}. Writing adds the missing entries. Reading drops an option that minicnn's class does not have,
if the option has no effect: it is None or False, or it only matters together with another option. An unknown option
that is set is an error. Reading imports nothing: it looks up a class by its name. "module" is only compared with the
names of Keras's modules, and shown in error messages.
"""

from __future__ import annotations

import json
from contextlib import nullcontext

import numpy as np

from .. import constraints, initializers, losses, metrics, optimizers, regularizers
from ..dtype_policy import DTypePolicy
from ..layers.base import Layer
from ..layers.base import registry as layer_registry
from ..models import Functional, Model
from ..registry import (
    Configurable,
    custom_object,
    custom_object_scope,
    knows_users_objects,
    serialize,
    snake_case,
)  # fmt: skip
from ..shapes import is_positive_integer
from .operations import operation_from_keras, operations_to_keras

KINDS = {  # {base class: (Keras's module, the registry of the classes)}
    Model: ("keras", layer_registry),
    Layer: ("keras.layers", layer_registry),
    optimizers.Optimizer: ("keras.optimizers", optimizers.registry),
    optimizers.schedules.LearningRateSchedule: ("keras.optimizers.schedules", optimizers.schedules.registry),
    losses.Loss: ("keras.losses", losses.registry),
    metrics.Metric: ("keras.metrics", metrics.registry),
    initializers.Initializer: ("keras.initializers", initializers.registry),
    regularizers.Regularizer: ("keras.regularizers", regularizers.registry),
    constraints.Constraint: ("keras.constraints", constraints.registry),
}
_SAYS_NOTHING = {  # Keras options that only matter together with other options, which must be None or False
    "ema_momentum", "steps_per_execution", "jit_compile", "run_eagerly", "auto_scale_loss", "dtype", "name",
    "renorm_momentum",
}  # fmt: skip


_KERAS = ("keras", "tf_keras")
# Short metric names that stay short in the file, because logs use them.
_SHORT_METRICS = {"mae", "MAE", "mse", "MSE", "mape", "MAPE", "msle", "MSLE", "bce", "BCE"}
_ADVICE = "load the model with compile=False if only compile needs it, or build the model in code and load its weights"


def to_keras(value):
    """A value, object or configuration in the form of Keras's JSON."""
    if isinstance(value, Configurable):
        return _object_to_keras(serialize(value), type(value))
    if isinstance(value, dict):
        if value.keys() >= {"module", "class_name", "config", "registered_name"}:
            return value  # it is in Keras's form already
        if value.keys() >= {"class_name", "config"}:
            return _object_to_keras(value, class_of(value.get("registered_name") or value["class_name"]))
        return {key: to_keras(entry) for key, entry in value.items()}
    if isinstance(value, (list, tuple)):
        return [to_keras(entry) for entry in value]
    if isinstance(value, (np.generic, np.ndarray)):
        return value.tolist()
    if callable(value) and hasattr(value, "__name__"):
        return value.__name__
    return value


def _object_to_keras(described, found):
    name, config = described["class_name"], described["config"]
    if name.startswith("__"):  # a tensor, an array or a part of an index
        return described
    module = next((module for kind, (module, _) in KINDS.items() if found and issubclass(found, kind)), None)
    registered = described.get("registered_name")
    if "input_layers" in config:
        config = {**config, "layers": operations_to_keras(config["layers"])}
    config = {key: to_keras(value) for key, value in config.items()}
    if registered:
        module = found.__module__
    if found and found.module_in_files:
        module, registered = found.module_in_files, name
    if found is Functional:
        module, registered = "keras.src.models.functional", "Functional"
    kept = {key: described[key] for key in ("name", "inbound_nodes", "build_config") if key in described}
    return {"module": module, "class_name": name, "config": config, "registered_name": registered, **kept}


def class_of(name, module=None):
    """The class of that name, or None. The registry that belongs to Keras's module is searched first."""
    for _, registry in sorted(KINDS.values(), key=lambda kind: kind[0] != module):
        found = registry.look_up(name)
        if isinstance(found, type):
            return found
    return None


def from_keras(value, function_names=True):
    """A value from Keras's JSON in the form that minicnn's `from_config` takes. ValueError if minicnn lacks a part.

    function_names: functions become their names, which minicnn's classes take. A user's class gets what Keras gives
    it, {"class_name": "function", "config": name}, for `deserialize_keras_object`.
    """
    if isinstance(value, list):
        return [from_keras(entry, function_names) for entry in value]
    if not isinstance(value, dict):
        return value
    if value.get("class_name") == "__keras_tensor__":
        return value
    if value.get("class_name") == "__ellipsis__":
        return ...
    if value.get("class_name") == "__slice__":
        return slice(*(value["config"].get(name) for name in ("start", "stop", "step")))
    if value.get("class_name") == "__lambda__":  # code, which minicnn does not run
        return "<lambda>"
    if "class_name" in value and isinstance(value.get("config"), dict):
        operation = operation_from_keras(value)
        if operation is not None:
            return {key: from_keras(part) for key, part in operation.items()}
        return _object_from_keras(value)
    if value.get("class_name") == "function":
        return value.get("config") if function_names else value
    return {key: from_keras(entry, function_names) for key, entry in value.items()}


def _object_from_keras(described):
    name, module, config = described["class_name"], described.get("module"), described["config"]
    if name in ("DTypePolicy", "Policy"):
        return DTypePolicy(config.get("name")).name
    if name == "__numpy__":
        return config.get("value")
    registered = described.get("registered_name")
    if isinstance(name, str):
        name = name.removeprefix("Custom>")  # Keras 2 puts this before the names of its own optimizers
    found = None
    for own in (registered, name):
        if found is None and isinstance(own, str):
            found, name = custom_object(own), own if custom_object(own) else name
    of_keras = registered in (None, name, "Functional") and (module is None or str(module).split(".")[0] in _KERAS)
    if found is None and of_keras and isinstance(name, str):
        found = class_of(name, module)
    if not isinstance(found, type):
        raise ValueError(
            f"The file holds a {registered or name!r} (from {module!r}), which minicnn does not have: give your own "
            f"class as custom_objects={{...}}, {_ADVICE}."
        )
    config = {key: from_keras(entry, found.__module__.startswith("minicnn.")) for key, entry in config.items()}
    kept = {key: described[key] for key in ("name", "inbound_nodes") if key in described}
    if issubclass(found, Model):
        return {"class_name": name, "config": config, **kept}
    return {"class_name": name, "config": _understood(found, config), **kept}


def _understood(found, config):
    """The configuration without unknown options that have no effect. ValueError for an unknown option that is set."""
    known = set(found._argument_names()) | {"batch_input_shape", "batch_shape", "input_shape"}
    if not found.__module__.startswith("minicnn."):
        return config  # a user's class knows all the options it wrote
    if issubclass(found, optimizers.Optimizer) and "lr" in config:  # the name in old files
        config["learning_rate"] = config.pop("lr")
    understood = {}
    for key, value in config.items():
        if key in known:
            understood[key] = value
        elif value and key not in _SAYS_NOTHING and (key, value) != ("axis", -1):
            raise ValueError(
                f"The file sets {key}={value!r} for {config.get('name', found.__name__)!r} ({found.__name__}), "
                f"which minicnn does not have: {_ADVICE}."
            )
    return understood


def to_json(model, **options) -> str:
    """The structure of a model as JSON text, without weights. Keras can read the text too."""
    return json.dumps(model_to_keras(model), **options)


def model_to_keras(model) -> dict:
    """The structure of a model as Keras's JSON. ValueError if a layer is in two models: loading would make it two."""
    _refuse_layers_in_two_models(model)
    found = to_keras(model)
    shape = model.input_shape if model.inputs else model._built_for
    if shape is not None:
        several = isinstance(shape, list)
        found["build_config"] = {"input_shape": [list(s) for s in shape] if several else list(shape)}
    return found


def _refuse_layers_in_two_models(model):
    owners: dict[int, str] = {}
    for owner in (layer for layer in model.flattened() if isinstance(layer, Model)):
        for layer in owner.layers:
            if owners.setdefault(id(layer), owner.name) != owner.name:
                raise ValueError(
                    f"{layer.name!r} belongs to {owners[id(layer)]!r} and to {owner.name!r}; in a file it would become "
                    "two layers. Save the weights (.weights.h5), or build the model without sharing it."
                )


def from_json(text: str, custom_objects=None):
    """A new model, with newly drawn weights, from the text that `to_json` of minicnn or Keras wrote."""
    return model_from_keras(_parsed(text), custom_objects)


def _parsed(text):
    try:
        described = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"This is not a model's JSON: {error}.") from error
    if not isinstance(described, dict) or not isinstance(described.get("config"), dict):
        raise ValueError('A model\'s JSON is an object with "class_name" and "config".')
    return described


def model_from_keras(described: dict, custom_objects=None):
    """A new model from Keras's JSON. ValueError if the JSON does not describe a model."""
    with custom_object_scope(custom_objects or {}):
        try:
            model = layer_registry.get(from_keras(described))
            shape = (described.get("build_config") or {}).get("input_shape")
            if isinstance(model, Model) and not model.built and shape:  # a user's class
                model.build_for([tuple(s) for s in shape] if isinstance(shape[0], list) else tuple(shape))
        except (KeyError, TypeError, AttributeError, IndexError, RecursionError, OverflowError) as error:
            raise ValueError(f"The model's configuration is broken: {type(error).__name__} {error}.") from error
    if not isinstance(model, Model):
        raise ValueError(f"The configuration describes a {type(model).__name__}, not a model.")
    return model


def model_for_weights(described: dict, custom_objects=None):
    """The same, for a file that brings the weights: they are not drawn. They are if there are classes or functions of
    users, whose code may look at the first values."""
    drawn = custom_objects or knows_users_objects()
    with nullcontext() if drawn else initializers.left_out():
        return model_from_keras(described, custom_objects)


def compile_to_keras(model) -> dict | None:
    """The arguments of a model's `compile` as Keras's JSON; None if the model is not compiled."""
    if not model.compiled:
        return None
    arguments = model.compile_arguments
    return {
        "optimizer": to_keras(model.optimizer),
        "loss": to_keras(_full_names(arguments["loss"])),
        "loss_weights": arguments["loss_weights"],
        "metrics": to_keras(_full_names(_in_list(arguments["metrics"]), _SHORT_METRICS)),
        "weighted_metrics": to_keras(_full_names(_in_list(arguments["weighted_metrics"]), _SHORT_METRICS)),
        "run_eagerly": False,
        "steps_per_execution": model.steps_per_execution,
        "jit_compile": False,
    }


def own_compile_to_keras(model) -> dict | None:
    """What the model's `get_compile_config` returns, which a user's class may define, as Keras's JSON."""
    return to_keras(model.get_compile_config()) or None


def _in_list(given):
    """Metrics as Keras takes them: one metric goes into a list."""
    return given if given is None or isinstance(given, (list, tuple, dict)) else [given]


def _full_names(given, kept=()):
    """Names of losses and metrics, in lists or dictionaries too, as Keras's files have them; names in `kept` stay."""
    if isinstance(given, dict) and "class_name" not in given:
        return {name: _full_names(entry, kept) for name, entry in given.items()}
    if isinstance(given, (list, tuple)):
        return [_full_names(entry, kept) for entry in given]
    return given if isinstance(given, str) and given in kept else _full_name(given)


def _full_name(identifier):
    """The full name of a loss or metric, as Keras's files have it: not all of Keras reads short names such as "kld"."""
    found = losses.registry.entries.get(identifier) if isinstance(identifier, str) else None
    return snake_case(found.__name__) if isinstance(found, type) else identifier


def compile_from_keras(model, described: dict, custom_objects=None) -> None:
    """Compile a model with the arguments stored in a file."""
    with custom_object_scope(custom_objects or {}):
        settings = from_keras(described)
        if not isinstance(settings, dict):
            raise ValueError(
                f"The file's arguments for compile must be a dictionary; found {type(settings).__name__}. "
                "Load the model with compile=False."
            )
        loss, listed = settings.get("loss"), [settings.get(key) for key in ("metrics", "weighted_metrics")]
        if not model.gives_several:
            loss, listed = _single(loss, "loss"), [_single(given, "metrics") for given in listed]
        watched = [_known(given, metrics.registry) for given in listed]
        loss = _known(loss, losses.registry)
        steps = settings.get("steps_per_execution")
        model.compile(
            settings.get("optimizer") or "rmsprop", loss, settings.get("loss_weights"), *watched,
            steps_per_execution=steps if is_positive_integer(steps) else 1,
        )  # fmt: skip


def _known(given, registry):
    """Losses or metrics as objects: from a configuration, or from the name of a custom object. Other names stay names.

    given: one of them, a list, or a dictionary by output.
    """
    if isinstance(given, dict) and "class_name" not in given:
        return {name: _known(entry, registry) for name, entry in given.items()}
    if isinstance(given, list):
        return [_known(entry, registry) for entry in given]
    if isinstance(given, dict):
        return registry.get(given)
    return (custom_object(given) or given) if isinstance(given, str) else given


def _single(value, what):
    """The entry for the one output, taken out of a list or dictionary that has an entry for each output."""
    if isinstance(value, dict) and "class_name" not in value:
        value = list(value.values())
    while isinstance(value, list) and len(value) == 1 and (what == "loss" or isinstance(value[0], list)):
        value = value[0]
    return value
