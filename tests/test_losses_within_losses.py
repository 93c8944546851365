"""Known losses as parts of a user's own, beside Keras."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_close, normal

import minicnn


def _within_own_losses(k):
    """{name: (an own loss that calls known ones, the kind of targets)}."""
    L, ops = k.losses, k.ops
    weight = 2.0
    return {
        "smoothed, a function": (lambda t, p: L.categorical_crossentropy(t, p, label_smoothing=0.2), "one-hot"),
        "smoothed, a class": (lambda t, p: weight * L.CategoricalCrossentropy(label_smoothing=0.3)(t, p), "one-hot"),
        "smoothed, rows": (
            lambda t, p: L.CategoricalCrossentropy(label_smoothing=0.3, reduction="none")(t, p) ** weight,
            "one-hot",
        ),
        "smoothed, binary": (lambda t, p: L.binary_crossentropy(t, p, label_smoothing=0.2), "one-hot"),
        "smoothed, of what is computed": (
            lambda t, p: L.binary_crossentropy(ops.square(t), p * 4 - 1, from_logits=True, label_smoothing=0.1),
            "one-hot",
        ),
        "ignored, a function": (lambda t, p: L.sparse_categorical_crossentropy(t, p, ignore_class=1), "labels"),
        "ignored, their mean": (
            lambda t, p: ops.mean(L.sparse_categorical_crossentropy(t, p, ignore_class=1)),
            "labels",
        ),
        "ignored, a class": (lambda t, p: L.SparseCategoricalCrossentropy(ignore_class=2)(t, p) * weight, "labels"),
        "ignored, outside the classes": (
            lambda t, p: L.SparseCategoricalCrossentropy(ignore_class=255)(ops.where(t == 2, 255.0, t), p),
            "labels",
        ),
        "hinge of 0 and 1": (lambda t, p: L.hinge(t, p), "one-hot"),
        "hinge of 0 and 1, a class": (lambda t, p: L.SquaredHinge()(t, p * 2), "one-hot"),
        "hinge of -1 and 1": (lambda t, p: L.hinge(2 * t - 1, p), "one-hot"),
        "ignored, all": (lambda t, p: L.sparse_categorical_crossentropy(0 * t, p, ignore_class=0), "labels"),
    }


@pytest.mark.parametrize("name", _within_own_losses(minicnn))
def test_options_of_known_losses_hold_within_own_losses(tf, name):
    x, labels = normal(24, 5, dtype=np.float32), np.arange(24) % 3
    histories = []
    for k in (minicnn, tf.keras):
        loss, kind = _within_own_losses(k)[name]
        activation = "sigmoid" if "binary" in name else "softmax"
        model = k.Sequential([k.Input((5,)), k.layers.Dense(3, activation=activation)])
        model.set_weights([normal(5, 3, dtype=np.float32), np.zeros(3)])
        model.compile(k.optimizers.SGD(0.5), loss)
        y = np.eye(3, dtype=np.float32)[labels] if kind == "one-hot" else labels.astype(np.float32)
        histories.append(model.fit(x, y, batch_size=12, epochs=3, shuffle=False, verbose=0).history["loss"])
    assert_close(np.array(histories[0]), histories[1], 1e-5)


BETWEEN = {
    "MeanSquaredError": {}, "MeanAbsoluteError": {}, "MeanAbsolutePercentageError": {}, "Huber": {"delta": 0.1},
    "MeanSquaredLogarithmicError": {}, "LogCosh": {}, "Poisson": {}, "Hinge": {}, "SquaredHinge": {},
    "KLDivergence": {}, "CategoricalCrossentropy": {}, "BinaryCrossentropy": {}, "CosineSimilarity": {},
    "CategoricalCrossentropy ": {"from_logits": True, "label_smoothing": 0.1},
    "BinaryCrossentropy ": {"from_logits": True, "label_smoothing": 0.1},
}  # fmt: skip


@pytest.mark.parametrize("name", BETWEEN)
def test_both_sides_of_a_loss_between_two_outputs_learn(tf, name):
    x = normal(24, 5, dtype=np.float32)
    results = []
    for k in (minicnn, tf.keras):

        class Pair(k.Model):
            def __init__(self, first, second, between):
                super().__init__()
                self.first, self.second, self.between = first, second, between

            def call(self, x):
                a, b = (0.91 * part(x) + 0.03 for part in (self.first, self.second))  # Keras looks for a last softmax
                self.add_loss(self.between(a, b))
                return a

        loss = getattr(k.losses, name.strip())(**BETWEEN[name])
        model = Pair(k.layers.Dense(3, activation="softmax"), k.layers.Dense(3, activation="softmax"), loss)
        model(x)
        model.set_weights([normal(*w.shape, seed=i, dtype=np.float32) for i, w in enumerate(model.get_weights())])
        model.compile(k.optimizers.SGD(0.01 if "Percentage" in name else 0.5))
        history = model.fit(x, batch_size=12, epochs=3, shuffle=False, verbose=0).history["loss"]
        results.append([np.array(history), *model.get_weights()])
    for mine, theirs in zip(*results, strict=True):
        assert_close(mine, theirs, 2e-5)


def test_a_loss_between_outputs_costs_no_kernel_where_nothing_learns():
    """Targets that only come from data have no gradient: there the kernels compute."""
    a, b = minicnn.Input((3,)), minicnn.Input((3,))
    rows = minicnn.losses.mean_squared_error(a * 2, minicnn.layers.Dense(3)(b))
    kinds = [type(layer).__name__ for layer in minicnn.Model([a, b], rows).layers_and_operations]
    assert "LossRows" in kinds


@pytest.mark.parametrize("shape", [(8, 3), (8,), (8, 4, 2), (8, 2, 2), (8, 5)])
@pytest.mark.parametrize("name", ["categorical_crossentropy", "mean_squared_error", "kl_divergence", "hinge"])
def test_targets_that_do_not_fit_are_refused_within_own_losses(name, shape):
    loss = getattr(minicnn.losses, name)
    model = minicnn.Sequential([minicnn.Input((5,)), minicnn.layers.Dense(4)])
    model.compile("sgd", lambda t, p: loss(t, p))
    with pytest.raises(ValueError, match="shape"):
        model.fit(np.ones((8, 5)), np.ones(shape), verbose=0)


@pytest.mark.parametrize("labels", [[4, 0], [-1, 0], [10**9, 0], [0.5, 0]])
def test_labels_that_are_no_classes_are_refused_within_own_losses(labels):
    model = minicnn.Sequential([minicnn.Input((5,)), minicnn.layers.Dense(4, activation="softmax")])
    model.compile("sgd", lambda t, p: 2 * minicnn.losses.sparse_categorical_crossentropy(t, p))
    with pytest.raises(ValueError, match=r"labels must be from 0 to 3|Labels must be whole numbers"):
        model.fit(np.ones((2, 5)), np.array(labels), verbose=0)


@pytest.mark.parametrize("name", ["MeanSquaredError", "MeanAbsoluteError", "Huber", "SquaredHinge"])
def test_targets_are_broadcast_as_in_keras(tf, name):
    x, y = normal(8, 5, dtype=np.float32), normal(8, 1, seed=1, dtype=np.float32)
    histories = []
    for k in (minicnn, tf.keras):
        model = k.Sequential([k.Input((5,)), k.layers.Dense(4, kernel_initializer="ones")])
        known = getattr(k.losses, name)(reduction="none")
        model.compile(k.optimizers.SGD(0.1), lambda t, p, known=known: known(t, p))
        histories.append(model.fit(x, y, epochs=3, shuffle=False, verbose=0).history["loss"])
    assert_close(np.array(histories[0]), histories[1], 1e-5)
