"""The gradient check itself: it finds mistakes, leaves out kinks, and changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import labels, normal

import minicnn
from minicnn import layers
from minicnn.utils import gradient_check


class Wrong(layers.Layer):
    """y = x^2 * w, with a gradient that has the mistake which `mistake` names."""

    def __init__(self, mistake, **kwargs):
        super().__init__(**kwargs)
        self.mistake = mistake

    def build(self, input_shape):
        self.w = self.add_weight((input_shape[-1],), "ones", name="w")

    def forward(self, x, training=False, need_saved=True):
        return x * x * self.w.value, x

    def backward(self, dy, saved, need_dx=True):
        dw = (dy * saved * saved).sum(axis=0)
        dx = 2 * saved * dy * self.w.value
        if self.mistake == "weights":
            dw = dw * 1.0001
        if self.mistake == "input":
            dx[-1, -1] += 1e-4
        if self.mistake == "scale of one upstream":
            dx = dx * dy.mean() / dy
        if self.mistake == "none at all":
            dw = None
        self.add_gradients((self.w, dw))
        return dx


@pytest.mark.parametrize("mistake", ["weights", "input", "scale of one upstream", "none at all"])
def test_mistakes_are_found(mistake):
    assert gradient_check(Wrong(mistake), normal(4, 3), verbose=False) > 1e-5
    assert gradient_check(Wrong(None), normal(4, 3), verbose=False) < 1e-8


def test_it_prints_the_worst_entry(capsys):
    gradient_check(Wrong("input"), normal(4, 3))
    said = capsys.readouterr().out
    assert said.startswith("gradient_check of wrong: worst entry x[3, 2] analytic ")
    assert "measured" in said
    assert "(step 1e-05, 0 entries at kinks left out)" in said


def test_kinks_are_left_out_and_many_are_an_error():
    x = normal(10, 10)
    x[0, 0] = 3e-6
    assert gradient_check(layers.ReLU(), x, verbose=False) < 1e-8
    with pytest.raises(ValueError, match="of 100 entries of x are within 1e-05 of a kink; at most 5 % are allowed"):
        gradient_check(layers.ReLU(), x * 1e-7, verbose=False)


def test_everything_is_as_it_was():
    model = minicnn.Sequential([
        layers.Input((5,)), layers.Dense(4), layers.BatchNormalization(), layers.Dropout(0.5),
        layers.Dense(3, activation="softmax"),
    ])  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy")
    x, y = normal(6, 5), labels(6, classes=3)
    x_before, weights, counter = x.copy(), model.get_weights(), model.layers[2].random_counter
    assert gradient_check(model, x, y, verbose=False) < 1e-6
    np.testing.assert_array_equal(x, x_before)
    for now, before in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(now, before)
        assert now.dtype == np.float32
    assert model.layers[2].random_counter == counter
    assert all(w.grad is None for w in model.weights)
    assert model.dtype == "float32"


def test_a_nan_is_not_passed_over():
    class Broken(Wrong):
        def backward(self, dy, saved, need_dx=True):
            return super().backward(dy, saved, need_dx) * np.nan

    assert np.isnan(gradient_check(Broken(None), normal(4, 3), verbose=False))
