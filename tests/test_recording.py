"""Training steps that are recorded as a list of calls and replayed give bit for bit the numbers of plain steps."""

from __future__ import annotations

import copy

import layer_zoo
import numpy as np
import pytest
from cases import all_cases, module
from helpers import labels, normal

import minicnn
from minicnn import activations, callbacks, constraints, layers, losses, optimizers, regularizers
from minicnn.kernels.cpu import recording, workspace
from minicnn.runtime import replay

CASES = all_cases()
# no training step calls these, or only outside a recording; `test_every_layer_is_replayed_as_it_runs` tests resizing
OUTSIDE = {"gather", "metric", "replay", "transfer", "color", "affine_transform", "resize"}


def arrays_in(value):
    """All arrays in nested lists, tuples and dictionaries."""
    if isinstance(value, np.ndarray):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [a for part in value for a in arrays_in(part)] if isinstance(value, (list, tuple)) else []


class Replayed:
    """An operation that records each call, replays it on other numbers, and compares the results with a plain call."""

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
        played = taken.replay([])
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
        made = recording.Recording([])
        with workspace.step():
            result, made.kept = workspace.keep(lambda: made.record(lambda: function(*arguments, **options)), 1 << 30)
        return result, None if made.refused else made


REFUSED = ("noise-alpha, together", "clipping and penalties", "adafactor", "muon")


@pytest.mark.parametrize("name", [name for name, (operation, _) in CASES.items() if operation not in OUTSIDE])
def test_every_operation_is_replayed_as_it_runs(name):
    operation, run = CASES[name]
    for variant in ("tiled", "cpu") if module(operation, "tiled") else ("cpu",):
        for dtype in (np.float64, np.float32):
            op = Replayed(module(operation, variant))
            run(op, dtype)
            refuses = any(what in name for what in REFUSED)
            assert (op.refused > 0) == refuses and (op.played or refuses)


X, Y = normal(10, 8, 8, 3), labels(10, classes=3)


def trained(make, optimizer, recorded, monkeypatch, epochs=3, **options):
    """Train a model; return (history, weights, the number of replayed steps)."""
    minicnn.utils.set_random_seed(3)
    model, played = make(), []
    replay = recording.Recording.replay
    monkeypatch.setattr(recording.Recording, "replay", lambda self, inputs: played.append(1) or replay(self, inputs))
    model.compile(optimizer(), "sparse_categorical_crossentropy", metrics=["accuracy"], run_eagerly=not recorded)
    history = model.fit(X, Y, batch_size=2, epochs=epochs, verbose=0, validation_data=(X[:3], Y[:3]), **options)
    monkeypatch.setattr(recording.Recording, "replay", replay)
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
    "adagrad": optimizers.Adagrad, "adadelta": lambda: optimizers.Adadelta(1.0), "adamax": optimizers.Adamax,
}  # fmt: skip


def same(one, other):
    assert one[0] == other[0]
    for a, b in zip(one[1], other[1], strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_replayed_steps_train_as_the_others(optimizer, monkeypatch):
    options = {} if optimizer == "rmsprop" else {"callbacks": [Slower()]}
    plain = trained(small_cnn, OPTIMIZERS[optimizer], False, monkeypatch, **options)
    played = trained(small_cnn, OPTIMIZERS[optimizer], True, monkeypatch, **options)
    assert (plain[2], played[2]) == (0, 11)  # of 15: one makes the optimizer's memories, two run, one is recorded
    same(plain, played)


@pytest.mark.parametrize("case", layer_zoo.LAYERS, ids=lambda case: case[0])
def test_every_layer_is_replayed_as_it_runs(case):
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


def test_a_batch_of_another_size_and_a_changed_setting_are_not_replayed(monkeypatch):
    class Rate(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            self.model.layers[-2].rate = 0.5 * (epoch % 2)

    def run(recorded):
        monkeypatch.setattr("test_recording.X", normal(11, 8, 8, 3))
        monkeypatch.setattr("test_recording.Y", labels(11, classes=3))
        return trained(small_cnn, OPTIMIZERS["adam"], recorded, monkeypatch, callbacks=[Rate()])

    plain, played = run(False), run(True)
    assert 0 < played[2] <= 6
    same(plain, played)


def small_dense(**options):
    options = {"kernel_regularizer": "l2", "activity_regularizer": regularizers.L2(0.01), **options}
    return minicnn.Sequential([
        layers.Input((6,)), layers.Dense(8, **{"activation": "relu", **options}),
        layers.Dropout(np.float32(0.3)), layers.Dense(3),
    ])  # fmt: skip


class Sine(activations.Activation):
    def __init__(self):
        super().__init__("sine", "sine")

    def forward(self, x, need_saved=True):
        return np.sin(x), x

    def backward(self, dy, saved):
        return dy * np.cos(saved)


class OwnPenalty(regularizers.Regularizer):
    l1 = 0.0

    @property
    def l2(self):
        self.asked = getattr(self, "asked", 0) + 1
        return 0.01 * self.asked


class Halved(constraints.Constraint):
    def __call__(self, w):
        return w / 2


class OwnSGD(optimizers.Optimizer):
    def __init__(self):
        super().__init__(0.1)

    def update(self, w, g, memory, rate):
        w -= 2 * rate * g


class OwnLoss(losses.Loss):
    def forward(self, y, prediction, from_logits=False, need_saved=True):
        return np.square(prediction - y).mean(-1), (prediction, y)

    def backward(self, dlosses, saved):
        prediction, y = saved
        return 2 * (prediction - y) / y.shape[-1] * dlosses.reshape(-1, 1)


def multiplied():
    inputs = layers.Input((6,))
    return minicnn.Model(inputs, layers.Dense(3)(inputs * np.arange(1, 7, dtype=np.float32) - 0.5))


def watched(model):
    """Replace the first layer's forward on the object."""
    forward = model.layers[0].forward
    model.layers[0].forward = lambda x, *arguments, **options: forward(2 * x, *arguments, **options)


CHANGES = {  # {name: (a function that makes a model, what a callback does to the model before every epoch)}
    "a constant array": (multiplied, lambda m, epoch: None),
    "an activation of one's own": (lambda: small_dense(activation=Sine()), lambda m, epoch: None),
    "a penalty of one's own": (lambda: small_dense(activity_regularizer=OwnPenalty()), lambda m, epoch: None),
    "the penalty": (small_dense, lambda m, epoch: setattr(m.layers[0].activity_regularizer, "l2", float(epoch))),
    "no penalty": (small_dense, lambda m, epoch: epoch and setattr(m.layers[0], "activity_regularizer", None)),
    "another rule": (small_dense, lambda m, epoch: setattr(m.layers[0].kernel, "regularizer", regularizers.L2(epoch))),
    "a constraint": (small_dense, lambda m, epoch: setattr(m.layers[0].kernel, "constraint", constraints.NonNeg())),
    "an activation": (
        small_dense, lambda m, epoch: setattr(m.layers[0], "activation", activations.get(["relu", "tanh"][epoch % 2]))
    ),
    "numpy's numbers": (small_dense, lambda m, epoch: setattr(m.layers[1], "rate", np.float32(0.2 * epoch))),
    "a constraint of one's own, thawed": (
        lambda: small_dense(kernel_constraint=Halved()), lambda m, epoch: setattr(m.layers[0], "trainable", epoch > 0)
    ),
    "an optimizer of one's own": (small_dense, lambda m, epoch: epoch == 1 and m.compile(OwnSGD(), "mse")),
    "a loss of one's own": (small_dense, lambda m, epoch: epoch == 1 and m.compile(m.optimizer, OwnLoss())),
    "a replaced method": (small_dense, lambda m, epoch: epoch == 1 and watched(m)),
    "another layer": (small_dense, lambda m, epoch: epoch == 1 and m.add(layers.Dense(3, kernel_initializer="ones"))),
    "epsilon": (small_dense, lambda m, epoch: minicnn.config.set_epsilon([1e-7, 0.1, 0.5][epoch])),
}  # fmt: skip


@pytest.mark.parametrize("what", CHANGES)
def test_what_changes_while_training_is_noticed(what):
    make, change = CHANGES[what]

    class Changing(callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            eager = self.model.run_eagerly
            change(self.model, epoch)
            self.model.run_eagerly = eager

    def run(recorded):
        minicnn.utils.set_random_seed(4)
        model = make()
        model.compile(optimizers.SGD(0.05), "mse", run_eagerly=not recorded)
        x, y = normal(12, 6, dtype=np.float32), normal(12, 3, seed=1, dtype=np.float32)
        history = model.fit(x, y, batch_size=2, epochs=3, verbose=0, callbacks=[Changing()])
        return history.history, model.get_weights()

    epsilon = minicnn.config.epsilon()
    try:
        same(run(False), run(True))
    finally:
        minicnn.config.set_epsilon(epsilon)


def test_a_schedule_may_use_a_model(monkeypatch):
    other = small_dense()
    other.compile("sgd", "mse")

    class Asking(optimizers.schedules.LearningRateSchedule):
        def __call__(self, step):
            other.fit(np.ones((6, 6)), np.ones((6, 3)), batch_size=1, verbose=0)
            return 0.01

    plain, played = (trained(small_cnn, lambda: optimizers.SGD(Asking()), r, monkeypatch) for r in (False, True))
    assert played[2] > 0
    same(plain, played)


class Doubled(layers.Layer):
    """A user's layer. It calls NumPy directly, which a recording would miss."""

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


def test_a_replayed_step_reports_a_loss_that_is_not_finite(capsys):
    x = np.concatenate([X, X])
    x[15] = np.nan
    model = small_cnn()
    model.compile(optimizers.Adam(0.01), "sparse_categorical_crossentropy")
    model.fit(x, np.concatenate([Y, Y]), batch_size=2, epochs=1, verbose=0, shuffle=False)
    assert "minicnn: the loss is not finite; " in capsys.readouterr().out


def test_a_step_too_large_is_not_kept(monkeypatch):
    from minicnn.runtime.replay import cpu

    monkeypatch.setattr(cpu, "_MOST", 1000)
    assert trained(small_cnn, OPTIMIZERS["adam"], True, monkeypatch)[2] == 0


def test_outputs_that_are_no_arrays_are_not_replayed():
    steps = replay.make(lambda x: [x, 3.0], lambda: ([], []))
    assert [steps(np.full(2, i))[0][0] for i in range(6)] == list(range(6))
    assert steps.replay is None
