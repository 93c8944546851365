"""Every weight of a model at its path in an HDF5 file, in the layout of Keras 3.

    layers/conv2d/vars/0          the first convolution's kernel: layers by class, numbered from the second one on
    layers/conv2d/vars/1          its bias
    layers/conv2d_1/vars/0        the second convolution's kernel
    layers/functional/layers/...  a model within the model
    optimizer/vars/0              the optimizer's number of steps; 1: its learning rate; then its memory of each weight

A layer's trainable weights come first. Layers that draw random numbers keep their state in seed_generator/vars/0.
"""

from __future__ import annotations

import math

import h5py
import numpy as np

from ..layers.base import Layer
from ..layers.holding import OWN_ATTRIBUTES
from ..layers.random_source import SeedGenerator
from ..models import Model, Sequential
from ..printing import say
from ..registry import snake_case

_LARGEST_ATTRIBUTE = 16 << 20  # bytes, far more than a model's description needs


def places(layer: Layer, path: str = "") -> dict[str, Layer]:
    """{path: layer} for a layer and all layers inside it, each at the first path that leads to it."""
    found: dict[str, Layer] = {}
    _walk(layer, path, found, set())
    return found


def _walk(layer, path, found, visited):
    if id(layer) in visited:
        return
    visited.add(id(layer))
    found[path] = layer
    for name, child in _children(layer):
        _walk(child, f"{path}/{name}" if path else name, found, visited)


def _children(layer):
    """(path, layer) of the layers directly inside, in Keras's order: those of a row or a graph by class and number,
    others by the attribute that holds them. Private attributes come last."""
    if isinstance(layer, Sequential) or getattr(layer, "plan", None):
        yield from _in_container("layers", layer.layers)
    attributes = {name: value for name, value in vars(layer).items() if name not in OWN_ATTRIBUTES}
    if isinstance(layer, Model):
        attributes["layers"] = layer.layers
    for name in sorted(attributes, key=lambda name: f"~{name}" if name.startswith("_") else name):
        if isinstance(attributes[name], Layer):
            yield ("activation" if name == "activation_layer" else name), attributes[name]
        elif isinstance(attributes[name], (list, tuple, dict)):
            yield from _in_container(name, attributes[name])


def _in_container(path, container):
    """(path, layer) of the layers in a list, tuple or dictionary, by class and number."""
    used: dict[str, int] = {}
    for child in container.values() if isinstance(container, dict) else container:
        nested = isinstance(child, (list, tuple, dict))
        if nested or isinstance(child, Layer):
            name = "container" if nested else snake_case(type(child).__name__)
            number = used[name] = used.get(name, -1) + 1
            here = f"{path}/{name}_{number}" if number else f"{path}/{name}"
            yield from _in_container(here, child) if nested else [(here, child)]


def write_weights(file: h5py.File, model: Layer, include_optimizer=True) -> None:
    """Write all weights, and the optimizer's state if the model is compiled."""
    for path, layer in places(model).items():
        group = file.require_group(path) if path else file
        _write(group, [variable.numpy() for variable in layer._variables], layer.name)
        for name, source in _random_states(layer).items():
            state = np.array([source.random_stream % 2**32, source.random_counter], np.uint32)
            _write(group.require_group(name), [state], name)
            group[name].attrs["minicnn_stream"] = np.uint64(source.random_stream)  # all 64 bits, for minicnn
    optimizer = getattr(model, "optimizer", None)
    if optimizer is not None and include_optimizer:
        _write(file.require_group("optimizer"), optimizer.state(model.trainable_weights), optimizer.name)


def _write(group, arrays, name):
    variables = group.require_group("vars")
    variables.attrs["name"] = name
    for i, array in enumerate(arrays):
        variables.create_dataset(str(i), data=array)


def read_weights(file: h5py.File, model: Layer, skip_mismatch=False, with_optimizer=False) -> None:
    """Set all weights and random states, and the optimizer's state if the file has one that fits.

    The whole file is read first. ValueError, before anything changes, if a part of it is broken, or if a weight is
    missing, too many or of another shape.
    """
    pairs = []
    for path, layer in places(model).items():
        wanted, stored = layer._variables, _stored(file, path)
        problem = _problem(wanted, stored)
        if problem and not skip_mismatch:
            raise ValueError(f"The weights of {layer.name!r} do not fit: {problem}.")
        if not problem:
            pairs += [(variable, array_of(dataset)) for variable, dataset in zip(wanted, stored, strict=True)]
    if not pairs and model.weights and not skip_mismatch:
        raise ValueError(f"The file holds no weights for {model.name!r}.")
    random_states = [
        (source, _random_state(file, f"{path}/{name}" if path else name))
        for path, layer in places(model).items()
        for name, source in _random_states(layer).items()
    ]
    optimizer_state = [array_of(dataset) for dataset in _stored(file, "optimizer")] if with_optimizer else []
    for variable, array in pairs:
        variable.assign(array)
    for source, state in random_states:
        if state is not None:
            source.random_stream, source.random_counter = state
    if with_optimizer:
        take_optimizer_state(model, optimizer_state)


def _random_states(layer):
    """{name in files: the layer itself if it draws random numbers, and the SeedGenerators that it keeps}."""
    held = {name: value for name, value in vars(layer).items() if isinstance(value, SeedGenerator)}
    return {"seed_generator": layer, **held} if hasattr(layer, "random_counter") else held


def _random_state(file, path):
    """(stream, counter) of a random state; None in a file of Keras, which draws other numbers."""
    group, stored = child(file, path), _stored(file, path)
    stream = None if group is None else attribute_of(group, "minicnn_stream")
    if not isinstance(stream, np.integer) or len(stored) != 1 or stored[0].shape != (2,) or stored[0].dtype.kind != "u":
        return None
    return int(stream), int(array_of(stored[0])[1])


def _problem(wanted, stored):
    """The reason why the datasets do not fit these variables, or None. No data is read for this check."""
    if len(wanted) != len(stored):
        return f"the layer has {len(wanted)} weights, the file has {len(stored)}"
    for variable, dataset in zip(wanted, stored, strict=True):
        if variable.shape != dataset.shape:
            return f"{variable.path!r} has shape {variable.shape}, but shape {dataset.shape} in the file"
    return None


def read_optimizer(file: h5py.File, model) -> None:
    """Set the optimizer's state, if the file has one that fits."""
    take_optimizer_state(model, [array_of(dataset) for dataset in _stored(file, "optimizer")])


def take_optimizer_state(model, stored: list[np.ndarray]) -> None:
    """Give the optimizer the state in these arrays. If it does not fit, print so and leave the optimizer unchanged.

    If a model was compiled but not trained, Keras's file has no memories. Then the optimizer silently stays unchanged.
    """
    wanted = [array.shape for array in model.optimizer.state(model.trainable_weights)]
    found = [array.shape for array in stored]
    if found != wanted and len(stored) <= 2:
        return
    try:
        if found != wanted:
            raise ValueError(f"the file has {len(stored)} arrays, but {len(wanted)} of other shapes are needed")
        model.optimizer.set_state(model.trainable_weights, stored)
    except ValueError as error:
        say(
            f"minicnn: the optimizer {model.optimizer.name!r} starts from the beginning, because its state in the file "
            f"does not fit: {error}."
        )


def _stored(file, path):
    """The datasets at a path, in order; an empty list if there is no such path."""
    group = child(file, f"{path}/vars" if path else "vars")
    if group is None:
        return []
    if not isinstance(group, h5py.Group) or sorted(group) != sorted(str(i) for i in range(len(group))):
        raise ValueError(f"The file's {path or 'top'}/vars is not a list of arrays.")
    return [dataset_in(group, str(i)) for i in range(len(group))]


def child(group, path):
    """The group or dataset at a path, or None. ValueError for a link, because a link could lead to another file."""
    for name in path.split("/"):
        link = group.get(name, getlink=True) if isinstance(group, h5py.Group) else None
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise ValueError(f"The file's {path!r} is a link to another place, and minicnn does not follow links.")
        group = group[name]
    return group


def attribute_of(group, name):
    """An attribute's value, or None if there is no such attribute.

    ValueError if the attribute claims to be larger than a model needs. ValueError too if it holds objects other than
    text, because the HDF5 library may crash on them.
    """
    if name not in group.attrs:
        return None
    held = group.attrs.get_id(name)
    claimed = math.prod(held.shape or ()) * held.dtype.itemsize
    if claimed > _LARGEST_ATTRIBUTE:
        raise ValueError(
            f"The file's attribute {name!r} may have at most {_LARGEST_ATTRIBUTE} bytes; its size is {claimed} bytes."
        )
    if held.dtype.hasobject and h5py.check_string_dtype(held.dtype) is None:
        raise ValueError(f"The file's attribute {name!r} must hold text or numbers; its type is {held.dtype}.")
    return group.attrs[name]


def dataset_in(group, name) -> h5py.Dataset:
    """A dataset of numbers, not yet read. ValueError for anything else: text, objects, data in another file."""
    dataset = child(group, name)
    if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "buif" or dataset.shape is None:
        raise ValueError(f"The file's {name!r} is not an array of numbers.")
    if dataset.external or dataset.is_virtual:
        raise ValueError(f"The file's {name!r} is stored in another file, which minicnn does not open.")
    stored = dataset.id.get_storage_size()
    if dataset.size * dataset.dtype.itemsize > max(1 << 20, 1100 * stored):
        raise ValueError(
            f"The file's {name!r} should have {dataset.size * dataset.dtype.itemsize} bytes, but stores only {stored}."
        )
    return dataset


def array_of(dataset: h5py.Dataset) -> np.ndarray:
    """The numbers of a dataset."""
    return dataset[()]
