"""Write your own layer in two ways, train it, and check its gradients: a ReLU that learns its slope below zero.

    python examples/your_own_layer.py

    y = x where x > 0, else slope * x          one slope for each channel

**With `call`.** Write the equation with functions of `minicnn.ops`. `call` is run once on symbols, and what it draws is
a graph of operations. Each of these knows its derivative, so the layer's gradient follows (`minicnn/models/graph.py`).

**With `forward` and `backward`.** `forward` returns the output, and the arrays that `backward` will need. `backward`
turns the output's gradient into the input's gradient, and adds the gradients of the weights. Both get NumPy arrays.
Nothing is kept on `self` between them, so a model can use a layer twice. `compute_output_shape` returns the output's
shape.

In both ways `build` makes the weights.

Source: He et al., "Delving Deep into Rectifiers", 2015.
"""

from __future__ import annotations

import numpy as np

from minicnn import Sequential, initializers, layers, ops, utils
from minicnn.datasets import synthetic_fashion


class LearnedSlope(layers.Layer):
    """y = x above zero, and a learned multiple of x below. Inputs (N, ..., C); weight `slope` (C,)."""

    def __init__(self, start=0.25, **kwargs):
        super().__init__(**kwargs)
        self.start = start

    def build(self, input_shape):
        self.slope = self.add_weight((input_shape[-1],), initializers.Constant(self.start), name="slope")

    def call(self, x):
        return ops.where(x > 0, x, self.slope * x)


class LearnedSlopeByHand(LearnedSlope):
    """The same layer, with its derivatives written out."""

    def compute_output_shape(self, input_shape):
        return tuple(input_shape)

    def forward(self, x, training=False, need_saved=True):
        return np.where(x > 0, x, self.slope.value * x), x

    def backward(self, dy, saved, need_dx=True):
        x = saved
        axes = tuple(range(x.ndim - 1))  # all but the channels
        self.add_gradients((self.slope, np.where(x > 0, 0, dy * x).sum(axis=axes).astype(x.dtype)))
        return np.where(x > 0, dy, self.slope.value * dy)


def both_ways(x, dy):
    """The largest difference between the two layers: of the output, the input's gradient, and the slope's gradient."""
    found = []
    for make in (LearnedSlope, LearnedSlopeByHand):
        layer = make()
        layer(x)  # makes the weights
        y, saved = layer.forward(x)
        found.append((y, layer.backward(dy, saved), layer.slope.grad))
    return max(np.abs(ours - theirs).max() for ours, theirs in zip(*found, strict=True))


def main():
    utils.set_random_seed(0)
    (x, y), (x_test, y_test) = synthetic_fashion.load_data(0, train=3000, test=1000)
    x, x_test = x[..., None] / 255.0, x_test[..., None] / 255.0
    model = Sequential([
        layers.Input((28, 28, 1)),
        layers.Conv2D(8, 3, strides=2),
        LearnedSlope(),
        layers.Conv2D(16, 3, strides=2),
        LearnedSlope(),
        layers.Flatten(),
        layers.Dense(10, activation="softmax"),
    ])  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.fit(x, y, epochs=3, validation_data=(x_test, y_test))
    print("learned slopes:", np.round(model.layers[1].slope.numpy(), 3))

    rng = np.random.default_rng(0)
    x, dy = rng.standard_normal((2, 2, 5, 5, 3)).astype("float32")
    print(f"both ways differ by at most {both_ways(x, dy):.1e}")
    for make in (LearnedSlope, LearnedSlopeByHand):
        error = utils.gradient_check(make(), x)
        print(f"{make.__name__}: gradients right to {error:.1e}")


if __name__ == "__main__":
    main()
