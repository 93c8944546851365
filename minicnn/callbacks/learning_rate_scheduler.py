"""A learning rate for every epoch, from your own function."""

from __future__ import annotations

import inspect

from ..printing import say
from ..shapes import is_number
from .base import Callback


class LearningRateScheduler(Callback):
    """schedule(epoch, rate) or schedule(epoch) gives each epoch's learning rate. The logs get it as "learning_rate"."""

    def __init__(self, schedule, verbose=0):
        super().__init__()
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch, logs=None):
        optimizer = self.model.optimizer
        rate = self.schedule(epoch, optimizer.learning_rate) if self._takes_rate() else self.schedule(epoch)
        if not is_number(rate):
            raise ValueError(f"The schedule must give a number; for epoch {epoch} it gave {rate!r}.")
        optimizer.learning_rate = rate
        if self.verbose:
            say(f"\nEpoch {epoch + 1}: LearningRateScheduler setting learning rate to {rate}.")

    def _takes_rate(self):
        try:
            inspect.signature(self.schedule).bind(0, 0.0)
        except TypeError:
            return False
        return True

    def on_epoch_end(self, epoch, logs=None):
        if logs is not None:
            logs["learning_rate"] = float(self.model.optimizer.learning_rate)
