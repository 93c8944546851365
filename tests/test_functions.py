"""`minicnn.ops`' functions beside Keras's: on arrays, and on symbols with their gradients; saved and loaded."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_close, normal

import minicnn
from minicnn import Input, Model, layers, ops
from minicnn.models import clone_model, load_model

POSITIVE = ["log", "sqrt", "rsqrt", "log1p", "log2", "log10", "reciprocal"]
ONE = [
    "abs", "absolute", "square", "exp", "expm1", "tanh", "sigmoid", "relu", "relu6", "silu", "softplus", "softsign",
    "selu", "elu", "celu", "gelu", "leaky_relu", "hard_sigmoid", "hard_silu", "hard_tanh", "log_sigmoid",
    "tanh_shrink", "erf", "negative", "softmax", "log_softmax", "sin", "cos", "arctan", "tan", "sinh", "cosh",
    "arcsinh", "exp2", "cbrt", "erfc", "sinc", "deg2rad", "rad2deg", "fabs", "hard_shrink", "soft_shrink",
    "sparse_plus", "sparse_sigmoid", "squareplus", "fliplr", "flipud", *POSITIVE,
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
    "softmax, axes": lambda k, x: k.softmax(x, axis=(1, 2)),
    "arcsin, arccos": lambda k, x: k.arcsin(k.tanh(x)) + 2.0 * k.arccos(k.tanh(x)),
    "arctanh": lambda k, x: k.arctanh(0.9 * k.tanh(x)),
    "arccosh": lambda k, x: k.arccosh(1.5 + k.abs(x)),
    "arctan2": lambda k, x: k.arctan2(x[..., :3], x[..., 3:]),
    "hypot": lambda k, x: k.hypot(x, x + 2.0),
    "logaddexp": lambda k, x: k.logaddexp(x, 2.0 * x) + k.logaddexp2(x, 1.0),
    "fmod": lambda k, x: k.fmod(x, 0.75),
    "heaviside": lambda k, x: x * k.heaviside(x, 0.5),
    "fmax, fmin": lambda k, x: k.fmax(x, 0.25) - k.fmin(x, -0.25),
    "hstack": lambda k, x: k.hstack([x, x * 2.0]),
    "vstack": lambda k, x: k.vstack([x, x * 2.0]),
    "dstack": lambda k, x: k.dstack([x, x * 2.0]),
    "append": lambda k, x: k.append(x, x * 2.0, axis=2),
    "array_split": lambda k, x: k.concatenate(k.array_split(x, 3, axis=2)[::-1], axis=2),
    "hsplit": lambda k, x: k.subtract(*k.hsplit(x, 2)),
    "slice": lambda k, x: k.slice(x, (0, 1, 2, 0), (3, 2, 3, 4)),
    "diff": lambda k, x: k.diff(x, axis=2) - k.diff(x, n=2, axis=3)[:, :, :4, :1],
    "trace": lambda k, x: k.trace(x, 1, 2, 3),
    "cumsum": lambda k, x: k.cumsum(x, axis=1) + k.cumsum(x, axis=-1),
    "ptp": lambda k, x: k.max(x, 2) - k.min(x, 2),
    "glu": lambda k, x: k.glu(x),
    "threshold": lambda k, x: k.threshold(x, 0.25, 2.0),
    "depth_to_space": lambda k, x: k.depth_to_space(x[..., :4], 2),
    "space_to_depth": lambda k, x: k.space_to_depth(x[:, :, :4], 2),
    "rms_normalization": lambda k, x: k.rms_normalization(x),
    "psnr": lambda k, x: k.psnr(x, x + 0.5 * k.tanh(x), 4.0),
    "dot_product_attention": lambda k, x: k.dot_product_attention(x, x * 0.5, x + 1.0),
    "dot_product_attention, causal": lambda k, x: k.dot_product_attention(x, x, x, scale=0.5, is_causal=True),
    "take_along_axis": lambda k, x: k.take_along_axis(x, k.argmax(x, axis=2, keepdims=True), axis=2),
    "cond": lambda k, x: k.cond(True, lambda: x * 2.0, lambda: x),
    "fori_loop": lambda k, x: k.fori_loop(0, 3, lambda i, y: y * 1.5 + x, x),
    "extract_patches": lambda k, x: k.image.extract_patches(x, (2, 3)),
    "extract_patches, same": lambda k, x: k.image.extract_patches(x, 3, strides=2, padding="same"),
    "rgb_to_hsv": lambda k, x: k.image.rgb_to_hsv(k.sigmoid(x[..., :3])),
    "gaussian_blur": lambda k, x: k.image.gaussian_blur(x, (3, 5), (0.7, 1.2)),
    "nn": lambda k, x: k.nn.relu(x) + k.numpy.square(x),
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
    "layer_normalization, axis": lambda k, x: k.layer_normalization(x, np.arange(5.0), np.ones(5), axis=2),
    "layer_normalization, rms": lambda k, x: k.layer_normalization(x, np.arange(6.0), axis=-1, rms_scaling=True),
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


# Keras 3.15 cannot cut the batch of a symbol, and exchanges padding and output_padding of conv_transpose,
# and cannot save the last two
KERAS_CANNOT = {"slices, batch", "conv_transpose", "fori_loop", "heaviside"}


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


ARRAYS = {  # functions that minicnn has for arrays alone
    "sort": lambda k, x: k.sort(x, axis=1), "argsort": lambda k, x: k.argsort(x, axis=-1),
    "median": lambda k, x: k.median(x, axis=1), "quantile": lambda k, x: k.quantile(x, 0.3, axis=1),
    "top_k": lambda k, x: k.top_k(x, 3)[0], "top_k, places": lambda k, x: k.top_k(x, 3)[1],
    "in_top_k": lambda k, x: k.in_top_k(np.array([1, 0, 3], "int32"), x[:, 0, 0], 2),
    "cumprod": lambda k, x: k.cumprod(x, axis=1), "bincount": lambda k, x: k.bincount(np.array([1, 1, 3])),
    "digitize": lambda k, x: k.digitize(x, np.array([-1.0, 0.0, 1.0], "float32")),
    "searchsorted": lambda k, x: k.searchsorted(np.array([-1.0, 0.0, 1.0], "float32"), x[0, 0, 0]),
    "meshgrid": lambda k, x: k.meshgrid(x[0, 0, 0], x[0, 0, :, 0])[1], "tri": lambda k, x: k.tri(3, 4, 1),
    "diag": lambda k, x: k.diag(x[0, 0, 0]), "nanmean": lambda k, x: k.nanmean(x, axis=1),
    "logspace": lambda k, x: k.logspace(0.0, 2.0, 5), "cross": lambda k, x: k.cross(x[..., :3], x[..., 3:]),
    "kron": lambda k, x: k.kron(x[0, 0], x[0, 1]), "inv": lambda k, x: k.inv(x[0, :, :4, :4]),
    "det": lambda k, x: k.det(x[0, :, :4, :4]), "solve": lambda k, x: k.solve(x[0, :, :4, :4], x[0, :, :4, :2]),
    "bitwise_and": lambda k, x: k.bitwise_and(np.array([5, 6]), np.array([3, 3])),
    "isclose": lambda k, x: k.isclose(x, x + 1e-7), "signbit": lambda k, x: k.signbit(x),
    "multi_hot": lambda k, x: k.multi_hot(np.array([[1, 3], [0, 2]]), 5),
    "saturate_cast": lambda k, x: k.saturate_cast(x * 200.0, "uint8"),
    "unravel_index": lambda k, x: k.unravel_index(np.array([5, 7]), (3, 4))[1],
    "histogram": lambda k, x: k.histogram(x[0, 0, 0], 5)[0], "linalg": lambda k, x: k.linalg.norm(x, axis=-1),
    "average": lambda k, x: k.average(x, axis=1, weights=np.arange(1, 5, dtype="float32")),
    "slice_update": lambda k, x: k.slice_update(x, (0, 1, 0, 2), 2.0 * x[:, :2, :3, :3]),
    "percentile of all": lambda k, x: k.quantile(x, 0.5), "correlate": lambda k, x: k.correlate(x[0, 0, 0], x[0, 0, 1]),
}  # fmt: skip


@pytest.mark.parametrize("name", ARRAYS)
def test_functions_of_arrays_alone_are_keras_s(tf, name):
    import keras

    x = normal(3, 4, 5, 6, dtype=np.float32)
    mine, wanted = np.asarray(ARRAYS[name](ops, x)), np.asarray(ARRAYS[name](keras.ops, x))
    assert mine.shape == wanted.shape
    assert_close(mine.astype(np.float64), wanted.astype(np.float64), 1e-4)
    assert mine.dtype.kind == wanted.dtype.kind


OF_ARRAYS = {
    "sort": lambda k, x: k.sort(x, axis=1), "sort by name": lambda k, x: k.sort(x=x),
    "argsort": lambda k, x: k.argsort(x),
    "median": lambda k, x: k.median(x, axis=1, keepdims=True), "cumprod": lambda k, x: k.cumprod(x, axis=1),
    "nanmax": lambda k, x: k.nanmax(x, axis=-1), "quantile": lambda k, x: k.quantile(x, 0.25, axis=1),
    "top_k": lambda k, x: k.top_k(x, 2)[0], "top_k's places": lambda k, x: k.top_k(x, 2)[1],
    "digitize": lambda k, x: k.digitize(x, bins=np.array([-1.0, 0.0, 1.0])),
    "isin": lambda k, x: k.isin(k.round(x), np.array([0.0, 1.0])), "signbit": lambda k, x: k.signbit(x),
    "inverse": lambda k, x: k.inv(k.matmul(k.transpose(x), x) + np.eye(4, dtype=np.float32)),
    "diagonal": lambda k, x: k.diagflat(k.sum(x, axis=0)),
}  # fmt: skip


@pytest.mark.parametrize("name", OF_ARRAYS)
def test_functions_that_numpy_computes(tf, name):
    """On arrays and on symbols they are Keras's, of shapes that are known as far as Keras knows them."""
    import keras

    function, x = OF_ARRAYS[name], normal(5, 4, dtype=np.float32)
    wanted, shapes = function(keras.ops, x), []
    found = function(ops, x)
    assert_close(found, np.asarray(wanted).astype(found.dtype), 1e-4)
    assert str(found.dtype) == keras.backend.standardize_dtype(wanted.dtype)
    for k in (minicnn, keras):
        symbol = k.Input((4,))
        y = function(k.ops, symbol)
        shapes.append(tuple(y.shape))
        if k is minicnn:
            assert_close(minicnn.Model(symbol, y).predict(x, verbose=0), np.asarray(wanted, np.float64), 1e-4)
    assert shapes[0] == shapes[1]


def test_functions_that_numpy_computes_have_no_gradient():
    class Sorted(layers.Layer):
        def call(self, x):
            return ops.sort(x)

    x, y = np.ones((4, 3), np.float32), np.ones((4, 3), np.float32)
    model = minicnn.Sequential([layers.Dense(3), Sorted()])
    model.compile("sgd", "mse")
    with pytest.raises(NotImplementedError, match=r"no gradient of ops\.sort: use ops\.stop_gradient"):
        model.fit(x, y, verbose=0)
    model = minicnn.Sequential([Sorted(), layers.Dense(3)])
    model.compile("sgd", "mse")
    assert model.fit(x, y, verbose=0, epochs=5).history["loss"][-1] < model.evaluate(x, y * 9, verbose=0)
    with pytest.raises(ValueError, match=r"ops\.inv does not take symbols of these shapes, as in \(2, 3\)"):
        ops.inv(minicnn.Input((3,)))


NO_GRADIENT_IN_KERAS = {
    "hsv_to_rgb": lambda k, x: k.image.hsv_to_rgb(k.sigmoid(x[..., :3])),
    "slice_update": lambda k, x: k.slice_update(x, (0, 1, 0, 2), 2.0 * x[:, :2, :3, :3]),
}


@pytest.mark.parametrize("name", NO_GRADIENT_IN_KERAS)
def test_functions_whose_gradient_only_minicnn_has(tf, name):
    import keras

    function, x = NO_GRADIENT_IN_KERAS[name], normal(3, 4, 5, 6, dtype=np.float32)
    wanted = np.asarray(function(keras.ops, x))
    assert_close(np.asarray(function(ops, x)), wanted, 1e-5)
    assert_close(_model(function)(x), wanted, 1e-5)
    layer = minicnn.layers.Lambda(lambda x: function(ops, x), dtype="float64")
    assert minicnn.utils.gradient_check(layer, x.astype(np.float64), verbose=False) <= 1e-6


MORE = {
    "softmax of all": lambda k, x: k.softmax(x, axis=None), "norms of order 3": lambda k, x: k.normalize(x, order=3),
    "einsum with dots": lambda k, x: k.einsum("...ij,jk->...ik", x, np.ones((6, 2), "float32")),
    "einsum of two with dots": lambda k, x: k.einsum("...ij,...ij->...i", x, x),
    "einsum without an output": lambda k, x: k.einsum("...i,ij", x, np.ones((6, 2), "float32")),
}  # fmt: skip


@pytest.mark.parametrize("name", MORE)
def test_more_functions_of_arrays_and_symbols(tf, name):
    import keras

    x = normal(3, 4, 5, 6, dtype=np.float32)
    wanted = np.asarray(MORE[name](keras.ops, x))
    assert_close(MORE[name](ops, x), wanted, 1e-5)
    if name != "softmax of all":  # over the batch too, which a model does not know
        symbol = Input((4, 5, 6))
        y = MORE[name](ops, symbol)
        assert tuple(y.shape) == tuple(MORE[name](keras.ops, keras.Input((4, 5, 6))).shape)
        assert_close(Model(symbol, y).predict(x, verbose=0), wanted, 1e-5)


def test_places_of_true_numbers_and_several_labels(tf):
    import keras

    for k in (ops, keras.ops):
        (places,) = k.where(np.array([1, 0, 1]))
        assert np.asarray(places).tolist() == [0, 2]
        assert (
            np.asarray(k.multi_hot(np.array([[[1], [2]]]), 4)).tolist()
            == np.asarray(keras.ops.multi_hot(np.array([[[1], [2]]]), 4)).tolist()
        )
        numbers, step = k.linspace(0.0, 1.0, 5, retstep=True)
        assert np.asarray(numbers).tolist() == [0, 0.25, 0.5, 0.75, 1] and float(step) == 0.25


TYPES_AND_PLACES = {
    "slice to the end": lambda k: k.slice(np.arange(12.0).reshape(4, 3), (1, 1), (2, -1)),
    "append": lambda k: k.append(np.int32([1]), np.array([True])),
    "dstack": lambda k: k.dstack([np.int32([[[1]]]), np.array([[[True]]])]),
    "hstack": lambda k: k.hstack([np.int32([1, 2])] * 2),
    "vstack": lambda k: k.vstack([np.int32([[1, 2]]), np.float32([[1, 2]])]),
}  # fmt: skip


@pytest.mark.parametrize("name", TYPES_AND_PLACES)
def test_types_and_places_are_keras_s(tf, name):
    import keras

    ours, theirs = (TYPES_AND_PLACES[name](k.ops) for k in (minicnn, keras))
    np.testing.assert_array_equal(ours, np.asarray(theirs))
    assert str(ours.dtype) == keras.backend.standardize_dtype(theirs.dtype)


def test_blocks_of_pixels_refuse_the_other_layout():
    for function in (ops.depth_to_space, ops.space_to_depth):
        with pytest.raises(ValueError, match="channels_last"):
            function(np.ones((1, 4, 4, 4)), 2, data_format="channels_first")


def test_names_in_a_file_do_not_meet_those_of_functions_made_of_several(tf, tmp_path):
    for k in (minicnn, tf.keras):
        k.backend.clear_session()
    inputs = tf.keras.Input((4,))
    x = tf.keras.ops.logaddexp(inputs, tf.keras.ops.exp(inputs * 2.0) + inputs)
    x = tf.keras.ops.log1p(tf.keras.ops.maximum(tf.keras.ops.subtract(x, 0.25), 0.0))
    theirs = tf.keras.Model(inputs, x)
    theirs.save(tmp_path / "theirs.keras")
    ours, given = load_model(tmp_path / "theirs.keras"), normal(3, 4, dtype=np.float32)
    assert_close(ours(given), np.asarray(theirs(given)), 1e-5)
    assert {layer.name for layer in theirs.layers} <= {layer.name for layer in ours.layers_and_operations}


def test_functions_that_numpy_computes_without_a_slope(tf):
    x = normal(3, 4, dtype=np.float32)
    for k in (minicnn, tf.keras):
        inputs = k.Input((4,))
        below = k.layers.Dense(4, kernel_initializer=k.initializers.Identity())  # it learns through the product alone
        hidden = below(inputs)
        steps = k.ops.cast(k.ops.digitize(hidden, np.array([-0.5, 0.5], np.float32)), "float32")
        model = k.Model(inputs, k.layers.Dense(2, kernel_initializer="ones")(hidden * steps))
        model.compile(k.optimizers.SGD(0.1), "mse")
        model.train_on_batch(x, np.ones((3, 2), np.float32))
        made = [np.asarray(w) for w in model.get_weights()]
        if k is minicnn:
            ours, inputs, steps = made, None, None
    for mine, wanted in zip(ours, made, strict=True):
        assert_close(mine, wanted, 1e-5)
