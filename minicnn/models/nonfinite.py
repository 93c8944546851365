"""Where does the NaN come from? The first layer whose output is not finite, found by running a batch again."""

from __future__ import annotations

from collections import Counter

import numpy as np

from ..layers.base import Layer
from ..layers.state import unchanged_state
from ..runtime import transfer


def first_non_finite(model: Layer, inputs: list, targets: list, training: bool) -> str:
    """A sentence that names the first layer whose output is not finite. The model's state does not change."""
    if not all(np.isfinite(transfer.to_host(x)).all() for x in inputs):
        return "the input batch holds NaN or infinity already."
    if not all(np.isfinite(transfer.to_host(t)).all() for t in targets):
        return "the targets hold NaN or infinity already, or the weights of the samples do."
    x = list(inputs) if model.takes_several else inputs[0]
    culprits: list[str] = []
    calls: Counter[str] = Counter()

    def watch(layer, forward):
        def watched(x, *arguments, **options):
            y, saved = forward(x, *arguments, **options)
            calls[layer.name] += 1
            ys = y if layer.gives_several else [y]
            if not culprits and not all(np.isfinite(transfer.to_host(part)).all() for part in ys):
                culprits.append(layer.name)
            return y, saved

        return watched

    inner = [layer for layer in model.flattened() if not layer._inner_layers]
    try:
        for layer in inner:
            layer.forward = watch(layer, layer.forward)
        with unchanged_state(model):
            model.forward(x, training, need_saved=False)
            for layer in inner:  # run again with the dropout masks of the step that failed
                if hasattr(layer, "random_counter"):
                    layer.random_counter -= 2 * calls[layer.name]
            culprits.clear()
            model.forward(x, training, need_saved=False)
    finally:
        for layer in inner:
            del layer.forward
    if culprits:
        return f"the first layer whose output is not finite is {culprits[0]!r}."
    return "every layer's output is finite, so it comes from the loss or a penalty."
