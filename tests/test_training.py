"""fit, evaluate, predict and related methods do what users of Keras expect."""

from __future__ import annotations

import io
import sys

import numpy as np
import pytest
from helpers import assert_close, normal
from small_classifier import X, Y, classifier, compiled

import minicnn
from minicnn import callbacks, layers, losses, metrics, optimizers
from minicnn.kernels.cpu import workspace


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


def test_a_nan_in_the_data_is_reported(capsys):
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
    monkeypatch.setattr("minicnn.models.progress.Progress.wants_logs", lambda self: self.draws)
    model.fit(X, Y, batch_size=4)
    monkeypatch.undo()
    drawn = terminal.getvalue().split("\r")
    assert len(drawn) == 1 + 6 + 1  # the epoch's line, six batches, the final line
    assert "━" in drawn[1]
    assert " 0s " in drawn[1]
    assert " - loss: " in drawn[1]
    assert drawn[-1].endswith("\n")


def test_the_number_of_threads_decides_the_bits_not_the_history():
    """A computation on one thread gives the same bits before and after one on another number of threads."""
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
