"""The record that `fit` returns."""

from __future__ import annotations

from .base import Callback


class History(Callback):
    """`history`: a list per loss and metric, one number per epoch; `epoch`: the epochs' numbers."""

    def __init__(self):
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)
