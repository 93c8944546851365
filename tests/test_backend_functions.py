"""The functions of `tensorflow.keras.backend` give Keras's numbers, on arrays and in losses and layers."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from helpers import assert_close, normal

import minicnn
from minicnn import backend

X, Y, IMAGES = (
    normal(4, 5, dtype=np.float32),
    normal(4, 5, seed=2, dtype=np.float32),
    normal(2, 6, 4, 3, dtype=np.float32),
)
PROBABILITIES = np.float32(1) / (1 + np.exp(-X))
ARRAYS = {
    "X": X, "Y": Y, "IMAGES": IMAGES, "PROBABILITIES": PROBABILITIES, "TURNED": PROBABILITIES[::-1].copy(),
    "ROWS": normal(2, 3, 4, dtype=np.float32), "COLUMNS": normal(2, 4, 5, dtype=np.float32), "FLAT": Y.T.copy(),
    "KERNEL": normal(2, 2, 3, 5, dtype=np.float32),
}  # fmt: skip

CALLS = {
    "abs": lambda K, v: K.abs(v.X),
    "all": lambda K, v: K.all(v.X > -9, axis=1),
    "any": lambda K, v: K.any(v.X > 1, axis=0),
    "arange": lambda K, v: K.arange(2, 9, 3),
    "argmax": lambda K, v: K.argmax(v.X),
    "argmin": lambda K, v: K.argmin(v.X, axis=0),
    "batch_dot of rows": lambda K, v: K.batch_dot(v.X, v.Y, axes=1),
    "batch_dot": lambda K, v: K.batch_dot(v.ROWS, v.COLUMNS),
    "batch_dot along axes": lambda K, v: K.batch_dot(v.ROWS, v.COLUMNS, axes=(2, 1)),
    "batch_dot of both": lambda K, v: K.batch_dot(v.ROWS, v.ROWS, axes=(2, 2)),
    "batch_flatten": lambda K, v: K.batch_flatten(v.IMAGES),
    "bias_add": lambda K, v: K.bias_add(v.IMAGES, v.X[0, :3]),
    "binary_crossentropy": lambda K, v: K.binary_crossentropy(v.PROBABILITIES, v.TURNED),
    "cast": lambda K, v: K.cast(v.X > 0, "float32"),
    "clip": lambda K, v: K.clip(v.X, -0.5, 0.5),
    "categorical_crossentropy": lambda K, v: K.categorical_crossentropy(v.PROBABILITIES, v.TURNED),
    "concatenate": lambda K, v: K.concatenate([v.X, v.Y]),
    "constant": lambda K, v: K.constant([1.0, 2.0]),
    "constant, repeated": lambda K, v: K.constant(3, shape=(2, 3)),
    "cos": lambda K, v: K.cos(v.X),
    "count_params": lambda K, v: K.count_params(K.variable(v.X)),
    "cumprod": lambda K, v: K.cumprod(v.X, axis=0),
    "cumsum": lambda K, v: K.cumsum(v.X, axis=1),
    "dot": lambda K, v: K.dot(v.X, v.FLAT),
    "dtype": lambda K, v: len(K.dtype(v.X)),
    "elu": lambda K, v: K.elu(v.X, 0.5),
    "equal": lambda K, v: K.equal(v.X, v.Y),
    "eval": lambda K, v: K.eval(K.variable(v.X)),
    "exp": lambda K, v: K.exp(v.X),
    "expand_dims": lambda K, v: K.expand_dims(v.X, 1),
    "eye": lambda K, v: K.eye(3),
    "flatten": lambda K, v: K.flatten(v.IMAGES),
    "gather": lambda K, v: K.gather(v.X, np.array([2, 0])),
    "get_value": lambda K, v: K.get_value(K.variable(v.X)),
    "greater": lambda K, v: K.greater(v.X, v.Y),
    "hard_sigmoid": lambda K, v: K.hard_sigmoid(v.X),
    "int_shape": lambda K, v: K.int_shape(K.variable(v.X)),
    "l2_normalize": lambda K, v: K.l2_normalize(v.X, axis=1),
    "l2_normalize all": lambda K, v: K.l2_normalize(v.X),
    "less_equal": lambda K, v: K.less_equal(v.X, v.Y),
    "log": lambda K, v: K.log(v.PROBABILITIES),
    "max": lambda K, v: K.max(v.X, 1),
    "maximum": lambda K, v: K.maximum(v.X, v.Y),
    "mean": lambda K, v: K.mean(v.X, axis=[0, 1]),
    "min": lambda K, v: K.min(v.X),
    "mean, keepdims": lambda K, v: K.mean(v.X, axis=-1, keepdims=True),
    "ndim": lambda K, v: K.ndim(v.X),
    "one_hot": lambda K, v: K.one_hot(np.array([1, 0]), 3),
    "ones": lambda K, v: K.ones((2, 3)),
    "ones_like": lambda K, v: K.ones_like(v.X),
    "permute_dimensions": lambda K, v: K.permute_dimensions(v.IMAGES, (0, 3, 1, 2)),
    "pool2d": lambda K, v: K.pool2d(v.IMAGES, (2, 2), (2, 2)),
    "conv2d": lambda K, v: K.conv2d(v.IMAGES, v.KERNEL),
    "pool2d, means": lambda K, v: K.pool2d(v.IMAGES, (2, 2), (1, 2), padding="same", pool_mode="avg"),
    "pow": lambda K, v: K.pow(v.PROBABILITIES, 1.5),
    "prod": lambda K, v: K.prod(v.X, axis=0),
    "relu": lambda K, v: K.relu(v.X),
    "relu, options": lambda K, v: K.relu(v.X, alpha=0.1, max_value=0.7, threshold=0.2),
    "repeat": lambda K, v: K.repeat(v.X, 3),
    "repeat_elements": lambda K, v: K.repeat_elements(v.X, 2, axis=1),
    "reshape": lambda K, v: K.reshape(v.X, (2, 10)),
    "resize_images": lambda K, v: K.resize_images(v.IMAGES, 2, 3, "channels_last"),
    "round": lambda K, v: K.round(3 * v.X),
    "reverse": lambda K, v: K.reverse(v.X, 1),
    "sigmoid": lambda K, v: K.sigmoid(v.X),
    "sign": lambda K, v: K.sign(v.X),
    "softmax": lambda K, v: K.softmax(v.X),
    "softplus": lambda K, v: K.softplus(v.X),
    "softsign": lambda K, v: K.softsign(v.X),
    "sparse_categorical_crossentropy": lambda K, v: K.sparse_categorical_crossentropy(np.arange(4), v.PROBABILITIES),
    "spatial_2d_padding": lambda K, v: K.spatial_2d_padding(v.IMAGES, ((1, 2), (0, 1))),
    "sqrt": lambda K, v: K.sqrt(v.X),
    "square": lambda K, v: K.square(v.X),
    "squeeze": lambda K, v: K.squeeze(v.X[:, None], 1),
    "stack": lambda K, v: K.stack([v.X, v.Y]),
    "std": lambda K, v: K.std(v.X, axis=1),
    "sum": lambda K, v: K.sum(v.X, axis=-1),
    "switch": lambda K, v: K.switch(v.X > 0, v.X, v.Y),
    "tanh": lambda K, v: K.tanh(v.X),
    "tile": lambda K, v: K.tile(v.X, (2, 1)),
    "transpose": lambda K, v: K.transpose(v.X),
    "update": lambda K, v: K.update(K.variable(v.X), v.Y),
    "update_add": lambda K, v: K.update_add(K.variable(v.X), v.Y),
    "update_sub": lambda K, v: K.update_sub(K.variable(v.X), v.Y),
    "var": lambda K, v: K.var(v.X, axis=0),
    "moving_average_update": lambda K, v: K.moving_average_update(K.variable(v.X), v.Y, 0.9),
    "zeros": lambda K, v: K.zeros((2,)),
    "zeros_like": lambda K, v: K.zeros_like(v.X),
}


@pytest.mark.parametrize("name", CALLS)
def test_functions(tf, name):
    from keras._tf_keras.keras import backend as theirs

    arrays = SimpleNamespace(**ARRAYS), SimpleNamespace(**{key: tf.constant(value) for key, value in ARRAYS.items()})
    mine, wanted = (np.asarray(CALLS[name](K, v), float) for K, v in zip((backend, theirs), arrays, strict=True))
    assert mine.shape == wanted.shape
    assert_close(mine, wanted, 1e-5)


def test_values_are_set():
    weight = backend.variable([1.0, 2.0])
    backend.batch_set_value([(weight, [3.0, 4.0])])
    assert [list(value) for value in backend.batch_get_value([weight])] == [[3.0, 4.0]]
    optimizer = minicnn.optimizers.SGD(0.5)
    backend.set_value(optimizer.learning_rate, 0.25)
    assert backend.get_value(optimizer.learning_rate) == 0.25
    with backend.name_scope("part"):
        assert backend.random_bernoulli((1000,), 0.5).mean() == pytest.approx(0.5, abs=0.1)
    assert backend.dropout(np.ones((9, 9)), 0.5).max() == 2
    with pytest.raises(ValueError, match='pool_mode must be "max" or "avg"'):
        backend.pool2d(IMAGES, 2, pool_mode="sum")


def _losses(K):
    """Own losses as older programs write them."""

    def dice(y_true, y_pred):
        t, p = K.flatten(y_true), K.flatten(y_pred)
        return 1 - (2 * K.sum(t * p) + 1) / (K.sum(t) + K.sum(p) + 1)

    def jaccard(y_true, y_pred):
        shared = K.sum(K.abs(y_true * y_pred), axis=[1, 2, 3])
        union = K.sum(y_true, [1, 2, 3]) + K.sum(y_pred, [1, 2, 3]) - shared
        return K.mean(1 - (shared + 1) / (union + 1), axis=0)

    def focal(y_true, y_pred):
        p = K.clip(y_pred, K.epsilon(), 1 - K.epsilon())
        p = K.switch(K.equal(y_true, 1.0), p, 1 - p)
        return K.mean(-K.pow(1 - p, 2.0) * K.log(p))

    def contrastive(y_true, y_pred):
        return K.mean(y_true * K.square(y_pred) + (1 - y_true) * K.square(K.maximum(1 - y_pred, 0.0)))

    def weighted(y_true, y_pred):
        rows = K.batch_flatten(K.binary_crossentropy(y_true, y_pred))
        return K.sum(rows, axis=-1) / K.cast(K.int_shape(rows)[1], "float32")

    return {function.__name__: function for function in (dice, jaccard, focal, contrastive, weighted)}


@pytest.mark.parametrize("name", _losses(backend))
def test_own_losses(tf, name):
    from keras._tf_keras.keras import backend as theirs

    histories, masks = [], (normal(8, 6, 4, 1, seed=5) > 0).astype(np.float32)
    images = normal(8, 6, 4, 3, dtype=np.float32)
    for k, K in ((minicnn, backend), (tf.keras, theirs)):
        model = k.Sequential([k.Input((6, 4, 3)), k.layers.Conv2D(1, 3, padding="same", activation="sigmoid")])
        model.set_weights([0.3 * normal(3, 3, 3, 1, dtype=np.float32), np.zeros(1)])
        loss = _losses(K)[name]
        model.compile(k.optimizers.SGD(0.5), loss, metrics=[loss])
        histories.append(model.fit(images, masks, batch_size=4, epochs=3, shuffle=False, verbose=0).history)
    for key in ("loss", name):
        assert_close(np.array(histories[0][key]), histories[1][key], 2e-5)
