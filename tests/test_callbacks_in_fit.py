"""Callbacks in fit: when fit calls each hook, and what stops training."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from helpers import labels, normal
from small_classifier import X, Y, compiled

import minicnn
from minicnn import callbacks, layers


def test_hooks_are_called_when_keras_calls_them(tf):
    def record(k):
        calls = []

        class Recorder(k.callbacks.Callback):
            pass

        for name in dir(k.callbacks.Callback):
            if name.startswith("on_") and name not in ("on_batch_begin", "on_batch_end"):

                def hook(self, *arguments, logs=None, name=name):
                    logs = arguments[-1] if arguments and isinstance(arguments[-1], dict) else logs
                    numbers = [a for a in arguments if isinstance(a, int)]
                    calls.append((name, *numbers, *sorted(logs or {})))

                setattr(Recorder, name, hook)
        model = k.Sequential([k.layers.Input((4,)), k.layers.Dense(3, activation="softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["acc"])
        x, y = normal(7, 4, dtype=np.float32), labels(7, classes=3)
        model.fit(x, y, epochs=2, batch_size=3, verbose=0, validation_data=(x, y), callbacks=[Recorder()])
        model.evaluate(x, y, batch_size=4, verbose=0, callbacks=[Recorder()])
        model.predict(x, batch_size=4, verbose=0, callbacks=[Recorder()])
        return calls

    assert record(minicnn) == record(tf.keras)


def test_a_callback_set_on_the_instance_is_called():
    seen = []
    callback = callbacks.Callback()
    callback.on_train_batch_end = lambda batch, logs=None: seen.append(batch)
    compiled().fit(X, Y, batch_size=8, verbose=0, callbacks=[callback])
    assert seen == [0, 1, 2]


def test_stop_training_after_a_batch_and_after_an_epoch():
    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                self.model.stop_training = True

    history = compiled().fit(X, Y, batch_size=4, epochs=5, verbose=0, callbacks=[Stop()])
    assert history.epoch == [0]


def test_early_stopping_agrees_with_keras(tf):
    """For given values of val_loss, training ends in Keras's epoch with Keras's weights."""
    values = [5.0, 4.0, 4.5, 3.9, 4.2, 4.1, 4.3, 1.0]

    def run(k, **options):
        class Script(k.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                logs["val_loss"] = values[epoch]
                self.model.set_weights([np.full((2, 1), float(epoch)), np.zeros(1)])

        model = k.Sequential([k.layers.Input((2,)), k.layers.Dense(1)])
        model.compile("sgd", "mse")
        stopping = k.callbacks.EarlyStopping(**options)
        x, y = np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)
        history = model.fit(x, y, epochs=8, verbose=0, validation_data=(x, y), callbacks=[Script(), stopping])
        return len(history.epoch), float(model.get_weights()[0][0, 0]), stopping.stopped_epoch, stopping.best_epoch

    for options in (
        {}, {"patience": 2}, {"patience": 2, "restore_best_weights": True}, {"patience": 1, "min_delta": 0.2},
        {"patience": 9, "restore_best_weights": True}, {"patience": 1, "baseline": 4.2},
        {"patience": 1, "start_from_epoch": 3, "restore_best_weights": True}, {"mode": "max", "patience": 1},
    ):  # fmt: skip
        assert run(minicnn, **options) == run(tf.keras, **options), options


def test_early_stopping_and_nan():
    stopping = callbacks.EarlyStopping(patience=1, restore_best_weights=True)
    model = compiled()
    stopping.set_model(model)
    stopping.set_params({})
    stopping.on_train_begin()
    for epoch, value in enumerate([np.nan, 3.0, 2.0, 2.5, 2.6]):
        stopping.on_epoch_end(epoch, {"val_loss": value})
    assert stopping.best == 2.0


def test_early_stopping_waits_for_epochs_that_are_validated():
    model = compiled()
    stopping = callbacks.EarlyStopping(monitor="val_accuracy", patience=3)
    assert (
        len(model.fit(X, Y, epochs=2, validation_split=0.2, validation_freq=2, verbose=0, callbacks=stopping).epoch)
        == 2
    )
    with pytest.raises(ValueError, match="watches 'val_acc', which this training does not report; it reports"):
        model.fit(X, Y, validation_split=0.2, verbose=0, callbacks=[callbacks.EarlyStopping("val_acc")])


@pytest.mark.parametrize("verbose", [0, 1])
def test_evaluate_and_predict_end_when_a_callback_says_so(verbose):
    class Stop(callbacks.Callback):
        def on_test_batch_end(self, batch, logs=None):
            self.model.stop_evaluating = batch == 1

        def on_predict_batch_end(self, batch, logs=None):
            self.model.stop_predicting = batch == 1

    def endless():
        for i in itertools.count():
            yield np.full((3, 2), i, np.float32), np.full((3, 1), i, np.float32)

    model = minicnn.Sequential([layers.Dense(1, kernel_initializer="ones")])
    model.compile("sgd", "mse")
    for _ in range(2):
        assert model.evaluate(endless(), callbacks=[Stop()], verbose=verbose) == 0.5  # (0 + 1) / 2
        np.testing.assert_array_equal(
            model.predict(endless(), callbacks=[Stop()], verbose=verbose), [[0]] * 3 + [[2]] * 3
        )
    x = np.ones((10, 2), np.float32)
    assert len(model.predict(x, batch_size=3, callbacks=[Stop()], verbose=verbose)) == 6


@pytest.mark.parametrize("steps", [1, 3, 101])
def test_steps_per_execution(tf, steps):
    """Batches of one execution have one call of each hook, with Keras's numbers, and change no other result."""
    found = []
    for k in (minicnn, tf.keras):
        calls = []

        class Records(k.callbacks.Callback):
            pass

        for name in ("train", "test", "predict"):
            for end in ("begin", "end"):
                hook = f"on_{name}_batch_{end}"
                setattr(
                    Records, hook, lambda self, batch, logs=None, h=hook, calls=calls: calls.append((h, int(batch)))
                )
        model = k.Sequential([k.Input((2,)), k.layers.Dense(1, kernel_initializer="ones")])
        model.compile("sgd", "mse", steps_per_execution=steps)
        x, y = np.ones((20, 2), np.float32), np.ones((20, 1), np.float32)
        losses = model.fit(x, y, batch_size=4, epochs=2, verbose=0, callbacks=[Records()]).history["loss"]
        losses.append(model.evaluate(x, y, batch_size=3, verbose=0, callbacks=[Records()]))
        shape = model.predict(x, batch_size=6, verbose=0, callbacks=[Records()]).shape
        found.append((calls, np.float32(losses).tolist(), shape))
    assert found[0][0] == found[1][0] and found[0][2] == found[1][2]
    np.testing.assert_allclose(found[0][1], found[1][1], rtol=1e-5)
