"""Layers, models and losses that define `call`, run again in another way: each call computes what it says now."""

from __future__ import annotations

import copy

import numpy as np
import pytest

import minicnn
from minicnn import Input, Model, layers, losses, ops

X = np.arange(12, dtype=np.float32).reshape(4, 3)


def of(function, x=X):
    """What a layer with this `call` makes of x: on arrays, and as a part of a functional model."""

    class Own(layers.Layer):
        def call(self, x):
            return function(x)

    inputs = Input(x.shape[1:])
    on_arrays = np.asarray(Own()(x))
    if not len(x):
        return on_arrays
    in_a_model = Model(inputs, Own()(inputs)).predict(x, verbose=0)
    np.testing.assert_array_equal(on_arrays, in_a_model)
    return on_arrays


@pytest.mark.parametrize(
    "key",
    [np.s_[:2], np.s_[-2:], np.s_[:3], np.s_[0:2, 1], np.s_[1:], np.s_[::2], np.s_[1:2], np.s_[2], np.s_[-1],
     np.s_[..., 1], np.s_[:, ::-1], np.s_[None, 1:3], np.s_[:, [2, 0]], np.s_[[3, 1]], np.s_[..., None, 0]],
    ids=str,
)  # fmt: skip
def test_slices_of_the_batch(key):
    np.testing.assert_array_equal(of(lambda x: x[key]), X[key])


@pytest.mark.parametrize(
    "name",
    [
        "take",
        "roll",
        "rolled back",
        "flip",
        "triu",
        "repeat",
        "tile",
        "pad",
        "rot90",
        "difference",
        "numpy",
        "diagonal",
    ],
)
def test_moves_of_the_batch(name):
    functions = {
        "take": lambda k, x: k.take(x, [3, 0], axis=0),
        "roll": lambda k, x: k.roll(x, 2, axis=0),
        "rolled back": lambda k, x: k.roll(x, np.array([1, -1]), axis=(0, 1)),
        "flip": lambda k, x: k.flip(x, axis=0),
        "triu": lambda k, x: k.triu(x, -1),
        "repeat": lambda k, x: k.repeat(x, np.int64(2), axis=0),
        "tile": lambda k, x: k.tile(x, np.array([2, 1])),
        "pad": lambda k, x: k.pad(x, ((1, 0), (0, 2))),
        "rot90": lambda k, x: k.rot90(x),
        "difference": lambda k, x: x[2:] - x[:2],
        "numpy": lambda k, x: x[:, np.array([2, 1])],
        "diagonal": lambda k, x: k.diagonal(x),
    }
    np.testing.assert_array_equal(of(lambda x: functions[name](ops, x)), functions[name](np, X))


def test_sizes_are_known_in_call():
    tall = np.ones((5, 3, 4), np.float32)
    token = np.arange(4, dtype=np.float32).reshape(1, 1, 4)
    np.testing.assert_array_equal(of(lambda x: x / ops.cast(ops.shape(x)[0], "float32")), X / 4)
    np.testing.assert_array_equal(of(lambda x: ops.reshape(ops.reshape(x, (-1, 1)) * 2, ops.shape(x))), X * 2)
    with_token = of(lambda x: ops.concatenate([ops.broadcast_to(token, (ops.shape(x)[0], 1, 4)), x], axis=1), tall)
    np.testing.assert_array_equal(with_token, np.concatenate([np.broadcast_to(token, (5, 1, 4)), tall], axis=1))
    tiled = of(lambda x: ops.concatenate([x, ops.tile(token, (ops.shape(x)[0], 1, 1))], axis=1), tall)
    np.testing.assert_array_equal(tiled, np.concatenate([tall, np.broadcast_to(token, (5, 1, 4))], axis=1))
    np.testing.assert_array_equal(of(lambda x: x + ops.zeros((ops.shape(x)[0], 3))), X)
    np.testing.assert_array_equal(
        of(lambda x: ops.concatenate(ops.split(x, 2, axis=0), axis=1)), np.hstack([X[:2], X[2:]])
    )
    np.testing.assert_array_equal(of(lambda x: sum(v for v in x)), X.sum(0))
    np.testing.assert_array_equal(of(lambda x: x * len(x)), X * 4)


def test_a_model_with_known_sizes_trains_with_a_smaller_last_batch():
    class Token(layers.Layer):
        def build(self, shape):
            self.token = self.add_weight((1, 1, shape[-1]), "ones")

        def call(self, x):
            tokens = ops.broadcast_to(self.token, (ops.shape(x)[0], 1, ops.shape(x)[2]))
            return ops.concatenate([tokens, x], axis=1)

    inputs = Input((3, 4))
    model = Model(inputs, Token()(inputs))
    assert model.output_shape == (None, 4, 4)
    model.compile("sgd", "mse")
    x = np.ones((7, 3, 4), np.float32)
    model.fit(x, np.zeros((7, 4, 4), np.float32), batch_size=4, epochs=2, verbose=0)
    expected = 1.0
    for images in (4, 3, 4, 3):  # the gradient of the mean square of 16 numbers for each image, one token for all
        expected -= 0.01 * 2 * expected * images / (images * 16)
    np.testing.assert_allclose(model.get_weights()[0], expected, rtol=1e-6)


def test_unknown_image_sizes():
    class Gram(layers.Layer):
        def call(self, x):
            sizes = ops.shape(x)
            rows = ops.reshape(x, (-1, sizes[1] * sizes[2], sizes[3]))
            return ops.matmul(ops.transpose(rows, (0, 2, 1)), rows)

    inputs = Input((None, None, 3))
    model = Model(inputs, Gram()(inputs))
    assert model.output_shape == (None, 3, 3)
    x = np.random.default_rng(0).normal(size=(2, 4, 5, 3)).astype(np.float32)
    rows = x.reshape(2, 20, 3)
    np.testing.assert_allclose(model.predict(x, verbose=0), rows.transpose(0, 2, 1) @ rows, rtol=1e-5)
    assert inputs[:, 3:].shape == (None, None, None, 3)
    assert inputs[:, :5, ::4].shape == (None, None, None, 3)
    assert inputs[:, 5].shape == (None, None, 3)


def test_equal_compares_numbers_in_call_and_in_losses():
    np.testing.assert_array_equal(of(lambda x: ops.where(x == 3, 100.0, x)), np.where(X == 3, 100.0, X))
    np.testing.assert_array_equal(of(lambda x: ops.cast(x != 3, "float32")), (X != 3).astype(np.float32))
    loss = losses.as_loss(lambda y, p: ops.mean(ops.where(y == 0, 0.0, (y - p) ** 2)))
    y = X % 3
    model = minicnn.Sequential([layers.Input((3,)), layers.Activation("linear")])
    model.compile("sgd", loss)
    assert model.evaluate(X, y, verbose=0) == pytest.approx(np.mean(np.where(y == 0, 0, (y - X) ** 2)))
    symbol = Input((3,))
    assert symbol == symbol and symbol != Input((3,)) and symbol in [symbol]


def test_other_arguments_make_another_graph():
    class Scale(layers.Layer):
        def call(self, x, scale=1.0, other=None):
            return x * scale if other is None else x * scale + other

    layer = Scale()
    for scale in (1.0, 2.0, 3.0, 1.0):
        np.testing.assert_array_equal(layer(X, scale=scale), X * scale)
    np.testing.assert_array_equal(layer(X, other=X), 2 * X)
    np.testing.assert_array_equal(layer(X, scale=2.0), 2 * X)


class Factor(layers.Layer):
    def __init__(self):
        super().__init__()
        self._factor, self.inner = 1.0, None

    def call(self, x):
        return x * self._factor if self.inner is None else self.inner(x) * self.inner._factor


def test_a_changed_attribute_counts_in_every_graph():
    layer, around = Factor(), Factor()
    around.inner = layer
    model = minicnn.Sequential([layers.Input((3,)), around])
    for factor in (1.0, 3.0, 5.0):
        layer._factor = factor
        for _ in range(4):  # a prediction is recorded after a few
            np.testing.assert_array_equal(around(X), X * factor**2)
            np.testing.assert_array_equal(model.predict(X, verbose=0), X * factor**2)


def test_a_changed_attribute_of_a_loss_counts():
    class Times(losses.Loss):
        def __init__(self):
            super().__init__()
            self.factor = 1.0

        def call(self, y, p):
            return self.factor * ops.mean((y - p) ** 2, axis=-1)

    loss = Times()
    once = loss(X, X + 1)
    loss.factor = 3.0
    other = copy.deepcopy(loss)
    other.factor = 5.0
    assert [float(v) for v in (once, loss(X, X + 1), other(X, X + 1))] == [1, 3, 5]


class Counts(Model):
    def __init__(self, inside):
        super().__init__()
        self.dense = layers.Dense(1)
        self.count = Counter() if inside else None
        self.n = None if inside else self.add_weight((), "zeros", trainable=False)

    def call(self, x, training=None):
        if self.count is not None:
            return self.dense(self.count(x, training=training))
        if training:
            self.n.assign_add(1.0)
        return self.dense(x)


class Counter(layers.Layer):
    def build(self, shape):
        self.n = self.add_weight((), "zeros", trainable=False)

    def call(self, x, training=None):
        if training:
            self.n.assign_add(1.0)
        return x


@pytest.mark.parametrize("inside", [False, True])
def test_steps_that_write_variables_are_not_replayed(inside):
    model = Counts(inside)
    model.compile("sgd", "mse")
    x, y = np.ones((64, 3), np.float32), np.ones((64, 1), np.float32)
    model.fit(x, y, batch_size=8, epochs=1, verbose=0)
    model(x[:5])  # draws in inference, where nothing is written
    model.fit(x, y, batch_size=8, epochs=3, verbose=0)
    assert (model.count or model).n.numpy() == 32


def test_predictions_that_write_variables_are_not_replayed():
    class Adds(Model):
        def __init__(self):
            super().__init__()
            self.n = self.add_weight((), "zeros", trainable=False)

        def call(self, x):
            self.n.assign_add(1.0)
            return x + self.n

    model = Adds()
    assert [float(model.predict(X, verbose=0)[0, 0]) for _ in range(6)] == [1, 2, 3, 4, 5, 6]


def test_a_callback_that_sets_an_attribute_counts():
    class Own(Model):
        def __init__(self):
            super().__init__()
            self.dense, self.factor = layers.Dense(1, kernel_initializer="ones"), 1.0

        def call(self, x):
            return self.dense(x) * self.factor

    results = []
    for eagerly in (True, False):
        model = Own()
        model.compile("sgd", "mse", run_eagerly=eagerly)
        change = minicnn.callbacks.LambdaCallback(
            on_epoch_begin=lambda epoch, logs, m=model: setattr(m, "factor", 1.0 + epoch)
        )
        x, y = np.full((64, 3), 0.1, np.float32), np.ones((64, 1), np.float32)
        results.append(
            model.fit(x, y, batch_size=8, epochs=4, shuffle=False, verbose=0, callbacks=[change]).history["loss"]
        )
    assert results[0] == results[1]


def test_the_end_may_differ_in_training():
    class Ends(Model):
        def __init__(self):
            super().__init__()
            self.dense, self.drop = layers.Dense(3, activation="softmax"), layers.Dropout(0.0)

        def call(self, x, training=None):
            y = self.dense(x)
            return self.drop(y) if training else y

    model = Ends()
    model(X)
    model.compile("sgd", "sparse_categorical_crossentropy")
    p = np.asarray(model(X))
    before = -np.log(p[np.arange(4), [0, 1, 2, 0]]).mean()
    assert model.train_on_batch(X, np.array([0, 1, 2, 0])) == pytest.approx(before, rel=1e-5)


def test_a_failed_first_call_keeps_weights_of_init():
    class Linear(layers.Layer):
        def __init__(self):
            super().__init__()
            self.w = self.add_weight((3, 2))

        def call(self, x):
            return ops.matmul(x, self.w)

    layer = Linear()
    with pytest.raises(ValueError):
        layer(np.ones((2, 7), np.float32))
    layer(X)
    assert len(layer.trainable_weights) == 1


def test_outputs_are_arrays_of_their_own():
    class Weight(layers.Layer):
        def build(self, shape):
            self.w = self.add_weight((4, 3), "ones")

        def call(self, x):
            return ops.reshape(self.w, (3, 4)), ops.transpose(x)

    layer, constant = Weight(), np.ones(3, np.float32)
    layer(X)[0][...] = 7
    np.testing.assert_array_equal(layer.get_weights()[0], 1)
    inputs = Input((3,))
    model = Model(inputs, inputs * constant)
    constant[:] = 9
    np.testing.assert_array_equal(model.predict(X, verbose=0), X)


def test_the_inner_layers_do_not_keep_every_graph():
    class Around(layers.Layer):
        def __init__(self):
            super().__init__()
            self.conv = layers.Conv2D(2, 1)

        def call(self, x):
            return self.conv(x)

    layer = Around()
    for size in range(2, 30):
        layer(np.ones((1, size, size, 1), np.float32))
    assert not layer.conv._nodes and len(layer._drawings) <= 16


def test_empty_batches():
    nothing = np.zeros((0, 3, 4), np.float32)
    assert of(lambda x: ops.reshape(x, (-1, 12)), nothing).shape == (0, 12)
    assert of(lambda x: ops.reshape(x, (ops.shape(x)[0], 2, -1)), nothing).shape == (0, 2, 6)
    assert of(lambda x: ops.matmul(x, ops.transpose(x, (0, 2, 1))), nothing).shape == (0, 3, 3)


def test_fitting_and_predicting_draw_once():
    calls = []

    class Own(Model):
        def __init__(self):
            super().__init__()
            self.dense = layers.Dense(1)

        def call(self, x):
            calls.append(x)
            return self.dense(x)

    model = Own()
    model.compile("sgd", "mse", metrics=["mae"])
    x, y = np.ones((64, 3), np.float32), np.ones((64, 1), np.float32)
    for _ in range(2):
        model.fit(x, y, epochs=2, verbose=0, validation_data=(x, y))
        model.predict(x, verbose=0)
        model.evaluate(x, y, verbose=0)
        model.summary(print_fn=lambda *_: None)
        model.stop_training = True
    assert len(calls) == 2  # in training and in inference


class Twice(layers.Dense):
    def call(self, x):
        return super().call(x) * 2


class Sevens(layers.Dense):
    def call(self, x):
        return ops.matmul(x, self.kernel) * 0 + 7


class Halved(Twice):
    def call(self, x):
        return super().call(x) / 2


def test_call_of_a_subclass_of_a_built_in_layer():
    np.testing.assert_array_equal(Sevens(2)(X), np.full((4, 2), 7))
    plain, twice, halved = (kind(2, activation="softmax") for kind in (layers.Dense, Twice, Halved))
    expected = np.asarray(plain(X))
    for layer, factor in ((twice, 2), (halved, 1)):
        layer.build((None, 3))
        layer.set_weights(plain.get_weights())
        np.testing.assert_allclose(layer(X), factor * expected, rtol=1e-6)
    models = [minicnn.Sequential([layers.Input((3,)), layer]) for layer in (plain, halved)]
    histories = []
    for model in models:
        model.compile("sgd", "sparse_categorical_crossentropy")
        histories.append(model.fit(X / 10, np.array([0, 1, 1, 0]), epochs=3, shuffle=False, verbose=0).history["loss"])
    np.testing.assert_allclose(*histories, rtol=1e-4)
    np.testing.assert_allclose(models[0].get_weights()[0], models[1].get_weights()[0], rtol=1e-4)
    assert np.any(plain.get_weights()[1])
    assert isinstance(layers.Dense(2)(X), np.ndarray)


def test_steps_of_own_layers_are_recorded():
    from minicnn.models.recorded_step import what_layers_depend_on
    from minicnn.runtime.replay.recorded import is_own

    model = Counts(False)
    model(X)
    assert all(map(is_own, what_layers_depend_on(model)[0]))


def test_adaptive_pooling_of_unknown_sizes():
    inputs = Input((None, None, 2))
    x = np.random.default_rng(0).normal(size=(2, 5, 7, 2)).astype(np.float32)
    for kind, function in ((layers.AdaptiveAveragePooling2D, np.mean), (layers.AdaptiveMaxPooling2D, np.max)):
        model = Model(inputs, kind((2, 3))(inputs))
        assert model.output_shape == (None, 2, 3, 2)
        windows = [[x[:, a:b, c:d] for c, d in ((0, 3), (2, 5), (4, 7))] for a, b in ((0, 3), (2, 5))]
        expected = np.stack([np.stack([function(w, (1, 2)) for w in row], 1) for row in windows], 1)
        np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5, atol=1e-6)


def test_the_configuration_of_a_lambda():
    layer = layers.Lambda(ops.tanh, name="squashed")
    again = layers.Lambda.from_config(layer.get_config())
    np.testing.assert_array_equal(again(X), np.tanh(X))
    assert again.name == "squashed"


def test_a_file_cannot_make_arrays_of_nothing():
    import json

    inputs = Input((3,))
    described = json.loads(Model(inputs, ops.exp(inputs)).to_json())
    for name, config in (("Full", {"shape": [3], "fill_value": 1}), ("Zeros", {"shape": [3]})):
        entry = {"module": "keras.src.ops.numpy", "class_name": name, "config": {**config, "name": "made"},
                 "name": "made", "registered_name": name, "inbound_nodes": [{"args": [], "kwargs": {}}]}  # fmt: skip
        changed = json.loads(json.dumps(described))
        changed["config"]["layers"].append(entry)
        with pytest.raises(ValueError, match="made"):
            minicnn.models.model_from_json(json.dumps(changed))
