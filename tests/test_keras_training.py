"""With the same weights and batches, training in Keras and in minicnn gives the same losses, step by step.

In float64 the first 20 losses agree to 1e-8. In float32 rounding alone changes the 20th loss by a few thousandths, so
only the first three losses are compared, to 1e-4. Dropout would draw other masks than Keras's, so its rate is 0.
"""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_close, normal

import minicnn


def fashion(L, dtype):
    """The network of `fashion_cnn.py` and of the example."""
    return [
        L.Input((28, 28, 1), dtype=dtype),
        L.Conv2D(32, 3, padding="same", activation="relu", dtype=dtype),
        L.MaxPooling2D(2, dtype=dtype),
        L.Conv2D(64, 3, padding="same", activation="relu", dtype=dtype),
        L.MaxPooling2D(2, dtype=dtype),
        L.Flatten(dtype=dtype),
        L.Dense(100, activation="relu", dtype=dtype),
        L.Dropout(0.0, dtype=dtype),
        L.Dense(10, activation="softmax", dtype=dtype),
    ]


def mnist_dense(L, dtype):
    """The first network of `mnist_dense_and_cnn.py`."""
    rows = [L.Dense(64, activation="relu", dtype=dtype), L.Dense(16, activation="relu", dtype=dtype)]
    inputs = [L.Input((28, 28, 1), dtype=dtype), L.Flatten(dtype=dtype)]
    return [*inputs, *rows, L.Dense(10, activation="softmax", dtype=dtype)]


def mnistcnn(L, dtype):
    """The second network of `mnist_dense_and_cnn.py`: two convolutions with 2x2 kernels, 64 and 128 filters.

    The padding is uneven.
    """
    return [
        L.Input((28, 28, 1), dtype=dtype),
        L.Conv2D(64, 2, padding="same", activation="relu", dtype=dtype),
        L.MaxPooling2D(2, dtype=dtype),
        L.Conv2D(128, 2, padding="same", activation="relu", dtype=dtype),
        L.MaxPooling2D(2, dtype=dtype),
        L.Flatten(dtype=dtype),
        L.Dense(10, activation="softmax", dtype=dtype),
    ]


def mnist_l2(L, dtype):
    """The third network of `mnist_dense_and_cnn.py`: four convolutions, every kernel with a penalty."""
    model = [L.Input((28, 28, 1), dtype=dtype)]
    for filters in (32, 64, 128, 256):
        model += [
            L.Conv2D(filters, 2, padding="same", activation="relu", kernel_regularizer="l2", dtype=dtype),
            L.MaxPooling2D(dtype=dtype),
            L.Dropout(0.0, dtype=dtype),
        ]
    return [*model, L.Flatten(dtype=dtype), L.Dense(10, activation="softmax", kernel_regularizer="l2", dtype=dtype)]


def mnist_fcl(L, dtype):
    """The network of `mnist_fcl.py`: five dense layers."""
    rows = [L.Dense(units, activation="relu", dtype=dtype) for units in (512, 256, 128, 64)]
    inputs = [L.Input((28, 28), dtype=dtype), L.Flatten(dtype=dtype)]
    return [*inputs, *rows, L.Dense(10, activation="softmax", dtype=dtype)]


def feature_maps(L, dtype):
    """The network of `feature_maps.py`: its pools pad, from 7 pixels to 4."""
    model = [L.Input((28, 28, 1), dtype=dtype)]
    for filters in (32, 64, 128):
        model += [
            L.Conv2D(filters, 3, padding="same", activation="relu", dtype=dtype),
            L.MaxPooling2D(2, padding="same", dtype=dtype),
            L.Dropout(0.0, dtype=dtype),
        ]
    return [*model, L.Flatten(dtype=dtype), L.Dense(10, activation="softmax", dtype=dtype)]


def cifar(L, dtype):
    """The network of `cifar10_cnn.py`: six convolutions in three blocks."""
    model = [L.Input((32, 32, 3), dtype=dtype)]
    for filters in (32, 64, 64):
        model += [
            L.Conv2D(filters, 3, padding="same", activation="relu", dtype=dtype),
            L.Conv2D(filters, 3, padding="same", activation="relu", dtype=dtype),
            L.MaxPooling2D(2, dtype=dtype),
            L.Dropout(0.0, dtype=dtype),
        ]
    return [
        *model,
        L.Flatten(dtype=dtype),
        L.Dense(128, activation="relu", dtype=dtype),
        L.Dropout(0.0, dtype=dtype),
        L.Dense(10, activation="softmax", dtype=dtype),
    ]


def batch_norm(L, dtype):
    """Convolutions with batch norm and ReLU, and average pooling."""
    return [
        L.Input((14, 14, 3), dtype=dtype),
        L.Conv2D(16, 3, strides=2, padding="same", use_bias=False, dtype=dtype),
        L.BatchNormalization(dtype=dtype),
        L.Activation("relu", dtype=dtype),
        L.DepthwiseConv2D(3, padding="same", dtype=dtype),
        L.BatchNormalization(dtype=dtype),
        L.LeakyReLU(negative_slope=0.125, dtype=dtype),
        L.AveragePooling2D(2, dtype=dtype),
        L.GlobalAveragePooling2D(dtype=dtype),
        L.Dense(10, activation="softmax", dtype=dtype),
    ]


def down_and_up(L, dtype):
    """Separable convolutions down to half the size, and up again."""
    return [
        L.Input((14, 14, 3), dtype=dtype),
        L.SeparableConv2D(16, 3, strides=2, padding="same", activation="relu", dtype=dtype),
        L.SeparableConv2D(8, 3, padding="same", depth_multiplier=2, use_bias=False, dtype=dtype),
        L.UpSampling2D(2, dtype=dtype),
        L.Conv2D(8, 3, padding="same", activation="tanh", dtype=dtype),
        L.Cropping2D(((1, 0), (2, 1)), dtype=dtype),
        L.UpSampling2D((1, 2), interpolation="bilinear", dtype=dtype),
        L.GlobalAveragePooling2D(dtype=dtype),
        L.Dense(10, activation="softmax", dtype=dtype),
    ]


def autoencoder(L, dtype):
    """Convolutions with strides, then transposed ones back to the image's size."""
    return [
        L.Input((12, 12, 3), dtype=dtype),
        L.Conv2D(12, 3, strides=2, padding="same", activation="relu", dtype=dtype),
        L.Conv2D(16, 3, strides=2, padding="same", activation="relu", dtype=dtype),
        L.Conv2DTranspose(12, 3, strides=2, padding="same", activation="relu", dtype=dtype),
        L.Conv2DTranspose(10, 4, strides=2, padding="same", use_bias=False, dtype=dtype),
        L.BatchNormalization(dtype=dtype),
        L.LeakyReLU(0.25, dtype=dtype),
        L.Conv2DTranspose(3, (3, 2), activation="tanh", dtype=dtype),
        L.GlobalAveragePooling2D(dtype=dtype),
        L.Dense(10, activation="softmax", dtype=dtype),
    ]


# The optimizer's class and options. TensorFlow rounds momentum, Adam's betas and LeakyReLU's slope to float32 even if
# everything else is float64. This alone changes the losses by 1e-6, so these are numbers that float32 can hold.
BETAS = {"beta_1": 0.875, "beta_2": 1 - 2**-10}
MODELS = {
    fashion: ("Adam", BETAS),
    mnistcnn: ("RMSprop", {}),
    cifar: ("SGD", {"learning_rate": 0.001, "momentum": 0.875}),
    batch_norm: ("Adam", {"learning_rate": 0.01, **BETAS}),
    down_and_up: ("Adam", {"learning_rate": 0.01, **BETAS}),
    autoencoder: ("Adam", {"learning_rate": 0.01, **BETAS}),
    mnist_dense: ("Adam", BETAS),
    mnist_l2: ("Adam", BETAS),
    mnist_fcl: ("Adam", BETAS),
    feature_maps: ("Adam", BETAS),
}
IN_FLOAT32 = (fashion, mnistcnn, cifar, batch_norm)
BATCH, STEPS = 16, 20


def losses_of(k, build, dtype, weights, steps, raw_pixels):
    model = k.Sequential(build(k.layers, dtype))
    optimizer, options = MODELS[build]
    model.compile(getattr(k.optimizers, optimizer)(**options), "sparse_categorical_crossentropy")
    shape = model.input_shape[1:]
    if weights is None:
        weights = [normal(*w.shape, seed=i) / np.sqrt(w.shape[-1] + 10) / 3 for i, w in enumerate(model.weights)]
        weights = [
            np.abs(v) + 0.5 if "variance" in w.name or "gamma" in w.name else v
            for v, w in zip(weights, model.weights, strict=True)
        ]
    model.set_weights([w.astype(dtype) for w in weights])
    losses = []
    for step in range(steps):
        rng = np.random.default_rng(step)
        x = rng.integers(0, 256, (BATCH, *shape)).astype(dtype)
        x = x if raw_pixels else x / 255
        losses.append(float(np.squeeze(model.train_on_batch(x, rng.integers(0, 10, BATCH)))))
    return losses, weights, model.get_weights()


@pytest.mark.parametrize("build", MODELS, ids=lambda build: build.__name__)
def test_twenty_losses_in_float64(tf, build):
    tf.keras.backend.set_floatx("float64")
    try:
        expected, weights, end = losses_of(tf.keras, build, "float64", None, STEPS, raw_pixels=False)
    finally:
        tf.keras.backend.set_floatx("float32")
    found, _, our_end = losses_of(minicnn, build, "float64", weights, STEPS, raw_pixels=False)
    assert max(expected) > 1.5
    assert_close(found, expected, 1e-8, "losses")
    for mine, wanted in zip(our_end, end, strict=True):
        assert_close(mine, wanted, 1e-6, "weights after the last step")


@pytest.mark.parametrize("build", IN_FLOAT32, ids=lambda build: build.__name__)
def test_three_losses_in_float32(tf, build):
    expected, weights, _ = losses_of(tf.keras, build, "float32", None, 3, raw_pixels=False)
    found, _, _ = losses_of(minicnn, build, "float32", weights, 3, raw_pixels=False)
    for mine, wanted in zip(found, expected, strict=True):
        assert abs(mine - wanted) <= 1e-4 * max(1, wanted), (found, expected)


@pytest.mark.parametrize("build", IN_FLOAT32, ids=lambda build: build.__name__)
def test_three_losses_on_raw_pixels(tf, build):
    """On pixels from 0 to 255, Adam's first steps turn rounding errors into whole steps.

    Keras's float32 losses differ from its float64 losses by more than 1e-4. So our losses are compared with Keras's in
    float64. Our error may be 1e-4, or four times the error of Keras's float32.
    """
    _, weights, _ = losses_of(tf.keras, build, "float32", None, 1, raw_pixels=True)
    weights = [w.astype(np.float32) for w in weights]
    theirs, _, _ = losses_of(tf.keras, build, "float32", weights, 3, raw_pixels=True)
    found, _, _ = losses_of(minicnn, build, "float32", weights, 3, raw_pixels=True)
    tf.keras.backend.set_floatx("float64")
    try:
        exact, _, _ = losses_of(tf.keras, build, "float64", weights, 3, raw_pixels=True)
    finally:
        tf.keras.backend.set_floatx("float32")
    for mine, keras, wanted in zip(found, theirs, exact, strict=True):
        assert abs(mine - wanted) <= max(1e-4 * max(1, wanted), 4 * abs(keras - wanted)), (found, theirs, exact)


def test_numpy_backend_trains_the_same(tf):
    minicnn.backend.set_backend("numpy")
    _, weights, _ = losses_of(minicnn, batch_norm, "float64", None, 1, raw_pixels=False)
    found, _, _ = losses_of(minicnn, batch_norm, "float64", weights, 5, raw_pixels=False)
    minicnn.backend.set_backend("cpu")
    expected, _, _ = losses_of(minicnn, batch_norm, "float64", weights, 5, raw_pixels=False)
    assert_close(found, expected, 1e-9)


def build_branches(k):
    """A functional model with branches, a layer used twice, and merges."""
    inputs = k.Input((8, 6, 2))
    shared = k.layers.Conv2D(4, 3, padding="same", activation="relu")
    a = k.layers.Conv2D(4, 1)(inputs)
    b = shared(a)
    c = shared(k.layers.Add()([a, b]))
    joined = k.layers.Concatenate()([a, b, c])
    pooled = k.layers.GlobalAveragePooling2D()(joined)
    return k.Model(inputs, k.layers.Dense(3, activation="softmax")(pooled))


def test_fit_with_weights_validation_and_an_odd_last_batch(tf):
    """The histories are Keras's with sample weights, class weights, validation, metrics and a smaller last batch."""
    x, y = normal(23, 8, 6, 2, dtype=np.float32), np.random.default_rng(0).integers(0, 3, 23)
    options = {
        "epochs": 3, "batch_size": 5, "shuffle": False, "verbose": 0, "validation_split": 0.3,
    }  # fmt: skip
    cases = [{}, {"class_weight": {0: 0.5, 1: 2.0}}, {"sample_weight": np.linspace(0, 2, 23).astype(np.float32)}]
    weights = None
    for extra in cases:
        histories = []
        for k in (tf.keras, minicnn):
            model = build_branches(k)
            if weights is None:
                weights = [0.3 * normal(*w.shape, seed=i, dtype=np.float32) for i, w in enumerate(model.weights)]
            model.set_weights(weights)
            model.compile(k.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["acc"])
            histories.append(model.fit(x, y, **options, **extra).history)
        expected, found = histories
        assert sorted(found) == sorted(expected) == ["acc", "loss", "val_acc", "val_loss"]
        for key, values in expected.items():
            assert_close(found[key], values, 1e-5, f"{key} with {list(extra)}")
