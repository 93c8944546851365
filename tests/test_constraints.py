"""Constraints on weights, alone and in training."""

from __future__ import annotations

import numpy as np
import pytest
from beside_keras import assert_same, both_trained
from helpers import assert_close, normal

import minicnn
from minicnn import constraints

CONSTRAINTS = {
    "max_norm": lambda k: k.constraints.MaxNorm(0.7),
    "non_neg": lambda k: "non_neg",
    "unit_norm": lambda k: k.constraints.UnitNorm(axis=1),
    "min_max_norm": lambda k: k.constraints.MinMaxNorm(0.2, 0.8, rate=0.5),
}


@pytest.mark.parametrize("name", CONSTRAINTS)
def test_constraints(tf, name):
    w = 2 * normal(4, 3, dtype=np.float32)
    ours, theirs = constraints.get(CONSTRAINTS[name](minicnn)), tf.keras.constraints.get(CONSTRAINTS[name](tf.keras))
    assert_close(ours(w), theirs(tf.constant(w)), 1e-6)
    assert constraints.deserialize(constraints.serialize(ours)).get_config() == theirs.get_config()

    def build(k):
        dense = k.layers.Dense(4, activation="relu", kernel_constraint=CONSTRAINTS[name](k), bias_constraint="non_neg")
        return k.Sequential(
            [dense, k.layers.BatchNormalization(gamma_constraint="non_neg"), k.layers.Dense(3, "softmax")]
        )

    assert_same(both_trained(tf, build))
