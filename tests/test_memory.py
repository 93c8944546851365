"""The memory of training and inference: what is copied, what is allocated, and what is reused."""

from __future__ import annotations

import gc
import tracemalloc
import weakref

import numpy as np
import pytest
from helpers import normal
from small_classifier import X, Y, classifier

import minicnn
from minicnn import layers, metrics, optimizers
from minicnn.kernels.cpu import workspace


def test_inference_leaves_the_data_alone():
    """Batches of the model's type are not copied, and stay unchanged. Predictions never share memory with the input."""
    model, x = classifier(), X.astype(np.float32)
    before = x.copy()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.predict(x, batch_size=8, verbose=0)
    model.evaluate(x, Y, batch_size=8, verbose=0)
    same = minicnn.Sequential([layers.Input(x.shape[1:]), layers.Activation("linear")]).predict(x, verbose=0)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(same, x)
    assert not np.shares_memory(same, x)


def test_the_data_set_is_never_copied_whole():
    """Each batch is cast when it is used. No array of the size of the data set is allocated."""
    import tracemalloc

    big = np.zeros((40_000, 28, 28, 1), np.uint8)  # 31 MB; as float32 it would be 125 MB
    model = minicnn.Sequential([
        layers.Input((28, 28, 1)), layers.MaxPooling2D(7), layers.Flatten(), layers.Dense(2, activation="softmax"),
    ])  # fmt: skip
    model.compile("sgd", "sparse_categorical_crossentropy")
    targets = np.zeros(len(big), np.int64)
    model.fit(big[:64], targets[:64], verbose=0)
    tracemalloc.start()
    model.fit(big, targets, batch_size=512, verbose=0, validation_split=0.5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_poisoned_buffers_change_nothing():
    """Released buffers are filled with NaN, so a read after the release would change the results."""

    def run():
        minicnn.utils.set_random_seed(7)
        x = layers.Input((6, 5, 2))
        twice = layers.Conv2D(3, 3, padding="same", activation="relu", kernel_regularizer="l2")
        a = twice(layers.Conv2D(3, 1)(x))
        b = layers.BatchNormalization()(twice(a))
        c = layers.SpatialDropout2D(0.3)(layers.Multiply()([a, b]))
        joined = layers.Concatenate()([layers.Add()([a, b]), c, layers.DepthwiseConv2D(3, padding="same")(b)])
        y = layers.Dense(3, activation="softmax")(
            layers.Dropout(0.2)(layers.Flatten()(layers.AveragePooling2D()(joined)))
        )
        model = minicnn.Model(x, y)
        model.compile(optimizers.Adam(clipnorm=1.0), "sparse_categorical_crossentropy", metrics=["acc", "ce"])
        data = normal(21, 6, 5, 2)
        history = model.fit(data, Y, epochs=3, batch_size=4, verbose=0, validation_split=0.3, class_weight={0: 2.0})
        return history.history, model.predict(data, verbose=0), model.train_on_batch(data, Y)

    clean = run()
    workspace.poison_released_buffers = True
    poisoned = run()
    assert clean[0] == poisoned[0]
    np.testing.assert_array_equal(clean[1], poisoned[1])
    assert clean[2] == poisoned[2]
    assert np.isfinite(clean[1]).all()


def test_a_metric_that_keeps_its_predictions_has_them_to_keep():
    kept = []

    class Keeper(metrics.Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            kept.append(y_pred)

    workspace.poison_released_buffers = True
    model = classifier()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[Keeper(name="keeper")])
    model.fit(X, Y, batch_size=8, verbose=0)
    assert len(kept) == 3
    assert all(np.isfinite(p).all() for p in kept)


def test_fit_allocates_no_large_array_after_the_first_steps():
    """New memory costs as much time as arithmetic, so after the first steps a step allocates less than 100 kB."""
    x, y = normal(96, 28, 28, 8, dtype=np.float32), np.random.default_rng(0).integers(0, 3, 96)
    model = minicnn.Sequential([
        layers.Input((28, 28, 8)),
        layers.BatchNormalization(),
        layers.Conv2D(16, 3, activation="relu"),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
        layers.AveragePooling2D(),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(32, activation="relu"),
        layers.Dense(3),
    ])  # fmt: skip
    model.compile("adam", minicnn.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    peaks = []

    class Watch(minicnn.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            tracemalloc.reset_peak()
            self.before = tracemalloc.get_traced_memory()[0]

        def on_train_batch_end(self, batch, logs=None):
            peaks.append(tracemalloc.get_traced_memory()[1] - self.before)

    tracemalloc.start()
    try:
        model.fit(x, y, batch_size=16, epochs=3, verbose=0, callbacks=[Watch()])
    finally:
        tracemalloc.stop()
    assert len(peaks) == 18
    assert max(peaks[6:]) < 100_000, peaks  # the input batch alone takes 400 kB


def test_the_memory_of_a_recording_is_free_when_fit_returns(monkeypatch):
    """Without the garbage collector, which may run much later."""
    kept, make = [], workspace.keep

    def keep(function, most):
        result, buffers = make(function, most)
        kept.extend(weakref.ref(buffer.base) for _, buffer, _ in buffers)
        return result, buffers

    monkeypatch.setattr(workspace, "keep", keep)
    model = classifier()
    model.compile("sgd", "sparse_categorical_crossentropy")
    gc.disable()
    try:
        model.fit(X, Y, batch_size=4, verbose=0)
        assert kept and not any(buffer() is not None for buffer in kept)
    finally:
        gc.enable()


def images_on_images(branched):
    """A model of six convolutions, in a row or with two shortcuts. Each output takes 8 MB for 16 images."""
    x = y = layers.Input((64, 64, 32))
    for i in range(6):
        z = layers.Conv2D(32, 3, padding="same", activation="relu", name=f"conv{i}")(y)
        y = layers.Add()([y, z]) if branched and i in (2, 4) else z
    y = layers.Dense(3)(layers.Flatten()(layers.MaxPooling2D(8)(y)))
    model = minicnn.Model(x, y)
    return model if branched else minicnn.Sequential([layers.Input((64, 64, 32)), *model.layers[1:]])


@pytest.mark.parametrize("branched", [False, True])
def test_inference_needs_the_memory_of_its_largest_layers_not_of_all(branched):
    """Of the six outputs of 8 MB each, two are in memory at the same time, or three where there is a shortcut."""
    model, x = images_on_images(branched), normal(32, 64, 64, 32, dtype=np.float32)
    model.compile("sgd", "mse")
    targets = np.zeros((32, 3), np.float32)
    for run in (lambda: model.predict(x, 16, verbose=0), lambda: model.evaluate(x, targets, 16, verbose=0)):
        workspace.clear()
        run()  # compiles
        workspace.clear()
        tracemalloc.start()
        try:
            run()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        image = 16 * 64 * 64 * 32 * 4
        assert peak < (4.95 if branched else 3.95) * image, peak / image  # also the batch, and scratch of almost 8 MB


@pytest.mark.parametrize("branched", [False, True])
def test_buffers_that_serve_twice_in_a_step_change_no_prediction(branched):
    model, x = images_on_images(branched), normal(32, 64, 64, 32, dtype=np.float32)
    expected, _ = model.forward(x, need_saved=True)
    workspace.poison_released_buffers = True
    for _ in range(2):
        np.testing.assert_array_equal(model.predict(x, 32, verbose=0), expected)
