"""Stop training when the watched number no longer improves."""

from __future__ import annotations

from ..printing import say
from .monitor import MonitorCallback, checked_patience


class EarlyStopping(MonitorCallback):
    """Stop training after `patience` epochs in which `monitor` did not improve by more than min_delta.

    mode is "min", "max" or "auto" (the metric decides). With a baseline, the count of epochs starts again only when
    `monitor` is also better than the baseline. Epochs before `start_from_epoch` are ignored. With restore_best_weights
    the model ends with the weights of its best epoch, also when training runs to its end.
    """

    _kept = "wait", "stopped_epoch", "best_epoch", "best", "best_weights"

    def __init__(
        self,
        monitor="val_loss",
        min_delta=0,
        patience=0,
        verbose=0,
        mode="auto",
        baseline=None,
        restore_best_weights=False,
        start_from_epoch=0,
    ):
        super().__init__(monitor, mode, min_delta)
        self.patience, self.verbose, self.baseline = checked_patience(patience), verbose, baseline
        self.restore_best_weights, self.start_from_epoch = restore_best_weights, start_from_epoch
        self._begin()

    def on_train_begin(self, logs=None):
        self._begin()

    def _begin(self):
        self.wait, self.stopped_epoch, self.best_epoch = 0, 0, 0
        self.best, self.best_weights = None, None

    def on_epoch_end(self, epoch, logs=None):
        value = self.monitored(logs)
        if value is None or epoch < self.start_from_epoch:
            return
        if self.restore_best_weights and self.best_weights is None:
            self.best_weights, self.best_epoch = self.model.get_weights(), epoch
        self.wait += 1
        if self.better(value, self.best):
            self.best, self.best_epoch = value, epoch
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            if self.better(value, self.baseline):
                self.wait = 0
            return
        if self.wait >= self.patience and epoch > 0:
            self.stopped_epoch = epoch
            self.model.stop_training = True

    def on_train_end(self, logs=None):
        if self.stopped_epoch and self.verbose:
            say(f"Epoch {self.stopped_epoch + 1}: early stopping")
        if self.restore_best_weights and self.best_weights is not None:
            if self.verbose:
                say(f"Restoring model weights from the end of the best epoch: {self.best_epoch + 1}.")
            self.model.set_weights(self.best_weights)
