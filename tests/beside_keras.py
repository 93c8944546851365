"""A small model trained in minicnn and in Keras, from the same weights on the same data."""

from __future__ import annotations

import numpy as np
from helpers import assert_close, labels, normal

import minicnn

N = 20
X, Y = normal(N, 7, dtype=np.float32), labels(N, classes=3)


def both_trained(tf, build, steps=6, loss="sparse_categorical_crossentropy", x=X, y=Y, optimizer=None, **fit):
    """Train build(minicnn) and build(tf.keras) from the same weights; return [(history, final weights)] of both."""
    found, weights = [], None
    for k in (minicnn, tf.keras):
        model = build(k)
        model.build((None, *x.shape[1:]))
        weights = weights or [0.5 * normal(*w.shape, seed=i, dtype=np.float32) for i, w in enumerate(model.weights)]
        model.set_weights(weights)
        model.compile(optimizer(k) if optimizer else k.optimizers.SGD(0.1), loss)
        history = model.fit(x, y, epochs=steps, batch_size=8, shuffle=False, verbose=0, **fit).history
        found.append((history, model.get_weights()))
    return found


def assert_same(found):
    (ours, our_weights), (theirs, their_weights) = found
    for key, values in theirs.items():
        assert_close(ours[key], values, 2e-5, key)
    for mine, wanted in zip(our_weights, their_weights, strict=True):
        assert_close(mine, wanted, 1e-4)
