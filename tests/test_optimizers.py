"""Optimizers used without a model, and their settings."""

from __future__ import annotations

import numpy as np
import pytest
from beside_keras import assert_same, both_trained
from helpers import assert_close, normal

import minicnn
from minicnn import optimizers


def test_optimizers_by_hand(tf):
    g = [normal(4, 3, seed=s, dtype=np.float32) for s in (1, 2)]
    values = []
    for k, optimizer in ((minicnn, optimizers.AdamW(0.1)), (tf.keras, tf.keras.optimizers.AdamW(0.1))):
        variables = [
            k.Variable(normal(4, 3, dtype=np.float32), name="kernel"),
            k.Variable(np.ones((4, 3), np.float32), name="bias"),
        ]
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        optimizer.build(variables)
        for _ in range(3):
            optimizer.apply_gradients(zip(g if k is minicnn else map(tf.constant, g), variables, strict=True))
        assert int(optimizer.iterations) == 3
        assert len(optimizer.variables) == 2 + 2 * 2
        values.append([np.asarray(v.numpy()) for v in variables])
    for mine, wanted in zip(*values, strict=True):
        assert_close(mine, wanted, 1e-5)
    with pytest.raises(ValueError, match="received no gradient"):
        optimizers.SGD().apply_gradients([(None, minicnn.Variable(1.0))])


def test_weights_may_be_left_out_of_decay(tf):
    def build(k):
        row = [k.layers.Dense(4, activation="relu"), k.layers.Dense(3, activation="softmax")]
        return k.Sequential(row, name="debiased")  # names are searched in paths, which begin with the model's name

    def optimizer(k):
        made = k.optimizers.SGD(0.1, weight_decay=0.2)
        made.exclude_from_weight_decay(var_names=["bias"])
        return made

    assert_same(both_trained(tf, build, optimizer=optimizer))


def test_the_learning_rate_as_keras_s_users_touch_it():
    optimizer = optimizers.Adam(0.01)
    assert optimizer.learning_rate == 0.01
    assert optimizer.learning_rate.numpy() == np.float32(0.01)
    optimizer.learning_rate.assign(0.5)
    assert optimizer.learning_rate == 0.5
    optimizer.learning_rate = 0.25
    assert float(optimizer.learning_rate) == 0.25
