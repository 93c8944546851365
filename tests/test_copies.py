"""Copies of models and their parts: pickles, deep copies, configurations."""

from __future__ import annotations

import copy
import inspect
import pickle

import numpy as np
import pytest
from beside_keras import X, Y

import minicnn
from minicnn import layers, losses, metrics


def trained(optimizer="adam"):
    model = minicnn.Sequential(
        [
            layers.Input((7,)),
            layers.Dense(6, "relu"),
            layers.Dropout(0.2),
            layers.BatchNormalization(),
            layers.Dense(3, "softmax"),
        ]
    )
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(X, Y, epochs=2, verbose=0)
    return model


@pytest.mark.parametrize(
    "copied", [lambda model: pickle.loads(pickle.dumps(model)), copy.deepcopy], ids=["pickle", "deepcopy"]
)
def test_a_copied_model_goes_on_training(copied):
    model = trained()
    model.layers[1].trainable = True
    again = copied(model)
    np.testing.assert_array_equal(again.predict(X, verbose=0), model.predict(X, verbose=0))
    assert again.optimizer.iterations == model.optimizer.iterations
    for layer in (again.layers[1], model.layers[1]):
        layer.rate = 0.0
    assert again.train_on_batch(X, Y) == model.train_on_batch(X, Y)


def test_pickles_of_parts():
    dense = layers.Dense(3, kernel_regularizer="l2")
    dense(X)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(dense))(X), dense(X))
    loss = pickle.loads(pickle.dumps(losses.Huber(0.5)))
    assert loss(X, X + 1) == losses.Huber(0.5)(X, X + 1)
    metric = metrics.Precision()
    metric.update_state([1, 0, 1], [0.9, 0.8, 0.1])
    assert pickle.loads(pickle.dumps(metric)).result() == metric.result() == 0.5
    deep = layers.Input((3,))
    symbol = deep
    for _ in range(400):
        symbol = symbol + 1.0
    assert pickle.loads(pickle.dumps(minicnn.Model(deep, symbol))).predict(np.zeros((1, 3)), verbose=0)[0, 0] == 400


MODULES = ("layers", "losses", "metrics", "optimizers", "initializers", "regularizers", "constraints")


@pytest.mark.parametrize("module", MODULES)
def test_every_class_goes_through_serialize_and_back(module):
    here = getattr(minicnn, module)
    for found in {entry for entry in here.registry.entries.values() if inspect.isclass(entry)}:
        try:
            made = found()
        except (TypeError, ValueError):
            continue  # it needs arguments: `test_keras_layers` has those
        again = here.deserialize(here.serialize(made))
        assert type(again) is found
        assert again.get_config() == made.get_config()
        assert type(here.deserialize(here.serialize(made), custom_objects={})) is found


@pytest.mark.parametrize("name", ["tanh", "relu", "gelu", "softmax", "leaky_relu", "mish", "swish", "glu"])
def test_layers_with_any_known_activation_are_pickled_alone(name):
    layer = minicnn.layers.Dense(4, activation=name)
    for again in (pickle.loads(pickle.dumps(layer)), copy.deepcopy(layer)):
        assert again.activation is layer.activation is minicnn.activations.get(name)
