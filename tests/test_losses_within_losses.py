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
