"""Training steps that are recorded as CUDA graphs and replayed give the same numbers as steps on the CPU."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_close, labels, normal

import minicnn
from minicnn import backend, callbacks, layers, optimizers
from minicnn.kernels.gpu import graph, launch
from minicnn.kernels.gpu.recording import recording
from minicnn.ops import merge
from minicnn.runtime import replay, transfer, weighted_sum

X, Y = normal(7, 4, 4, 2), labels(7, classes=3)


@pytest.fixture(autouse=True)
def graphs(monkeypatch):
    """Record the training steps on the backend "cuda"; the fixture is the list of the graphs."""
    monkeypatch.setenv("MINICNN_CUDA_LAUNCH", "graph")
    launch.way_to_launch.cache_clear()
    made, original = [], graph.Graph.__init__

    def noted(self, *arguments):
        made.append(self)
        original(self, *arguments)

    monkeypatch.setattr(graph.Graph, "__init__", noted)
    backend.set_backend("cuda")
    minicnn.config.set_floatx("float64")
    yield made
    monkeypatch.undo()
    launch.way_to_launch.cache_clear()


def small_cnn():
    minicnn.utils.set_random_seed(3)
    return minicnn.Sequential([
        layers.Input((4, 4, 2)),
        layers.Conv2D(3, 3, padding="same", activation="relu", kernel_regularizer="l2"),
        layers.BatchNormalization(),
        layers.MaxPooling2D(2),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(3, activation="softmax"),
    ])  # fmt: skip


def small_dense():
    minicnn.utils.set_random_seed(3)
    return minicnn.Sequential([
        layers.Input((4, 4, 2)), layers.Flatten(), layers.Dense(4, kernel_regularizer="l2"), layers.Dropout(0.3),
        layers.Dense(3, activation="softmax"),
    ])  # fmt: skip


def trained(name, optimizer, epochs=3, make=small_dense, **options):
    backend.set_backend(name)
    model = make()
    model.compile(optimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(X, Y, batch_size=3, epochs=epochs, verbose=0, shuffle=False, **options)
    return {**history.history, "weights": model.get_weights(), "steps": model.optimizer.iterations}, model


OPTIMIZERS = {
    "adam": lambda: optimizers.Adam(0.01),
    "adamw, clipped": lambda: optimizers.AdamW(0.01, weight_decay=0.1, global_clipnorm=1.0),
    "momentum": lambda: optimizers.SGD(0.05, momentum=0.9),
    "rmsprop": lambda: optimizers.RMSprop(0.01),
}


@pytest.mark.parametrize(
    ("optimizer", "make"),
    [(OPTIMIZERS["adam"], small_cnn), *((optimizer, small_dense) for optimizer in OPTIMIZERS.values())],
    ids=["adam, cnn", *OPTIMIZERS],
)
def test_replayed_steps_train_as_on_the_cpu(graphs, optimizer, make):
    """Nine steps, with a changing learning rate, a mask for each step and a smaller last batch in every epoch."""

    class Slower(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            self.model.optimizer.learning_rate *= 0.5

    def run(name):
        return trained(name, optimizer, make=make, validation_data=(X[:5], Y[:5]), callbacks=[Slower()])[0]

    expected, found = run("cpu"), run("cuda")
    assert len(graphs) == 1
    for what in ("loss", "accuracy", "val_loss", "val_accuracy", "steps"):
        assert_close(found[what], expected[what], 1e-9, what)
    for one, other in zip(found["weights"], expected["weights"], strict=True):
        assert_close(one, other, 1e-8)


def test_two_replays_draw_two_masks():
    drop = layers.Dropout(0.5, seed=1)
    drop.build((None, 40))
    steps = replay.make(lambda x: drop.forward(x, training=True)[0], lambda: ([], []))
    ones = transfer.to_device(np.ones((2, 40)))
    drawn = [transfer.to_host(steps(ones)).copy() for _ in range(5)]
    backend.set_backend("cpu")
    alone = layers.Dropout(0.5, seed=1)
    alone.build((None, 40))
    for mask in drawn:
        np.testing.assert_array_equal(mask, alone.forward(np.ones((2, 40)), training=True)[0])
    assert len({mask.tobytes() for mask in drawn}) == 5 and drop.random_counter == 5


def test_a_replay_overwrites_nothing_that_was_made_between_replays():
    def work(x):
        y, _ = merge.forward("add", [x, x], need_saved=False)
        return merge.forward("add", [y, x], need_saved=False)[0], [weighted_sum.forward(y)]

    steps = replay.make(work, lambda: ([], []))
    made, sums = [], []
    for i in range(8):
        x = transfer.to_device(np.full(30, float(i)))
        y, (reading,) = steps(x)
        made.append(merge.forward("add", [y, x], need_saved=False)[0])
        sums.append(reading)
    for i, (array, reading) in enumerate(zip(made, sums, strict=True)):
        np.testing.assert_array_equal(transfer.to_host(array), np.full(30, 4.0 * i))
        assert float(reading) == 60 * i


def test_what_is_trained_may_change_while_training(graphs):
    class Freeze(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.model.layers[1].trainable = False

    found, _ = trained("cuda", lambda: optimizers.SGD(0.1), epochs=4, callbacks=[Freeze()])
    expected, _ = trained("cpu", lambda: optimizers.SGD(0.1), epochs=4, callbacks=[Freeze()])
    assert len(graphs) == 2
    assert_close(found["loss"], expected["loss"], 1e-9)
    assert_close(found["weights"][0], expected["weights"][0], 1e-9)


def test_a_setting_that_changes_is_recorded_again(graphs):
    class Faster(callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                self.model.optimizer.momentum = 0.5

    def run(name):
        return trained(name, lambda: optimizers.SGD(0.1, momentum=0.9), epochs=4, callbacks=[Faster()])[0]["loss"]

    found = run("cuda")
    assert len(graphs) == 2
    assert_close(found, run("cpu"), 1e-9)


def test_a_step_that_looks_at_its_numbers_cannot_be_recorded():
    class Curious(layers.Layer):
        def forward(self, x, training=False, need_saved=True):
            transfer.to_host(x)
            return x, None

        def backward(self, dy, saved, need_dx=True):
            return dy

    model = minicnn.Sequential([layers.Input((4,)), Curious(), layers.Dense(1)])
    model.compile("sgd", "mse")
    with pytest.raises(RuntimeError, match=r"recorded as a CUDA graph, an array was fetched .* MINICNN_CUDA_LAUNCH"):
        model.fit(np.ones((12, 4)), np.ones((12, 1)), batch_size=3, verbose=0)
    assert recording() is None
    assert model.predict(np.ones((2, 4)), verbose=0).shape == (2, 1)


def test_an_unknown_way_to_launch_is_an_error(monkeypatch):
    monkeypatch.setenv("MINICNN_CUDA_LAUNCH", "fast")
    launch.way_to_launch.cache_clear()
    with pytest.raises(ValueError, match="numba, direct, graph; received 'fast'"):
        launch.way_to_launch()
