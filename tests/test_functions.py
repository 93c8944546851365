"""`minicnn.ops`' functions beside Keras's: on arrays, and on symbols with their gradients; saved and loaded."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_close, normal

import minicnn
from minicnn import Input, Model, ops
from minicnn.models import clone_model, load_model

POSITIVE = ["log", "sqrt", "rsqrt", "log1p", "log2", "log10", "reciprocal"]
ONE = [
    "abs", "absolute", "square", "exp", "expm1", "tanh", "sigmoid", "relu", "relu6", "silu", "softplus", "softsign",
    "selu", "elu", "celu", "gelu", "leaky_relu", "hard_sigmoid", "hard_silu", "hard_tanh", "log_sigmoid",
    "tanh_shrink", "erf", "negative", "softmax", "log_softmax", *POSITIVE,
]  # fmt: skip
STEPS = ["sign", "floor", "ceil", "round", "isnan", "isinf", "isfinite", "logical_not", "zeros_like", "ones_like"]

# name: (function of (the module ops, x of shape (3, 4, 5, 6)))
OF_ONE = {
    **{name: (lambda k, x, name=name: getattr(k, name)(x)) for name in ONE},
    **{
        f"{name}, {axis}{', keepdims' if keep else ''}": (
            lambda k, x, name=name, axis=axis, keep=keep: getattr(k, name)(x, axis=axis, keepdims=keep)
        )
        for name in ("sum", "mean", "max", "min", "prod", "var", "std", "logsumexp")
        for axis, keep in ((None, False), (-1, True), ((1, 2), False), ((0, 2), True), (0, False))
    },
    "softmax, axis": lambda k, x: k.softmax(x, axis=1),
    "log_softmax, axis": lambda k, x: k.log_softmax(x, axis=2),
    "gelu, exact": lambda k, x: k.gelu(x, approximate=False),
    "leaky_relu, slope": lambda k, x: k.leaky_relu(x, 0.375),
    "clip": lambda k, x: k.clip(x, -0.5, 0.75),
    "maximum": lambda k, x: k.maximum(x, 0.25),
    "minimum": lambda k, x: k.minimum(0.25, x),
    "power": lambda k, x: k.power(k.abs(x) + 0.5, 2.5),
    "power of symbols": lambda k, x: k.power(k.abs(x) + 0.5, x),
    "power 2": lambda k, x: x**2 + (k.abs(x) + 1) ** -0.5 + 2.0**x,
    "mod": lambda k, x: k.mod(x, 0.75),
    "floor_divide": lambda k, x: x + x // 0.75,
    "where": lambda k, x: k.where(x > 0.25, x * 2.0, -1.5),
    "where, both": lambda k, x: k.where(k.logical_and(x > -1, x < 1), k.square(x), k.log(k.abs(x))),
    "nan_to_num": lambda k, x: k.nan_to_num(x / k.relu(x)),
    "divide_no_nan": lambda k, x: k.divide_no_nan(x, k.relu(x)),
    "reshape": lambda k, x: k.reshape(x, (-1, 20, 6)),
    "reshape, batch mixed": lambda k, x: k.reshape(x, (-1, 8)),
    "expand_dims": lambda k, x: k.concatenate([k.expand_dims(x, 1), k.expand_dims(x, axis=(1,))], axis=1),
    "squeeze": lambda k, x: k.squeeze(k.mean(x, axis=(1, 3), keepdims=True), axis=(1, 3)),
    "transpose": lambda k, x: k.transpose(x, (0, 3, 1, 2)),
    "transpose, all": lambda k, x: k.transpose(x),
    "swapaxes": lambda k, x: k.swapaxes(x, 1, -1),
    "moveaxis": lambda k, x: k.moveaxis(x, (1, 2), (-1, 1)),
    "flip": lambda k, x: k.flip(x, axis=2),
    "flip, batch": lambda k, x: k.flip(x, axis=0),
    "roll": lambda k, x: k.roll(x, 2, axis=1),
    "rot90": lambda k, x: k.rot90(x, 1, axes=(1, 2)),
    "tile": lambda k, x: k.tile(x, (1, 2, 1, 3)),
    "repeat": lambda k, x: k.repeat(x, 3, axis=2),
    "pad": lambda k, x: k.pad(x, ((0, 0), (1, 2), (0, 1), (0, 0)), constant_values=0.5),
    "pad, reflect": lambda k, x: k.pad(x, ((0, 0), (1, 2), (2, 1), (0, 0)), mode="reflect"),
    "pad, symmetric": lambda k, x: k.pad(x, ((0, 0), (1, 2), (2, 1), (0, 0)), mode="symmetric"),
    "slices": lambda k, x: x[:, 1:3, ::-1, 2],
    "slices, ends": lambda k, x: x[..., -2:] - x[:, :, :, :2],
    "slices, new axis": lambda k, x: x[:, None, 0, :, 1:],
    "slices, batch": lambda k, x: x[1:] - x[:-1],
    "take": lambda k, x: k.take(x, [3, 0, 0], axis=1),
    "stack": lambda k, x: k.stack([x, 2.0 * x, x - 1.0], axis=1),
    "concatenate": lambda k, x: k.concatenate([x, 2.0 * x[:, :2]], axis=1),
    "concatenate, batch": lambda k, x: k.concatenate([x, -x], axis=0),
    "split": lambda k, x: k.multiply(*k.split(x, 2, axis=1)),
    "split, places": lambda k, x: k.concatenate(k.split(x, [2, 3], axis=2)[::-1], axis=2),
    "unstack": lambda k, x: k.subtract(*k.unstack(x[:, :2], axis=1)),
    "broadcast_to": lambda k, x: k.broadcast_to(k.mean(x, axis=0, keepdims=True), (2, 4, 5, 6)),
    "tril": lambda k, x: k.tril(x) + k.triu(x, 2),
    "matmul": lambda k, x: k.matmul(x, k.swapaxes(x, -1, -2)),
    "matmul, one matrix": lambda k, x: k.matmul(x, np.arange(12.0).reshape(6, 2)),
    "matmul, few and many": lambda k, x: k.matmul(x, k.swapaxes(x[:, :1], -1, -2)),
    "einsum": lambda k, x: k.einsum("bhwc,bhvc->bhwv", x, x),
    "einsum, sums": lambda k, x: k.einsum("bhwc,bc->hb", x, x[:, 0, 0]),
    "einsum, one": lambda k, x: k.einsum("bhwc->cbw", x),
    "tensordot": lambda k, x: k.tensordot(x, np.arange(60.0).reshape(5, 6, 2) / 60, axes=2),
    "norm": lambda k, x: k.norm(x, axis=-1),
    "normalize": lambda k, x: k.normalize(x, axis=-1),
    "average": lambda k, x: k.average(x, axis=1),
    "layer_normalization": lambda k, x: (x - k.mean(x, -1, True)) * k.rsqrt(k.var(x, -1, True) + 1e-3),
    "moments": lambda k, x: k.add(*k.moments(x, (1, 2))),
    "max_pool": lambda k, x: k.max_pool(x, 2, padding="same"),
    "average_pool": lambda k, x: k.average_pool(x, (2, 3), strides=1),
    "conv": lambda k, x: k.conv(x, _kernel(3, 2, 6, 4), strides=1, padding="same"),
    "depthwise_conv": lambda k, x: k.depthwise_conv(x, _kernel(3, 3, 6, 2), strides=2, padding="same"),
    "separable_conv": lambda k, x: k.separable_conv(x, _kernel(2, 2, 6, 1), _kernel(1, 1, 6, 3)),
    "conv_transpose": lambda k, x: k.conv_transpose(x, _kernel(3, 3, 2, 6), strides=2, padding="same"),
    "resize": lambda k, x: k.image.resize(x, (7, 3)),
    "squared_difference": lambda k, x: k.mean(k.square(x - k.stop_gradient(x)) + x),
    "stop_gradient": lambda k, x: x * k.stop_gradient(x),
    "categorical_crossentropy": lambda k, x: k.categorical_crossentropy(k.softmax(-x), k.softmax(x)),
    "categorical_crossentropy, logits": lambda k, x: k.categorical_crossentropy(k.softmax(-x), x, from_logits=True),
    "binary_crossentropy": lambda k, x: k.binary_crossentropy(k.sigmoid(-x), k.sigmoid(x)),
    "binary_crossentropy, logits": lambda k, x: k.binary_crossentropy(k.sigmoid(-x), x, from_logits=True),
}  # fmt: skip
WITHOUT_GRADIENT = {
    **{name: (lambda k, x, name=name: getattr(k, name)(x)) for name in STEPS},
    "argmax": lambda k, x: k.argmax(x, axis=-1),
    "argmin": lambda k, x: k.argmin(x, axis=1),
    "comparisons": lambda k, x: k.cast(x > 0.5, "float32") + k.cast(k.less_equal(x, -0.5), "float32"),
    "equal": lambda k, x: k.cast(k.equal(k.round(x), 1.0), "float32"),
    "logical": lambda k, x: k.cast(k.logical_xor(x > 0, k.logical_or(x > 1, x < -1)), "float32"),
    "any, all": lambda k, x: k.cast(k.any(x > 1, axis=-1), "float32") + k.cast(k.all(x > -2, axis=-1), "float32"),
    "one_hot": lambda k, x: k.one_hot(k.cast(k.clip(k.round(x), 0, 3), "int32"), 4),
    "cast": lambda k, x: k.cast(k.cast(x * 10.0, "int32"), "float32"),
    "count_nonzero": lambda k, x: k.count_nonzero(k.relu(x), axis=1),
}  # fmt: skip


# Keras 3.15 cannot cut the batch of a symbol, and exchanges padding and output_padding of conv_transpose
KERAS_CANNOT = {"slices, batch", "conv_transpose"}


def _kernel(*shape):
    return normal(*shape, seed=5, dtype=np.float32)


def _input(name):
    x = normal(3, 4, 5, 6, dtype=np.float32)
    return np.abs(x) + np.float32(0.1) if name.split(",")[0] in POSITIVE else x


def _tensorflow(function, x):
    """(output, gradient of a weighted sum of it) in Keras on TensorFlow."""
    import keras
    import tensorflow as tf

    with tf.GradientTape() as tape:
        source = tf.constant(x)
        tape.watch(source)
        y = function(keras.ops, source)
        total = tf.reduce_sum(tf.cast(y, tf.float32) * _weights(y.shape))
    dx = tape.gradient(total, source)
    return np.asarray(y, np.float32), np.zeros_like(x) if dx is None else np.asarray(dx)


def _weights(shape):
    return normal(*shape, seed=3, dtype=np.float32)


def _model(function, shape=(4, 5, 6)):
    x = Input(shape)
    return Model(x, function(ops, x))


def _gradient(model, x):
    y, saved = model.forward(x, training=False)
    return model.backward(_weights(y.shape), saved)


@pytest.mark.usefixtures("tf")
@pytest.mark.parametrize("name", {**OF_ONE, **WITHOUT_GRADIENT})
def test_functions_of_arrays_and_symbols_are_keras_s(name):
    function, x = {**OF_ONE, **WITHOUT_GRADIENT}[name], _input(name)
    expected, expected_gradient = _tensorflow(function, x)
    assert_close(np.asarray(function(ops, x), np.float32), expected, 1e-5, "of an array")
    model = _model(function)
    assert_close(model(x), expected, 1e-5, "of a symbol")
    dx = _gradient(model, x)
    if name in OF_ONE and expected_gradient.any():
        assert_close(dx, expected_gradient, 1e-4, "gradient")
    else:
        assert dx is None or not dx.any()
    symbol = model.outputs[0]
    assert all(size in (None, made) for size, made in zip(symbol.shape, expected.shape, strict=True))


@pytest.mark.usefixtures("tf")
@pytest.mark.parametrize("name", {**OF_ONE, **WITHOUT_GRADIENT})
def test_models_of_functions_are_saved_for_keras_and_loaded(name, tmp_path):
    import keras

    function, x = {**OF_ONE, **WITHOUT_GRADIENT}[name], _input(name)
    model = _model(function)
    y = model(x)
    model.save(tmp_path / "model.keras")
    assert_close(load_model(tmp_path / "model.keras")(x), y, 1e-6, "loaded by minicnn")
    assert_close(clone_model(model)(x), y, 1e-6, "cloned")
    if name in KERAS_CANNOT:
        return
    assert_close(np.asarray(keras.models.load_model(tmp_path / "model.keras")(x)), y, 1e-5, "loaded by Keras")
    inputs = keras.Input((4, 5, 6))
    keras.Model(inputs, function(keras.ops, inputs)).save(tmp_path / "theirs.keras")
    assert_close(load_model(tmp_path / "theirs.keras")(x), y, 1e-5, "Keras's own")


@pytest.mark.parametrize("backend", ["numpy", "loops", "tiled", "cpu"])
def test_every_backend_computes_them(backend):
    def network(k, x):
        y = k.matmul(k.transpose(x, (0, 3, 1, 2)), np.ones((5, 3), np.float32))
        y = k.where(y > 0, k.sqrt(k.abs(y) + 1.0), y) - k.max(y, axis=-1, keepdims=True)
        return k.concatenate([k.mean(y, axis=(1, 2)), k.pad(y[:, 0, 0], ((0, 0), (1, 0)))], axis=-1)

    x = _input("")
    expected, gradient = _model(network)(x), _gradient(_model(network), x)
    before = minicnn.backend.backend()
    try:
        minicnn.backend.set_backend(backend)
        model = _model(network)
        assert_close(model(x), expected, 1e-5)
        assert_close(_gradient(model, x), gradient, 1e-5)
    finally:
        minicnn.backend.set_backend(before)


def test_names_do_not_hide_lessons():
    from pathlib import Path

    from minicnn import functions

    lessons = {folder.name for folder in Path(ops.__file__).parent.iterdir() if folder.is_dir()}
    assert not lessons & set(functions.FUNCTIONS)
    with pytest.raises(AttributeError, match=r"minicnn\.ops has no 'fft'"):
        ops.fft  # noqa: B018


def test_python_cannot_decide_by_symbols():
    x = Input((3,))
    with pytest.raises(TypeError, match=r"choose by ops\.where"):
        bool(x > 0)
    with pytest.raises(TypeError, match="NumPy's exp cannot compute with symbols"):
        np.exp(x)


ACTIVATIONS = {
    "relu": [{}, {"negative_slope": 0.25}, {"max_value": 1.0}, {"threshold": 0.5},
             {"negative_slope": 0.25, "max_value": 1.5, "threshold": 0.5}],
    "leaky_relu": [{}, {"negative_slope": 0.5}], "elu": [{}, {"alpha": 0.5}], "celu": [{}, {"alpha": 2.0}],
    "gelu": [{}, {"approximate": True}], "softmax": [{}, {"axis": 1}], "log_softmax": [{}, {"axis": 1}],
    "glu": [{}, {"axis": 1}], "hard_shrink": [{}, {"threshold": 1.0}], "soft_shrink": [{}, {"threshold": 1.0}],
    "squareplus": [{}, {"b": 2}], "threshold": [{"threshold": 0.5, "default_value": -1.0}],
    **{name: [{}] for name in (
        "relu6", "selu", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "silu", "tanh", "tanh_shrink",
        "hard_tanh", "sigmoid", "exponential", "hard_sigmoid", "hard_silu", "log_sigmoid", "linear", "mish",
    )},
}  # fmt: skip


@pytest.mark.usefixtures("tf")
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_take_keras_s_arguments(name):
    import keras

    x, symbol = _input(""), Input((4, 5, 6))
    for arguments in ACTIVATIONS[name]:
        expected = np.asarray(getattr(keras.activations, name)(x, **arguments))
        ours = getattr(minicnn.activations, name)
        assert_close(ours(x, **arguments), expected, 1e-5, f"of an array, {arguments}")
        model = Model(symbol, ours(symbol, **arguments))
        assert_close(model(x), expected, 1e-5, f"of a symbol, {arguments}")


def test_activations_may_be_functions_and_layers():
    from minicnn import layers

    x = normal(3, 4, dtype=np.float32)
    for given, wanted in (
        (ops.tanh, "tanh"), (lambda x: ops.maximum(x, 0), "relu"), (layers.LeakyReLU(0.2), "leaky_relu"),
        (minicnn.activations.hard_tanh, "hard_tanh"),
    ):  # fmt: skip
        minicnn.utils.set_random_seed(0)
        found = layers.Dense(5, activation=given)(x)
        minicnn.utils.set_random_seed(0)
        assert_close(found, layers.Dense(5, activation=wanted)(x), 1e-6)
    dense = layers.Dense(5, activation=layers.PReLU("ones"))
    dense.build((None, 4))
    assert_close(dense(x), x @ dense.kernel.numpy(), 1e-5)  # below zero it has a slope of 1
    assert [tuple(w.shape) for w in dense.weights] == [(4, 5), (5,), (5,)]
    with pytest.raises(ValueError, match="An activation is a name, a function or a layer; received 3"):
        layers.Dense(5, activation=3)


MIXING = {
    "mean of the batch": lambda x: x - ops.mean(x, axis=0, keepdims=True),
    "flipped": lambda x: ops.flip(x, axis=0),
    "pairs": lambda x: ops.matmul(ops.reshape(x, (-1, 120)), ops.transpose(ops.reshape(x, (-1, 120)))),
    "rolled": lambda x: ops.roll(x, 1, axis=0) + x,
    "one axis": lambda x: ops.expand_dims(x[:, 0, 0, 0], 0) * ops.expand_dims(x[:, 0, 0, 0], 1),
    "side by side": lambda x: ops.concatenate([x, x], axis=0),
}
APART = {
    "channels": lambda x: ops.softmax(x - ops.mean(x, axis=(1, 2, 3), keepdims=True), axis=1),
    "weights": lambda x: ops.matmul(ops.reshape(x, (-1, 20, 6)), np.ones((6, 2), np.float32)) * np.arange(2.0),
    "moved": lambda x: ops.transpose(x, (0, 2, 1, 3))[:, ::-1, 1:],
}


@pytest.mark.parametrize("name", {**MIXING, **APART})
def test_large_batches_are_computed_in_parts_only_where_images_are_apart(name, monkeypatch):
    from minicnn.models import alone, prediction

    x = normal(50, 4, 5, 6, dtype=np.float32)
    model = _model(lambda _, x: {**MIXING, **APART}[name](x))
    assert alone.keeps_images_apart(model, [(2, 4, 5, 6)]) == (name in APART)
    expected = np.array(model.forward(x, False, False)[0])
    monkeypatch.setattr(prediction, "_FEW_NUMBERS", 1000)  # parts of a few images
    monkeypatch.setattr(prediction, "_FEW_IMAGES", 4)
    assert_close(model(x), expected, 1e-6)
    if name in APART:
        assert_close(model.predict(x, verbose=0, batch_size=50), expected, 1e-6)
