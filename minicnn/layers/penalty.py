"""Losses that layers add, and the penalty on a layer's output (`activity_regularizer`).

A pass over a model collects these losses: within `with collected_losses() as losses`, `add_loss` adds to the list
`losses`.
"""

from __future__ import annotations

import threading

from ..runtime import transfer


class _Collecting(threading.local):
    def __init__(self):
        self.lists: list[list] = []


_collecting = _Collecting()


class collected_losses:
    """Within this block, the losses that layers add are collected in the list that the block gets."""

    def __enter__(self) -> list:
        self.losses: list = []
        _collecting.lists.append(self.losses)
        return self.losses

    def __exit__(self, *exception):
        _collecting.lists.pop()


def add_loss(loss) -> None:
    """Add a loss to the running pass, if a pass is collecting losses. loss: a float, or what `runtime.weighted_sum`
    gives."""
    if _collecting.lists:
        _collecting.lists[-1].append(loss)


class PenalizedActivity:
    """Takes the place of a layer with an activity_regularizer while a model runs. Has a layer's forward and backward.

    Forward adds the penalty of the output y to the losses, divided by the number of samples.
    """

    def __init__(self, layer):
        self.layer = layer

    def has_trainable_weights(self) -> bool:
        return self.layer.has_trainable_weights()

    def forward(self, x, training=False, need_saved=True):
        y, saved = self.layer.forward(x, training, need_saved)
        ys = y if self.layer.gives_several else [y]
        for part in ys:
            add_loss(self.layer.activity_regularizer.penalty(part, len(part)))
        return y, (ys, saved)

    def backward(self, dy, saved, need_dx=True):
        ys, saved = saved
        dys = [
            self.layer.activity_regularizer.add_gradient(
                transfer.full_like(part, 0) if upstream is None else upstream, part, len(part)
            )
            for upstream, part in zip(dy if self.layer.gives_several else [dy], ys, strict=True)
        ]
        return self.layer.backward(dys if self.layer.gives_several else dys[0], saved, need_dx)


def makes_gradients(part) -> bool:
    """Whether a layer, or its PenalizedActivity, has a gradient to pass on even if none reaches its output."""
    if isinstance(part, PenalizedActivity):
        return True
    layers = part.flattened() if hasattr(part, "flattened") else []
    return any(layer.adds_loss or (layer is not part and layer.activity_regularizer is not None) for layer in layers)


def with_activity_penalty(layer):
    """The layer, or its PenalizedActivity if it has an activity_regularizer."""
    return layer if layer.activity_regularizer is None else PenalizedActivity(layer)
