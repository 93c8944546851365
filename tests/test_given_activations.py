"""Activations given as layers and as functions: they compute, are saved, cloned and copied like names."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from helpers import assert_close, normal

import minicnn
from minicnn import layers, ops

X = normal(6, 8, 8, 2, dtype=np.float32)
Y = np.arange(6) % 3


def with_layers(k):
    """A model whose activations are layers; two of them have weights."""
    L = k.layers
    return k.Sequential([
        k.Input((8, 8, 2)), L.Conv2D(4, 3, activation=L.LeakyReLU(0.1)),
        L.Conv2D(3, 1, activation=L.PReLU(alpha_initializer=k.initializers.Constant(0.2), shared_axes=[1, 2])),
        L.DepthwiseConv2D(2, activation=L.ELU(0.5)), L.Conv2DTranspose(2, 2, activation=L.ReLU(max_value=1.0)),
        L.SeparableConv2D(2, 2, activation=L.LeakyReLU()), L.Flatten(),
        L.Dense(4, activation=L.PReLU(alpha_initializer=k.initializers.Constant(0.3))),
        L.Activation(L.LeakyReLU(0.4)), L.Dense(3, activation=L.Softmax()),
    ])  # fmt: skip


def doubled(x):
    return 2.0 * ops.tanh(x)


def test_layers_train_as_in_keras_and_go_both_ways(tf, tmp_path):
    mine, theirs = with_layers(minicnn), with_layers(tf.keras)
    theirs(X)  # Keras makes an activation's weights in the first call
    assert [w.shape for w in mine.weights] == [tuple(w.shape) for w in theirs.weights]
    mine.set_weights(theirs.get_weights())
    losses = []
    for model, k in ((mine, minicnn), (theirs, tf.keras)):
        model.compile(k.optimizers.SGD(0.05), "sparse_categorical_crossentropy")
        losses.append(model.fit(X, Y, epochs=7, shuffle=False, verbose=0).history["loss"])
    assert_close(np.array(losses[0]), losses[1], 2e-5)
    for ending in (".keras", ".h5"):
        for writer, reader in ((mine, tf.keras), (theirs, minicnn), (mine, minicnn)):
            writer.save(tmp_path / f"model{ending}")
            again = reader.models.load_model(tmp_path / f"model{ending}", compile=False)
            assert_close(again.predict(X, verbose=0), writer.predict(X, verbose=0), 1e-5)
    mine.save_weights(tmp_path / "mine.weights.h5")
    theirs.load_weights(tmp_path / "mine.weights.h5")
    for again in (minicnn.models.clone_model(mine), pickle.loads(pickle.dumps(mine)), copy.deepcopy(mine)):
        again.set_weights(mine.get_weights())
        np.testing.assert_array_equal(again.predict(X, verbose=0), mine.predict(X, verbose=0))


@pytest.mark.parametrize("function", [doubled, lambda x: 2.0 * ops.tanh(x)], ids=["named", "lambda"])
def test_functions(tmp_path, function):
    model = minicnn.Sequential([minicnn.Input((3,)), layers.Dense(4, activation=function), layers.Activation(function)])
    x = normal(5, 3, dtype=np.float32)
    y = model.predict(x, verbose=0)
    assert_close(y, 2 * np.tanh(2 * np.tanh(x @ model.weights[0].numpy())), 1e-6)
    for again in (copy.deepcopy(model), minicnn.models.clone_model(model)):
        again.set_weights(model.get_weights())
        np.testing.assert_array_equal(again.predict(x, verbose=0), y)
    if function is doubled:
        np.testing.assert_array_equal(pickle.loads(pickle.dumps(model)).predict(x, verbose=0), y)
        model.save(tmp_path / "model.keras")
        with pytest.raises(ValueError, match="Unknown activation 'doubled'"):
            minicnn.models.load_model(tmp_path / "model.keras")
        again = minicnn.models.load_model(tmp_path / "model.keras", custom_objects={"doubled": doubled})
        np.testing.assert_array_equal(again.predict(x, verbose=0), y)


class Rooted(minicnn.regularizers.Regularizer):
    """A user's regularizer: factor * sum of sqrt(|w| + 0.1)."""

    def __init__(self, factor=0.1):
        self.factor = factor

    def __call__(self, x):
        return self.factor * ops.sum(ops.sqrt(ops.abs(x) + 0.1))


PENALTIES = {  # functions of Keras's or minicnn's ops
    "function": lambda k: lambda w: 0.05 * k.ops.sum(k.ops.square(w)) / float(w.shape[-1]),
    "largest": lambda k: lambda w: 0.1 * k.ops.max(k.ops.abs(w)),
    "rows": lambda k: k.regularizers.OrthogonalRegularizer(0.3),
    "columns": lambda k: k.regularizers.OrthogonalRegularizer(0.3, mode="columns"),
    "by name": lambda k: "orthogonal_regularizer",
}


@pytest.mark.parametrize("name", PENALTIES)
def test_own_penalties_of_weights_and_outputs(tf, name):
    found = []
    for k in (minicnn, tf.keras):
        penalty = PENALTIES[name](k)
        activity = penalty if name in ("function", "largest") else None
        hidden = k.layers.Dense(4, activation="tanh", kernel_regularizer=penalty, activity_regularizer=activity)
        model = k.Sequential([k.Input((5,)), hidden, k.layers.Dense(3, activation="softmax")])
        model.set_weights([normal(*w.shape, seed=i, dtype=np.float32) for i, w in enumerate(model.get_weights())])
        model.compile(k.optimizers.SGD(0.1), "sparse_categorical_crossentropy")
        x, y = normal(20, 5, dtype=np.float32), np.arange(20) % 3
        losses = model.fit(x, y, epochs=7, batch_size=8, shuffle=False, verbose=0).history["loss"]
        found.append([*losses, model.evaluate(x, y, verbose=0)])
    assert_close(np.array(found[0]), found[1], 2e-5)


def test_a_regularizer_class_is_drawn_anew_when_it_changes_and_is_in_files(tmp_path):
    rule, x = Rooted(), normal(8, 3, dtype=np.float32)
    model = minicnn.Sequential([minicnn.Input((3,)), layers.Dense(2, kernel_regularizer=rule)])
    kernel = model.weights[0].numpy()
    wanted = 0.1 * np.sqrt(abs(kernel) + 0.1).sum()
    assert_close(np.array(model.losses), [wanted], 1e-6)
    assert float(rule(kernel)) == pytest.approx(wanted, rel=1e-6)
    model.compile(minicnn.optimizers.SGD(1.0))
    model.fit(x, verbose=0)
    slope = 0.05 * np.sign(kernel) / np.sqrt(abs(kernel) + 0.1)
    assert_close(model.weights[0].numpy(), kernel - slope, 1e-6)
    rule.factor = 0.2
    assert_close(np.array(model.losses), [0.2 * np.sqrt(abs(kernel - slope) + 0.1).sum()], 1e-6)
    model.save(tmp_path / "model.keras")
    again = minicnn.models.load_model(tmp_path / "model.keras", custom_objects={"Rooted": Rooted})
    assert again.layers[0].kernel_regularizer.factor == 0.2
    for given in (rule, lambda w: 0.3 * ops.sum(ops.square(w))):
        model = minicnn.Sequential([minicnn.Input((3,)), layers.Dense(2, kernel_regularizer=given)])
        for other in (copy.deepcopy(model), minicnn.models.clone_model(model)):
            other.set_weights(model.get_weights())
            assert_close(np.array(other.losses), np.array(model.losses), 1e-6)
    with pytest.raises(ValueError, match="takes a matrix"):
        minicnn.regularizers.OrthogonalRegularizer()(np.ones((2, 3, 4)))
    with pytest.raises(ValueError, match="mode must be"):
        minicnn.regularizers.OrthogonalRegularizer(mode="row")
