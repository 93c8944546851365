"""The record that `fit` returns."""

from __future__ import annotations

from ..notebook import curve, table
from .base import Callback

_FEW = 10  # epochs that a notebook shows in numbers


class History(Callback):
    """`history`: a list per loss and metric, one number per epoch; `epoch`: the epochs' numbers."""

    _kept = "history", "epoch"

    def __init__(self):
        super().__init__()
        self.history: dict[str, list[float]] = {}
        self.epoch: list[int] = []

    def on_epoch_end(self, epoch, logs=None):
        self.epoch.append(epoch)
        for name, value in (logs or {}).items():
            self.history.setdefault(name, []).append(value)

    def _repr_html_(self):
        """In a notebook: the last epochs in numbers, and every quantity as a curve over all epochs."""
        names, count = list(self.history), len(self.epoch)
        shown = range(max(0, count - _FEW), count)
        rows = [[self.epoch[i] + 1, *(_value(self.history[name], i, count) for name in names)] for i in shown]
        curves = "".join(f"<td>{curve(self.history[name])}</td>" for name in names)
        numbers = table("History", ["epoch", *names], rows)
        return numbers.replace("</tbody>", f"<tr><td></td>{curves}</tr></tbody>") if count else numbers


def _value(values, i, count):
    """The number of epoch i in words. A quantity that was not measured in every epoch has fewer numbers."""
    return f"{values[i]:.4g}" if len(values) == count else ""
