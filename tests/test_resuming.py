"""A training that was interrupted and goes on from its backup ends as one that was never interrupted."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
from helpers import normal

import minicnn
from minicnn import callbacks, layers

X, Y = normal(60, 6, 6, 2, dtype=np.float32), np.arange(60) % 3


class Interruption(callbacks.Callback):
    """Stops the process, as far as the training can tell, after so many batches or at the end of so many epochs."""

    def __init__(self, batches=None, epochs=None):
        super().__init__()
        self.batches, self.epochs = batches, epochs

    def on_train_batch_end(self, batch, logs=None):
        if self.batches is not None:
            self.batches -= 1
            if self.batches < 0:
                raise KeyboardInterrupt

    def on_epoch_end(self, epoch, logs=None):
        if self.epochs is not None and epoch >= self.epochs:
            raise KeyboardInterrupt


def everything(folder, save_freq, interruption, data="arrays", **options):
    """A training with all that has a state. Returns what it leaves behind."""
    minicnn.utils.set_random_seed(3)
    model = minicnn.Sequential([
        layers.Input((6, 6, 2)), layers.RandomFlip(), layers.RandomRotation(0.1),
        layers.Conv2D(8, 3, activation="relu"), layers.BatchNormalization(), layers.MaxPooling2D(), layers.Flatten(),
        layers.Dropout(0.4), layers.Dense(3, activation="softmax"),
    ])  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy", "sparse_top_k_categorical_accuracy"])
    watched = [
        callbacks.BackupAndRestore(folder / "backup", save_freq=save_freq, **options),
        callbacks.CSVLogger(folder / "log.csv"),
        callbacks.EarlyStopping("val_loss", patience=3, restore_best_weights=True),
        callbacks.ReduceLROnPlateau("val_loss", factor=0.3, patience=1, min_delta=0.05),
        callbacks.ModelCheckpoint(folder / "best.keras", save_best_only=True),
        callbacks.ModelCheckpoint(folder / "all.weights.h5", save_weights_only=True),
        callbacks.ModelCheckpoint(folder / "batches.h5", save_freq=7),
        interruption,
    ]
    arrays = data in ("arrays", "steps")
    given = {"batch_size": 8, "validation_split": 0.2} if arrays else {"validation_data": (X[48:], Y[48:])}
    if data in ("steps", "generator"):  # an epoch ends in the middle of a pass
        given["steps_per_epoch"] = 4
    x, y = (X, Y) if arrays else (batches_of(data), None)
    history = model.fit(x, y, epochs=9, verbose=0, callbacks=watched, **given)
    files = {}
    for name in ("best.keras", "batches.h5"):
        files[name] = minicnn.models.load_model(folder / name).get_weights()
    model_weights = model.get_weights()
    model.load_weights(folder / "all.weights.h5")
    files["all.weights.h5"] = [*model.get_weights(), *model.optimizer.state(model.trainable_weights)]
    return {
        "history": history.history, "epoch": history.epoch, "weights": model_weights, "files": files,
        "csv": (folder / "log.csv").read_bytes(), "next seed": minicnn.config.next_seed(),
        "left": sorted(path.name for path in folder.iterdir()),
    }  # fmt: skip


def batches_of(data):
    if data == "generator":
        return itertools.cycle((X[i : i + 8], Y[i : i + 8]) for i in range(0, 48, 8))
    generator = minicnn.preprocessing.image.ImageDataGenerator(rotation_range=20, horizontal_flip=True)
    return generator.flow(X[:48], Y[:48], batch_size=8, seed=5)


def assert_same(one, other):
    assert one.keys() == other.keys()
    for what, value in one.items():
        if isinstance(value, dict):
            assert_same(value, other[what])
        elif what in ("weights", "all.weights.h5", "best.keras", "batches.h5"):
            for a, b in zip(value, other[what], strict=True):
                np.testing.assert_array_equal(a, b, what)
        else:
            assert value == other[what], what


def interrupted(folder, save_freq, interruptions, **options):
    for interruption in interruptions:
        with pytest.raises(KeyboardInterrupt):
            everything(folder, save_freq, interruption, **options)
    return everything(folder, save_freq, Interruption(), **options)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The training without an interruption, made once for each kind of data."""
    made = {}

    def result(data="arrays"):
        if data not in made:
            made[data] = everything(tmp_path_factory.mktemp("whole"), "epoch", Interruption(), data)
        return made[data]

    return result


@pytest.mark.parametrize("save_freq", ["epoch", 1, 4])
@pytest.mark.parametrize("batches", [(3,), (8, 14), (11, 2, 5), (22,)], ids=str)
def test_an_interrupted_training_ends_as_a_whole_one(tmp_path, whole, save_freq, batches):
    resumed = interrupted(tmp_path, save_freq, [Interruption(n) for n in batches])
    assert_same(resumed, whole())


@pytest.mark.parametrize("epochs", [(0,), (1, 2), (3,)], ids=str)
def test_an_interruption_between_the_callbacks_of_an_epoch_changes_nothing(tmp_path, whole, epochs):
    assert_same(interrupted(tmp_path, "epoch", [Interruption(epochs=n) for n in epochs]), whole())


@pytest.mark.parametrize("save_freq", ["epoch", 3])
@pytest.mark.parametrize("data", ["flow", "steps", "generator"])
def test_batches_go_on_where_they_were(tmp_path, whole, data, save_freq):
    """Augmented batches of `flow`, epochs of fewer steps than a pass has, and a generator that begins again."""
    resumed = interrupted(tmp_path, save_freq, [Interruption(9), Interruption(7)], data=data)
    assert_same(resumed, whole(data))


def test_a_training_that_had_stopped_does_not_go_on(tmp_path):
    """The process ends after early stopping, before the end of `fit`: the next one only restores the best weights."""

    class EndsBeforeTheEnd(callbacks.Callback):
        def on_train_end(self, logs=None):
            raise KeyboardInterrupt

    (tmp_path / "whole").mkdir()
    (tmp_path / "resumed").mkdir()
    results = []
    for folder, ends in ((tmp_path / "whole", None), (tmp_path / "resumed", EndsBeforeTheEnd())):
        for interruption in filter(None, (ends, callbacks.Callback())):
            minicnn.utils.set_random_seed(0)
            model = minicnn.Sequential([layers.Input((3,)), layers.Dense(1)])
            model.compile("sgd", "mse")
            stop = callbacks.EarlyStopping("loss", patience=1, min_delta=10, restore_best_weights=True)
            backup = callbacks.BackupAndRestore(folder / "backup")
            try:
                model.fit(np.ones((8, 3)), np.ones(8), epochs=9, verbose=0, callbacks=[stop, interruption, backup])
            except KeyboardInterrupt:
                continue
        results.append([*model.get_weights(), np.array(len(model.history.epoch))])
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_a_callback_of_a_user_may_remember(tmp_path):
    class Counts(callbacks.Callback):
        count = 0

        def on_epoch_end(self, epoch, logs=None):
            self.count += 1
            if self.count == 3 and self.stops:
                raise KeyboardInterrupt

        def get_state(self):
            return {"count": self.count, "array": np.arange(3.0), "nested": [{"a": None}, "text", float("inf")]}

        def set_state(self, state):
            self.count = state["count"]
            np.testing.assert_array_equal(state["array"], np.arange(3.0))
            assert state["nested"] == [{"a": None}, "text", float("inf")]

    for interrupt in (True, False):
        model = minicnn.Sequential([layers.Input((3,)), layers.Dense(1)])
        model.compile("sgd", "mse")
        counts = Counts()
        counts.stops = interrupt
        try:
            model.fit(np.ones((8, 3)), np.ones(8), epochs=5, verbose=0,
                      callbacks=[callbacks.BackupAndRestore(tmp_path), counts])  # fmt: skip
        except KeyboardInterrupt:
            continue
    assert counts.count == 5


def test_backups_of_keras_give_weights_and_epoch(tmp_path):
    model = minicnn.Sequential([layers.Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    model.save_weights(tmp_path / "latest.weights.h5")
    (tmp_path / "training_metadata.json").write_text(json.dumps({"epoch": 3, "batch": 0}))
    history = model.fit(
        np.ones((8, 3)), np.ones(8), epochs=5, verbose=0, callbacks=[callbacks.BackupAndRestore(tmp_path)]
    )
    assert history.epoch == [3, 4]


def test_a_broken_backup_is_reported_and_changes_nothing(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        everything(tmp_path, "epoch", Interruption(20))
    file = tmp_path / "backup" / "latest.weights.h5"
    with h5py.File(file, "a") as h5:
        del h5["training/text"]
        h5["training/text"] = np.frombuffer(b"{", np.uint8)
    with pytest.raises(ValueError, match=r"cannot be used .*: delete it"):
        everything(tmp_path, "epoch", Interruption())


def test_files_of_killed_processes_do_not_pile_up(tmp_path):
    code = f"""
import os, signal, sys
import numpy as np
import minicnn
from minicnn import callbacks, layers
class Killed(callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == int(sys.argv[-1]):
            import minicnn.saving.atomic as atomic
            real = os.fsync
            def kill(handle):
                os.kill(os.getpid(), signal.SIGKILL)
            atomic.os.fsync = kill
minicnn.utils.set_random_seed(0)
model = minicnn.Sequential([layers.Input((3,)), layers.Dense(1)])
model.compile("adam", "mse")
model.fit(np.ones((8, 3)), np.ones(8), epochs=6, verbose=0, callbacks=[
    Killed(), callbacks.ModelCheckpoint({str(tmp_path / "model.keras")!r}),
    callbacks.BackupAndRestore({str(tmp_path / "backup")!r})])
print(len(model.history.epoch))
"""
    for epoch in (0, 1, 1, 2, 3):
        run = subprocess.run([sys.executable, "-c", code, str(epoch)], capture_output=True, text=True)
        assert run.returncode == -9, run.stderr
    run = subprocess.run([sys.executable, "-c", code, "99"], capture_output=True, text=True)
    assert run.stdout.split() == ["6"], run.stderr
    assert [path.name for path in tmp_path.rglob("*.partial")] == []


class Keeps(minicnn.metrics.Metric):
    """A metric of a user that keeps lists, texts and nothing at all."""

    def __init__(self, name="keeps", **kwargs):
        super().__init__(name, **kwargs)
        self.reset_state()

    def reset_state(self):
        self.values, self.last, self.by_name = [], None, {}

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.values.append(float(np.mean(y_pred)))
        self.last = np.asarray(y_pred).sum(axis=0)
        self.by_name["count"] = self.by_name.get("count", 0) + 1

    def result(self):
        return sum(self.values) / max(len(self.values), 1) + float(np.sum(self.last or 0)) + len(self.by_name)


@pytest.mark.parametrize("batches", [3, 4, 7, 9])
def test_all_kinds_of_metrics_go_on_in_the_middle_of_an_epoch(tmp_path, batches):
    m = minicnn.metrics

    def trained(folder, interruption):
        minicnn.utils.set_random_seed(1)
        model = minicnn.Sequential([layers.Input((6, 6, 2)), layers.Flatten(), layers.Dense(1, activation="sigmoid")])
        watched = [
            m.AUC(name="a"), m.AUC(curve="PR", name="b"), Keeps(), m.BinaryAccuracy(name="c"), m.Precision(name="d"),
            m.SensitivityAtSpecificity(0.5, name="e"), m.MeanIoU(2, name="f"), m.F1Score(threshold=0.5, name="g"),
        ]  # fmt: skip
        model.compile("adam", "binary_crossentropy", metrics=watched)
        given = [callbacks.BackupAndRestore(folder, save_freq=2), interruption]
        return model.fit(X, (Y == 1)[:, None], batch_size=12, epochs=2, verbose=0, callbacks=given).history

    with pytest.raises(KeyboardInterrupt):
        trained(tmp_path / "one", Interruption(batches))
    resumed, whole = trained(tmp_path / "one", Interruption()), trained(tmp_path / "other", Interruption())
    assert resumed.keys() == whole.keys() and len(whole) > 8
    for name, values in whole.items():
        np.testing.assert_array_equal(resumed[name], values, name)


@pytest.mark.parametrize("save_freq", ["epoch", 3])
def test_what_callbacks_do_when_an_epoch_begins_is_done_once(tmp_path, save_freq):
    class Draws(callbacks.Callback):
        _kept = ("count",)

        def __init__(self):
            super().__init__()
            self.count = 0

        def on_epoch_begin(self, epoch, logs=None):
            self.count = 0
            self.model.layers[-1].bias.assign_add(np.random.normal(size=1) * 0.01)

        def on_train_batch_end(self, batch, logs=None):
            self.count += 1

        def on_epoch_end(self, epoch, logs=None):
            logs["count"] = self.count

    def trained(folder, interruption):
        minicnn.utils.set_random_seed(1)
        model = minicnn.Sequential([layers.Input((6, 6, 2)), layers.Flatten(), layers.Dense(1)])
        model.compile(minicnn.optimizers.Adam(use_ema=True), "mse")
        given = [
            callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5), Draws(),
            callbacks.SwapEMAWeights(swap_on_epoch=save_freq == "epoch"),
            callbacks.BackupAndRestore(folder, save_freq=save_freq), interruption,
        ]  # fmt: skip
        history = model.fit(X, Y[:, None], batch_size=12, epochs=4, verbose=0, callbacks=given).history
        return [*model.get_weights(), *map(np.array, (history["loss"], history["learning_rate"], history["count"]))]

    for batches in (4, 6):
        with pytest.raises(KeyboardInterrupt):
            trained(tmp_path / "one", Interruption(batches))
    for one, other in zip(trained(tmp_path / "one", Interruption()), trained(tmp_path / "other", Interruption()),
                          strict=True):  # fmt: skip
        np.testing.assert_array_equal(one, other)


def test_names_that_users_give_to_their_own_things_do_no_harm(tmp_path, capsys):
    class Mine(callbacks.Callback):
        comes_last, kept = True, 0

        def get_state(self, x):
            return x

    class Data(minicnn.utils.PyDataset):
        def __len__(self):
            return 3

        def __getitem__(self, i):
            return np.ones((2, 3)), np.ones((2, 1))

        def get_state(self, key):
            return key

    class Iterator:
        """An iterator that can be put to another place, as those of Grain can."""

        place = 0

        def __iter__(self):
            return self

        def __next__(self):
            self.place += 1
            return np.full((2, 3), float(self.place)), np.ones((2, 1))

        def get_state(self):
            return b"bytes"

        def set_state(self, state):
            raise AssertionError("not asked for")

    for data in (Data(), Iterator()):
        model = minicnn.Sequential([layers.Input((3,)), layers.Dense(1)])
        model.compile("sgd", "mse")
        given = [Mine(), callbacks.BackupAndRestore(tmp_path)]
        history = model.fit(data, epochs=3, steps_per_epoch=3, verbose=0, callbacks=given)
        assert history.epoch == [0, 1, 2]
    assert capsys.readouterr().out.count("does not hold the state of Mine") == 2
