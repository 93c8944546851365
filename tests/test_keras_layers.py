"""With Keras's weights, every layer gives Keras's outputs, gradients, shapes and names."""

from __future__ import annotations

import inspect

import numpy as np
import pytest
from helpers import assert_close, normal
from layer_zoo import LAYERS, NAMES, ONLY_HERE

import minicnn
from minicnn import layers

TOLERANCE = 1e-5


@pytest.mark.parametrize("training", [True, False], ids=["training", "inference"])
@pytest.mark.parametrize(("name", "make", "shapes"), LAYERS, ids=NAMES)
def test_outputs_and_gradients(tf, name, make, shapes, training):
    ours, theirs = make(layers), make(tf.keras.layers)
    several = isinstance(shapes, list)
    xs = [normal(*s, seed=i, dtype=np.float32) for i, s in enumerate(shapes if several else [shapes])]
    ours.build_for(list(shapes) if several else shapes)
    theirs.build(shapes)
    values = [0.5 * normal(*w.shape, seed=20 + i, dtype=np.float32) for i, w in enumerate(theirs.weights)]
    values = [np.abs(v) if "variance" in w.name else v for v, w in zip(values, theirs.weights, strict=True)]
    theirs.set_weights(values)
    ours.set_weights(values)
    assert [w.name for w in ours.weights] == [w.name for w in theirs.weights]
    assert [w.name for w in ours.trainable_weights] == [w.name for w in theirs.trainable_weights]

    tensors = [tf.constant(x) for x in xs]
    variables = theirs.trainable_variables
    with tf.GradientTape() as tape:
        tape.watch(tensors)
        expected = theirs(tensors if several else tensors[0], **_training(theirs, training))
        upstream = normal(*expected.shape, seed=9, dtype=np.float32)
        total = tf.reduce_sum(expected * upstream)
    gradients = tape.gradient(total, [*tensors, *variables])

    y, saved = ours.forward(xs if several else xs[0], training=training, need_saved=True)
    dx = ours.backward(upstream, saved, need_dx=True)
    assert y.dtype == np.float32
    assert_close(y, expected, TOLERANCE, "output")
    for i, (found, wanted) in enumerate(zip(dx if several else [dx], gradients[: len(tensors)], strict=True)):
        assert_close(found, wanted, TOLERANCE, f"gradient of input {i}")
    for variable, wanted in zip(ours.trainable_weights, gradients[len(tensors) :], strict=True):
        assert_close(variable.grad, wanted, TOLERANCE, f"gradient of {variable.name}")
    for variable, wanted in zip(ours.weights, theirs.get_weights(), strict=True):  # the moving statistics
        assert_close(variable.numpy(), wanted, TOLERANCE, variable.name)


def _training(layer, training):
    return {"training": training} if "training" in inspect.signature(layer.call).parameters else {}


@pytest.mark.parametrize(("name", "make", "shapes"), LAYERS + ONLY_HERE, ids=[c[0] for c in LAYERS + ONLY_HERE])
def test_contract(name, make, shapes):
    """Shapes before and after building, types, what a call returns, and the round trip through the configuration."""
    layer = make(layers)
    several = isinstance(shapes, list)
    x = [normal(*s, seed=i) for i, s in enumerate(shapes)] if several else normal(*shapes)
    before = layer.compute_output_shape(shapes)
    y = layer(x)
    assert y.shape == before == layer.compute_output_shape(shapes)
    assert y.dtype == np.float32
    assert not any(np.shares_memory(y, v) for v in (x if several else [x]))

    unknown = [(None, *s[1:]) for s in shapes] if several else (None, *shapes[1:])
    assert layer.compute_output_shape(unknown) == (None, *before[1:])
    assert layer.flops(unknown) >= 0

    again = type(layer).from_config(layer.get_config())
    assert again.get_config() == layer.get_config()
    again(x)
    again.set_weights(layer.get_weights())
    np.testing.assert_array_equal(again(x), y)

    symbols = [layers.Input(s[1:]) for s in shapes] if several else layers.Input(shapes[1:])
    assert make(layers)(symbols).shape == (None, *before[1:])

    np.testing.assert_array_equal(layer([v.tolist() for v in x] if several else x.tolist()), y)
    if not several:
        pixels = (np.abs(x) * 40).astype(np.uint8)
        of_floats = layer(pixels.astype(np.float32))
        if isinstance(layer, layers.Resizing):  # gives whole numbers for whole numbers, as Keras's
            of_floats = np.rint(of_floats).clip(0, 255)
        np.testing.assert_array_equal(layer(pixels), of_floats)
        strided = np.repeat(x, 2, axis=-1)[..., ::2]
        assert not strided.flags.c_contiguous or x.shape[-1] == 1
        np.testing.assert_array_equal(layer(strided), y)
        np.testing.assert_array_equal(layer(np.asfortranarray(x.astype(">f8"))), y)


@pytest.mark.parametrize("name", [n for n in layers.__all__ if n[0].isupper() and n not in ("Layer", "Input")])
def test_constructor_arguments_and_defaults_are_keras_s(tf, name):
    """Our arguments are a subsequence of Keras's, in its order, with its defaults."""
    ours = inspect.signature(getattr(layers, name).__init__).parameters
    theirs = inspect.signature(getattr(tf.keras.layers, name).__init__).parameters
    by_position = inspect.Parameter.POSITIONAL_OR_KEYWORD
    our_names = [p.name for p in ours.values() if p.kind == by_position]
    their_names = [p.name for p in theirs.values() if p.kind == by_position]
    assert [n for n in their_names if n in our_names] == our_names
    missing = (
        set(their_names) - set(our_names) - {"name", "dtype", "activity_regularizer"} - KERAS_ONLY.get(name, set())
    )
    assert all("constraint" in argument for argument in missing)
    for argument in our_names[1:]:
        if theirs[argument].default is not inspect.Parameter.empty:  # AveragePooling2D's pool_size has none in Keras
            assert ours[argument].default == theirs[argument].default, argument


KERAS_ONLY = {
    "Dense": {"lora_rank", "lora_alpha", "quantization_config"},
    "Embedding": {"lora_rank", "lora_alpha", "quantization_config"},
    "InputLayer": {"sparse", "ragged", "optional", "input_tensor"},
}


@pytest.mark.parametrize("rate", [0.0, 0.25, 1.0])
def test_dropout_keeps_the_mean(rate):
    x = np.ones((64, 1000), np.float32)
    y, saved = layers.Dropout(rate).forward(x, training=True)
    assert abs((y == 0).mean() - rate) < 0.01
    assert set(np.unique(y)) <= {0.0, np.float32(1 / (1 - rate)) if rate < 1 else 0.0}
    np.testing.assert_array_equal(layers.Dropout(rate)(x), x)
    if rate == 0.25:
        dropout = layers.Dropout(rate)
        first, _ = dropout.forward(x, training=True)
        second, _ = dropout.forward(x, training=True)
        assert (first != second).any(), "the mask must be drawn anew every time"


def test_spatial_dropout_drops_whole_channels():
    y, _ = layers.SpatialDropout2D(0.5).forward(np.ones((8, 5, 6, 40), np.float32), training=True)
    assert (y == y[:, :1, :1, :]).all()
    assert 0.3 < (y == 0).mean() < 0.7


def test_dropout_with_a_seed_repeats_itself(each_backend):
    x = np.ones((5, 7), np.float32)
    masks = [layers.Dropout(0.5, seed=3).forward(x, training=True)[0] for _ in range(2)]
    np.testing.assert_array_equal(*masks)


@pytest.mark.parametrize("noise_shape", [None, (None, 1, 5)], ids=["each number", "together"])
def test_a_given_mask_gives_keras_s_output_and_gradient(tf, monkeypatch, noise_shape):
    """When Keras's Dropout draws our mask, it gives our output and our gradient."""
    rate, x, upstream = 0.4, normal(6, 7, 5, dtype=np.float32), normal(6, 7, 5, seed=1, dtype=np.float32)
    ours, theirs = layers.Dropout(rate, noise_shape, seed=3), tf.keras.layers.Dropout(rate, noise_shape, seed=3)
    y, saved = ours.forward(x, training=True)
    kept = y != 0
    assert 0.2 < kept.mean() < 0.9
    uniform = np.where(kept, 0.9, 0.1).astype(np.float32)
    if noise_shape:
        uniform = uniform[:, :1]

    def ours_drawn(inputs, rate, noise_shape, seed):
        return tf.nn.experimental.general_dropout(inputs, rate, lambda shape, dtype: uniform, noise_shape)

    monkeypatch.setattr(tf.nn.experimental, "stateless_dropout", ours_drawn)
    tensor = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        expected = theirs(tensor, training=True)
        total = tf.reduce_sum(expected * upstream)
    assert_close(y, expected, 1e-6, "output")
    assert_close(ours.backward(upstream, saved), tape.gradient(total, tensor), 1e-6, "gradient")


def test_dropout_masks_are_the_same_on_every_backend():
    from minicnn import backend

    masks = []
    for name in backend.backends():
        backend.set_backend(name)
        masks.append(layers.Dropout(0.5, seed=3).forward(np.ones((5, 7), np.float32), training=True)[0])
    for mask in masks[1:]:
        np.testing.assert_array_equal(mask, masks[0])


def test_max_pool_ties_go_where_tensorflow_sends_them(tf):
    x = np.random.default_rng(0).integers(0, 2, (3, 8, 8, 4)).astype(np.float32)
    for pool, strides, padding in ((2, 2, "valid"), (3, 2, "same"), (3, 1, "same")):
        tensor = tf.constant(x)
        with tf.GradientTape() as tape:
            tape.watch(tensor)
            expected = tf.keras.layers.MaxPooling2D(pool, strides, padding)(tensor)
            upstream = normal(*expected.shape, dtype=np.float32)
            total = tf.reduce_sum(expected * upstream)
        layer = layers.MaxPooling2D(pool, strides, padding)
        y, saved = layer.forward(x)
        assert_close(layer.backward(upstream, saved), tape.gradient(total, tensor), TOLERANCE)


def test_global_max_pool_shares_ties_as_tensorflow_does(tf):
    x = np.random.default_rng(0).integers(0, 2, (3, 4, 4, 4)).astype(np.float32)
    tensor, upstream = tf.constant(x), normal(3, 4, dtype=np.float32)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        total = tf.reduce_sum(tf.keras.layers.GlobalMaxPooling2D()(tensor) * upstream)
    layer = layers.GlobalMaxPooling2D()
    _, saved = layer.forward(x)
    assert_close(layer.backward(upstream, saved), tape.gradient(total, tensor), TOLERANCE)


def test_padding_never_wins_a_max_pool(each_backend):
    y = layers.MaxPooling2D(3, 1, "same")(-1 - np.abs(normal(1, 4, 5, 2)))
    assert (y <= -1).all()


def test_batch_norm_with_a_large_mean(each_backend):
    x = (1e4 + normal(64, 3, 3, 2)).astype(np.float32)
    layer = layers.BatchNormalization(epsilon=1e-6)
    layer.build_for(x.shape)
    y, _ = layer.forward(x, training=True)
    exact = x.astype(np.float64)
    assert_close(y, (exact - exact.mean((0, 1, 2))) / np.sqrt(exact.var((0, 1, 2)) + 1e-6), TOLERANCE)


@pytest.mark.parametrize("clipping", [None, {"rmax": 1.2, "rmin": 0.9, "dmax": 0.3}])
@pytest.mark.parametrize("options", [{}, {"scale": False}, {"center": False, "axis": 1}])
def test_batch_renormalization_trains_as_keras_s(tf, each_backend, clipping, options):
    data = [normal(6, 4, 4) * 3 + 1 for _ in range(3)]
    made = []
    for k in (minicnn, tf.keras):
        arguments = {"renorm": True, "renorm_clipping": clipping, "renorm_momentum": 0.7, "momentum": 0.6, **options}
        start = {
            f"moving_{name}_initializer": k.initializers.Constant(v) for name, v in (("variance", 2), ("mean", 0.5))
        }
        layer = k.layers.BatchNormalization(dtype="float64", **start, **arguments)
        model = k.Sequential([k.Input((4, 4), dtype="float64"), layer, k.layers.Flatten(dtype="float64")])
        model.compile("sgd", "mse")
        for x in data:
            model.train_on_batch(x, np.ones((6, 16)))
        made.append((model.predict(data[0], verbose=0), *layer.get_weights()))
    for mine, wanted in zip(*made, strict=True):
        assert_close(mine, wanted, 1e-6)


def test_frozen_batch_norm_runs_in_inference_mode(tf):
    x = 3 + 2 * normal(6, 4, dtype=np.float32)
    ours, theirs = layers.BatchNormalization(), tf.keras.layers.BatchNormalization()
    ours.build_for(x.shape)
    theirs.build(x.shape)
    ours.trainable = theirs.trainable = False
    y, _ = ours.forward(x, training=True)
    assert_close(y, theirs(x, training=True), TOLERANCE)
    np.testing.assert_array_equal(ours.moving_mean.numpy(), np.zeros(4))


def test_nan_stays_nan(each_backend):
    x = np.zeros((1, 4, 4, 2), np.float32)
    x[0, 1, 1, 0] = np.nan
    for layer in (
        layers.ReLU(), layers.MaxPooling2D(2), layers.GlobalMaxPooling2D(), layers.ReLU(max_value=6),
        layers.Conv2D(3, 2, activation="relu"), layers.LeakyReLU(), layers.AveragePooling2D(2), layers.ELU(),
    ):  # fmt: skip
        assert np.isnan(layer(x)).any(), type(layer).__name__


def test_a_layer_used_twice_gets_both_gradients(tf):
    x = normal(3, 5, dtype=np.float32)

    def build(k):
        inputs = k.Input((5,))
        dense = k.layers.Dense(5, activation="tanh")
        return k.Model(inputs, dense(dense(inputs)))

    ours, theirs = build(minicnn), build(tf.keras)
    theirs.set_weights([normal(5, 5, dtype=np.float32), normal(5, seed=1, dtype=np.float32)])
    ours.set_weights(theirs.get_weights())
    tensor = tf.constant(x)
    with tf.GradientTape() as tape:
        tape.watch(tensor)
        total = tf.reduce_sum(theirs(tensor) ** 2)
    gradients = tape.gradient(total, [tensor, *theirs.trainable_variables])
    y, saved = ours.forward(x, training=True)
    found = [ours.backward(2 * y, saved), *(w.grad for w in ours.trainable_weights)]
    for mine, wanted in zip(found, gradients, strict=True):
        assert_close(mine, wanted, TOLERANCE)


def test_inputs_and_upstream_gradients_are_never_written(each_backend):
    for name, make, shapes in LAYERS:
        layer = make(layers)
        several = isinstance(shapes, list)
        xs = [normal(*s, seed=i) for i, s in enumerate(shapes if several else [shapes])]
        layer.dtype = "float64"
        layer.build_for(list(shapes) if several else shapes)
        copies = [x.copy() for x in xs]
        y, saved = layer.forward(xs if several else xs[0], training=True)
        upstream = normal(*y.shape, seed=3)
        upstream_copy = upstream.copy()
        layer.backward(upstream, saved)
        for x, copy in zip(xs, copies, strict=True):
            np.testing.assert_array_equal(x, copy, err_msg=name)
        np.testing.assert_array_equal(upstream, upstream_copy, err_msg=name)


def test_gradients_add_up_until_they_are_forgotten(each_backend):
    layer = layers.Dense(3)
    x, dy = normal(4, 2, dtype=np.float32), normal(4, 3, dtype=np.float32)
    layer.build_for(x.shape)
    for _ in range(2):
        _, saved = layer.forward(x)
        layer.backward(dy, saved)
    assert_close(layer.kernel.grad, 2 * x.T @ dy, TOLERANCE)


def test_keras_opens_a_model_of_all_layers(tf, tmp_path):
    """A graph with a branch for each layer, in a file of minicnn. Each of Keras's branches gives what ours does."""
    inputs, outputs, xs = [], [], []
    for i, (name, make, shapes) in enumerate(LAYERS):
        given = [layers.Input(shape[1:], name=f"x_{i}_{j}") for j, shape in enumerate(_listed(shapes))]
        outputs.append(make(layers)(given if isinstance(shapes, list) else given[0]))
        assert isinstance(outputs[-1], type(given[0])), name
        inputs += given
        xs += [np.abs(normal(6, *shape[1:], seed=i + j, dtype=np.float32)) for j, shape in enumerate(_listed(shapes))]
    ours = minicnn.Model(inputs, outputs)
    ours.save(tmp_path / "all.keras")
    theirs = tf.keras.models.load_model(tmp_path / "all.keras")
    for (name, _, _), mine, wanted in zip(LAYERS, ours(xs), theirs(xs, training=False), strict=True):
        assert_close(mine, wanted.numpy(), TOLERANCE, name)


def _listed(shapes):
    return shapes if isinstance(shapes, list) else [shapes]
