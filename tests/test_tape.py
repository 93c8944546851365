"""Training steps recorded as a list of calls and played: bit for bit what they are when Python runs them."""

from __future__ import annotations

import copy

import layer_zoo
import numpy as np
import pytest
from helpers import labels, normal
from test_variants import CASES, module

import minicnn
from minicnn import callbacks, layers, optimizers
from minicnn.kernels import tape, workspace
from minicnn.ops import replay

# what no training step calls, or only outside of what is recorded; "constraint" and what `refuse` tells of are checked
OUTSIDE = {"gather", "metric", "replay", "transfer", "color", "affine_transform", "resize"}


def arrays_in(value):
    """All arrays in nested lists, tuples and dictionaries."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [a for part in value for a in arrays_in(part)] if isinstance(value, (list, tuple)) else []


class Played:
    """An operation whose functions are each recorded, then played on other numbers and compared with a plain call."""

    def __init__(self, op):
        self.op, self.played, self.refused = op, 0, 0

    def __getattr__(self, name):
        function = getattr(self.op, name)
        return lambda *arguments, **options: (
            self.check(function, arguments, options) if callable(function) else function
        )

    def check(self, function, arguments, options):
        before = copy.deepcopy(arguments)
        result, taken = self.recorded(function, arguments, options)
        if taken is None:
            self.refused += 1
            return result
        kept, after = copy.deepcopy(result), copy.deepcopy(arguments)
        for array, old in zip(arrays_in(arguments), arrays_in(before), strict=True):
            if array.dtype.kind == "f" and array.flags.writeable:
                array[...] = old * array.dtype.type(0.75)
        again = copy.deepcopy(arguments)
        expected = function(*again, **options)
        for array in arrays_in(result):
            if not any(np.may_share_memory(array, given) for given in arrays_in(arguments)):
                array.view(np.uint8)[...] = 255 if array.flags.c_contiguous else 0
        for _, buffer, _ in taken.kept:
            buffer[:] = 255
        played = taken.play([])
        for one, other in zip(arrays_in([played, arguments]), arrays_in([expected, again]), strict=True):
            np.testing.assert_array_equal(one, other)
        if isinstance(expected, float):
            assert played == expected
        self.played += 1
        for array, old in zip(arrays_in([result, arguments]), arrays_in([kept, after]), strict=True):
            if array.flags.writeable:
                array[...] = old
        return result

    @staticmethod
    def recorded(function, arguments, options):
        made = tape.Tape([])
        with workspace.step():
            result, made.kept = workspace.keep(lambda: made.record(lambda: function(*arguments, **options)), 1 << 30)
        return result, None if made.refused else made


@pytest.mark.parametrize("name", [name for name, (operation, _, _) in CASES.items() if operation not in OUTSIDE])
def test_every_operation_is_played_as_it_runs(name):
    operation, run, _ = CASES[name]
    for dtype in (np.float64, np.float32):
        op = Played(module(operation, "cpu"))
        run(op, dtype)
        refuses = any(what in name for what in ("broadcast", "noise-alpha, together", "clipping and penalties"))
        assert (op.refused > 0) == refuses and (op.played or refuses)


X, Y = normal(10, 8, 8, 3), labels(10, classes=3)


def trained(make, optimizer, recorded, monkeypatch, epochs=3, **options):
    """(history, weights, how many steps were played) of a small training with an odd last batch."""
    minicnn.utils.set_random_seed(3)
    model, played = make(), []
    play = tape.Tape.play
    monkeypatch.setattr(tape.Tape, "play", lambda self, inputs: played.append(1) or play(self, inputs))
    model.compile(optimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=not recorded)
    history = model.fit(X, Y, batch_size=2, epochs=epochs, verbose=0, validation_data=(X[:3], Y[:3]), **options)
    monkeypatch.setattr(tape.Tape, "play", play)
    return history.history, model.get_weights(), len(played)


def small_cnn():
    return minicnn.Sequential([
        layers.Input((8, 8, 3)),
        layers.Conv2D(16, 3, padding="same", activation="relu", kernel_regularizer="l2"), layers.MaxPooling2D(2),
        layers.Conv2D(16, 3, use_bias=False), layers.BatchNormalization(), layers.ReLU(), layers.MaxPooling2D(2),
        layers.Flatten(), layers.GaussianNoise(0.1), layers.Dense(8, activation="relu", kernel_constraint="max_norm"),
        layers.Dropout(0.3), layers.Dense(3, activation="softmax"),
    ])  # fmt: skip


class Slower(callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        self.model.optimizer.learning_rate *= 0.5


OPTIMIZERS = {
    "adam": lambda: optimizers.Adam(0.01), "adamw": lambda: optimizers.AdamW(0.01, weight_decay=0.1, amsgrad=True),
    "sgd": lambda: optimizers.SGD(0.05, clipvalue=0.1), "momentum": lambda: optimizers.SGD(0.05, momentum=0.9),
    "rmsprop": lambda: optimizers.RMSprop(optimizers.schedules.CosineDecay(0.01, 20)),
}  # fmt: skip


def same(one, other):
    assert one[0] == other[0]
    for a, b in zip(one[1], other[1], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_played_steps_train_as_the_others(optimizer, monkeypatch):
    options = {} if optimizer == "rmsprop" else {"callbacks": [Slower()]}
    plain = trained(small_cnn, OPTIMIZERS[optimizer], False, monkeypatch, **options)
    played = trained(small_cnn, OPTIMIZERS[optimizer], True, monkeypatch, **options)
    assert (plain[2], played[2]) == (0, 12)  # of 15 steps two are run, and one recorded
    same(plain, played)


@pytest.mark.parametrize("case", layer_zoo.LAYERS, ids=lambda case: case[0])
def test_every_layer_is_played_as_it_runs(case):
    _, make, shapes = case
    several = isinstance(shapes, list)
    xs = [normal(6, *shape[1:], seed=i) for i, shape in enumerate(shapes if several else [shapes])]

    def trained_once(recorded):
        minicnn.utils.set_random_seed(5)
        inputs = [layers.Input(x.shape[1:]) for x in xs]
        y = make(layers)(inputs if several else inputs[0])
        model = minicnn.Model(inputs, layers.Dense(3)(layers.Flatten()(y)))
        model.compile("adam", "mse", run_eagerly=not recorded)
        history = model.fit(xs, normal(6, 3, seed=9), batch_size=2, epochs=3, verbose=0)
        return history.history, model.get_weights()

    same(trained_once(False), trained_once(True))


def test_a_batch_of_another_size_and_a_changed_setting_are_not_played(monkeypatch):
    class Rate(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.layers[-2].rate = 0.5 * (epoch % 2)

    def run(recorded):
        monkeypatch.setattr("test_tape.X", normal(11, 8, 8, 3))
        monkeypatch.setattr("test_tape.Y", labels(11, classes=3))
        return trained(small_cnn, OPTIMIZERS["adam"], recorded, monkeypatch, callbacks=[Rate()])

    plain, played = run(False), run(True)
    assert 0 < played[2] <= 6
    same(plain, played)


class Doubled(layers.Layer):
    """Somebody's own: NumPy, of which no tape would know."""

    def forward(self, x, training=False, need_saved=True):
        return 2 * x, None

    def backward(self, dy, saved, need_dx=True):
        return 2 * dy


@pytest.mark.parametrize("option", ["own layer", "clipped"])
def test_what_cannot_be_recorded_runs(option, monkeypatch):
    def make():
        model = small_cnn()
        if option == "own layer":
            model.add(Doubled())
        return model

    optimizer = (lambda: optimizers.Adam(0.01, global_clipnorm=1.0)) if option == "clipped" else OPTIMIZERS["adam"]
    plain, asked = (trained(make, optimizer, recorded, monkeypatch) for recorded in (False, True))
    assert asked[2] == 0
    same(plain, asked)


def test_a_loss_that_is_not_finite_is_told_in_a_played_step(capsys):
    x = np.concatenate([X, X])
    x[15] = np.nan
    model = small_cnn()
    model.compile(optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(x, np.concatenate([Y, Y]), batch_size=2, epochs=1, verbose=0, shuffle=False)
    assert "minicnn: the loss is not finite; " in capsys.readouterr().out


def test_a_step_too_large_is_not_kept(monkeypatch):
    from minicnn.ops.replay import cpu

    monkeypatch.setattr(cpu, "_MOST", 1000)
    assert trained(small_cnn, OPTIMIZERS["adam"], True, monkeypatch)[2] == 0


def test_outputs_that_are_no_arrays_are_not_played():
    steps = replay.make(lambda x: [x, 3.0], lambda: replay.Settings([], []), [])
    assert [steps(np.full(2, i))[0][0] for i in range(6)] == list(range(6))
    assert steps.replay is None
