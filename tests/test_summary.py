"""`summary` draws Keras's table, character for character. `summary(cost=True)` adds the costs of the layers."""

from __future__ import annotations

import re

import numpy as np
import pytest
from test_keras_training import batch_norm, cifar, fashion
from test_models import branched

import minicnn


def drawn(model, **options):
    lines = []
    model.summary(print_fn=lambda text, **_: lines.append(text), **options)
    return "\n".join(lines)


def sequential(build):
    return lambda k: k.Sequential(build(k.layers, "float32"), name="model")


def nested(k):
    inner = k.Sequential(fashion(k.layers, "float32"), name="inner")
    inner.trainable = False
    return k.Sequential([k.Input((28, 28, 1)), inner, k.layers.Dense(3)], name="outer")


def named_branches(k):
    model = branched(k)
    model.name = "branches"
    return model


@pytest.mark.parametrize("options", [{}, {"show_trainable": True}, {"line_length": 70}], ids=str)
@pytest.mark.parametrize(
    "build", [sequential(fashion), sequential(cifar), sequential(batch_norm), named_branches, nested]
)
def test_tables_are_keras_s(tf, build, options):
    tf.keras.backend.clear_session()
    minicnn.utils.clear_session()
    assert drawn(build(minicnn), **options) == drawn(build(tf.keras), **options)


def test_nested_models_expand(tf):
    tf.keras.backend.clear_session()
    minicnn.utils.clear_session()
    assert drawn(nested(minicnn), expand_nested=True) == drawn(nested(tf.keras), expand_nested=True)


@pytest.mark.parametrize("positions", [[0.3, 0.6, 1.0], [0.4, 0.7, 0.9, 1.0]])
def test_positions_and_the_optimizer_s_parameters(tf, positions):
    tables = []
    for k in (minicnn, tf.keras):
        k.utils.clear_session()
        model = sequential(fashion)(k)
        model.compile("adam", "sparse_categorical_crossentropy")
        x, y = np.zeros((2, 28, 28, 1)), np.array([0, 1])
        model.fit(x, y, verbose=0)
        tables.append(drawn(model, line_length=90, positions=positions))
    assert tables[0] == tables[1]
    assert "333,526" in tables[0]


def test_costs():
    text = drawn(sequential(fashion)(minicnn), cost=True)
    # 28*28*32 outputs of 9 multiply-adds and a bias: 0.477 MFLOPs; 28*28*32 float32: 0.100 MB
    row = next(line for line in text.splitlines() if "conv2d" in line.lower())
    assert re.search(r"0\.477 │\s+0\.100 │", row)
    # 14*14*64 outputs of 32*9 multiply-adds and a bias
    assert "7.238" in text
    assert "Cost of one image: " in text


def test_a_line_too_short_is_an_error():
    with pytest.raises(ValueError, match="needs 3 columns of at least 4 characters"):
        drawn(sequential(fashion)(minicnn), line_length=10)


def test_shapes_within_a_call(tf, keras_in_graphs):
    """The layers of a model that defines `call`, where Keras knows the shapes of some."""

    def made(k):
        class Own(k.Model):
            def __init__(self):
                super().__init__(name="own")
                self.conv, self.pool = k.layers.Conv2D(8, 3, name="conv"), k.layers.MaxPooling2D(name="pool")
                self.flat, self.last = k.layers.Flatten(name="flat"), k.layers.Dense(2, name="last")

            def call(self, x):
                return self.last(self.flat(self.pool(self.conv(x))))

        model, lines = Own(), []
        model.compile("sgd", "mse")
        model.fit(np.ones((4, 8, 8, 1), np.float32), np.ones((4, 2)), verbose=0)
        model.summary(print_fn=lambda text, **_: lines.extend(text.splitlines()), line_length=90)
        cells = [[cell.strip() for cell in line.split("│")[1:4]] for line in lines if "│" in line]
        return {name.split()[0]: (shape, parameters) for name, shape, parameters in cells}

    ours, theirs = made(minicnn), made(tf.keras)
    for name, (shape, parameters) in theirs.items():
        assert ours[name][0] == shape or shape == "?"
        assert ours[name][1] == parameters
    assert ours["pool"][0] == "(None, 3, 3, 8)"
