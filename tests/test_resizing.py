"""Resizing of every kind, beside TensorFlow."""

import numpy as np
import pytest
from helpers import assert_close, normal

import minicnn
from minicnn import ops


@pytest.mark.parametrize("antialias", [False, True])
@pytest.mark.parametrize("interpolation", ["nearest", "bilinear", "bicubic", "lanczos3", "lanczos5", "area"])
@pytest.mark.parametrize("size", [(4, 5), (20, 15), (9, 7), (3, 14)])
def test_resizing_of_every_kind(tf, size, interpolation, antialias):
    x = normal(2, 9, 7, 3, dtype=np.float32)
    wanted = tf.image.resize(x, size, interpolation, antialias=antialias)
    table = interpolation == "bicubic" and not antialias  # TensorFlow reads these weights from a table of 1024 places
    assert_close(ops.image.resize(x, size, interpolation, antialias), wanted, 2e-3 if table else 1e-5)


def test_resizing_whole_numbers(tf):
    x = (np.arange(96).reshape(2, 4, 4, 3) * 7 % 256).astype(np.uint8)
    for options in ({}, {"interpolation": "lanczos3", "antialias": True}):
        for k in (minicnn, tf.keras):
            made = k.layers.Resizing(3, 5, **options)(x)
            assert np.asarray(made).dtype == np.uint8
            if k is minicnn:
                ours = made
        apart = np.abs(ours.astype(int) - np.asarray(made))  # halves may be rounded up or down
        assert apart.max() <= 1 and (apart > 0).mean() < 0.02
