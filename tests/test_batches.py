"""Training on sources of batches: generators, numbered data sets and iterables; and reading ahead."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from helpers import assert_close, labels, normal

import minicnn
from minicnn import layers, optimizers, utils

N, BATCH = 22, 5
X, Y = normal(N, 6, dtype=np.float32), labels(N, classes=3)
WEIGHTS = np.linspace(0.5, 2, N).astype(np.float32)


def compiled(**options):
    utils.set_random_seed(7)
    model = minicnn.Sequential([layers.Input((6,)), layers.Dense(8, "relu"), layers.Dense(3, activation="softmax")])
    model.compile(optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"], **options)
    return model


def slices():
    return [slice(i, i + BATCH) for i in range(0, N, BATCH)]


def generator(weights=False, forever=False):
    while True:
        for rows in slices():
            yield (X[rows], Y[rows], WEIGHTS[rows]) if weights else (X[rows], Y[rows])
        if not forever:
            return


class Numbered(utils.PyDataset):
    """A data set of numbered batches, which counts its epochs in `ended`."""

    def __init__(self, weights=False, **options):
        super().__init__(**options)
        self.weights, self.ended = weights, 0

    def __len__(self):
        return len(slices())

    def __getitem__(self, index):
        time.sleep(0.002 * (index % 3))  # so that threads finish in another order
        rows = slices()[index]
        return (X[rows], Y[rows], WEIGHTS[rows]) if self.weights else (X[rows], Y[rows])

    def on_epoch_end(self):
        self.ended += 1


class Iterable:
    """Batches that can be read again in every epoch, and whose number is not known."""

    def __iter__(self):
        return generator()


def on_arrays(epochs=3, **options):
    return compiled().fit(X, Y, BATCH, epochs, verbose=0, shuffle=False, **options).history


def same(found, expected):
    assert list(found) == list(expected)
    for key, values in expected.items():
        assert_close(found[key], values, 1e-6, key)


SOURCES = {
    "an iterable": lambda: (Iterable(), {}),
    "a list's iterator over and over": lambda: (generator(forever=True), {"steps_per_epoch": len(slices())}),
    "a numbered data set": lambda: (Numbered(), {}),
    "a numbered data set, four threads": lambda: (Numbered(workers=4), {}),
    "an iterable, the steps said": lambda: (Iterable(), {"steps_per_epoch": len(slices())}),
}


@pytest.mark.parametrize("what", SOURCES)
def test_batches_train_like_arrays(what):
    source, options = SOURCES[what]()
    found = compiled().fit(source, epochs=3, verbose=0, shuffle=False, validation_data=(X, Y), **options).history
    same(found, on_arrays(validation_data=(X, Y)))
    if isinstance(source, Numbered):
        assert source.ended == 3


def test_weights_come_with_the_batches():
    expected = on_arrays(sample_weight=WEIGHTS)
    same(compiled().fit(Numbered(weights=True), epochs=3, verbose=0, shuffle=False).history, expected)
    expected = on_arrays(class_weight={0: 3.0})
    same(compiled().fit(Iterable(), epochs=3, verbose=0, class_weight={0: 3.0}).history, expected)


def test_validation_evaluate_and_predict_on_batches():
    expected = on_arrays(validation_data=(X, Y), validation_batch_size=BATCH)
    same(compiled().fit(X, Y, BATCH, 3, verbose=0, shuffle=False, validation_data=Numbered()).history, expected)
    forever = generator(forever=True)
    options = {"validation_data": forever, "validation_steps": len(slices())}
    same(compiled().fit(X, Y, BATCH, 3, verbose=0, shuffle=False, **options).history, expected)
    model = compiled()
    assert_close(model.evaluate(Iterable(), verbose=0), model.evaluate(X, Y, BATCH, verbose=0), 1e-6)
    assert_close(model.predict(Numbered(), verbose=0), model.predict(X, verbose=0), 1e-6)
    assert_close(model.predict((X[rows] for rows in slices()), verbose=0), model.predict(X, verbose=0), 1e-6)
    assert model.predict(generator(forever=True), steps=2, verbose=0).shape == (2 * BATCH, 3)
    assert model.predict(X, BATCH, steps=2, verbose=0).shape == (2 * BATCH, 3)


def test_keras_trains_the_same_on_a_numbered_data_set(tf):
    class Theirs(tf.keras.utils.PyDataset):
        __len__, __getitem__ = Numbered.__len__, Numbered.__getitem__
        weights = True

    ours = compiled()
    theirs = tf.keras.Sequential(
        [tf.keras.Input((6,)), tf.keras.layers.Dense(8, "relu"), tf.keras.layers.Dense(3, "softmax")]
    )
    theirs.set_weights(ours.get_weights())
    theirs.compile(tf.keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    options = {"epochs": 3, "verbose": 0, "shuffle": False, "steps_per_epoch": 2}
    found = ours.fit(Numbered(weights=True), **options).history
    expected = theirs.fit(Theirs(), **options).history
    for key, values in expected.items():
        assert_close(found[key], values, 1e-5, key)


@pytest.mark.parametrize("source", ["arrays", "numbered"])
def test_steps_per_epoch_goes_on_where_the_last_epoch_ended(source):
    seen = []

    class Watch(minicnn.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            seen.append(batch)

    numbered = Numbered()
    data = (X, Y, BATCH) if source == "arrays" else (numbered,)
    compiled().fit(*data, epochs=4, verbose=0, steps_per_epoch=2, callbacks=[Watch()])
    assert seen == [0, 1] * 2 + [0] + [0, 1]  # the third epoch gets the last of five batches, the fourth starts again
    model = compiled()
    model.fit(X, Y, 11, epochs=3, verbose=0, steps_per_epoch=1)
    assert model.optimizer.iterations == 3
    if source == "numbered":
        numbered.ended = 0
        compiled().fit(numbered, epochs=2, verbose=0, steps_per_epoch=5)
        assert numbered.ended == 2
    validation = {"validation_data": numbered if source == "numbered" else (X, Y), "validation_steps": 2}
    history = compiled().fit(X, Y, BATCH, 4, verbose=0, validation_batch_size=BATCH, **validation).history
    assert len(history["val_loss"]) == 4


def test_a_generator_is_left_at_rest_and_always_at_the_same_place():
    places = []
    for _ in range(2):
        drawn = []

        def batches():
            while True:
                time.sleep(0.003)
                drawn.append(1)  # noqa: B023 - of this round
                yield X, Y

        source, model = batches(), compiled()
        for _ in range(3):
            model.fit(source, steps_per_epoch=2, verbose=0)
            places.append(len(drawn))
        next(source)
    assert places[:3] == places[3:]


def test_shuffle_draws_the_order_of_numbered_batches():
    order = []

    class Watched(Numbered):
        def __getitem__(self, index):
            order.append(index)
            return super().__getitem__(index)

    compiled().fit(Watched(), epochs=2, verbose=0)
    assert sorted(order[:5]) == sorted(order[5:10]) == list(range(5))
    assert order != sorted(order)


def test_a_source_that_runs_out(capsys):
    history = compiled().fit(generator(), epochs=3, verbose=2)
    assert len(history.history["loss"]) == 1  # the second epoch had no batch
    out = capsys.readouterr().out
    assert "the data ran out in epoch 2, before its end; training stops." in out
    assert "5/5" in out


def test_an_unknown_length_is_shown(capsys):
    compiled().fit(Iterable(), epochs=2, verbose=1)
    assert capsys.readouterr().out.count("5/5") == 2


def test_batches_are_made_ahead_and_threads_end():
    before = threading.active_count()
    made = []

    def slow():
        for i in range(8):
            made.append(i)
            yield X, Y

    class Look(minicnn.callbacks.Callback):
        ahead: list = []  # noqa: RUF012

        def on_train_batch_begin(self, batch, logs=None):
            time.sleep(0.01)
            self.ahead.append(len(made) - batch)

    compiled().fit(slow(), verbose=0, callbacks=[Look()])
    assert max(Look.ahead) > 1
    time.sleep(0.1)
    assert threading.active_count() <= before


def test_errors_of_the_source_arrive():
    def broken():
        yield X, Y
        raise OSError("the disk is gone")

    with pytest.raises(OSError, match="the disk is gone"):
        compiled().fit(broken(), verbose=0)
    before = compiled().get_weights()
    for source, sentence in (
        (iter([]), "contain no batches"),
        (iter([X]), "needs targets"),
        (iter([(X, Y + 5)]), "labels must be from 0 to 2"),
        (iter([(X, Y, WEIGHTS, 1)]), r"A batch is \(x, y\) or \(x, y, weights\); received 4 parts"),
    ):
        model = compiled()
        with pytest.raises(ValueError, match=sentence):
            model.fit(source, verbose=0)
        for found, expected in zip(model.get_weights(), before, strict=True):
            np.testing.assert_array_equal(found, expected)
    with pytest.raises(ValueError, match="If x yields batches, leave y out"):
        compiled().fit(generator(), Y)
    with pytest.raises(ValueError, match="steps_per_epoch must be a positive integer; received steps_per_epoch=0"):
        compiled().fit(generator(), steps_per_epoch=0)
    with pytest.raises(ValueError, match="give the number of batches for each evaluation"):
        compiled().fit(X, Y, epochs=2, verbose=0, validation_data=generator())
    with pytest.raises(ValueError, match="workers and max_queue_size must be positive integers"):
        Numbered(workers=0)

    class Endless(Numbered):
        num_batches = None

        def __getitem__(self, index):
            return super().__getitem__(index % 5)

    with pytest.raises(ValueError, match="has no end: give the number of batches in a pass with steps_per_epoch"):
        compiled().fit(Endless(), verbose=0)
    assert len(compiled().fit(Endless(), epochs=2, steps_per_epoch=7, verbose=0).epoch) == 2


def test_labels_are_checked_in_every_batch():
    def later():
        yield X, Y
        yield X, Y + 5

    with pytest.raises(ValueError, match="labels must be from 0 to 2; received labels from 5 to 7"):
        compiled().fit(later(), verbose=0)


def test_every_batch_is_checked():
    def narrow():
        yield X, np.eye(3, dtype=np.float32)[Y]
        yield X, np.ones((N, 2), np.float32)

    model = minicnn.Sequential([layers.Input((6,)), layers.Dense(3)])
    model.compile("sgd", "mse")
    with pytest.raises(ValueError, match="takes targets of the outputs' shape"):
        model.fit(narrow(), verbose=0)
    images = minicnn.Sequential([layers.Input((4, 4, 1)), layers.Conv2D(2, 2), layers.Flatten(), layers.Dense(1)])
    images.compile("sgd", "mse")
    batches = [(normal(8, 4, 4, seed=i), normal(8, 1, seed=i)) for i in range(4)]
    images.fit(iter(batches), verbose=0)  # the channel axis is added to each batch
    assert images.predict(iter(batches), verbose=0).shape == (32, 1)


def test_an_endless_data_set_may_validate():
    class Endless(Numbered):
        num_batches = None

        def __len__(self):
            raise TypeError("no end")

        def __getitem__(self, index):
            return X, Y

    history = compiled().fit(Endless(), steps_per_epoch=2, validation_data=Endless(), validation_steps=2, verbose=0)
    assert "val_loss" in history.history


@pytest.mark.parametrize("source", ["arrays", "numbered", "iterable", "dataset"])
def test_every_validation_begins_with_the_first_batch(tf, source, tmp_path):
    x, y = np.arange(24.0, dtype=np.float32).reshape(24, 1), np.zeros((24, 1), np.float32)
    parts = [(x[i : i + 4], y[i : i + 4]) for i in range(0, 24, 4)]
    found = []
    for k in (minicnn, tf.keras):

        class Numbered(k.utils.PyDataset):
            def __len__(self):
                return len(parts)

            def __getitem__(self, i):
                return parts[i]

        model = k.Sequential([k.Input((1,)), k.layers.Dense(1, kernel_initializer="ones", trainable=False)])
        model.compile("sgd", "mae")
        data = {"arrays": (x, y), "numbered": Numbered(), "iterable": Numbered()}.get(source)
        if source == "iterable" and k is minicnn:
            data = _Again(parts)
        if source == "dataset":
            data = k.utils.split_dataset((x, y), 20)[0].batch(4)
        options = {"validation_data": data, "validation_steps": 2, "batch_size": 4, "verbose": 0}
        found.append(model.fit(x, y, epochs=3, **options).history["val_loss"])
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)
    assert found[0] == [3.5, 3.5, 3.5]


class _Again:
    """Batches that can be iterated over any number of times."""

    def __init__(self, batches):
        self.batches = batches

    def __iter__(self):
        return iter(self.batches)
