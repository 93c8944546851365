"""A whole model on the backend "cuda", on a GPU or the virtual GPU, gives the numbers of the backend "cpu"."""

from __future__ import annotations

import gc
import weakref
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from helpers import assert_close, labels, normal

import minicnn
from minicnn import backend, callbacks, layers, losses, metrics, optimizers
from minicnn.kernels.gpu import arrays

X, Y = normal(12, 6, 6, 2), labels(12, classes=3)


def small_cnn(last="softmax"):
    minicnn.utils.set_random_seed(3)
    return minicnn.Sequential([
        layers.Input((6, 6, 2)),
        layers.Rescaling(0.5),
        layers.Conv2D(4, 3, padding="same", activation="relu", kernel_regularizer="l2"),
        layers.BatchNormalization(),
        layers.MaxPooling2D(2),
        layers.Conv2D(3, 2, activation="tanh"),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(5, activation="relu"),
        layers.Dense(3, activation=last),
    ])  # fmt: skip


def on(name, run):
    """The result of run() on the backend `name`, in float64."""
    backend.set_backend(name)
    minicnn.config.set_floatx("float64")
    return run()


def test_the_first_steps_have_the_losses_of_the_cpu():
    """Twenty steps."""

    def run():
        model = small_cnn()
        model.compile(optimizers.Adam(0.01), "sparse_categorical_crossentropy", metrics=["accuracy"])
        history = model.fit(X, Y, batch_size=6, epochs=10, verbose=0, shuffle=False, validation_data=(X[:4], Y[:4]))
        return {**history.history, "weights": model.get_weights(), "predicted": model.predict(X, verbose=0)}

    expected, found = on("cpu", run), on("cuda", run)
    assert expected.keys() == found.keys()
    for what in ("loss", "accuracy", "val_loss", "val_accuracy", "predicted"):
        assert_close(found[what], expected[what], 1e-9, what)
    for one, other in zip(found["weights"], expected["weights"], strict=True):
        assert_close(one, other, 1e-8)


def test_the_first_steps_in_float32():
    """float32 has other kernels. Rounding makes later losses differ, so only three steps are compared."""

    def run(name):
        backend.set_backend(name)
        model = small_cnn()
        model.compile(optimizers.Adam(0.01), "sparse_categorical_crossentropy")
        return [model.train_on_batch(X.astype(np.float32), Y) for _ in range(3)]

    assert_close(run("cuda"), run("cpu"), 1e-5)


def test_branches_weights_and_clipping():
    def run():
        minicnn.utils.set_random_seed(3)
        x = layers.Input((4, 4, 2))
        a = layers.Conv2D(3, 1)(x)
        b = layers.Multiply()([a, layers.GlobalAveragePooling2D(keepdims=True)(a)])
        y = layers.Dense(2, activation="sigmoid")(layers.Flatten()(layers.Concatenate()([layers.Add()([a, b]), x])))
        model = minicnn.Model(x, y)
        model.compile(optimizers.SGD(0.1, momentum=0.9, global_clipnorm=0.1), "binary_crossentropy", metrics=["mse"])
        targets = np.eye(2)[labels(6, classes=2)]
        history = model.fit(
            X[:6, :4, :4], targets, batch_size=3, epochs=2, verbose=0, sample_weight=np.arange(1.0, 7.0),
            class_weight={0: 1.0, 1: 2.0},
        )  # fmt: skip
        return {**history.history, "evaluated": model.evaluate(X[:6, :4, :4], targets, verbose=0)}

    expected, found = on("cpu", run), on("cuda", run)
    for what, value in expected.items():
        assert_close(found[what], value, 1e-9, what)


def test_a_model_moves_from_one_backend_to_the_other_and_goes_on():
    def run(*names):
        backend.set_backend("cpu")
        minicnn.config.set_floatx("float64")
        model = small_cnn()
        model.compile("adam", "sparse_categorical_crossentropy")
        losses_ = []
        for name in names:
            backend.set_backend(name)
            losses_ += model.fit(X, Y, batch_size=6, verbose=0, shuffle=False).history["loss"]
        return losses_, model(X)

    expected, found = run("cpu", "cpu", "cpu"), run("cpu", "cuda", "cpu")
    assert_close(found[0], expected[0], 1e-9)
    assert_close(found[1], expected[1], 1e-9)


def test_a_users_metrics_and_callbacks_get_arrays_of_the_host():
    seen = []

    class Kept(metrics.Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            seen.append((type(y_true), type(y_pred)))
            super().update_state(y_pred.max(axis=1))

    class Logs(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(logs["loss"])

    backend.set_backend("cuda")
    model = small_cnn()
    model.compile("sgd", losses.SparseCategoricalCrossentropy(), metrics=[Kept(name="kept"), lambda y, p: p[:, 0]])
    model.fit(X, Y, batch_size=6, verbose=0, callbacks=[Logs()])
    assert seen[0] == (np.ndarray, np.ndarray)
    assert all(isinstance(loss, float) for loss in seen[1::2])


def test_a_loss_that_is_not_finite_is_reported(capsys):
    backend.set_backend("cuda")
    model = small_cnn()
    model.compile("sgd", "sparse_categorical_crossentropy")
    broken = X.copy()
    broken[0, 0, 0, 0] = np.nan
    model.fit(broken, Y, batch_size=6, verbose=0)
    assert "the loss is not finite" in capsys.readouterr().out


def test_gradients_have_the_slopes_of_the_function():
    backend.set_backend("cuda")
    model = minicnn.Sequential([
        layers.Input((4, 3, 2)),
        layers.Conv2D(2, 2, activation="elu"),
        layers.BatchNormalization(),
        layers.GlobalMaxPooling2D(),
        layers.Dropout(0.2),
        layers.Dense(2, activation="softmax"),
    ])  # fmt: skip
    x, y = normal(2, 4, 3, 2), labels(2, classes=2)
    loss = "sparse_categorical_crossentropy"
    assert minicnn.utils.gradient_check(model, x, y, loss=loss, max_entries=6, verbose=False) < 1e-6


@pytest.mark.parametrize("name", ["sgd", "rmsprop", "adamw", "adagrad", "adadelta", "adamax"])
def test_optimizers(name):
    def run():
        minicnn.utils.set_random_seed(0)
        model = minicnn.Sequential([layers.Input((4,)), layers.Dense(3, activation="gelu"), layers.Dense(1)])
        model.compile(name, "mse")
        return model.fit(normal(6, 4), normal(6, 1, seed=1), batch_size=3, epochs=2, verbose=0).history["loss"]

    assert_close(on("cuda", run), on("cpu", run), 1e-9)


def test_memory_of_arrays_in_a_cycle_of_garbage_serves_others():
    """numba.cuda frees memory when a weak reference to it is cleared. Garbage collection does so before __del__."""
    backend.set_backend("cuda")
    cycle = [arrays.upload(normal(999))]
    cycle.append(cycle)
    data = weakref.ref(cycle[0].data)
    del cycle
    gc.collect()
    again = arrays.upload(normal(999))
    assert data() is again.data
    np.testing.assert_array_equal(again.to_host(), normal(999))


def test_other_threads_train_and_predict():
    backend.set_backend("cuda")
    model = small_cnn()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.fit(X, Y, batch_size=6, epochs=2, verbose=0)
    expected = model.predict(X, verbose=0)
    with ThreadPoolExecutor(1) as other:
        found = other.submit(model.predict, X, verbose=0).result()
        loss = other.submit(model.fit, X, Y, batch_size=6, verbose=0).result().history["loss"][0]
    np.testing.assert_array_equal(found, expected)
    assert np.isfinite(loss)
