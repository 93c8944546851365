"""What layers add to the loss: penalties on activities, and `add_loss`."""

from __future__ import annotations

import numpy as np
import pytest
from beside_keras import N, X, Y, assert_same, both_trained
from helpers import assert_close, normal

import minicnn
from minicnn import layers, regularizers, utils


@pytest.mark.parametrize("regularizer", ["l1", "l2", "both"])
def test_penalties_on_activities(tf, regularizer):
    def build(k):
        both = k.regularizers.L1L2(0.01, 0.03)
        first = k.layers.Dense(
            5, activation="relu", activity_regularizer=both if regularizer == "both" else regularizer
        )
        middle = k.layers.ActivityRegularization(l1=0.01, l2=0.02)
        return k.Sequential([first, middle, k.layers.Dense(3, activation="softmax", activity_regularizer="l2")])

    assert_same(both_trained(tf, build, validation_data=(X, Y)))


def test_a_penalty_on_a_pooled_convolution(tf):
    x = normal(N, 6, 6, 2, dtype=np.float32)

    def build(k):
        inputs = k.Input((6, 6, 2))
        h = k.layers.Conv2D(3, 3, activation="relu", activity_regularizer="l2")(inputs)
        h = k.layers.MaxPooling2D(2, activity_regularizer="l1")(h)
        return k.Model(inputs, k.layers.Dense(3, activation="softmax")(k.layers.Flatten()(h)))

    assert_same(both_trained(tf, build, x=x))
    assert utils.gradient_check(build(minicnn), x[:2], verbose=False) < 1e-6


def test_a_penalty_in_a_nested_model_whose_output_has_no_loss(tf):
    x, found = normal(N, 3, dtype=np.float32), []
    for k in (minicnn, tf.keras):
        rows = [k.layers.Dense(4), k.layers.Dense(2, activity_regularizer="l2"), k.layers.Activation("tanh")]
        inner = k.Sequential([k.Input((3,)), *rows])
        inputs = k.Input((3,))
        model = k.Model(inputs, [k.layers.Dense(1)(inputs), inner(inputs)])
        model.set_weights([normal(*w.shape, seed=i, dtype=np.float32) for i, w in enumerate(model.get_weights())])
        model.compile(k.optimizers.SGD(0.1), loss=["mse", None])
        model.fit(x, [x[:, :1], x[:, :2]], epochs=3, shuffle=False, verbose=0)
        found.append(inner.get_weights())
    for mine, wanted in zip(*found, strict=True):
        assert_close(mine, wanted, 1e-5)


def test_losses_of_layers_and_models():
    dense = layers.Dense(3, kernel_regularizer="l2", activity_regularizer=regularizers.L1(0.5))
    model = minicnn.Sequential([layers.Input((7,)), dense])
    kernel = 0.01 * np.square(dense.kernel.numpy()).sum()
    assert_close(model.losses, [kernel], 1e-6)
    y = dense(X)
    assert_close(dense.losses, [kernel, 0.5 * np.abs(y).sum() / N], 1e-5)

    class Adds(layers.Layer):
        def forward(self, x, training=False, need_saved=True):
            self.add_loss(2.5)
            return x, None

        def backward(self, dy, saved, need_dx=True):
            return dy

    model = minicnn.Sequential([layers.Input((7,)), Adds(), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    plain = minicnn.Sequential(model.layers[1:])
    plain.compile("sgd", "sparse_categorical_crossentropy")
    plain.build((None, 7))
    assert_close(model.evaluate(X, Y, verbose=0), plain.evaluate(X, Y, verbose=0) + 2.5, 1e-6)


def test_a_function_as_penalty_keeps_few_graphs():
    dense = minicnn.layers.Dense(2, activity_regularizer=lambda y: 0.1 * minicnn.ops.sum(y))
    model = minicnn.Sequential([minicnn.Input((3,)), dense])
    model.compile("sgd", "mse")
    for rows in range(1, 40):  # one graph for each size of the batch
        model.train_on_batch(np.ones((rows, 3)), np.ones((rows, 2)))
    assert 1 <= len(vars(dense.activity_regularizer)["_graphs"]) <= 16
