"""Variables: their values, types, names and paths."""

from __future__ import annotations

import numpy as np
import pytest

import minicnn


def test_variables():
    assert minicnn.Variable(np.arange(6.0)).dtype == "float64"
    variable = minicnn.Variable(np.arange(6, dtype=np.float32).reshape(2, 3), name="v")
    assert (variable.shape, variable.ndim, variable.dtype, variable.name, variable.trainable) == (
        (2, 3),
        2,
        "float32",
        "v",
        True,
    )
    variable.assign_add(np.ones((2, 3)))
    variable.assign_sub(np.full((2, 3), 2.0))
    np.testing.assert_array_equal(variable.numpy(), np.arange(6.0).reshape(2, 3) - 1)
    np.testing.assert_array_equal(np.asarray(variable), variable.value)
    drawn = minicnn.Variable(minicnn.initializers.Ones(), shape=(4,), dtype="float64", trainable=False)
    assert (drawn.shape, drawn.dtype, drawn.trainable) == ((4,), "float64", False)
    with pytest.raises(ValueError, match="needs its shape"):
        minicnn.Variable(minicnn.initializers.Ones())
    with pytest.raises(ValueError, match=r"has shape \(2, 3\); received an array of shape \(3,\)"):
        variable.assign(np.ones(3))


def test_paths_of_weights(tf):
    def paths(k):
        k.utils.clear_session()
        row = k.Sequential([k.layers.Dense(3, name="d")])
        row.build((None, 4))
        inner, later = (
            k.Sequential([*first, k.layers.Dense(3, name="d")], name="inner") for first in ([k.Input((4,))], [])
        )
        outer = k.Sequential([k.Input((4,)), inner, k.layers.BatchNormalization(name="b")], name="outer")
        around = k.Sequential([k.Input((4,)), later], name="around")
        inputs = k.Input((4,))
        graph = k.Model(inputs, k.layers.Dense(3, name="d")(inputs))
        optimizer = k.optimizers.Adam()
        optimizer.build(around.trainable_variables)
        return [
            v.path
            for part in (row, outer, around, graph, optimizer)
            for v in getattr(part, "weights", None) or part.variables
        ]

    assert paths(minicnn) == paths(tf.keras)


def test_trainable_says_whether_the_layer_is_frozen(tf):
    for k in (minicnn, tf.keras):
        model = k.Sequential([k.Input((3,)), k.layers.Dense(2), k.layers.BatchNormalization()])
        said = []
        for value in (False, True):
            model.trainable = value
            said.append([weight.trainable for weight in model.weights])
        later = k.layers.Dense(2, trainable=False)
        later.build((None, 3))
        model.layers[0].kernel.trainable = False
        said += [[weight.trainable for weight in later.weights], [w.trainable for w in model.layers[0].weights]]
        assert said == [[False] * 6, [True] * 4 + [False] * 2, [False] * 2, [False, True]]


def early(k):
    class Early(k.layers.Layer):
        def __init__(self):
            self.rate = k.Variable(2.0)
            super().__init__()
            self.other = k.Variable(1.0)

        def call(self, x):
            return x * self.rate

    return Early()


def test_variables_made_before_the_layer_is_ready(tf):
    for k in (minicnn, tf.keras):
        layer = early(k)
        assert len(layer.weights) == 2
        assert np.asarray(layer(np.ones(2, np.float32))).tolist() == [2, 2]


def test_types_of_results(tf):
    for k in (minicnn, tf.keras):
        whole, real = k.Variable([1, 2]), k.Variable([1.0, 2.0])
        results = (whole / 2, whole * 1.5, whole + 1, real + 1, real * np.arange(2))
        names = [str(result.dtype).replace("<dtype: '", "").strip("'>") for result in results]
        assert names == ["float32", "float32", "int32", "float32", "float32" if k is minicnn else names[4]]
