"""Models that users write as classes."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
from beside_keras import N, X, Y

import minicnn
from minicnn import layers, optimizers, utils


class TwoWays(minicnn.Model):
    """A user's model: one layer is used on the input and on the reversed input."""

    def __init__(self, units, **kwargs):
        super().__init__(**kwargs)
        self.units = units
        self.dense = layers.Dense(units, activation="tanh")
        self.head = layers.Dense(3, activation="softmax")

    def build(self, input_shape):
        self.dense.build(input_shape)
        self.head.build((None, self.units))

    def compute_output_shape(self, input_shape):
        return (input_shape[0], 3)

    def forward(self, x, training=False, need_saved=True):
        a, saved_a = self.dense.forward(x, training, need_saved)
        b, saved_b = self.dense.forward(np.ascontiguousarray(x[:, ::-1]), training, need_saved)
        y, saved_y = self.head.forward(a + b, training, need_saved)
        return y, (saved_a, saved_b, saved_y)

    def backward(self, dy, saved, need_dx=True):
        saved_a, saved_b, saved_y = saved
        dh = self.head.backward(dy, saved_y)
        dx, turned = self.dense.backward(dh, saved_a), self.dense.backward(dh, saved_b)
        return dx + turned[:, ::-1] if need_dx else None

    def get_config(self):
        return {"name": self.name, "units": self.units}


def test_a_users_model(tmp_path):
    model = TwoWays(5)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(X, Y, epochs=30, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert utils.gradient_check(model, X[:3], verbose=False) < 1e-6
    assert [layer.name for layer in model.layers] == [model.dense.name, model.head.name]
    assert model.get_layer(index=0) is model.dense
    assert model.count_params() == 7 * 5 + 5 + 5 * 3 + 3
    model.summary(print_fn=lambda text: None)
    with pytest.raises(ValueError, match=r"labels must be from 0 to 2"):
        model.fit(X, Y + 9)
    model.save_weights(tmp_path / "own.weights.h5")
    again = TwoWays(5)
    again.build((None, 7))
    again.load_weights(tmp_path / "own.weights.h5")
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    model.save(tmp_path / "own.keras")
    loaded = minicnn.models.load_model(tmp_path / "own.keras", custom_objects={"TwoWays": TwoWays})
    np.testing.assert_array_equal(loaded.predict(X, verbose=0), model.predict(X, verbose=0))
    copied = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(copied.predict(X, verbose=0), model.predict(X, verbose=0))


def test_a_functional_model_as_a_class():
    class Small(minicnn.Model):
        def __init__(self, units):
            inputs = layers.Input((7,))
            super().__init__(inputs, layers.Dense(units)(inputs), name="small")

    model = Small(4)
    assert model.output_shape == (None, 4)
    assert model.predict(X, verbose=0).shape == (N, 4)
    assert len(model.layers) == 2


def test_a_model_without_a_description_is_copied_by_its_attributes():
    class Undescribed(TwoWays):
        get_config = minicnn.Model.get_config

    model = Undescribed(5)
    expected = model.predict(X, verbose=0)
    np.testing.assert_array_equal(copy.deepcopy(model).predict(X, verbose=0), expected)
    rate = optimizers.SGD(0.5).learning_rate
    assert pickle.loads(pickle.dumps({"learning_rate": [rate]})) == {"learning_rate": [0.5]}
