"""Layers: the layers inside them, and the noise that they add."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import normal

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
