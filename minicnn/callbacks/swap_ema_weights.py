"""Evaluation with the moving averages of the weights, which an optimizer with use_ema keeps."""

from __future__ import annotations

from .base import Callback


class SwapEMAWeights(Callback):
    """While the model is evaluated or predicts, its weights are their moving averages. swap_on_epoch: also at the end
    of an epoch, so that a callback after this one saves the averages; training goes on with the weights themselves."""

    _kept = ("_averages_in_model",)

    def __init__(self, swap_on_epoch=False):
        super().__init__()
        self.swap_on_epoch, self._averages_in_model = swap_on_epoch, False

    def _put(self, averages: bool):
        """Have the averages in the model, or the weights."""
        optimizer = self.model.optimizer
        if optimizer is None or not optimizer.use_ema:
            raise ValueError("SwapEMAWeights needs an optimizer with use_ema=True.")
        if averages != self._averages_in_model:
            optimizer.exchange_with_averages(self.model.trainable_weights)
            self._averages_in_model = averages

    def on_epoch_begin(self, epoch, logs=None):
        if self.swap_on_epoch:
            self._put(averages=False)

    def on_epoch_end(self, epoch, logs=None):
        if self.swap_on_epoch:
            self._put(averages=True)
            if epoch + 1 == self.params["epochs"] or self.model.stop_training:  # `fit` will ask for the averages
                self.model.optimizer.take_as_averages(self.model.trainable_weights)

    def on_train_end(self, logs=None):
        self._averages_in_model = False

    def on_test_begin(self, logs=None):
        self._put(averages=True)

    def on_test_end(self, logs=None):
        self._put(averages=False)

    def on_predict_begin(self, logs=None):
        self._put(averages=True)

    def on_predict_end(self, logs=None):
        self._put(averages=False)
