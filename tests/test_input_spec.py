"""`input_spec` of a user's layer: what Keras refuses is refused, and the rest is taken."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

import minicnn

SPECS = {
    "axes": {"ndim": 4}, "at least": {"min_ndim": 3}, "at most": {"max_ndim": 3}, "a shape": {"shape": (None, 4, 3)},
    "a size": {"axes": {-1: 3}}, "two sizes": {"min_ndim": 2, "axes": {1: 4, -1: 3}}, "nothing": {},
}  # fmt: skip
SHAPES = [(2, 3), (2, 4, 3), (2, 4, 5), (2, 4, 4, 3), (2, 3, 3, 3)]


def checked(k, spec, where):
    class Checked(k.layers.Layer):
        def __init__(self):
            super().__init__()
            if where == "__init__":
                self.input_spec = k.layers.InputSpec(**spec)

        def build(self, shape):
            if where == "build":
                self.input_spec = k.InputSpec(**spec)

        def call(self, x):
            return 2 * x

    return Checked()


def accepts(layer, shape):
    try:
        layer(np.ones(shape, np.float32))
    except ValueError:
        return False
    return True


@pytest.mark.parametrize(("name", "shape"), list(itertools.product(SPECS, SHAPES)))
def test_inputs_that_keras_refuses_are_refused(tf, name, shape):
    mine, theirs = (accepts(checked(k, SPECS[name], "__init__"), shape) for k in (minicnn, tf.keras))
    assert mine == theirs


def test_a_spec_made_in_build_holds_from_the_second_call_on():
    layer = checked(minicnn, {"ndim": 3, "axes": {-1: 3}}, "build")
    layer(np.ones((2, 4, 3)))
    with pytest.raises(
        ValueError, match=r"takes inputs of InputSpec\(ndim=3, axes={-1: 3}\); received shape \(2, 4, 5\)"
    ):
        layer(np.ones((2, 4, 5)))
    assert minicnn.InputSpec is minicnn.layers.InputSpec


def test_a_spec_for_each_input():
    class Both(minicnn.layers.Layer):
        input_spec = [minicnn.layers.InputSpec(ndim=2), minicnn.layers.InputSpec(ndim=3)]  # noqa: RUF012

        def call(self, xs):
            return xs[0] + minicnn.ops.sum(xs[1], axis=1)

    layer, x = Both(), np.ones((2, 3))
    assert layer([x, np.ones((2, 4, 3))]).max() == 5
    with pytest.raises(ValueError, match=r"received shape \(2, 3\)"):
        layer([x, x])
    with pytest.raises(ValueError, match="takes 2 inputs; received 1"):
        Both()(x)
