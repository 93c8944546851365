"""minicnn and Keras, by the same calls. Started by `contestants.py`."""

from __future__ import annotations

import time
from importlib import import_module

import numpy as np
from contestants import CHECKED_STEPS, RATE, THREADS, Contestant
from models import keras_model, with_weights


class KerasLike(Contestant):
    def __init__(self, library, name):
        super().__init__(library, name)
        if library.startswith("keras"):
            import tensorflow as tf

            tf.config.threading.set_intra_op_parallelism_threads(THREADS)
        self.k = import_module(library.split("-")[0])
        self.options = {"jit_compile": library.endswith("jit")} if library.startswith("keras") else {}
        self.k.utils.set_random_seed(0)
        self.model = self._compiled(dropout=True, rate=RATE)
        self.timer = self._timer()
        self.call = None

    def _compiled(self, dropout, rate):
        model = keras_model(self.k, self.name, dropout)
        if self.work.loss == "cross-entropy":
            loss, metrics = self.k.losses.SparseCategoricalCrossentropy(from_logits=True), ["accuracy"]
        else:
            loss, metrics = self.k.losses.MeanSquaredError(), []
        model.compile(self.k.optimizers.Adam(rate), loss, metrics=metrics, **self.options)
        return model

    def _timer(self):
        class Timer(self.k.callbacks.Callback):
            def on_epoch_begin(self, epoch, logs=None):
                self.started = time.perf_counter()

            def on_epoch_end(self, epoch, logs=None):
                self.seconds = time.perf_counter() - self.started

            def on_predict_begin(self, logs=None):
                self.started = time.perf_counter()

            def on_predict_end(self, logs=None):
                self.seconds = time.perf_counter() - self.started

        return Timer()

    def save(self, file):
        np.savez(file, *(array for layer in with_weights(self.model) for array in layer.get_weights()))

    def use(self, weights):
        set_weights(self.model, weights)

    def check(self):
        twin = self._compiled(dropout=False, rate=1e-3)
        set_weights(twin, self.weights)
        x, y = self.first_batch()
        logits = np.asarray(twin.predict(x, verbose=0))
        losses = [float(np.ravel(twin.train_on_batch(x, y))[0]) for _ in range(CHECKED_STEPS)]
        return {"logits": logits.tolist(), "losses": losses}

    def train(self):
        # Train for two epochs and time the second, because the first may have to make its buffers.
        self.model.fit(self.x, self.y, self.work.batch, epochs=2, verbose=0, callbacks=[self.timer])
        return self.timer.seconds / self.work.batches * 1e3

    def predict(self):
        self.model.predict(self.x, 4 * self.work.batch, verbose=0, callbacks=[self.timer])
        return self.milliseconds_per_batch(self.timer.seconds)

    def caller(self):
        if self.way == "minicnn":
            return lambda: self.model(self.x[:1])
        import tensorflow as tf

        image = tf.constant(self.x[:1])
        if self.call is None:  # keras-jit: a function that TensorFlow compiles once
            call = lambda image: self.model(image, training=False)  # noqa: E731
            self.call = tf.function(call, jit_compile=True) if self.way == "keras-jit" else call
        return lambda: self.call(image).numpy()


def set_weights(model, weights) -> None:
    """Give a model weights that are in the order of its network's description."""
    arrays = iter(weights)
    for layer in with_weights(model):
        layer.set_weights([next(arrays) for _ in layer.weights])
