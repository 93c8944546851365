"""Save the model while it trains."""

from __future__ import annotations

import os

from ..printing import say
from ..shapes import is_positive_integer
from .monitor import MonitorCallback


class ModelCheckpoint(MonitorCallback):
    """Save after every epoch, or after every `save_freq` batches. The ending of `filepath` decides the format.

    filepath may hold {epoch}, {batch} and the keys of the logs: "{epoch:02d}-{val_loss:.2f}.keras". save_best_only
    saves only when `monitor` is better than its best value so far, which starts at initial_value_threshold. With
    save_weights_only the file's name ends in .weights.h5, otherwise in .keras or .h5.
    """

    _kept = "best", "_batches"

    def __init__(
        self,
        filepath,
        monitor="val_loss",
        verbose=0,
        save_best_only=False,
        save_weights_only=False,
        mode="auto",
        save_freq="epoch",
        initial_value_threshold=None,
    ):
        super().__init__(monitor, mode)
        self.filepath, self.verbose, self.save_freq = os.fspath(filepath), verbose, save_freq
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.best = initial_value_threshold
        endings = (".weights.h5",) if save_weights_only else (".keras", ".h5")
        if not self.filepath.endswith(endings):
            raise ValueError(
                f"The file's name must end in {' or '.join(endings)} with save_weights_only={save_weights_only}; "
                f"received filepath={self.filepath!r}."
            )
        if save_freq != "epoch" and not is_positive_integer(save_freq):
            raise ValueError(f'save_freq must be "epoch" or a number of batches; received save_freq={save_freq!r}.')

    def on_train_begin(self, logs=None):
        self._batches = 0

    def on_epoch_begin(self, epoch, logs=None):
        self._epoch = epoch

    def on_train_batch_end(self, batch, logs=None):
        self._batches += 1
        if self.save_freq != "epoch" and self._batches % self.save_freq == 0:
            self._save(self._epoch, {"batch": batch + 1, **(logs or {})})

    def on_epoch_end(self, epoch, logs=None):
        if self.save_freq == "epoch":
            self._save(epoch, logs or {})

    def _save(self, epoch, logs):
        value = self.monitored(logs) if self.save_best_only else None
        if self.save_best_only and value is None:
            if self.save_freq != "epoch":
                raise ValueError(
                    f"{self.monitor!r} is known at an epoch's end, not after a batch: watch another number."
                )
            return
        file = self._file(epoch, logs)
        if self.save_best_only and not self._is_best(epoch, value, file):
            return
        if self.verbose and not self.save_best_only:
            say(f"\nEpoch {epoch + 1}: saving model to {file}")
        if os.path.dirname(file):
            os.makedirs(os.path.dirname(file), exist_ok=True)
        (self.model.save_weights if self.save_weights_only else self.model.save)(file, overwrite=True)
        if self.verbose:
            say(f"\nEpoch {epoch + 1}: finished saving model to {file}")

    def _file(self, epoch, logs):
        try:
            return self.filepath.format(epoch=epoch + 1, **logs)
        except KeyError as error:
            raise KeyError(
                f"filepath={self.filepath!r} uses {error}; it may use epoch, {', '.join(sorted(logs))}."
            ) from error

    def _is_best(self, epoch, value, file):
        is_best, before = self.better(value, self.best), "None" if self.best is None else f"{self.best:.5f}"
        if self.verbose:
            improved = f"improved from {before} to {value:.5f}, saving model to {file}"
            say(f"\nEpoch {epoch + 1}: {self.monitor} {improved if is_best else f'did not improve from {before}'}")
        if is_best:
            self.best = value
        return is_best
