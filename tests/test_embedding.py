"""Embedding, beside Keras."""

import numpy as np
import pytest
from helpers import assert_close, normal

import minicnn
from minicnn import layers

X = np.array([[0, 3, 1], [2, 2, 3], [1, 0, 0], [3, 3, 3]])


def trained(k, loss):
    inputs = k.Input((3,), dtype="int32")
    rows = k.layers.Embedding(4, 5, embeddings_regularizer="l2", name="table")(inputs)
    model = k.Model(inputs, k.layers.Dense(2)(k.layers.Flatten()(rows)))
    model.set_weights([normal(*w.shape, seed=i, dtype=np.float32) for i, w in enumerate(model.get_weights())])
    model.compile(k.optimizers.SGD(0.1), loss)
    history = model.fit(X, normal(4, 2, dtype=np.float32), batch_size=2, shuffle=False, epochs=6, verbose=0).history
    return model, history["loss"]


def test_it_trains_as_keras_s(tf, tmp_path):
    (ours, losses), (theirs, wanted) = (trained(k, "mse") for k in (minicnn, tf.keras))
    assert_close(losses, wanted, 1e-5)
    for mine, weight in zip(ours.get_weights(), theirs.get_weights(), strict=True):
        assert_close(mine, weight, 1e-5)
    for writer, reader in ((ours, tf.keras), (theirs, minicnn)):
        writer.save(tmp_path / "table.keras")
        read = reader.models.load_model(tmp_path / "table.keras")
        assert_close(np.asarray(read.predict(X, verbose=0)), np.asarray(ours.predict(X, verbose=0)), 1e-4)


def test_rows_of_every_shape(each_backend):
    layer = layers.Embedding(4, 2, weights=[np.arange(8.0).reshape(4, 2)], input_length=3)
    for x in (X, X[0], X[None], np.float32(X)):
        np.testing.assert_array_equal(layer(x), np.arange(8.0).reshape(4, 2)[np.int64(x)])
    assert layer(np.array([7])).tolist() == [[0, 0]]
    assert layer.compute_output_shape((None, 3)) == (None, 3, 2)
    assert "weights" not in layer.get_config()


def test_indices_have_no_slope(each_backend):
    layer = layers.Embedding(4, 2)
    x = np.array([[0.0, 3.0]])
    layer.build_for(x.shape)
    y, saved = layer.forward(x.astype(layer.dtype), training=True)
    assert not layer.backward(np.ones_like(y), saved).any()
    assert layer.backward(np.ones_like(y), saved, need_dx=False) is None


def test_what_it_refuses():
    with pytest.raises(ValueError, match="input_dim must be a positive integer; received input_dim=0"):
        layers.Embedding(0, 2)
    with pytest.raises(ValueError, match="no masks"):
        layers.Embedding(3, 2, mask_zero=True)
