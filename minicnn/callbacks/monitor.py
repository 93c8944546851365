"""Base class of callbacks that watch one number and compare it with the best so far."""

from __future__ import annotations

import numpy as np

from ..printing import say
from .base import Callback


class MonitorCallback(Callback):
    """Watches `monitor`, a key of the logs. mode "min" or "max" says what is better; with "auto" the metric decides."""

    _told_for: object = None  # the training for which it was said that the number is missing

    def __init__(self, monitor="val_loss", mode="auto", min_delta=0):
        super().__init__()
        if mode not in ("auto", "min", "max"):
            raise ValueError(f'mode must be "auto", "min" or "max"; received mode={mode!r}.')
        self.monitor, self.mode, self.min_delta = monitor, mode, abs(min_delta)

    def monitored(self, logs):
        """The watched number. None if the logs do not have it: in an epoch without validation (`validation_freq`), or
        because this training never reports it, which a printed line says.

        ValueError if this training never reports it, and nothing says what would be better.
        """
        logs = logs or {}
        epoch_without_validation = self.params.get("do_validation") and not any(n.startswith("val_") for n in logs)
        if self.monitor.startswith("val_") and epoch_without_validation:
            return None
        if self.monitor not in logs:
            said = (
                f"{type(self).__name__} watches {self.monitor!r}, which this training does not report; "
                f"it reports {', '.join(sorted(logs))}."
            )
            if self.mode == "auto" and not self.monitor.endswith("loss"):
                raise ValueError(said)
            if self._told_for is not self.model.history:
                self._told_for = self.model.history
                say(f"minicnn: {said} So it does nothing.")
            return None
        value = logs[self.monitor]
        if np.ndim(value):
            raise ValueError(
                f"{type(self).__name__} watches one number; {self.monitor!r} has {np.size(value)}, one for each output "
                'or threshold. A score becomes one number with average="macro" or "micro".'
            )
        return value

    def better(self, value, reference) -> bool:
        """Whether value is better than reference by more than min_delta."""
        if reference is None:
            return True
        if reference != reference:  # NaN: any number is better
            return value == value
        gain = value - reference if self.larger_is_better() else reference - value
        return gain > self.min_delta

    def larger_is_better(self) -> bool:
        if self.mode != "auto":
            return self.mode == "max"
        name = self.monitor.removeprefix("val_")
        metric = getattr(self.model, "named_metrics", {}).get(name)
        larger = metric.larger_is_better if metric else (False if name.endswith("loss") else None)
        if larger is None:
            raise ValueError(
                f"{type(self).__name__} cannot tell whether a larger or a smaller {self.monitor!r} is better: give "
                'mode="max" or mode="min".'
            )
        return larger


def checked_patience(patience):
    """`patience`; ValueError unless it is a number of epochs."""
    if not (isinstance(patience, (int, float)) and patience >= 0):
        raise ValueError(f"patience must be a number of epochs, zero or more; received patience={patience!r}.")
    return patience
