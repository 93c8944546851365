"""The outputs of a model in inference: the forward pass is recorded and replayed, as training steps are.

For one image the kernels of a small network take 50 us, and the Python code that decides which kernels to call takes
twice as long. So `predict` and calls of a model run the code of `forward` only a few times for each shape of the
inputs. Then they replay a list of kernels (`runtime/replay`). A recording is valid until an attribute of a layer
changes, or the array in which a weight is stored. What is computed from weights alone is kept until something writes
into a weight.

All recordings of a model use the same memory, apart from what is computed from weights. A large batch is computed in
parts, so that this memory stays small and is found in the cache (`_images_at_once`).
"""

from __future__ import annotations

import math
import threading
from collections.abc import Callable

import numpy as np

from ..dispatch import backend
from ..kernels.cpu import workspace
from ..layers.penalty import collected_losses
from ..runtime import replay, transfer
from ..runtime.replay import changes
from .recorded_step import computes_images_alone, is_users_code, what_layers_depend_on

_MOST_NUMBERS = 1 << 23  # in the largest array of a part, if the model has fewer weights: 32 MB in float32
_FEW_NUMBERS = 1 << 21
_PER_WEIGHT = 4
_FEW_IMAGES = 4
_MOST_SHAPES = 8  # that have a recording
_MOST_WEIGHTS = 1 << 26  # in all recordings together: each keeps what it computes from the weights


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
        self.model, self.lock = model, threading.Lock()
        self.recorded: dict[tuple, Callable] = {}  # {see `_key`: the forward pass}
        self.idle: dict = {}  # the memory that all recordings use
        self.losses: list[float] = []  # that layers added in the last call
        self.settings, self.alone = None, {}  # see `_images_are_alone`

    def __reduce__(self):
        return Prediction, (self.model,)  # copies and pickles hold no recordings

    def outputs(self, xs, training=None) -> list[np.ndarray] | None:
        """New arrays with the outputs for the arrays xs, of the model's type. None where `run` returns False."""
        parts: list[list] = []
        if not self.run(xs, training, lambda start, ys: parts.append([np.array(y) for y in ys])):
            return None
        return parts[0] if len(parts) == 1 else [np.concatenate(made) for made in zip(*parts, strict=True)]

    def run(self, xs, training, receive) -> bool:
        """Compute the outputs for the arrays xs, of the model's type. For each part of them, call receive(the number of
        the part's first image, its outputs), a list of arrays that `receive` must copy.

        Returns False, and calls nothing, if the model runs a user's own code or another thread uses the recordings.
        """
        if not self.lock.acquire(blocking=False):
            return False
        try:
            forward = self.recorded.get(self._key(xs, training))
            if not forward:
                return self._in_parts(xs, training, receive)
            self._of_part(forward, xs, 0, receive)
            return True
        finally:
            self.lock.release()

    def _of_part(self, forward, xs, start, receive):
        self.losses = []
        with workspace.step():
            receive(start, [y if type(y) is np.ndarray else transfer.to_host(y) for y in forward(*xs)])

    def _in_parts(self, xs, training, receive):
        """`run` for inputs of which there is no recording as a whole."""
        model, shapes, N = self.model, [x.shape for x in xs], len(xs[0])
        if model.run_eagerly or is_users_code(model):
            return False
        shape = shapes if model.takes_several else shapes[0]
        model.build_for(shape)
        most, size = self._images_at_once(max(model.largest_output(shape), *map(_numbers_of_one, shapes))), N
        one_batch = all(len(x) == N for x in xs)  # no input has one image for all
        if most < N and one_batch and backend() != "cuda" and self._images_are_alone(training, shapes):
            size = size_of_part(N, most)
        for start in range(0, N, size) if N else [0]:
            part = xs if size >= N else [x[start : start + size] for x in xs]
            forward = self._recorded(part, training) if most else self._forward(training)
            self._of_part(forward, part, start, receive)
        return True

    def _images_are_alone(self, training, shapes):
        """Whether the images of a batch may be computed in parts; asked again when an attribute has changed."""
        key = training, *(shape[1:] for shape in shapes)
        if self.settings is not changes.of_settings.last:
            self.settings, self.alone = changes.of_settings.last, {}
        if key not in self.alone:
            self.alone[key] = computes_images_alone(self.model, training, [(2, *shape[1:]) for shape in shapes])
        return self.alone[key]

    def _key(self, xs, training):
        """What a recording is made for. It uses memory of its thread, see `Recorded`."""
        return threading.get_ident(), backend(), training, *[x.shape for x in xs]

    def _images_at_once(self, numbers):
        """The most images in a part, if the largest array has so many numbers for one image. 0 if one is too large.

        A small part stays in the cache. But every part reads all weights again, and a few images are not enough work
        for all threads. For the networks of `benchmarks/`, the best parts have 16 to 256 images. The largest array may
        be as large as all weights together: VGG16 reads half a gigabyte of them for each part.
        """
        weights = self._count_weights()
        enough = (_FEW_NUMBERS + _PER_WEIGHT * weights) // numbers
        return min(max(enough, _FEW_IMAGES), max(_MOST_NUMBERS, weights) // numbers)

    def _count_weights(self):
        return sum(math.prod(v.shape) for v in self.model.weights)

    def _recorded(self, xs, training):
        """The entry of `recorded` for inputs of these shapes."""
        key = self._key(xs, training)
        if key not in self.recorded:
            model = self.model
            if len(self.recorded) >= max(2, min(_MOST_SHAPES, _MOST_WEIGHTS // max(self._count_weights(), 1))):
                del self.recorded[next(iter(self.recorded))]  # the oldest
            self.recorded[key] = replay.make_prediction(
                self._forward(training), lambda: what_layers_depend_on(model), Weights(model).unchanged, self.idle
            )
        return self.recorded[key]

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


def size_of_part(N, most):
    """The images in a part, at most `most` and at least one: a divisor of N, so that all parts have the same shape, or
    the size that makes the parts most alike."""
    most = max(most, 1)
    divisors = (size for size in range(most, most // 2, -1) if N % size == 0)
    return next(divisors, -(-N // -(-N // most)))


def _numbers_of_one(shape):
    return max(math.prod(shape[1:]), 1)
