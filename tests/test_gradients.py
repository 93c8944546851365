"""Gradient checks of every layer and loss on every backend: inputs, weights and biases, against central differences.

`gradient_check` gives every output a different upstream gradient, because equal gradients hide mistakes.
"""

from __future__ import annotations

import numpy as np
import pytest
from helpers import labels, normal, probabilities
from layer_zoo import LAYERS, ONLY_HERE

import minicnn
from minicnn import backend, layers, losses
from minicnn.layers.penalty import with_activity_penalty
from minicnn.utils import gradient_check

BOUND = 1e-6


def entries():
    """The number of entries that are checked in each tensor: few on `loops`, which is slow."""
    return 25 if backend.backend() == "loops" else 300


def random_weights(layer, seed=5):
    """Set all weights to numbers that are neither 0 nor 1, because zeros and ones hide mistakes."""
    for i, variable in enumerate(layer.weights):
        value = 0.6 * normal(*variable.shape, seed=seed + i)
        variable.assign(np.abs(value) + 0.3 if "variance" in variable.name else value)


@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
@pytest.mark.parametrize(("name", "make", "shapes"), LAYERS + ONLY_HERE, ids=[case[0] for case in LAYERS + ONLY_HERE])
def test_layer(name, make, shapes, training, each_backend):
    layer = make(layers)
    several = isinstance(shapes, list)
    x = [normal(*shape, seed=i) for i, shape in enumerate(shapes)] if several else normal(*shapes, seed=3)
    layer.build_for(shapes)
    random_weights(layer)
    assert gradient_check(layer, x, training=training, max_entries=entries(), verbose=False) <= BOUND


# their dx is dy in another shape, or needs only dy and the output: they return it even with need_dx=False
ALWAYS_GIVE_DX = (
    "Identity", "Flatten", "Reshape", "GaussianNoise", "ActivityRegularization", "Activation", "ReLU", "LeakyReLU",
    "ELU", "Softmax", "Add", "Multiply", "Average", "Maximum", "Minimum", "Subtract", "Concatenate", "Arithmetic",
)  # fmt: skip


@pytest.mark.parametrize(("name", "make", "shapes"), LAYERS + ONLY_HERE, ids=[case[0] for case in LAYERS + ONLY_HERE])
def test_layer_that_is_not_asked_for_dx(name, make, shapes):
    layer = make(layers)
    several = isinstance(shapes, list)
    xs = [normal(*s, seed=i, dtype=np.float32) for i, s in enumerate(shapes if several else [shapes])]
    layer.build_for(shapes)
    random_weights(layer)
    part = with_activity_penalty(layer)
    y, saved = part.forward(xs if several else xs[0], training=True)
    found = []
    for need_dx in (True, False):
        dx = part.backward(normal(*y.shape, seed=4, dtype=y.dtype), saved, need_dx)
        found.append([variable.grad for variable in layer.trainable_weights])
        for variable in layer.trainable_weights:
            variable.grad = None
    assert (dx is None) == (type(layer).__name__ not in ALWAYS_GIVE_DX)
    for with_dx, without in zip(*found, strict=True):
        np.testing.assert_array_equal(with_dx, without)


LOSSES = {
    "sparse_categorical_crossentropy": lambda: (probabilities(6, 5), labels(6, classes=5)),
    "categorical_crossentropy": lambda: (probabilities(6, 5), probabilities(6, 5, seed=1)),
    "binary_crossentropy": lambda: (probabilities(6, 3), labels(6, 3, classes=2)),
    "mean_squared_error": lambda: (normal(6, 3), normal(6, 3, seed=1)),
    "mean_absolute_error": lambda: (normal(6, 3), normal(6, 3, seed=1)),
    "mean_absolute_percentage_error": lambda: (normal(6, 3), normal(6, 3, seed=1)),
    "mean_squared_logarithmic_error": lambda: (probabilities(6, 3), probabilities(6, 3, seed=1)),
    "huber": lambda: (3 * normal(6, 3), normal(6, 3, seed=1)),
    "log_cosh": lambda: (normal(6, 3), normal(6, 3, seed=1)),
    "kl_divergence": lambda: (probabilities(6, 3), probabilities(6, 3, seed=1)),
    "poisson": lambda: (probabilities(6, 3), labels(6, 3, classes=4)),
    "hinge": lambda: (2 * normal(6, 3), labels(6, 3, classes=2)),
    "squared_hinge": lambda: (2 * normal(6, 3), labels(6, 3, classes=2)),
}


@pytest.mark.parametrize("name", LOSSES)
def test_loss(name, each_backend):
    x, y = LOSSES[name]()
    assert gradient_check(layers.Activation("linear"), x, y, loss=name, verbose=False) <= BOUND


@pytest.mark.parametrize(
    "loss",
    [
        losses.SparseCategoricalCrossentropy(from_logits=True),
        losses.CategoricalCrossentropy(from_logits=True),
        losses.BinaryCrossentropy(from_logits=True),
    ],
    ids=lambda loss: type(loss).__name__,
)
@pytest.mark.parametrize("scale", [1, 40], ids=["ordinary logits", "logits of raw pixels"])
def test_loss_from_logits(loss, scale, each_backend):
    y = labels(6, classes=5) if loss.sparse else probabilities(6, 5, seed=1)
    x = scale * normal(6, 5)
    assert gradient_check(layers.Activation("linear"), x, y, loss=loss, verbose=False) <= BOUND


@pytest.mark.parametrize(
    ("activation", "loss"),
    [
        ("softmax", "sparse_categorical_crossentropy"),
        ("softmax", "categorical_crossentropy"),
        ("sigmoid", "binary_crossentropy"),
    ],
)
@pytest.mark.parametrize("where", ["argument", "layer", "nested model"])
def test_loss_joined_with_the_final_activation(activation, loss, where, each_backend):
    if where == "argument":
        end = [layers.Dense(4, activation=activation)]
    elif where == "layer":
        end = [layers.Dense(4), layers.Activation(activation)]
    else:
        end = [minicnn.Sequential([layers.Input((6,)), layers.Dense(4, activation=activation)])]
    model = minicnn.Sequential([layers.Input((6,)), *end])
    y = labels(5, classes=4) if loss.startswith("sparse") else probabilities(5, 4)
    assert gradient_check(model, 30 * normal(5, 6), y, loss=loss, verbose=False) <= BOUND


def test_model_with_everything(each_backend):
    """Branches, a layer used twice, a nested model, batch norm and dropout: gradients add up where paths meet."""
    x = layers.Input((6, 5, 2))
    twice = layers.Conv2D(3, 3, padding="same", activation="tanh")
    a = twice(layers.Conv2D(3, 1)(x))
    b = layers.BatchNormalization()(twice(a))
    inner_in = layers.Input((6, 5, 3))
    inner = minicnn.Model(inner_in, layers.Add()([layers.DepthwiseConv2D(3, padding="same")(inner_in), inner_in]))
    c = layers.Dropout(0.3)(inner(b))
    joined = layers.Concatenate()([layers.Multiply()([a, b]), c, inner(a)])
    y = layers.Dense(4, activation="softmax")(layers.GlobalAveragePooling2D()(layers.AveragePooling2D()(joined)))
    model = minicnn.Model(x, y)
    random_weights(model)
    bound = gradient_check(
        model, normal(3, 6, 5, 2), labels(3, classes=4), loss="sparse_categorical_crossentropy",
        max_entries=entries(), verbose=False,
    )  # fmt: skip
    assert bound <= BOUND
