"""What a training must remember to go on as if it had not been interrupted, apart from weights and optimizer.

`kept` and `give_back` are each other's opposites: one makes a description of numbers, texts and arrays, in lists and
dictionaries, from a running training; the other brings an equal training to the same place.
"""

from __future__ import annotations

import ast
import json
import random

import numpy as np

from .. import config
from ..metrics.metric import Metric
from ..printing import say
from ..running_mean import RunningSum
from ..variable import Variable


def kept(model, callbacks, passes, epoch, batch) -> dict:
    """The description of a training that has done `epoch` epochs, and `batch` batches of the next one."""
    return {
        "epoch": epoch,
        "batch": batch,
        "batches": [part.state() for part in passes],
        "stopped": bool(model.stop_training),
        "learning_rate": _rate(model.optimizer),
        "random": [config.seeds_state(), _plain(random.getstate()), _plain(np.random.get_state())],
        "callbacks": [[type(callback).__name__, _state_of(callback)] for callback in callbacks],
        "metrics": [_tree(part) for part in _counting(model)] if batch else [],
    }


def give_back(state, model, callbacks) -> None:
    """Bring the rate, random numbers and callbacks of a training to where `kept` described them."""
    if state["learning_rate"] is not None:
        model.optimizer.learning_rate = state["learning_rate"]
    seeds, of_python, of_numpy = state["random"]
    config.set_seeds_state(seeds)
    random.setstate((of_python[0], tuple(of_python[1]), of_python[2]))
    np.random.set_state(tuple(of_numpy))
    waiting = list(state["callbacks"])
    for callback in callbacks:
        mine = next((entry for entry in waiting if entry[0] == type(callback).__name__), None)
        if mine is not None:
            waiting.remove(mine)
            if mine[1]:
                callback.set_state(mine[1])


def give_back_metrics(state, model) -> None:
    """Set loss and metrics, which were just reset, to what `kept` found in the middle of an epoch."""
    for part, tree in zip(_counting(model), state["metrics"], strict=True):
        _grow(part, tree)


def _state_of(callback):
    """What a callback remembers. If that cannot be written, say so, once for each callback."""
    try:
        state = callback.get_state()
        _text(state, [])
        return state
    except Exception as error:  # the method of a user, perhaps made for something else
        if not getattr(callback, "_told_of_state", False):
            callback._told_of_state = True
            say(f"minicnn: a backup does not hold the state of {type(callback).__name__} ({error}).")
        return {}


def _rate(optimizer):
    """The learning rate with all its digits, of which the optimizer's own state has those of float32; None if it
    follows a schedule or a function."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    return None if optimizer._schedule is not None else float(optimizer.learning_rate)


def _counting(model):
    """The objects that count during an epoch."""
    heads = [part for head in model._heads for part in (head.loss_mean, *head.all_metrics())]
    return [model._loss_mean, *heads, *model._metrics_within]


_LEAVES = (type(None), bool, int, float, str, np.number, np.ndarray)


def _tree(part):
    """What a metric or a sum has counted: {attribute: number, text, array, None, or a list or dictionary of these}."""
    if isinstance(part, Variable):
        return part.numpy()
    if isinstance(part, RunningSum):
        part.total()  # waits for numbers that are still on their way
    if isinstance(part, (Metric, RunningSum)):
        return {name: _tree(value) for name, value in vars(part).items() if _is_kept(value)}
    if isinstance(part, dict):
        return {repr(key): _tree(value) for key, value in part.items()}
    return [_tree(value) for value in part] if isinstance(part, (list, tuple)) else part


def _is_kept(value):
    if isinstance(value, dict):
        return all(map(_is_key, value)) and all(map(_is_kept, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(_is_kept, value))
    return isinstance(value, (*_LEAVES, Variable, Metric, RunningSum))


def _is_key(key):
    """Whether a text can stand for this key: a string, a number, or a tuple of these."""
    return all(map(_is_key, key)) if isinstance(key, tuple) else type(key) in (str, int, float, bool)


def _grow(part, tree):
    """A part with the numbers of a tree. Objects stay the same; all else is replaced."""
    if isinstance(part, Variable):
        part.assign(tree)
        return part
    if isinstance(part, (Metric, RunningSum)):
        for name, branch in tree.items():
            setattr(part, name, _grow(getattr(part, name, None), branch))
        return part
    if isinstance(part, dict) and isinstance(tree, dict):
        branches = {ast.literal_eval(key): branch for key, branch in tree.items()}
        grown = {key: _grow(part.get(key), branch) for key, branch in branches.items()}
        part.clear()  # it may be a dictionary of a special kind
        part.update(grown)
        return part
    if isinstance(tree, list):
        parts = part if isinstance(part, (list, tuple)) and len(part) == len(tree) else [None] * len(tree)
        grown = [_grow(*pair) for pair in zip(parts, tree, strict=True)]
        return tuple(grown) if isinstance(part, tuple) else grown
    return tree


def _plain(state):
    """A state of a random generator, with lists in place of tuples."""
    return [_plain(part) if isinstance(part, tuple) else part for part in state]


# In files

_ARRAY = "\0array"  # the key in a text that stands for an array beside it


def write(group, state) -> None:
    """Write a description into a group of an HDF5 file: text, and beside it the arrays."""
    arrays: list[np.ndarray] = []
    group["text"] = np.frombuffer(_text(state, arrays).encode(), np.uint8)
    for i, array in enumerate(arrays):
        group[f"arrays/{i}"] = array


def _text(state, arrays):
    """A description as JSON, with its arrays in the list."""

    def replaced(value):
        if isinstance(value, np.ndarray):
            arrays.append(value)
            return {_ARRAY: len(arrays) - 1}
        if isinstance(value, np.generic):
            return value.item()
        raise TypeError(f"A callback's state holds numbers, texts, arrays, lists and dictionaries; received {value!r}.")

    return json.dumps(state, default=replaced)


def read(group) -> dict:
    """The description in a group. Any error says that the file is broken."""

    def array_in(entry):
        return group[f"arrays/{entry[_ARRAY]}"][()] if entry.keys() == {_ARRAY} else entry

    return json.loads(bytes(group["text"][()]), object_hook=array_in)
