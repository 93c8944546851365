"""Layers: the layers inside them, and the noise that they add."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_close, normal

import minicnn
from minicnn import layers


def test_layers_in_lists_and_dictionaries_belong_to_the_layer():
    class Block(layers.Layer):
        def __init__(self, **kwargs):
            super().__init__(**kwargs)
            self.row, self.named, self.sizes = [], {"last": layers.Dense(2)}, (1, 2)
            for units in (4, 3):
                self.row.append(layers.Dense(units))

    block = Block()
    assert [layer.units for layer in block.flattened()[1:]] == [4, 3, 2]
    block.row[0].build((None, 5))
    assert len(block.weights) == 2
    block.trainable = False
    assert not block.row[1].trainable

    class Forgetful(layers.Layer):
        def __init__(self):
            self.dense = layers.Dense(2)

    with pytest.raises(RuntimeError, match=r"Call super\(\).__init__\(\) in Forgetful"):
        Forgetful()


@pytest.mark.parametrize("backend_name", ["numpy", "cpu"])
def test_up_sampling_copies_infinite_numbers(backend_name):
    minicnn.backend.set_backend(backend_name)
    x = np.array([[1, np.inf], [-np.inf, np.nan]], np.float32).reshape(1, 2, 2, 1)
    np.testing.assert_array_equal(layers.UpSampling2D((1, 3))(x), np.repeat(x, 3, axis=2))


def test_noise_has_its_mean_and_variance():
    x = np.ones((200, 500), np.float32)
    noisy = layers.GaussianNoise(0.5)(x, training=True) - 1
    assert abs(noisy.mean()) < 0.01 and abs(noisy.std() - 0.5) < 0.01
    dropped = layers.GaussianDropout(0.2)(x, training=True)
    assert abs(dropped.mean() - 1) < 0.01 and abs(dropped.std() - 0.5) < 0.01
    standard = normal(200, 500, dtype=np.float32)
    kept = layers.AlphaDropout(0.3)(standard, training=True)
    assert abs(kept.mean()) < 0.02 and abs(kept.std() - 1) < 0.02
    for layer in (layers.GaussianNoise(0.5), layers.GaussianDropout(0.2), layers.AlphaDropout(0.3)):
        np.testing.assert_array_equal(layer(x), x)
        twice = [layer(x, training=True) for _ in range(2)]
        assert np.abs(twice[0] - twice[1]).max() > 0
        again = type(layer)(**{**layer.get_config(), "seed": 5}), type(layer)(**{**layer.get_config(), "seed": 5})
        np.testing.assert_array_equal(again[0](x, training=True), again[1](x, training=True))


def test_a_seed_that_is_no_number_is_refused():
    text = minicnn.Sequential([layers.Input((3,)), layers.Dropout(0.5, seed=1)]).to_json()
    with pytest.raises(ValueError, match="configuration is broken"):
        minicnn.models.model_from_json(text.replace('"seed": 1', '"seed": Infinity'))


def test_built_is_keras_s(tf):
    made = {
        "ReLU": {}, "Flatten": {}, "Dropout": {"rate": 0.5}, "MaxPooling2D": {}, "Dense": {"units": 2}, "Add": {},
        "BatchNormalization": {}, "Reshape": {"target_shape": (4,)}, "Activation": {"activation": "relu"},
    }  # fmt: skip
    shapes = {"Add": [(2, 4), (2, 4)], "MaxPooling2D": (2, 4, 4, 3)}
    for name, options in made.items():
        ours, theirs = (getattr(k.layers, name)(**options) for k in (minicnn, tf.keras))
        for layer in (ours, theirs):
            layer.build(shapes.get(name, (2, 4)))
        assert ours.built is theirs.built is True, name


def test_weights_without_an_initializer(tf):
    for k in (minicnn, tf.keras):

        class Counts(k.layers.Layer):
            def build(self, input_shape):
                self.number = self.add_weight(dtype="int32")
                self.flag = self.add_weight(dtype="bool")
                self.more = self.add_variable((2,), "ones", trainable=False, name="more")

            def call(self, x):
                return x

        layer = Counts()
        layer.build((None, 2))
        assert int(layer.number.numpy()) == 0 and not layer.flag.numpy() and layer.more.numpy().tolist() == [1, 1]
        assert [weight.trainable for weight in (layer.number, layer.more)] == [True, False]


def test_build_takes_the_shape_of_every_argument(tf):
    for k in (minicnn, tf.keras):

        class Joins(k.layers.Layer):
            def build(self, first_shape, second_shape):
                self.shapes = tuple(first_shape), tuple(second_shape)

            def call(self, first, second):
                return first[:, :1] + second[:, :1]

        layer = Joins()
        y = layer(np.ones((1, 2), np.float32), np.ones((1, 3), np.float32))
        assert layer.shapes == ((1, 2), (1, 3)) and np.asarray(y).tolist() == [[2]]


def test_an_activation_may_be_replaced(tf):
    x = normal(2, 3, dtype=np.float32)
    for make in (lambda k: k.layers.Dense(2, activation="softmax"), lambda k: k.layers.Dense(2, activation="relu")):
        values = []
        for k in (minicnn, tf.keras):
            model = k.Sequential([k.Input((3,)), make(k)])
            model.set_weights([normal(3, 2, seed=1, dtype=np.float32), normal(2, seed=2, dtype=np.float32)])
            model.layers[-1].activation = None
            plain = np.asarray(model(x))
            model.layers[-1].activation = k.activations.tanh
            values.append((plain, np.asarray(model(x))))
        for ours, theirs in zip(*values, strict=True):
            assert_close(ours, theirs, 1e-5)


def test_tensorflow_s_functions_are_activations_by_their_names(tf):
    assert layers.Dense(2, activation=tf.nn.relu).get_config()["activation"] == "relu"
    assert layers.Conv2D(2, 3, activation=tf.nn.leaky_relu).activation is minicnn.activations.leaky_relu
    for softmax in (tf.keras.activations.softmax, tf.nn.softmax):
        assert layers.Activation(softmax).activation is minicnn.activations.softmax
    with pytest.raises(ValueError, match="Unknown activation 'crelu'"):
        layers.Dense(2, activation=tf.nn.crelu)


def test_the_shape_of_an_output(tf):
    for k in (minicnn, tf.keras):
        spec = k.layers.Conv2D(3, 3, strides=2).compute_output_spec(k.Input((9, 9, 2)))
        assert tuple(spec.shape) == (None, 4, 4, 3) and spec.dtype == "float32"
