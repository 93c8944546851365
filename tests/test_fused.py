"""A convolution and the pooling after it run as one where that changes nothing, and apart where it would."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_close, normal

import minicnn
from minicnn import layers
from minicnn.layers.fused import PooledConvolution, in_a_row


def in_a_row_model():
    return minicnn.Sequential([
        layers.Input((9, 8, 2), dtype="float64"),
        layers.Conv2D(3, 3, padding="same", activation="relu", dtype="float64"),
        layers.MaxPooling2D(2, dtype="float64"),
        layers.Conv2D(17, 1, dtype="float64"),
        layers.Conv2D(16, 3, padding="same", dtype="float64"),
        layers.MaxPooling2D(2, dtype="float64"),
    ])  # fmt: skip


def branching_model():
    """The first convolution is pooled and read again; the second's output is an input of its own pooling alone."""
    inputs = minicnn.Input((9, 8, 2), dtype="float64")
    first = layers.Conv2D(3, 3, padding="same", activation="relu", dtype="float64")(inputs)
    pooled = layers.MaxPooling2D(2, dtype="float64")(first)
    second = layers.Conv2D(3, 3, padding="same", activation="relu", dtype="float64")(first)
    shared = layers.MaxPooling2D(2, dtype="float64")
    return minicnn.Model(inputs, layers.Add(dtype="float64")([pooled, shared(second)]))


def results(model, x, dy):
    """The output, the input's gradient and every weight's."""
    for variable in model.weights:
        variable.grad = None
    y, saved = model.forward(x, training=True)
    dx = model.backward(dy, saved)
    return [y, dx, *(variable.grad for variable in model.weights)]


@pytest.mark.parametrize("build", [in_a_row_model, branching_model])
def test_joined_and_apart_are_the_same(each_backend, build, monkeypatch):
    model, x = build(), normal(3, 9, 8, 2)
    dy = normal(*model.compute_output_shape(x.shape), seed=1)
    joined = results(model, x, dy)
    monkeypatch.setattr(PooledConvolution, "joins", staticmethod(lambda first, second: False))
    for one, other in zip(joined, results(model, x, dy), strict=True):
        assert_close(one, other, 1e-12)


def test_what_is_joined():
    joined = in_a_row(in_a_row_model().layers)
    assert [type(part).__name__ for part in joined] == ["PooledConvolution", "Conv2D", "PooledConvolution"]
    steps = branching_model().plan._joined_steps()
    # the first convolution is read twice and stays apart
    assert [type(step.layer).__name__ for step in steps] == ["Conv2D", "MaxPooling2D", "PooledConvolution", "Add"]


@pytest.mark.parametrize(
    ("convolution", "pooling"),
    [
        (layers.Conv2D(2, 3, activation="tanh"), layers.MaxPooling2D(2)),
        (layers.Conv2D(2, 3), layers.MaxPooling2D(3, strides=2)),
        (layers.Conv2D(2, 3), layers.MaxPooling2D(2, padding="same")),
        (layers.Conv2D(2, 3), layers.MaxPooling2D(16)),
        (layers.Conv2D(2, 3), layers.AveragePooling2D(2)),
        (layers.DepthwiseConv2D(3), layers.MaxPooling2D(2)),
        (type("Mine", (layers.Conv2D,), {})(2, 3), layers.MaxPooling2D(2)),
    ],
    ids=["tanh", "overlapping", "padded", "256 cells", "average", "depthwise", "a class of one's own"],
)
def test_what_is_not_joined(convolution, pooling):
    assert in_a_row([convolution, pooling]) == [convolution, pooling]


def test_a_cut_at_the_convolution_gives_its_own_output():
    model = in_a_row_model()
    convolution = model.layers[0]
    cut = minicnn.Model(model.inputs, convolution.output)
    x = normal(2, 9, 8, 2)
    np.testing.assert_array_equal(cut.predict(x, verbose=0), convolution(x))
