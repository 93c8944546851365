"""Callbacks do what Keras's do: for the same epochs they set the same rates, and save and print at the same times."""

from __future__ import annotations

import csv
import math
import os

import numpy as np
import pytest
from helpers import normal

import minicnn
from minicnn import callbacks, layers

LOSSES = [1.0, 0.8, 0.79995, 0.9, math.nan, 0.7, 0.71, 0.72, 0.73, 0.6, 0.61, 0.62, 0.63, 0.64, 0.59]
X, Y = normal(12, 3, dtype=np.float32), normal(12, 1, seed=1, dtype=np.float32)


def model(k=minicnn):
    made = k.Sequential([k.layers.Input((3,)), k.layers.Dense(1)])
    made.compile(k.optimizers.SGD(0.1), "mse", metrics=["mae"])
    return made


def driven(k, callback, losses=LOSSES):
    """Call a callback for epochs with these losses; return [(the optimizer's rate, the logged rate)] of each epoch.

    k is the library of the callback and its model, minicnn or Keras.
    """
    trained = model(k)
    callback.set_params({"do_validation": True})
    callback.set_model(trained)
    callback.on_train_begin()
    rates = []
    for epoch, loss in enumerate(losses):
        callback.on_epoch_begin(epoch, {})
        logs = {"loss": loss, "val_loss": loss}
        callback.on_epoch_end(epoch, logs)
        rates.append((float(trained.optimizer.learning_rate), logs.get("learning_rate")))
        if getattr(trained, "stop_training", False):
            break
    callback.on_train_end()
    return rates


@pytest.mark.parametrize(
    "options",
    [
        {"patience": 1}, {"patience": 2, "factor": 0.5}, {"patience": 1, "cooldown": 2},
        {"patience": 2, "min_lr": 0.02},
        {"patience": 1, "min_delta": 0.0}, {"patience": 2, "mode": "max"}, {"patience": 1, "verbose": 1},
    ],
    ids=str,
)  # fmt: skip
def test_reduce_lr_on_plateau(tf, capsys, options):
    ours = driven(minicnn, callbacks.ReduceLROnPlateau(**options))
    said = capsys.readouterr().out
    theirs = driven(tf.keras, tf.keras.callbacks.ReduceLROnPlateau(**options))
    np.testing.assert_allclose([rate for rate, _ in ours], [rate for rate, _ in theirs], rtol=1e-6)
    assert all(logged is not None for _, logged in ours)
    their_words = capsys.readouterr().out
    assert [line.split(" to ")[0] for line in said.splitlines()] == [
        w.split(" to ")[0] for w in their_words.splitlines()
    ]


@pytest.mark.parametrize(
    "schedule", [lambda epoch: 0.1 / (1 + epoch), lambda epoch, rate: rate * 0.9], ids=["epoch", "epoch, rate"]
)
def test_learning_rate_scheduler(tf, schedule):
    ours = driven(minicnn, callbacks.LearningRateScheduler(schedule))
    theirs = driven(tf.keras, tf.keras.callbacks.LearningRateScheduler(lambda *given: float(schedule(*given))))
    np.testing.assert_allclose([rate for rate, _ in ours], [rate for rate, _ in theirs], rtol=1e-6)


def test_a_schedule_that_gives_no_number_is_reported():
    with pytest.raises(ValueError, match="for epoch 0 it gave None"):
        model().fit(X, Y, verbose=0, callbacks=[callbacks.LearningRateScheduler(lambda epoch: None)])


@pytest.mark.parametrize(
    "options",
    [
        {}, {"save_best_only": True}, {"save_best_only": True, "mode": "max"},
        {"save_best_only": True, "initial_value_threshold": 0.75}, {"save_best_only": True, "monitor": "loss"},
    ],
    ids=str,
)  # fmt: skip
def test_checkpoints_are_saved_when_keras_saves_them(tf, tmp_path, capsys, options):
    saved = {}
    for name, k, module in (("ours", minicnn, callbacks), ("theirs", tf.keras, tf.keras.callbacks)):
        folder = tmp_path / name
        driven(k, module.ModelCheckpoint(f"{folder}/{{epoch:02d}}-{{val_loss:.2f}}.keras", verbose=1, **options))
        said = capsys.readouterr().out.replace(str(folder), "")
        saved[name] = sorted(os.listdir(folder)), [line.split(", saving")[0] for line in said.splitlines()]
    assert saved["ours"][0] == saved["theirs"][0]
    assert saved["ours"][1] == saved["theirs"][1]


def test_checkpoints_of_weights_and_of_batches(tmp_path):
    checkpoint = callbacks.ModelCheckpoint(
        tmp_path / "{epoch}-{batch}.weights.h5", save_weights_only=True, save_freq=3
    )  # fmt: skip
    trained = model()
    trained.fit(X, Y, batch_size=3, epochs=3, verbose=0, callbacks=[checkpoint])
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "1-3.weights.h5", "2-2.weights.h5", "3-1.weights.h5", "3-4.weights.h5"
    ]  # fmt: skip
    fresh = model()
    fresh.load_weights(tmp_path / "3-4.weights.h5")
    np.testing.assert_array_equal(fresh.get_weights()[0], trained.get_weights()[0])


def test_checkpoint_names_are_checked(tmp_path):
    with pytest.raises(ValueError, match=r"end in \.keras or \.h5"):
        callbacks.ModelCheckpoint("model")
    with pytest.raises(ValueError, match=r"\.weights\.h5 with save_weights_only=True"):
        callbacks.ModelCheckpoint("model.keras", save_weights_only=True)
    with pytest.raises(ValueError, match="save_freq"):
        callbacks.ModelCheckpoint("model.keras", save_freq="batch")
    with pytest.raises(KeyError, match=r"uses 'nothing'; it may use epoch, loss, mae"):
        model().fit(X, Y, verbose=0, callbacks=[callbacks.ModelCheckpoint(tmp_path / "{nothing}.keras")])
    with pytest.raises(ValueError, match=r"ModelCheckpoint watches 'val_acc'.*it reports loss, mae"):
        watched = callbacks.ModelCheckpoint(tmp_path / "a.keras", "val_acc", save_best_only=True)
        model().fit(X, Y, verbose=0, callbacks=[watched])


@pytest.mark.parametrize("options", [{}, {"monitor": "val_acc", "mode": "max"}])
def test_a_number_that_is_never_reported_is_told_once(tmp_path, capsys, options):
    """As in Keras, which warns: training goes on, if it is known what would be better."""
    watching = [
        callbacks.EarlyStopping(**options), callbacks.ReduceLROnPlateau(**options),
        callbacks.ModelCheckpoint(tmp_path / "a.keras", save_best_only=True, **options),
    ]  # fmt: skip
    history = model().fit(X, Y, verbose=0, epochs=3, callbacks=watching).history
    assert len(history["loss"]) == 3 and not (tmp_path / "a.keras").exists()
    said = capsys.readouterr().out.splitlines()
    name = options.get("monitor", "val_loss")
    assert [line.split(" watches ")[0] for line in said] == [
        "minicnn: EarlyStopping", "minicnn: ReduceLROnPlateau", "minicnn: ModelCheckpoint",
    ]  # fmt: skip
    assert all(f"{name!r}, which this training does not report" in line for line in said)


@pytest.mark.parametrize("append", [False, True])
def test_csv_logger_writes_what_keras_writes(tf, tmp_path, append):
    rows = {}
    for name, k, module in (("ours", minicnn, callbacks), ("theirs", tf.keras, tf.keras.callbacks)):
        trained, file = model(k), tmp_path / f"{name}.csv"
        trained.set_weights([np.ones((3, 1)), np.zeros(1)])
        for _ in range(2):
            logger = module.CSVLogger(str(file), separator=";", append=append)
            trained.fit(X, Y, validation_data=(X, Y), validation_freq=2, epochs=2, verbose=0, shuffle=False,
                        callbacks=[logger])  # fmt: skip
        with open(file, newline="") as written:
            rows[name] = list(csv.reader(written, delimiter=";"))
    assert [row[0] for row in rows["ours"]] == [row[0] for row in rows["theirs"]]
    assert rows["ours"][0] == rows["theirs"][0] and len(rows["ours"]) == (5 if append else 3)
    for ours, theirs in zip(rows["ours"][1:], rows["theirs"][1:], strict=True):
        assert [a == "NA" for a in ours] == [b == "NA" for b in theirs]
        numbers = [(float(a), float(b)) for a, b in zip(ours, theirs, strict=True) if a != "NA"]
        np.testing.assert_allclose(*zip(*numbers, strict=True), rtol=1e-4)


def test_terminate_on_nan(capsys):
    broken = X.copy()
    broken[5] = np.nan
    seen = []
    count = callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append(batch))
    model().fit(broken, Y, batch_size=3, shuffle=False, verbose=0, callbacks=[callbacks.TerminateOnNaN(), count])
    assert seen == [0, 1]
    assert "Batch 1: Invalid loss, terminating training" in capsys.readouterr().out


def test_nan_is_not_better_than_nan():
    broken = np.full_like(X, np.nan)
    trained = model()
    history = trained.fit(broken, Y, epochs=9, verbose=0, callbacks=[callbacks.EarlyStopping("loss", patience=2)])
    assert len(history.epoch) == 3
    with pytest.raises(RuntimeError, match="Batch 0: the loss is nan"):
        trained.fit(broken, Y, verbose=0, callbacks=[callbacks.TerminateOnNaN(raise_error=True)])


def test_a_broken_backup_falls_back_to_the_one_before(tmp_path):
    class Interruption(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                raise KeyboardInterrupt

    backup = callbacks.BackupAndRestore(tmp_path, double_checkpoint=True)
    with pytest.raises(KeyboardInterrupt):
        model().fit(X, Y, epochs=5, verbose=0, callbacks=[backup, Interruption()])
    (tmp_path / "latest.weights.h5").write_bytes(b"broken")
    seen = []
    epochs = callbacks.LambdaCallback(lambda epoch, logs: seen.append(epoch))
    model().fit(X, Y, epochs=5, verbose=0, callbacks=[backup, epochs])
    assert seen == [2, 3, 4]


def test_lambda_callback_calls_every_hook():
    seen = []
    hooks = callbacks.base.HOOKS
    trained = model()
    recorder = callbacks.LambdaCallback(**{hook: lambda *given, hook=hook: seen.append(hook) for hook in hooks})
    trained.fit(X, Y, batch_size=6, epochs=1, verbose=0, validation_data=(X, Y), callbacks=[recorder])
    trained.predict(X, verbose=0, callbacks=[recorder])
    assert set(hooks) - set(seen) == {"on_batch_begin", "on_batch_end"}  # the newer names are called instead
    with pytest.raises(TypeError, match="Did you mean 'on_epoch_end'"):
        callbacks.LambdaCallback(on_epoch_ends=print)


def test_the_older_names_of_batch_hooks_are_called():
    class Old(callbacks.Callback):
        def on_batch_end(self, batch, logs=None):
            seen.append((batch, sorted(logs)))

    seen = []
    trained = minicnn.Sequential([layers.Input((3,)), layers.Dense(1)])
    trained.compile("sgd", "mse")
    trained.fit(X, Y, batch_size=6, verbose=0, callbacks=[Old()])
    assert seen == [(0, ["loss"]), (1, ["loss"])]


def test_interrupted_training_goes_on_where_it_stopped(tmp_path):
    """The weights after an interruption and a restart are those of a training that was never interrupted."""

    class Interruption(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 3:
                raise KeyboardInterrupt

    def fit(*more):
        minicnn.utils.set_random_seed(1)
        trained = minicnn.Sequential([layers.Input((3,)), layers.Dense(1)])
        trained.compile("adam", "mse")
        backup = callbacks.BackupAndRestore(tmp_path / "backup")
        seen = []
        epochs = callbacks.LambdaCallback(on_epoch_begin=lambda epoch, logs: seen.append(epoch))
        try:
            trained.fit(X, Y, epochs=5, batch_size=4, shuffle=False, verbose=0, callbacks=[backup, *more, epochs])
        except KeyboardInterrupt:
            assert (tmp_path / "backup" / "latest.weights.h5").exists()
        return trained.get_weights()[0], seen

    expected, _ = fit()
    assert not (tmp_path / "backup").exists()
    fit(Interruption())
    found, epochs = fit()
    assert epochs == [3, 4]
    np.testing.assert_array_equal(found, expected)


@pytest.mark.parametrize("name", ["EarlyStopping", "ReduceLROnPlateau"])
def test_patience_is_not_negative(name):
    for wrong in (-1, "two"):
        with pytest.raises(ValueError, match="patience must be a number of epochs, zero or more; received patience="):
            getattr(minicnn.callbacks, name)(patience=wrong)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no device that is always full")
def test_a_full_disk_does_not_end_a_training_that_is_logged(tmp_path, capsys):
    logger, backup = callbacks.CSVLogger("/dev/full"), callbacks.BackupAndRestore(tmp_path)
    history = model().fit(X, Y, epochs=3, verbose=0, callbacks=[logger, backup])
    assert history.epoch == [0, 1, 2]
    said = capsys.readouterr().out
    assert said.count("epoch 1 is not written to /dev/full") == 1 and said.count("is not written") == 1
