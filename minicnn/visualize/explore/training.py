"""What the page shows of training: the curves, the network of earlier epochs, and the optimizer's next step."""

from __future__ import annotations

import numpy as np

from ...optimizers import SGD, Adam
from .kept import kept_weights, recorded_slots
from .network import Network

_MOST_EPOCHS = 6
_EPOCH_WEIGHTS = 150_000  # numbers in all epochs together: 0.8 MB of the page
_EPOCH_OUTPUTS = 40_000
_MOST_MOMENTS = 100_000  # numbers
_NOT_SHOWN = ("weight_decay", "clipnorm", "clipvalue", "global_clipnorm", "amsgrad")  # of Adam and SGD


def training_of(history, model, xs, numbers) -> dict:
    """{"history": {name: one number for each epoch}, "epochs": what is left of the network of earlier epochs,
    "records": how many epochs were recorded, "now": the epoch whose weights the model has}."""
    if history is None:
        return {}
    logs = getattr(history, "history", history)
    if not isinstance(logs, dict) or not all(isinstance(values, (list, tuple)) for values in logs.values()):
        raise ValueError(f"history must be what fit returned, or an ExploreRecorder; received {history!r}.")
    names = sorted((name for name in logs if name != "learning_rate"), key=lambda name: "loss" not in name)
    curves = {name: [float(value) for value in logs[name]] for name in names}
    records = getattr(history, "records", [])
    epochs, now = _epochs(records, model, xs, numbers), _epoch_of_now(records, model)
    return {"history": curves, "epochs": epochs, "records": len(records), "now": now}


def _epoch_of_now(records, model) -> int | None:
    """The epoch whose weights the model has, for example because early stopping has put them back, or None."""
    now = model.get_weights()
    same = [epoch for epoch, weights in records if all(map(np.array_equal, weights, now))]
    return same[-1] if same else None


def _epochs(records, model, xs, numbers) -> list[dict]:
    """For some epochs, the first and the last among them: the weights of the smallest layers, as many as there is room
    for, and what the other layers computed."""
    count = min(len(records), _MOST_EPOCHS)
    chosen = [records[round(i * (len(records) - 1) / max(count - 1, 1))] for i in range(count)]
    now, epochs = model.get_weights(), []
    if any([w.shape for w in weights] != [w.shape for w in now] for _, weights in chosen):
        raise ValueError(f"history holds weights of another model, or of {model.name!r} before its layers changed.")
    try:
        for epoch, weights in chosen:
            model.set_weights(weights)
            network = Network(model, xs)
            kept = kept_weights(network, _EPOCH_WEIGHTS // count)
            computed = network.compute(xs, recorded_slots(network, kept, _EPOCH_OUTPUTS // count // len(xs[0])))
            epochs.append({
                "epoch": epoch,
                "weights": {i: numbers.add(w) for i, w in enumerate(network.weights) if kept[i]},
                "recorded": {slot: numbers.add(values) for slot, values in computed.items()},
            })  # fmt: skip
    finally:
        model.set_weights(now)
    return epochs


def optimizer_of(model, network, numbers) -> dict:
    """{"optimizer": its name and settings, "moments": {weight: Adam's two moments}}, for Adam and for SGD without
    momentum, if the model has one output; {} for others, whose next step the page does not know."""
    optimizer = model.optimizer if model.compiled else None
    changed = any(getattr(optimizer, name, None) for name in _NOT_SHOWN)
    if type(optimizer) not in (Adam, SGD) or changed or model.gives_several:
        return {}
    described = {"name": type(optimizer).__name__.lower(), "learning_rate": float(optimizer.learning_rate)}
    if isinstance(optimizer, SGD):
        return {} if optimizer.momentum else {"optimizer": described}
    for name in ("beta_1", "beta_2", "epsilon", "iterations"):
        described[name] = float(getattr(optimizer, name))
    moments, total = {}, 0
    order = sorted(range(len(network.weights)), key=lambda i: network.weights[i].size)
    for i in order:
        variable = network.variables[i]
        if variable is None or not optimizer.remembers(variable):
            continue
        total += network.weights[i].size
        if total <= _MOST_MOMENTS:
            moments[i] = {name: numbers.add(array) for name, array in optimizer.memories(variable).items()}
    return {"optimizer": described, "moments": moments}
