"""Stop training when the loss is not finite."""

from __future__ import annotations

import math

from ..printing import say
from .base import Callback


class TerminateOnNaN(Callback):
    """Stop training after a batch whose loss is NaN or infinite; with raise_error, raise a RuntimeError."""

    def __init__(self, raise_error=False):
        super().__init__()
        self.raise_error = raise_error

    def on_train_batch_end(self, batch, logs=None):
        loss = (logs or {}).get("loss")
        if loss is not None and not math.isfinite(loss):
            if self.raise_error:
                raise RuntimeError(f"Batch {batch}: the loss is {loss}.")
            say(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True
