"""Figures show the numbers that they are made from."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_close, labels, normal

import minicnn
from minicnn import layers, utils, visualize


def cnn(k=minicnn):
    return k.Sequential([
        k.layers.Input((8, 8, 3)),
        k.layers.Conv2D(6, 3, padding="same", activation="relu", name="first"),
        k.layers.MaxPooling2D(2),
        k.layers.Conv2D(10, 2, activation="relu", name="second"),
        k.layers.Flatten(),
        k.layers.Dense(4, activation="softmax"),
    ])  # fmt: skip


def images_in(figure):
    return [axes.images[0].get_array() for axes in figure.axes if axes.images]


def test_history_draws_what_was_recorded():
    record = {"loss": [9.0, 2.0, 1.0], "val_loss": [8.0, 3.0, 2.0], "accuracy": [0.1, 0.5, 0.7]}
    figure = visualize.history(record, first_epoch=2)
    loss, accuracy = figure.axes
    assert [list(line.get_ydata()) for line in loss.lines] == [[2.0, 1.0], [3.0, 2.0]]
    assert [text.get_text() for text in loss.get_legend().get_texts()] == ["training", "validation"]
    assert list(accuracy.lines[0].get_xdata()) == [2, 3] and accuracy.get_ylabel() == "accuracy"
    with pytest.raises(ValueError, match=r"from the record: accuracy, loss, val_loss; received \['acc'\]"):
        visualize.history(record, keys=["acc"])
    with pytest.raises(ValueError, match="from 1 to 3"):
        visualize.history(record, first_epoch=4)


@pytest.mark.parametrize("epochs", [1, 2, 3, 30])
def test_history_counts_epochs_in_whole_numbers(epochs):
    (axes,) = visualize.history({"loss": [1.0] * epochs}).axes
    axes.figure.draw_without_rendering()
    ticks = [tick for tick in axes.get_xticks() if 0.5 < tick < epochs + 0.5]
    assert ticks and all(tick == round(tick) for tick in ticks)


def test_filters_draws_each_kernel():
    model = cnn()
    coloured, grey = (
        visualize.filters(model.get_layer("first")),
        visualize.filters(model.get_layer("second"), channel=2),
    )
    assert len(images_in(coloured)) == 6 and images_in(coloured)[0].shape == (3, 3, 3)
    kernel = model.get_layer("second").kernel.numpy()
    for i, drawn in enumerate(images_in(grey)):
        np.testing.assert_array_equal(drawn, kernel[:, :, 2, i])
    with pytest.raises(ValueError, match="built convolution"):
        visualize.filters(model.layers[1])


def test_feature_maps_before_and_after():
    model, image = cnn(), normal(8, 8, 3)
    before = minicnn.models.clone_model(model)
    maps = minicnn.Model(model.inputs, model.layers[0].output).predict(image[None], verbose=0)[0]
    drawn = images_in(visualize.feature_maps(model, image, "first"))
    for i, one in enumerate(drawn):
        np.testing.assert_allclose(one, maps[..., i], rtol=1e-6)
    both = images_in(visualize.feature_maps(model, image, 0, before=before, columns=3))
    assert len(both) == 12
    np.testing.assert_allclose(both[3], maps[..., 0], rtol=1e-6)
    one = visualize.feature_maps(model, image, model.layers[0], map=2, before=maps + 1)
    np.testing.assert_allclose(images_in(one)[1], maps[..., 2] + 1, rtol=1e-6)
    with pytest.raises(ValueError, match="needs a layer that gives maps"):
        visualize.feature_maps(model, image, "flatten")


def test_predictions_and_confusion():
    images, chances = normal(3, 8, 8, 1), np.array([[0.9, 0.1], [0.3, 0.7], [0.6, 0.4]])
    titles = [axes.get_title() for axes in visualize.predictions(images, chances, [0, 0, 0], ["cat", "dog"]).axes]
    assert titles[:3] == ["cat 90%", "dog 70%\nis cat", "cat 60%"]
    assert visualize.predictions(images, chances[:, 1:]).axes[1].get_title() == "1 70%"
    found, predicted = labels(200, classes=3), labels(200, classes=3, seed=1)
    figure = visualize.confusion_matrix(found, predicted)
    counts = [[((found == i) & (predicted == j)).sum() for j in range(3)] for i in range(3)]
    assert [text.get_text() for text in figure.axes[0].texts] == [str(n) for row in counts for n in row]
    assert_close(images_in(figure)[0].sum(axis=1), np.ones(3), 1e-12)
    with pytest.raises(ValueError, match="200 labels and 3"):
        visualize.confusion_matrix(found, predicted[:3])


def test_pixels_writes_every_number():
    image = np.arange(20, dtype=np.uint8).reshape(4, 5)
    assert [text.get_text() for text in visualize.pixels(image).axes[0].texts] == [str(i) for i in range(20)]
    with pytest.raises(ValueError, match="64 x 64"):
        visualize.pixels(np.zeros((100, 5)))


@pytest.mark.parametrize("label", [None, 2])
def test_grad_cam_is_that_of_tensorflow(tf, label):
    minicnn.config.set_floatx("float64")
    tf.keras.config.set_dtype_policy("float64")
    try:
        ours, theirs, image = cnn(), cnn(tf.keras), normal(8, 8, 3)
        weights = [w.astype(np.float32) for w in ours.get_weights()]  # Keras passes them on in float32
        for model in (ours, theirs):
            model.set_weights(weights)
        front = tf.keras.Model(theirs.inputs, theirs.get_layer("second").output)
        with tf.GradientTape() as tape:
            maps = front(image[None])
            tape.watch(maps)
            dense = theirs.layers[-1]
            scores = tf.reshape(maps, (1, -1)) @ dense.kernel + dense.bias
            score = scores[0, tf.argmax(scores[0]) if label is None else label]
        weights = tf.reduce_mean(tape.gradient(score, maps), axis=(1, 2))[0]
        expected = np.maximum((maps[0] @ weights[:, None])[..., 0], 0)
    finally:
        tf.keras.config.set_dtype_policy("float32")
    found = visualize.grad_cam_map(ours, image, "second", label)
    assert_close(found, expected / max(expected.max(), 1e-12), 1e-9)
    assert len(visualize.grad_cam(ours, image, label=label).axes) == 4
    assert all(variable.grad is None for variable in ours.weights)


def nested():
    x = layers.Input((8, 8, 3), name="pixels")
    inner = minicnn.Sequential([layers.Input((8, 8, 3)), layers.Conv2D(3, 3, padding="same")], name="inner")
    y = layers.Add()([inner(x), x])
    return minicnn.Model(x, layers.Dense(2)(layers.Flatten()(y)))


@pytest.mark.parametrize("rankdir", ["TB", "LR"])
def test_plot_model_draws_every_layer_and_every_arrow(tmp_path, rankdir):
    every = {"show_shapes": True, "show_dtype": True, "show_layer_names": True, "show_layer_activations": True}
    for ending in ("png", "svg"):
        file = tmp_path / f"model.{ending}"
        figure = utils.plot_model(nested(), file, rankdir=rankdir, show_trainable=True, **every)
        assert file.stat().st_size > 1000
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "inner (Sequential)" in texts and "out: (None, 192)" in texts and "dtype: float32" in texts
    assert len([text for text in texts if text == ""]) == 5  # arrows: annotations without text
    opened = utils.plot_model(nested(), None, rankdir=rankdir, expand_nested=True)
    words = [text.get_text() for text in opened.axes[0].texts]
    assert "Conv2D" in words and "inner" in words and "Sequential" not in words
    with pytest.raises(ValueError, match="built model"):
        utils.plot_model(minicnn.Sequential([layers.Dense(2)]))


def test_grad_cam_of_a_network_within_another_that_others_use_too():
    """Grad-CAM uses the inner network's call in this model, not its first call, which is in another model."""
    inputs = minicnn.Input((None, None, 3))
    base = minicnn.Model(inputs, minicnn.layers.Conv2D(4, 3, activation="relu")(inputs), name="base")
    elsewhere = minicnn.Input((6, 6, 3))
    minicnn.Model(elsewhere, minicnn.layers.Flatten()(base(elsewhere)))
    here = minicnn.Input((8, 8, 3))
    x = minicnn.layers.GlobalAveragePooling2D()(base(minicnn.layers.Rescaling(0.5)(here)))
    model = minicnn.Model(here, minicnn.layers.Dense(2)(x))
    image = normal(8, 8, 3, dtype=np.float32)
    found = visualize.grad_cam_map(model, image, label=1)
    maps = base(0.5 * image[None])[0]
    wanted = np.maximum(maps @ model.layers[-1].kernel.numpy()[:, 1], 0)
    np.testing.assert_allclose(found, wanted / max(wanted.max(), 1e-30), atol=1e-5)
    drawn = images_in(visualize.feature_maps(model, image, "base"))
    np.testing.assert_allclose(drawn[0], maps[..., 0], rtol=1e-5)
