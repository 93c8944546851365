"""callbacks.TensorBoard: what TensorBoard reads in the event files is what Keras's callback would have written."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_close, labels, normal

import minicnn
from minicnn import callbacks, layers

X, Y = normal(24, 6, 6, 1, dtype=np.float32), labels(24, classes=3)


def trained(folder, **options):
    minicnn.utils.set_random_seed(0)
    model = minicnn.Sequential(
        [minicnn.Input((6, 6, 1)), layers.Conv2D(4, 3), layers.Flatten(), layers.Dense(3, activation="softmax")]
    )
    model.compile(minicnn.optimizers.SGD(0.05), "sparse_categorical_crossentropy", metrics=["accuracy"])
    watch = callbacks.TensorBoard(folder, **options)
    history = model.fit(X, Y, batch_size=8, epochs=3, validation_data=(X, Y), callbacks=[watch], verbose=0).history
    return model, history


def read(folder):
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), {"histograms": 0, "images": 0, "scalars": 0})
    events.Reload()
    return events


def test_scalars_have_keras_s_names_and_the_history_s_values(tf, tmp_path):
    _, history = trained(tmp_path / "mine", update_freq="batch")
    model = tf.keras.Sequential([tf.keras.Input((6, 6, 1)), tf.keras.layers.Flatten(), tf.keras.layers.Dense(3)])
    model.compile("sgd", "mse", metrics=["accuracy"])
    theirs = tf.keras.callbacks.TensorBoard(str(tmp_path / "theirs"), update_freq="batch", write_graph=False)
    ones = np.ones((24, 3), np.float32)
    model.fit(X, ones, batch_size=8, epochs=3, validation_data=(X, ones), callbacks=[theirs], verbose=0)
    for part in ("train", "validation"):
        mine, wanted = read(tmp_path / "mine" / part), read(tmp_path / "theirs" / part)
        assert sorted(mine.Tags()["scalars"]) == sorted(wanted.Tags()["tensors"])  # TensorFlow writes them as tensors
        for name in mine.Tags()["scalars"]:
            if name.startswith("epoch"):
                assert [event.step for event in mine.Scalars(name)] == [0, 1, 2]
        for key in ("loss", "accuracy"):
            values = [event.value for event in mine.Scalars(f"epoch_{key}")]
            assert_close(values, history[key if part == "train" else f"val_{key}"], 1e-6)
    batches = read(tmp_path / "mine" / "train").Scalars("batch_loss")
    assert [event.step for event in batches] == list(range(1, 10))
    assert {event.value for event in read(tmp_path / "mine" / "train").Scalars("epoch_learning_rate")} == {
        np.float32(0.05)
    }


def test_weights_are_histograms_and_pictures(tmp_path):
    model, _ = trained(tmp_path, histogram_freq=2, write_images=True)
    events = read(tmp_path / "train")
    assert sorted(events.Tags()["histograms"]) == sorted(f"{weight.path}/histogram" for weight in model.weights)
    kernel = model.layers[0].kernel
    steps = events.Histograms(f"{kernel.path}/histogram")
    assert [event.step for event in steps] == [0, 2]
    last = steps[-1].histogram_value
    assert (last.num, last.min, last.max) == (
        36,
        pytest.approx(kernel.numpy().min()),
        pytest.approx(kernel.numpy().max()),
    )
    assert any(tag.startswith(f"{kernel.path}/image") for tag in events.Tags()["images"])


def test_no_logs_of_batches_are_computed_unless_asked_for(tmp_path):
    for options, wanted in (({}, False), ({"update_freq": 5}, True)):
        watch = callbacks.TensorBoard(tmp_path, **options)
        assert callbacks.CallbackList([watch], None).overrides("on_train_batch_end") is wanted


def test_mistakes_are_reported(tmp_path, monkeypatch):
    for options, said in (
        ({"update_freq": 0}, "update_freq must be"), ({"update_freq": "step"}, "received update_freq='step'"),
        ({"profile_batch": 2}, "neither profiles"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=said):
            callbacks.TensorBoard(tmp_path, **options)
    monkeypatch.setitem(__import__("sys").modules, "tensorboardX", None)
    with pytest.raises(ImportError, match=r"pip install .minicnn\[watch\]"):
        callbacks.TensorBoard(tmp_path)


def test_evaluation_with_averages_of_weights(tf):
    found = []
    for k in (minicnn, tf.keras):
        model = k.Sequential([k.Input((6, 6, 1)), k.layers.Flatten(), k.layers.Dense(3, activation="softmax")])
        model.set_weights([0.3 * normal(*w.shape, seed=i) for i, w in enumerate(model.get_weights())])
        model.compile(k.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.8), "sparse_categorical_crossentropy")
        kept = []

        class Keep(k.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None, kept=kept):
                kept.append(self.model.get_weights()[0])

        swap = k.callbacks.SwapEMAWeights(swap_on_epoch=True)
        history = model.fit(
            X, Y, batch_size=8, epochs=3, validation_data=(X, Y), shuffle=False, callbacks=[swap, Keep()], verbose=0
        ).history
        found.append((history["loss"] + history["val_loss"], kept, model.get_weights()[0]))
    (mine, my_kept, my_last), (wanted, their_kept, their_last) = found
    assert_close(np.array(mine), wanted, 1e-5)
    assert_close(np.stack(my_kept), np.stack(their_kept), 1e-5)
    assert_close(my_last, their_last, 1e-5)
    with pytest.raises(ValueError, match="use_ema=True"):
        model = minicnn.Sequential([layers.Flatten(), layers.Dense(3)])
        model.compile("sgd", "mse")
        model.fit(X, np.ones((24, 3)), callbacks=[callbacks.SwapEMAWeights(True)], verbose=0)
