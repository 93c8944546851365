"""Lower the learning rate when the watched number no longer improves."""

from __future__ import annotations

import numpy as np

from ..printing import say
from .monitor import MonitorCallback, checked_patience


class ReduceLROnPlateau(MonitorCallback):
    """Multiply the learning rate by `factor` after `patience` epochs in which `monitor` did not improve by min_delta.

    After that, epochs without improvement count again from the `cooldown`-th epoch on, as in Keras. The rate never
    falls below min_lr. The logs get the epoch's "learning_rate".
    """

    _kept = "best", "wait", "cooldown_counter"

    def __init__(
        self,
        monitor="val_loss",
        factor=0.1,
        patience=10,
        verbose=0,
        mode="auto",
        min_delta=1e-4,
        cooldown=0,
        min_lr=0.0,
    ):
        super().__init__(monitor, mode, min_delta)
        if not 0 < factor < 1:
            raise ValueError(f"factor must be between 0 and 1, to make the rate smaller; received factor={factor!r}.")
        self.factor, self.patience, self.verbose = factor, checked_patience(patience), verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self._begin()

    def on_train_begin(self, logs=None):
        self._begin()

    def _begin(self):
        self.best, self.wait, self.cooldown_counter = None, 0, 0

    def in_cooldown(self) -> bool:
        return self.cooldown_counter > 0

    def on_epoch_end(self, epoch, logs=None):
        optimizer = self.model.optimizer
        if logs is not None:
            logs["learning_rate"] = float(optimizer.learning_rate)
        value = self.monitored(logs)
        if value is None:
            return
        if self.in_cooldown():
            self.cooldown_counter -= 1
            self.wait = 0
        if self.better(value, self.best):
            self.best, self.wait = value, 0
        elif not self.in_cooldown():
            self.wait += 1
            # Compare in float32, the type of the steps: there 0.001 * 0.1 * 0.1 is 1e-5, and not a little more.
            if self.wait >= self.patience and np.float32(optimizer.learning_rate) > np.float32(self.min_lr):
                optimizer.learning_rate = max(optimizer.learning_rate * self.factor, self.min_lr)
                if self.verbose:
                    say(f"\nEpoch {epoch + 1}: ReduceLROnPlateau reducing learning rate to {optimizer.learning_rate}.")
                self.cooldown_counter, self.wait = self.cooldown, 0
