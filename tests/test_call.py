"""Layers, models and losses that define `call`: they train as in Keras, and can be saved, copied and replayed."""

from __future__ import annotations

import pickle

import more_call_cases  # noqa: F401 - it adds to the cases
import numpy as np
import pytest
from call_cases import CASES, SHAPE
from helpers import assert_close, normal

import minicnn
from minicnn import layers, ops

BATCH, STEPS = 8, 20
BETAS = {"beta_1": 0.875, "beta_2": 1 - 2**-10}  # numbers that float32 can hold, see test_keras_training.py


def batch(step, name, dtype):
    rng = np.random.default_rng(step)
    x = rng.uniform(0, 1, (BATCH, *SHAPE)).astype(dtype)
    return x, x if name.endswith("_image") else rng.integers(0, 10, BATCH)


def trained(k, name, dtype, weights=None, steps=STEPS):
    """(losses of the steps, weights before, weights after, predictions after)."""
    model, loss = CASES[name](k)
    x, _ = batch(0, name, dtype)
    model(x)
    model.compile(k.optimizers.Adam(0.01, **BETAS), loss)
    weights = weights or [
        np.abs(v) + 0.5 if "variance" in w.name or "gamma" in w.name else v
        for v, w in zip(
            [(normal(*w.shape, seed=i) / np.sqrt((1, *w.shape)[-1] + 10) / 2) for i, w in enumerate(model.weights)],
            model.weights, strict=True,
        )
    ]  # fmt: skip
    model.set_weights([w.astype(dtype) for w in weights])
    losses = [float(np.squeeze(model.train_on_batch(*batch(step, name, dtype)))) for step in range(steps)]
    return losses, weights, model.get_weights(), np.asarray(model.predict(x, verbose=0))


@pytest.mark.parametrize("name", CASES)
def test_twenty_losses_are_keras_s_in_float64(tf, name):
    for k in (tf.keras, minicnn):
        (k.backend if k is tf.keras else minicnn.config).set_floatx("float64")
    tf.keras.config.set_dtype_policy("float64")
    try:
        expected, weights, end, predicted = trained(tf.keras, name, "float64")
        found, _, our_end, ours = trained(minicnn, name, "float64", weights)
    finally:
        tf.keras.backend.set_floatx("float32")
        tf.keras.config.set_dtype_policy("float32")
        minicnn.config.set_floatx("float32")
    assert max(expected) > min(expected)
    assert_close(found, expected, 1e-8, "losses")
    for mine, wanted in zip(our_end, end, strict=True):
        assert_close(mine, wanted, 1e-6, "weights after the last step")
    assert_close(ours, predicted, 1e-6, "predictions")


@pytest.mark.parametrize("name", CASES)
def test_replayed_steps_are_the_same(name):
    """fit records its third step; with run_eagerly nothing is recorded."""
    results = []
    for eagerly in (True, False):
        minicnn.utils.set_random_seed(0)
        model, loss = CASES[name](minicnn)
        model.compile("adam", loss, run_eagerly=eagerly)
        data = [batch(step, name, "float32") for step in range(5)]
        x, y = (np.concatenate(parts) for parts in zip(*data, strict=True))
        history = model.fit(x, y, batch_size=BATCH, epochs=2, shuffle=False, verbose=0).history
        results.append((history["loss"], model.predict(x, verbose=0), *model.get_weights()))
    for replayed, eager in zip(*results[::-1], strict=True):
        np.testing.assert_array_equal(replayed, eager)


def classes(k):
    """A block with layers in a list, a private attribute and a weight; one with two arguments; a model of both."""

    @k.utils.register_keras_serializable("call")
    class Block(k.layers.Layer):
        def __init__(self, filters, **kwargs):
            super().__init__(**kwargs)
            self.filters = filters
            self.convs = [k.layers.Conv2D(filters, 3, padding="same") for _ in range(2)]
            self._norm = k.layers.BatchNormalization()

        def build(self, input_shape):
            self.scale = self.add_weight(shape=(self.filters,), initializer="ones", name="scale")

        def call(self, inputs, training=None):
            x = inputs
            for conv in self.convs:
                x = k.ops.relu(conv(x))
            return self._norm(x, training=training) * self.scale

        def get_config(self):
            return {**super().get_config(), "filters": self.filters}

    @k.utils.register_keras_serializable("call")
    class Join(k.layers.Layer):
        def __init__(self, units, **kwargs):
            super().__init__(**kwargs)
            self.units = units
            self.ways = {"first": k.layers.Dense(units), "second": [k.layers.Dense(units), k.layers.Dense(units)]}

        def call(self, x, skip):
            second, third = self.ways["second"]
            return self.ways["first"](x) + second(skip) * third(x)

        def get_config(self):
            return {**super().get_config(), "units": self.units}

    @k.utils.register_keras_serializable("call")
    class Net(k.Model):
        def __init__(self, filters, **kwargs):
            super().__init__(**kwargs)
            self.filters = filters
            self.begin, self.block, self.join = k.layers.Conv2D(filters, 1), Block(filters), Join(4)
            self.zoom = [k.layers.Dense(3), k.layers.Dense(2)]

        def call(self, x, training=None):
            x = self.begin(x)
            y = self.join(self.block(x, training=training), x)
            for layer in self.zoom:
                y = layer(y)
            return y

        def get_config(self):
            return {**super().get_config(), "filters": self.filters}

    def functional():
        x = k.Input((6, 6, 2))
        y = k.layers.Conv2D(4, 3, padding="same")(x)
        return k.Model(x, k.layers.Dense(2)(Join(3)(Block(4)(y), skip=y)))

    def subclass():
        model = Net(4)
        model(np.zeros((1, 6, 6, 2), np.float32))
        return model

    return {"functional": functional, "subclass": subclass}


OURS = classes(minicnn)
IMAGES = normal(3, 6, 6, 2, dtype=np.float32)


def drawn_weights(model):
    model.set_weights([np.abs(normal(*w.shape, seed=i, dtype=np.float32)) for i, w in enumerate(model.weights)])
    return model


@pytest.mark.parametrize("kind", OURS)
def test_saved_and_loaded_both_ways_with_keras(tf, tmp_path, kind):
    import keras

    theirs = drawn_weights(classes(keras)[kind]())
    ours = drawn_weights(OURS[kind]())
    expected = np.asarray(theirs(IMAGES))
    assert_close(ours(IMAGES), expected, 1e-5)
    for model in (ours, theirs):
        model.compile("adam", "mse")
        model.fit(IMAGES, np.zeros(expected.shape, np.float32), verbose=0)
    expected = np.asarray(theirs(IMAGES))
    assert_close(ours(IMAGES), expected, 1e-4)
    for ending in ("keras", "weights.h5"):
        save = "save" if ending == "keras" else "save_weights"
        getattr(ours, save)(tmp_path / f"ours.{ending}")
        getattr(theirs, save)(tmp_path / f"theirs.{ending}")
    assert_close(minicnn.models.load_model(tmp_path / "ours.keras")(IMAGES), ours(IMAGES), 1e-7)
    assert_close(minicnn.models.load_model(tmp_path / "theirs.keras")(IMAGES), expected, 1e-5)
    assert_close(np.asarray(keras.models.load_model(tmp_path / "ours.keras")(IMAGES)), ours(IMAGES), 1e-5)
    fresh, keras_fresh = OURS[kind](), classes(keras)[kind]()
    fresh.load_weights(tmp_path / "theirs.weights.h5")
    keras_fresh.load_weights(tmp_path / "ours.weights.h5")
    assert_close(fresh(IMAGES), expected, 1e-5)
    assert_close(np.asarray(keras_fresh(IMAGES)), ours(IMAGES), 1e-5)


@minicnn.utils.register_keras_serializable("call")
class Scaled(layers.Layer):
    def build(self, input_shape):
        self.scale = self.add_weight(shape=(input_shape[-1],), initializer="ones")

    def call(self, x):
        return ops.tanh(x * self.scale)


def test_copies_pickles_and_clones():
    x = minicnn.Input((3,))
    model = drawn_weights(minicnn.Model(x, layers.Dense(2)(Scaled()(x))))
    rows = normal(4, 3, dtype=np.float32)
    assert_close(pickle.loads(pickle.dumps(model))(rows), model(rows), 0)
    clone = minicnn.models.clone_model(model)
    clone.set_weights(model.get_weights())
    assert_close(clone(rows), model(rows), 0)


@pytest.mark.parametrize("backend", ["numpy", "tiled", "cpu"])
def test_gradients_are_measured_slopes(backend):
    minicnn.backend.set_backend(backend)
    try:
        assert minicnn.utils.gradient_check(OURS["subclass"](), IMAGES[:2], verbose=False) < 1e-5
        assert minicnn.utils.gradient_check(Scaled(), IMAGES[:2], verbose=False) < 1e-6
    finally:
        minicnn.backend.set_backend("cpu")


def test_what_call_cannot_do_is_said():
    class Looks(layers.Layer):
        def call(self, x):
            return x * 2 if ops.sum(x) > 0 else x

    with pytest.raises(TypeError, match=r"choose by ops\.where"):
        Looks()(np.ones((2, 3)))

    class UsesNumPy(layers.Layer):
        def call(self, x):
            return np.exp(x)

    with pytest.raises(TypeError, match=r"NumPy's exp cannot compute with symbols"):
        UsesNumPy()(np.ones((2, 3)))

    class Twice(layers.Layer):
        def call(self, x, y=None):
            return x if y is None else x + y

    layer, a, b = Twice(), minicnn.Input((3,)), minicnn.Input((3,))
    layer(a)
    with pytest.raises(ValueError, match="give every call of a layer the same arguments"):
        layer(a, b)
    with pytest.raises(TypeError, match="missing a required argument: 'x'"):
        Twice()(y=a)
