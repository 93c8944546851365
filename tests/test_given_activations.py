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


def test_a_layer_as_an_activation_trains_only_in_training(tf):
    histories, predictions = [], []
    for k in (minicnn, tf.keras):
        norm = k.layers.BatchNormalization(momentum=0.5)
        model = k.Sequential([
            k.Input((8, 8, 2)), k.layers.Conv2D(3, 3, activation=norm, kernel_initializer="ones"),
            k.layers.Flatten(), k.layers.Dense(3, kernel_initializer="zeros"),
        ])  # fmt: skip
        norm.build((None, 6, 6, 3))
        before = [np.array(w) for w in norm.get_weights()]
        model.predict(X, verbose=0)
        for w, now in zip(before, norm.get_weights(), strict=True):
            np.testing.assert_array_equal(now, w)
        model.compile(k.optimizers.SGD(0.05), k.losses.SparseCategoricalCrossentropy(from_logits=True))
        histories.append(model.fit(X, Y, epochs=3, shuffle=False, verbose=0).history["loss"])
        predictions.append(model.predict(X, verbose=0))
    assert_close(np.array(histories[0]), histories[1], 1e-5)
    assert_close(predictions[0], predictions[1], 1e-4)
    dropped = minicnn.Sequential([minicnn.Input((8, 8, 2)), layers.Activation(layers.Dropout(0.9))])
    np.testing.assert_array_equal(dropped.predict(X, verbose=0), X)
    assert (np.asarray(dropped(X, training=True)) == 0).mean() > 0.7


def test_layers_in_a_loss_do_not_train():
    seen = layers.BatchNormalization()
    seen.build((None, 3))
    model = minicnn.Sequential([minicnn.Input((8, 8, 2)), layers.Flatten(), layers.Dense(3)])
    model.compile("sgd", lambda y, p: ops.mean(ops.square(seen(p)), axis=-1))
    model.fit(X, Y, verbose=0)
    np.testing.assert_array_equal(seen.get_weights()[2], np.zeros(3))


def test_a_layer_with_an_attribute_called_function_is_an_activation():
    model = minicnn.Sequential([minicnn.Input((8, 8, 2)), layers.Dense(2, activation=layers.Lambda(lambda x: 2 * x))])
    np.testing.assert_allclose(model.predict(X, verbose=0), 2 * X @ model.get_weights()[0], rtol=1e-5, atol=1e-6)


def test_known_penalties_are_functions_of_symbols_too(tf):
    """In `call`, in a user's regularizer, and as a subclass's super().__call__."""
    histories = []
    for k in (minicnn, tf.keras):
        l1, l2 = k.regularizers.L1(0.1), k.regularizers.L2(0.1)

        class Twice(k.regularizers.L1):
            def __call__(self, x):
                return 2 * super().__call__(x)

        class Scale(k.layers.Layer):
            def __init__(self, on_weights, on_inputs):
                super().__init__()
                self.on_weights, self.on_inputs = on_weights, on_inputs

            def build(self, shape):
                self.w = self.add_weight(shape=shape[-1:], initializer="ones")

            def call(self, x):
                self.add_loss(self.on_weights(self.w))
                self.add_loss(0.01 * self.on_inputs(x))
                return x * self.w

        def both(w, l1=l1, l2=l2):
            return l2(w) + l1(w)

        ones = {"kernel_initializer": "ones"}
        model = k.Sequential([
            k.Input((8, 8, 2)), k.layers.Flatten(), Scale(k.regularizers.L1L2(0.1, 0.2), l2),
            k.layers.Dense(2, kernel_regularizer=both, **ones),
            k.layers.Dense(2, kernel_regularizer=Twice(0.1), **ones),
        ])  # fmt: skip
        model.compile(k.optimizers.SGD(0.001), "mse")
        histories.append(model.fit(X, np.zeros((6, 2)), epochs=4, shuffle=False, verbose=0).history["loss"])
    assert_close(np.array(histories[0]), histories[1], 1e-5)
    assert minicnn.regularizers.L2(0.1)(X) == pytest.approx(0.1 * np.sum(np.square(X)), rel=1e-5)


@pytest.mark.parametrize("kind", ["softmax", "sigmoid"])
def test_a_layer_that_ends_in_what_the_loss_computes(tf, kind):
    """A layer with `call` at the end of a model: the loss takes its softmax or sigmoid, as from any layer."""
    loss = "sparse_categorical_crossentropy" if kind == "softmax" else "binary_crossentropy"
    histories = []
    for k in (minicnn, tf.keras):

        class Head(k.layers.Layer):
            def __init__(self, dense, **kwargs):
                super().__init__(**kwargs)
                self.dense = dense

            def call(self, x):
                return self.dense(x)

        head = Head(k.layers.Dense(3 if kind == "softmax" else 1, activation=kind, kernel_initializer="ones"))
        inputs = k.Input((8, 8, 2))
        model = k.Model(inputs, head(k.layers.Flatten()(inputs)))
        model.compile(k.optimizers.SGD(0.05), loss)
        histories.append(model.fit(X, np.minimum(Y, 1), epochs=3, shuffle=False, verbose=0).history["loss"])
    assert_close(np.array(histories[0]), histories[1], 1e-5)
