"""Pipeline: layers one after the other, beside Keras."""

import numpy as np
from helpers import assert_close, normal

import minicnn


def pipeline(k):
    return k.layers.Pipeline([k.layers.Rescaling(0.5, 1.0), k.layers.RandomFlip(seed=1), k.layers.CenterCrop(4, 4)])


def test_it_applies_its_layers(tf):
    x = normal(2, 6, 6, 3, dtype=np.float32)
    values = []
    for k in (minicnn, tf.keras):
        layer = pipeline(k)
        values.append(np.asarray(layer(x, training=False)))
        assert [type(part).__name__ for part in layer.layers] == ["Rescaling", "RandomFlip", "CenterCrop"]
    assert_close(*values, 1e-6)
    ours = pipeline(minicnn)
    flipped = [not np.array_equal(ours(x), values[0]) for _ in range(20)]
    assert any(flipped)  # as augmentation layers do, without `training`
    again = type(ours).from_config(ours.get_config())
    np.testing.assert_array_equal(again(x, training=False), values[0])


def test_files_go_both_ways(tf, tmp_path):
    x = normal(2, 6, 6, 3, dtype=np.float32)
    for writer, reader in ((minicnn, tf.keras), (tf.keras, minicnn), (minicnn, minicnn)):
        model = writer.Sequential(
            [writer.Input((6, 6, 3)), pipeline(writer), writer.layers.Flatten(), writer.layers.Dense(2)]
        )
        model.compile("sgd", "mse")
        model.fit(x, np.ones((2, 2)), verbose=0)
        model.save(tmp_path / "model.keras")
        read = reader.models.load_model(tmp_path / "model.keras")
        assert_close(np.asarray(read.predict(x, verbose=0)), np.asarray(model.predict(x, verbose=0)), 1e-5)
