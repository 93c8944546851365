"""What a training must remember to go on as if it had not been interrupted, apart from weights and optimizer.

`kept` and `give_back` are each other's opposites: one makes a description of numbers, texts and arrays, in lists and
dictionaries, from a running training; the other brings an equal training to the same place.
"""

from __future__ import annotations

import json
import random

import numpy as np

from .. import config
from ..metrics.metric import Metric
from ..running_mean import RunningSum
from ..variable import Variable


def kept(model, callbacks, passes, epoch, batch) -> dict:
    """The description of a training that has done `epoch` epochs, and `batch` batches of the next one."""
    return {
        "epoch": epoch,
        "batch": batch,
        "batches": passes.state(),
        "stopped": bool(model.stop_training),
        "learning_rate": _rate(model.optimizer),
        "random": [config.seeds_state(), _plain(random.getstate()), _plain(np.random.get_state())],
        "callbacks": [[type(callback).__name__, callback.get_state()] for callback in callbacks],
        "metrics": _numbers_in(_counting(model)) if batch else [],
    }


def give_back(state, model, callbacks, passes) -> None:
    """Bring a training, whose callbacks have begun, to where `kept` described it. Its metrics follow in the epoch."""
    passes.go_on(state["batches"])
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
            callback.set_state(mine[1])


def give_back_metrics(state, model) -> None:
    """Set loss and metrics, which were just reset, to the numbers that `kept` found in the middle of an epoch."""
    numbers = list(state["metrics"])
    for owner, name, value in _places(_counting(model)):
        if numbers:
            new = numbers.pop(0)
            if isinstance(value, Variable):
                value.assign(new)
            elif isinstance(value, np.ndarray):
                _set(owner, name, np.asarray(new, value.dtype))
            else:
                _set(owner, name, type(value)(new))


def _rate(optimizer):
    """The learning rate with all its digits, of which the optimizer's own state has those of float32; None if it
    follows a schedule or a function."""
    optimizer = getattr(optimizer, "inner_optimizer", optimizer)
    return None if optimizer._schedule is not None else float(optimizer.learning_rate)


def _counting(model):
    """The objects that count during an epoch."""
    heads = [part for head in model._heads for part in (head.loss_mean, *head.all_metrics())]
    return [model._loss_mean, *heads, *model._metrics_within]


def _numbers_in(objects):
    return [value.numpy() if isinstance(value, Variable) else value for _, _, value in _places(objects)]


def _places(part, visited=None):
    """(owner, attribute or index, value) for every number, array and variable within metrics and running sums."""
    visited = set() if visited is None else visited
    if isinstance(part, (Metric, RunningSum)):
        if id(part) in visited:
            return
        visited.add(id(part))
        if isinstance(part, RunningSum):
            part.total()  # waits for numbers that are still on their way
        entries = vars(part)
    elif isinstance(part, dict):
        entries = part
    elif isinstance(part, list):
        entries = dict(enumerate(part))
    else:
        return
    for name, value in list(entries.items()):
        if isinstance(value, (bool, int, float, np.number, np.ndarray, Variable)):
            yield part, name, value
        else:
            yield from _places(value, visited)


def _set(owner, name, value):
    if isinstance(owner, (list, dict)):
        owner[name] = value
    else:
        setattr(owner, name, value)


def _plain(state):
    """A state of a random generator, with lists in place of tuples."""
    return [_plain(part) if isinstance(part, tuple) else part for part in state]


# In files


def write(group, state) -> None:
    """Write a description into a group of an HDF5 file: text, and beside it the arrays."""
    arrays: list[np.ndarray] = []

    def replaced(value):
        if isinstance(value, np.ndarray):
            arrays.append(value)
            return {"array": len(arrays) - 1}
        if isinstance(value, np.generic):
            return value.item()
        raise TypeError(f"A callback's state holds numbers, texts, arrays, lists and dictionaries; received {value!r}.")

    text = json.dumps(state, default=replaced)
    group["text"] = np.frombuffer(text.encode(), np.uint8)
    for i, array in enumerate(arrays):
        group[f"arrays/{i}"] = array


def read(group) -> dict:
    """The description in a group. Any error says that the file is broken."""

    def array_in(entry):
        return group[f"arrays/{entry['array']}"][()] if entry.keys() == {"array"} else entry

    return json.loads(bytes(group["text"][()]), object_hook=array_in)
