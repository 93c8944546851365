"""The outputs of a model for a small batch: the forward pass is recorded and replayed, as training steps are.

For one image the kernels of a small network take 50 us, and the Python code that decides which kernels to call takes
twice as long. So `predict` and calls of a model run the code of `forward` only a few times for each shape of the
inputs. Then they replay a list of kernels (`runtime/replay`). A recording is valid until an attribute of a layer
changes, or the array in which a weight is stored. What is computed from weights alone is kept until something writes
into a weight. A large batch spends its time in the kernels, and is not recorded.
"""

from __future__ import annotations

import threading

import numpy as np

from ..kernels.cpu import workspace
from ..layers.penalty import collected_losses
from ..runtime import replay, transfer
from ..runtime.replay import changes
from .recorded_step import is_users_code, what_layers_depend_on

_MOST_NUMBERS = 1 << 16  # in all inputs together; a larger batch is not recorded
_MOST_SHAPES = 8


class Weights:
    """Notices when the weights of a model change."""

    def __init__(self, model):
        self.model, self.seen = model, None

    def unchanged(self) -> bool:
        """Whether nothing has written into a weight since the last call. Always False if other code holds a weight's
        array, because it may write at any time."""
        now = changes.of_weights.last
        if now is self.seen:
            return True
        self.seen = None if any(v.is_given_away for v in self.model.weights) else now
        return False


class Prediction:
    """The forward pass of one model in inference, with a recording for each of a few shapes."""

    def __init__(self, model):
        self.model, self.lock, self.recorded = model, threading.Lock(), {}
        self.losses: list[float] = []  # that layers added in the last call

    def __reduce__(self):
        return Prediction, (self.model,)  # copies and pickles hold no recordings

    def outputs(self, xs, training=None) -> list[np.ndarray] | None:
        """New arrays with the outputs for the arrays xs, of the model's type.

        None if there is no recording for them: a large batch, a user's own code, or another thread uses the recordings.
        """
        if not self.lock.acquire(blocking=False):
            return None
        try:
            forward = self.recorded.get((training, *(x.shape for x in xs))) or self._made(xs, training)
            if forward is None:
                return None
            self.losses = []
            with workspace.step():
                outputs = [np.array(y if type(y) is np.ndarray else transfer.to_host(y)) for y in forward(*xs)]
            return outputs
        finally:
            self.lock.release()

    def _made(self, xs, training):
        """A new entry of `recorded` for inputs of these shapes, or None."""
        model = self.model
        if sum(x.size for x in xs) > _MOST_NUMBERS or model.run_eagerly or is_users_code(model):
            return None
        model.build_for([x.shape for x in xs] if model.takes_several else xs[0].shape)
        if len(self.recorded) == _MOST_SHAPES:
            del self.recorded[next(iter(self.recorded))]  # the oldest
        forward = replay.make(self._forward(training), lambda: what_layers_depend_on(model), Weights(model).unchanged)
        self.recorded[training, *(x.shape for x in xs)] = forward
        return forward

    def _forward(self, training):
        def forward(*xs):
            self.model.to_device()
            xs = [transfer.to_device(x) for x in xs]
            with collected_losses() as losses:
                y, _ = self.model.forward(xs if self.model.takes_several else xs[0], training, need_saved=False)
            if losses:
                replay.refuse()  # a replay would not compute them
                self.losses = [float(loss) for loss in losses]
            return y if self.model.gives_several else [y]

        return forward
