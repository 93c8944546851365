"""fit, evaluate, predict and their relatives: what a user of Keras expects of them."""

from __future__ import annotations

import io
import sys
import tracemalloc

import numpy as np
import pytest
from helpers import assert_close, labels, normal

import minicnn
from minicnn import callbacks, layers, losses, metrics, optimizers
from minicnn.kernels.cpu import workspace


def classifier(dropout=0.0, dtype=None):
    return minicnn.Sequential([
        layers.Input((6, 5, 1), dtype=dtype),
        layers.Conv2D(4, 3, padding="same", activation="relu", dtype=dtype),
        layers.MaxPooling2D(2, dtype=dtype),
        layers.Flatten(dtype=dtype),
        layers.Dropout(dropout, dtype=dtype),
        layers.Dense(3, activation="softmax", dtype=dtype),
    ])  # fmt: skip


def compiled(dropout=0.0, metrics=("accuracy",)):
    model = classifier(dropout)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=list(metrics))
    return model


X, Y = normal(21, 6, 5, 1, dtype=np.float32), labels(21, classes=3)


def test_training_learns_and_history_has_keras_s_keys():
    model = compiled()
    model.optimizer.learning_rate = 0.01
    history = model.fit(X, Y, epochs=60, batch_size=8, verbose=0, validation_data=(X, Y))
    assert list(history.history) == ["accuracy", "loss", "val_accuracy", "val_loss"]
    assert history.epoch == list(range(60))
    assert history is model.history
    assert history.history["accuracy"][-1] > 0.9
    assert history.history["loss"][-1] < 0.5 * history.history["loss"][0]


@pytest.mark.parametrize("given", ["acc", "accuracy", "sparse_categorical_accuracy"])
def test_metrics_keep_the_name_they_were_given(given):
    model = classifier()
    model.compile("adam", "sparse_categorical_crossentropy", metrics=given)
    history = model.fit(X, Y, verbose=0, validation_split=0.2).history
    assert sorted(history) == sorted(["loss", "val_loss", given, f"val_{given}"])
    assert model.metrics_names == ["loss", given]


def test_metrics_of_one_name_are_told_apart():
    model = compiled(metrics=("acc", "accuracy", "acc"))
    assert list(model.evaluate(X, Y, verbose=0, return_dict=True)) == ["acc", "acc_1", "accuracy", "loss"]


def test_a_metric_object_and_a_function():
    accuracy = metrics.SparseCategoricalAccuracy(name="mine")

    def largest(y_true, y_pred):
        return y_pred.max(axis=-1)

    model = classifier()
    model.compile(optimizers.Adam(), losses.SparseCategoricalCrossentropy(), metrics=[accuracy, largest])
    logs = model.evaluate(X, Y, verbose=0, return_dict=True)
    probabilities = model.predict(X, verbose=0)
    assert logs["mine"] == accuracy.result() == pytest.approx((probabilities.argmax(1) == Y).mean())
    assert logs["largest"] == pytest.approx(probabilities.max(1).mean(), rel=1e-5)


def test_evaluate_before_fit_and_its_forms():
    model = compiled()
    loss, accuracy = model.evaluate(X, Y, verbose=0)
    logs = model.evaluate(X, Y, verbose=0, return_dict=True, batch_size=4)
    assert loss == pytest.approx(logs["loss"], rel=1e-5)
    assert accuracy == pytest.approx(logs["accuracy"])
    model.compile("adam", "sparse_categorical_crossentropy")
    assert isinstance(model.evaluate(X, Y, verbose=0), float)


def test_the_loss_of_an_epoch_weighs_an_odd_last_batch_by_its_size():
    model = compiled()
    whole = model.evaluate(X, Y, batch_size=21, verbose=0)
    assert_close(model.evaluate(X, Y, batch_size=8, verbose=0), whole, 1e-6)


def test_validation_split_takes_the_end_before_shuffling():
    seen = []

    class Spy(callbacks.Callback):
        def on_test_begin(self, logs=None):
            seen.append(True)

    model = compiled()
    model.compile("sgd", "sparse_categorical_crossentropy")
    model.optimizer.learning_rate = 0.0
    history = model.fit(X, Y, validation_split=0.3, epochs=2, verbose=0, callbacks=[Spy()]).history
    assert history["val_loss"][0] == pytest.approx(model.evaluate(X[14:], Y[14:], verbose=0), rel=1e-5)
    assert history["loss"][0] == pytest.approx(model.evaluate(X[:14], Y[:14], verbose=0), rel=1e-5)
    assert len(seen) == 2


def test_class_weight_leaves_validation_alone():
    model = compiled()
    model.optimizer.learning_rate = 0.0
    weighted = model.fit(X, Y, validation_split=0.3, verbose=0, class_weight={0: 10.0, 2: 0.5}).history
    plain = model.fit(X, Y, validation_split=0.3, verbose=0).history
    assert weighted["val_loss"] == pytest.approx(plain["val_loss"], rel=1e-6)
    assert weighted["loss"] != pytest.approx(plain["loss"], rel=1e-2)


def test_initial_epoch_and_validation_freq():
    model = compiled()
    history = model.fit(X, Y, epochs=7, initial_epoch=3, validation_data=(X, Y), validation_freq=2, verbose=0)
    assert history.epoch == [3, 4, 5, 6]
    assert len(history.history["loss"]) == 4
    assert len(history.history["val_loss"]) == 2
    history = model.fit(X, Y, epochs=4, validation_data=(X, Y), validation_freq=[1, 4], verbose=0)
    assert len(history.history["val_loss"]) == 2
    assert model.fit(X, Y, epochs=2, initial_epoch=2, verbose=0).history == {}


def test_hooks_are_called_when_keras_calls_them(tf):
    def record(k):
        calls = []

        class Recorder(k.callbacks.Callback):
            pass

        for name in dir(k.callbacks.Callback):
            if name.startswith("on_") and name not in ("on_batch_begin", "on_batch_end"):

                def hook(self, *arguments, logs=None, name=name):
                    logs = arguments[-1] if arguments and isinstance(arguments[-1], dict) else logs
                    numbers = [a for a in arguments if isinstance(a, int)]
                    calls.append((name, *numbers, *sorted(logs or {})))

                setattr(Recorder, name, hook)
        model = k.Sequential([k.layers.Input((4,)), k.layers.Dense(3, activation="softmax")])
        model.compile("sgd", "sparse_categorical_crossentropy", metrics=["acc"])
        x, y = normal(7, 4, dtype=np.float32), labels(7, classes=3)
        model.fit(x, y, epochs=2, batch_size=3, verbose=0, validation_data=(x, y), callbacks=[Recorder()])
        model.evaluate(x, y, batch_size=4, verbose=0, callbacks=[Recorder()])
        model.predict(x, batch_size=4, verbose=0, callbacks=[Recorder()])
        return calls

    assert record(minicnn) == record(tf.keras)


def test_a_callback_set_on_the_instance_is_called():
    seen = []
    callback = callbacks.Callback()
    callback.on_train_batch_end = lambda batch, logs=None: seen.append(batch)
    compiled().fit(X, Y, batch_size=8, verbose=0, callbacks=[callback])
    assert seen == [0, 1, 2]


def test_stop_training_after_a_batch_and_after_an_epoch():
    class Stop(callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:
                self.model.stop_training = True

    history = compiled().fit(X, Y, batch_size=4, epochs=5, verbose=0, callbacks=[Stop()])
    assert history.epoch == [0]


def test_early_stopping_agrees_with_keras(tf):
    """A scripted val_loss: which epoch is the last, and which weights stay."""
    values = [5.0, 4.0, 4.5, 3.9, 4.2, 4.1, 4.3, 1.0]

    def run(k, **options):
        class Script(k.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                logs["val_loss"] = values[epoch]
                self.model.set_weights([np.full((2, 1), float(epoch)), np.zeros(1)])

        model = k.Sequential([k.layers.Input((2,)), k.layers.Dense(1)])
        model.compile("sgd", "mse")
        stopping = k.callbacks.EarlyStopping(**options)
        x, y = np.ones((4, 2), np.float32), np.ones((4, 1), np.float32)
        history = model.fit(x, y, epochs=8, verbose=0, validation_data=(x, y), callbacks=[Script(), stopping])
        return len(history.epoch), float(model.get_weights()[0][0, 0]), stopping.stopped_epoch, stopping.best_epoch

    for options in (
        {}, {"patience": 2}, {"patience": 2, "restore_best_weights": True}, {"patience": 1, "min_delta": 0.2},
        {"patience": 9, "restore_best_weights": True}, {"patience": 1, "baseline": 4.2},
        {"patience": 1, "start_from_epoch": 3, "restore_best_weights": True}, {"mode": "max", "patience": 1},
    ):  # fmt: skip
        assert run(minicnn, **options) == run(tf.keras, **options), options


def test_early_stopping_and_nan():
    stopping = callbacks.EarlyStopping(patience=1, restore_best_weights=True)
    model = compiled()
    stopping.set_model(model)
    stopping.set_params({})
    stopping.on_train_begin()
    for epoch, value in enumerate([np.nan, 3.0, 2.0, 2.5, 2.6]):
        stopping.on_epoch_end(epoch, {"val_loss": value})
    assert stopping.best == 2.0


def test_early_stopping_waits_for_epochs_that_are_validated():
    model = compiled()
    stopping = callbacks.EarlyStopping(monitor="val_accuracy", patience=3)
    assert (
        len(model.fit(X, Y, epochs=2, validation_split=0.2, validation_freq=2, verbose=0, callbacks=stopping).epoch)
        == 2
    )
    with pytest.raises(ValueError, match="watches 'val_acc', which this training does not report; it reports"):
        model.fit(X, Y, validation_split=0.2, verbose=0, callbacks=[callbacks.EarlyStopping("val_acc")])


def test_predict_gives_an_array_of_its_own_and_takes_any_numbers():
    model = classifier()
    workspace.poison_released_buffers = True
    first = model.predict(X, batch_size=4, verbose=0)
    kept = first.copy()
    model.predict(X[::-1], batch_size=5, verbose=0)
    np.testing.assert_array_equal(first, kept)
    assert first.dtype == np.float32
    assert_close(first.sum(axis=1), np.ones(21), 1e-6)
    pixels = (np.abs(X) * 50).astype(np.uint8)
    expected = model.predict(pixels.astype(np.float32), verbose=0)
    forms = [
        pixels, pixels.astype(np.float64), pixels.astype(">i4"), np.asfortranarray(pixels), pixels.tolist(),
        np.repeat(pixels, 2, axis=0)[::2], pixels[..., 0], [pixels], {"pixels": pixels},
    ]  # fmt: skip
    for form in forms:
        np.testing.assert_array_equal(model.predict(form, verbose=0), expected)
    read_only = pixels.copy()
    read_only.flags.writeable = False
    np.testing.assert_array_equal(model.predict(read_only, verbose=0), expected)
    np.testing.assert_array_equal(model.predict_on_batch(pixels), expected)


def test_inference_leaves_the_data_alone():
    """Batches of the model's own type are not even copied; a model that changes nothing gives a copy of its input."""
    model, x = classifier(), X.astype(np.float32)
    before = x.copy()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.predict(x, batch_size=8, verbose=0)
    model.evaluate(x, Y, batch_size=8, verbose=0)
    same = minicnn.Sequential([layers.Input(x.shape[1:]), layers.Activation("linear")]).predict(x, verbose=0)
    np.testing.assert_array_equal(x, before)
    np.testing.assert_array_equal(same, x)
    assert not np.shares_memory(same, x)


def test_the_data_set_is_never_copied_whole():
    """A batch is cast; the data set's own memory is left alone, and no second one of its size is asked for."""
    import tracemalloc

    big = np.zeros((40_000, 28, 28, 1), np.uint8)  # 31 MB; as float32 it would be 125 MB
    model = minicnn.Sequential([
        layers.Input((28, 28, 1)), layers.MaxPooling2D(7), layers.Flatten(), layers.Dense(2, activation="softmax"),
    ])  # fmt: skip
    model.compile("sgd", "sparse_categorical_crossentropy")
    targets = np.zeros(len(big), np.int64)
    model.fit(big[:64], targets[:64], verbose=0)
    tracemalloc.start()
    model.fit(big, targets, batch_size=512, verbose=0, validation_split=0.5)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 20e6


def test_single_batches():
    model = compiled()
    loss, accuracy = model.train_on_batch(X, Y)
    assert 0 <= accuracy <= 1
    assert loss > 0
    assert list(model.test_on_batch(X, Y, return_dict=True)) == ["accuracy", "loss"]
    assert_close(model.test_on_batch(X, Y), model.evaluate(X, Y, verbose=0), 1e-6)
    before = model.evaluate(X, Y, verbose=0)[0]
    for _ in range(30):
        model.train_on_batch(X, Y, class_weight={0: 2.0})
    assert model.evaluate(X, Y, verbose=0)[0] < before


def test_sample_weights_of_zero_take_no_part():
    model, other = compiled(), compiled()
    other.set_weights(model.get_weights())
    weights = (np.arange(21) < 10).astype(float)
    noisy = X.copy()
    noisy[10:] = 1e3
    model.fit(X, Y, sample_weight=weights, batch_size=21, verbose=0, epochs=3)
    other.fit(noisy, Y, sample_weight=weights, batch_size=21, verbose=0, epochs=3)
    for mine, wanted in zip(model.get_weights(), other.get_weights(), strict=True):
        assert_close(mine, wanted, 1e-6)


@pytest.mark.parametrize("backend", ["numpy", "cpu"])
def test_the_same_seed_gives_the_same_bits(backend):
    minicnn.backend.set_backend(backend)

    def run():
        minicnn.utils.set_random_seed(7)
        model = compiled(dropout=0.4)
        history = model.fit(X, Y, epochs=3, batch_size=4, verbose=0, validation_split=0.2)
        return history.history, model.get_weights()

    (first, first_weights), (second, second_weights) = run(), run()
    assert first == second
    for one, other in zip(first_weights, second_weights, strict=True):
        np.testing.assert_array_equal(one, other)
    minicnn.utils.set_random_seed(8)
    assert compiled().get_weights()[0].tolist() != first_weights[0].tolist()


def test_poisoned_buffers_change_nothing():
    """Buffers go back full of NaN: whoever used one after its release would show it."""

    def run():
        minicnn.utils.set_random_seed(7)
        x = layers.Input((6, 5, 2))
        twice = layers.Conv2D(3, 3, padding="same", activation="relu", kernel_regularizer="l2")
        a = twice(layers.Conv2D(3, 1)(x))
        b = layers.BatchNormalization()(twice(a))
        c = layers.SpatialDropout2D(0.3)(layers.Multiply()([a, b]))
        joined = layers.Concatenate()([layers.Add()([a, b]), c, layers.DepthwiseConv2D(3, padding="same")(b)])
        y = layers.Dense(3, activation="softmax")(
            layers.Dropout(0.2)(layers.Flatten()(layers.AveragePooling2D()(joined)))
        )
        model = minicnn.Model(x, y)
        model.compile(optimizers.Adam(clipnorm=1.0), "sparse_categorical_crossentropy", metrics=["acc", "ce"])
        data = normal(21, 6, 5, 2)
        history = model.fit(data, Y, epochs=3, batch_size=4, verbose=0, validation_split=0.3, class_weight={0: 2.0})
        return history.history, model.predict(data, verbose=0), model.train_on_batch(data, Y)

    clean = run()
    workspace.poison_released_buffers = True
    poisoned = run()
    assert clean[0] == poisoned[0]
    np.testing.assert_array_equal(clean[1], poisoned[1])
    assert clean[2] == poisoned[2]
    assert np.isfinite(clean[1]).all()


def test_a_metric_that_keeps_its_predictions_has_them_to_keep():
    kept = []

    class Keeper(metrics.Mean):
        def update_state(self, y_true, y_pred, sample_weight=None):
            kept.append(y_pred)

    workspace.poison_released_buffers = True
    model = classifier()
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=[Keeper(name="keeper")])
    model.fit(X, Y, batch_size=8, verbose=0)
    assert len(kept) == 3
    assert all(np.isfinite(p).all() for p in kept)


def test_an_interrupted_step_leaves_no_gradients_behind():
    model, other = compiled(), compiled()
    other.set_weights(model.get_weights())

    def interrupted(*arguments):
        raise KeyboardInterrupt

    model.optimizer.apply, apply = interrupted, model.optimizer.apply
    with pytest.raises(KeyboardInterrupt):
        model.train_on_batch(X, Y)
    model.optimizer.apply = apply
    model.train_on_batch(X, Y)
    other.train_on_batch(X, Y)
    for mine, wanted in zip(model.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(mine, wanted)


def test_frozen_layers_stay_and_are_not_asked_for_gradients():
    model = compiled()
    model.layers[0].trainable = False
    before = model.get_weights()
    model.fit(X, Y, verbose=0)
    after = model.get_weights()
    np.testing.assert_array_equal(before[0], after[0])
    assert (before[2] != after[2]).any()
    assert len(model.trainable_weights) == 2
    assert len(model.non_trainable_weights) == 2
    model.trainable = False
    assert model.trainable_weights == []
    model.trainable = True
    assert len(model.trainable_weights) == 4


def test_a_nan_is_traced_to_its_layer(capsys):
    model = compiled()
    model.layers[0].kernel.value[:] = np.nan
    history = model.fit(X, Y, epochs=2, batch_size=8, verbose=0)
    assert len(history.epoch) == 2, "training goes on, as in Keras"
    said = capsys.readouterr().out.strip().splitlines()
    assert said == ["minicnn: the loss is not finite; the first layer whose output is not finite is 'conv2d'."]


def test_a_nan_in_the_data_is_said(capsys):
    bad = X.copy()
    bad[3] = np.nan
    compiled().fit(bad, Y, verbose=0)
    assert "the input batch holds NaN or infinity already" in capsys.readouterr().out
    model = minicnn.Sequential([layers.Input((2,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(np.ones((4, 2)), [1.0, 2.0, np.nan, 3.0], verbose=0)
    assert "the targets hold NaN" in capsys.readouterr().out


def test_what_fit_prints(capsys):
    model = compiled()
    model.fit(X, Y, verbose=0)
    capsys.readouterr()
    model.fit(X, Y, epochs=2, batch_size=8, verbose=1, validation_split=0.2)
    lines = capsys.readouterr().out.strip().splitlines()
    assert [lines[0], lines[2]] == ["Epoch 1/2", "Epoch 2/2"]
    assert lines[1].startswith("2/2 ━")
    for part in ("ms/step", " - accuracy: ", " - loss: ", " - val_accuracy: ", " - val_loss: "):
        assert part in lines[1] or part == "ms/step"
    assert "\r" not in "".join(lines)
    model.fit(X, Y, batch_size=8, verbose=2)
    assert capsys.readouterr().out.splitlines()[0].startswith("3/3 - 0s - ")
    model.fit(X, Y, verbose=0)
    model.evaluate(X, Y, verbose=0)
    assert capsys.readouterr().out == ""


def test_the_bar_on_a_terminal(monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    model = compiled()
    model.fit(X, Y, verbose=0)
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr("minicnn.models.progress._INTERVAL", 0.0)
    model.fit(X, Y, batch_size=4)
    monkeypatch.undo()
    drawn = terminal.getvalue().split("\r")
    assert len(drawn) == 1 + 6 + 1  # the epoch's line, six batches, the last drawing
    assert "━" in drawn[1]
    assert " 0s " in drawn[1]
    assert " - loss: " in drawn[1]
    assert drawn[-1].endswith("\n")


def test_fit_allocates_no_large_array_after_the_first_steps():
    """Fresh memory costs as much as arithmetic: once the buffers are there, a step asks for no more than scraps."""
    x, y = normal(96, 28, 28, 8, dtype=np.float32), np.random.default_rng(0).integers(0, 3, 96)
    model = minicnn.Sequential([
        layers.Input((28, 28, 8)),
        layers.BatchNormalization(),
        layers.Conv2D(16, 3, activation="relu"),
        layers.Conv2D(16, 3, activation="relu"),
        layers.MaxPooling2D(),
        layers.Conv2D(8, 3, strides=2, padding="same", activation="relu"),
        layers.AveragePooling2D(),
        layers.Flatten(),
        layers.Dropout(0.3),
        layers.Dense(32, activation="relu"),
        layers.Dense(3),
    ])  # fmt: skip
    model.compile("adam", minicnn.losses.SparseCategoricalCrossentropy(from_logits=True), metrics=["accuracy"])
    peaks = []

    class Watch(minicnn.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            tracemalloc.reset_peak()
            self.before = tracemalloc.get_traced_memory()[0]

        def on_train_batch_end(self, batch, logs=None):
            peaks.append(tracemalloc.get_traced_memory()[1] - self.before)

    tracemalloc.start()
    try:
        model.fit(x, y, batch_size=16, epochs=3, verbose=0, callbacks=[Watch()])
    finally:
        tracemalloc.stop()
    assert len(peaks) == 18
    assert max(peaks[6:]) < 100_000, peaks  # the smallest of the network's images of a batch takes 400 kB


def images_on_images(branched):
    """Six convolutions whose outputs are 8 MB for 16 images, in a row or with two shortcuts."""
    x = y = layers.Input((64, 64, 32))
    for i in range(6):
        z = layers.Conv2D(32, 3, padding="same", activation="relu", name=f"conv{i}")(y)
        y = layers.Add()([y, z]) if branched and i in (2, 4) else z
    y = layers.Dense(3)(layers.Flatten()(layers.MaxPooling2D(8)(y)))
    model = minicnn.Model(x, y)
    return model if branched else minicnn.Sequential([layers.Input((64, 64, 32)), *model.layers[1:]])


@pytest.mark.parametrize("branched", [False, True])
def test_inference_needs_the_memory_of_its_largest_layers_not_of_all(branched):
    """Of the six 8 MB that a batch becomes on its way, 16 are there at a time, and 24 where there is a shortcut."""
    model, x = images_on_images(branched), normal(32, 64, 64, 32, dtype=np.float32)
    model.compile("sgd", "mse")
    targets = np.zeros((32, 3), np.float32)
    for run in (lambda: model.predict(x, 16, verbose=0), lambda: model.evaluate(x, targets, 16, verbose=0)):
        workspace.clear()
        run()  # compiles
        workspace.clear()
        tracemalloc.start()
        try:
            run()
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        image = 16 * 64 * 64 * 32 * 4
        assert peak < (4.95 if branched else 3.95) * image, peak / image  # one is the batch, most of one is scratch


@pytest.mark.parametrize("branched", [False, True])
def test_buffers_that_serve_twice_in_a_step_change_no_prediction(branched):
    model, x = images_on_images(branched), normal(32, 64, 64, 32, dtype=np.float32)
    expected, _ = model.forward(x, need_saved=True)
    workspace.poison_released_buffers = True
    for _ in range(2):
        np.testing.assert_array_equal(model.predict(x, 32, verbose=0), expected)


def test_the_number_of_threads_decides_the_bits_not_the_history():
    """The same computation on the same number of threads, before and after another number was used."""
    import numba

    from minicnn.ops import conv2d

    x, w = normal(7, 20, 20, 16, dtype=np.float32), normal(3, 3, 16, 16, seed=1, dtype=np.float32)
    dy = normal(7, 20, 20, 16, seed=2, dtype=np.float32)

    def gradients():
        _, saved = conv2d.forward(x, w, None, padding="same")
        return conv2d.backward(dy, saved)[:2]

    most = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        before = gradients()
        numba.set_num_threads(most)
        gradients()
        numba.set_num_threads(1)
        for one, other in zip(before, gradients(), strict=True):
            np.testing.assert_array_equal(one, other)
    finally:
        numba.set_num_threads(most)


def test_validation_data_of_another_size_changes_nothing_in_training():
    x, y = normal(8, 6, 6, 1), normal(8, 6, 6, 2, seed=1)
    model = minicnn.Sequential([layers.Input((None, None, 1)), layers.Conv2D(2, 3, padding="same")])
    model.compile("sgd", "mse")
    larger = normal(4, 9, 9, 1), normal(4, 9, 9, 2)
    history = model.fit(x, y, batch_size=4, epochs=2, validation_data=larger, verbose=0).history
    assert np.isfinite(history["loss"] + history["val_loss"]).all()
