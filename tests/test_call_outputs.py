"""Training of models whose `call` returns several outputs, or adds the whole loss: the losses are Keras's."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_close, normal

import minicnn

X, LABELS, NUMBERS = normal(24, 5, dtype=np.float32), np.arange(24) % 3, normal(24, 1, seed=2, dtype=np.float32)
ONE_HOT = np.eye(3, dtype=np.float32)[LABELS]
CROSS = "sparse_categorical_crossentropy"
BY_KEY, IN_ORDER = {"label": LABELS, "number": NUMBERS}, [LABELS, NUMBERS]


def model(k, kind, built=False):
    """A model of two outputs in a dictionary, a tuple or a list, with weights that do not depend on k."""

    class Two(k.Model):
        def __init__(self):
            super().__init__()
            self.hidden = k.layers.Dense(6, activation="tanh")
            self.label, self.number = k.layers.Dense(3, activation="softmax"), k.layers.Dense(1)

        def call(self, x, training=None):
            x = self.hidden(x)
            label, number = self.label(x), self.number(x)
            return {"label": label, "number": number} if kind is dict else kind((label, number))

    made = Two()
    if built:
        set_weights(made)
    return made


def set_weights(made):
    made(X[:1])
    made.set_weights([0.5 * normal(*w.shape, seed=i) for i, w in enumerate(made.get_weights())])


CASES = {
    "by key": (dict, {"loss": {"label": CROSS, "number": "mse"}}, BY_KEY),
    "by key, with all": (
        dict,
        {"loss": {"label": CROSS, "number": "mse"}, "loss_weights": {"label": 1.0, "number": 0.5},
         "metrics": {"label": ["accuracy"], "number": "mae"}}, BY_KEY,
    ),
    "one loss for all": (dict, {"loss": "mse"}, {"label": ONE_HOT, "number": NUMBERS}),
    "a part": (dict, {"loss": {"number": "mse"}}, {"number": NUMBERS}),
    "in order": (tuple, {"loss": [CROSS, "mse"], "metrics": [["accuracy"], ["mae"]]}, IN_ORDER),
    "in order, weighed": (list, {"loss": (CROSS, "mse"), "loss_weights": [1.0, 2.0]}, tuple(IN_ORDER)),
    "one without a loss": (tuple, {"loss": [CROSS, None]}, IN_ORDER),
    "objects": (list, {"loss": "objects"}, IN_ORDER),
}  # fmt: skip


@pytest.mark.parametrize("built", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_several_outputs(tf, name, built):
    kind, options, y = CASES[name]
    found = []
    for k in (minicnn, tf.keras):
        made = model(k, kind, built)
        objects = {"loss": [k.losses.SparseCategoricalCrossentropy(), k.losses.Huber(delta=0.5)]}
        made.compile(optimizer=k.optimizers.SGD(0.1), **(objects if options["loss"] == "objects" else options))
        if not built:
            set_weights(made)
        fit = made.fit(X, y, epochs=3, batch_size=8, shuffle=False, verbose=0, validation_data=(X, y)).history
        found.append((fit, made.evaluate(X, y, verbose=0, return_dict=True), made.predict(X, verbose=0)))
    (mine, evaluated, predicted), (wanted, their_evaluated, their_predicted) = found
    assert list(mine) == list(wanted) and sorted(evaluated) == sorted(their_evaluated)
    for key, values in wanted.items():
        assert_close(np.array(mine[key]), values, 2e-5, key)
    for key, value in their_evaluated.items():
        assert evaluated[key] == pytest.approx(value, rel=1e-4), key
    assert type(predicted) is type(their_predicted) is kind
    flat, their_flat = minicnn.nest.flatten(predicted), minicnn.nest.flatten(their_predicted)
    for part, their_part in zip(flat, their_flat, strict=True):
        assert_close(part, their_part, 1e-5)


def test_batches_of_several_targets(tf):
    found = []
    for k in (minicnn, tf.keras):
        made = model(k, dict, built=True)
        made.compile(k.optimizers.SGD(0.1), {"label": CROSS, "number": "mse"})
        losses = [made.train_on_batch(X[i : i + 8], {n: y[i : i + 8] for n, y in BY_KEY.items()}) for i in (0, 8, 16)]
        found.append(np.array(losses, np.float64))
    assert_close(found[0][:, 0], found[1][:, 0], 1e-5)
    made = model(minicnn, dict)
    made.compile("sgd", {"label": CROSS, "number": "mse"})
    batches = ((X[i : i + 8], {n: y[i : i + 8] for n, y in BY_KEY.items()}) for i in (0, 8, 16))
    assert len(made.fit(batches, verbose=0).history["label_loss"]) == 1


def test_mistakes_of_several_outputs():
    made = model(minicnn, dict)
    with pytest.raises(ValueError, match="Unknown loss 'mze'"):
        made.compile("sgd", {"label": "mze"})
    with pytest.raises(ValueError, match="Unknown metric 'akkuracy'"):
        made.compile("sgd", "mse", metrics={"label": ["akkuracy"]})
    made.compile("sgd", {"label": CROSS, "box": "mse"})
    with pytest.raises(
        ValueError, match="loss has entries for 'label', 'box'; the model's names are 'label', 'number'"
    ):
        made.fit(X, BY_KEY, verbose=0)
    made.compile("sgd", {"label": CROSS, "number": "mse"})
    with pytest.raises(ValueError, match="y has entries for"):
        made.fit(X, {"label": LABELS, "box": NUMBERS}, verbose=0)
    with pytest.raises(ValueError, match="needs targets"):
        made.fit(X, {"label": LABELS}, verbose=0)


def autoencoder(k):
    """A model that adds its whole loss."""

    class Own(k.Model):
        def __init__(self):
            super().__init__()
            self.narrow, self.wide = k.layers.Dense(2, activation="tanh"), k.layers.Dense(5)

        def call(self, x):
            code = self.narrow(x)
            y = self.wide(code)
            self.add_loss(0.01 * k.ops.mean(k.ops.square(code)))
            self.add_loss(k.ops.mean(k.ops.square(y - x)))
            return y

    return Own()


def layer_adds(k):
    """A functional model in which a layer adds the loss."""

    class Distance(k.layers.Layer):
        def call(self, pair):
            self.add_loss(k.ops.mean(k.ops.abs(pair[0] - pair[1])))
            return pair[1]

    inputs = k.Input((5,))
    y = k.layers.Dense(5)(k.layers.Dense(3, activation="relu")(inputs))
    return k.Model(inputs, Distance()([inputs, y]))


def penalties(k):
    """A row of layers with penalties only."""
    row = [k.layers.Dense(4, kernel_regularizer="l2"), k.layers.Dense(2, activity_regularizer=k.regularizers.L2(0.1))]
    return k.Sequential([k.Input((5,)), *row])


@pytest.mark.parametrize("make", [autoencoder, layer_adds, penalties])
def test_a_model_without_a_loss_in_compile(tf, make):
    found = []
    for k in (minicnn, tf.keras):
        made = make(k)
        set_weights(made)
        made.compile(k.optimizers.SGD(0.1))
        losses = made.fit(X, epochs=7, batch_size=8, shuffle=False, verbose=0).history["loss"]
        found.append([*losses, made.evaluate(X, verbose=0), made.train_on_batch(X[:8]), made.test_on_batch(X[:8])])
    assert_close(np.array(found[0]), found[1], 2e-5)


def test_batches_without_targets():
    made = autoencoder(minicnn)
    made.compile("sgd")
    made.fit((X[i : i + 8] for i in (0, 8, 16)), verbose=0)
    assert np.isfinite(made.evaluate(X, verbose=0))


def test_a_model_without_any_loss_says_so():
    plain = minicnn.Sequential([minicnn.layers.Dense(2)])
    plain.compile("sgd")
    for train in (plain.fit, plain.evaluate, plain.train_on_batch):
        with pytest.raises(ValueError, match="has no loss: give one"):
            train(X)


def test_one_array_of_targets_is_for_the_only_output_with_a_loss(tf):
    found = []
    for k in (minicnn, tf.keras):
        inputs = k.Input((5,))
        hidden = k.layers.Dense(4, name="hidden")(inputs)
        made = k.Model(inputs, [k.layers.Dense(1, name="number")(hidden), hidden])
        set_weights(made)
        made.compile(k.optimizers.SGD(0.1), loss=["mse", None])
        found.append(made.fit(X, NUMBERS, epochs=2, batch_size=8, shuffle=False, verbose=0).history["loss"])
    assert_close(np.array(found[0]), found[1], 1e-5)


def test_a_call_may_change_its_number_of_outputs():
    class Grows(minicnn.Model):
        def __init__(self):
            super().__init__()
            self.first, self.second, self.both = minicnn.layers.Dense(1), minicnn.layers.Dense(1), False

        def call(self, x):
            return (self.first(x), self.second(x)) if self.both else self.first(x)

    made = Grows()
    for both, loss, targets, names in (
        (False, "mse", NUMBERS, {"loss"}),
        (True, ["mse", "mae"], [NUMBERS, NUMBERS], {"loss", "mse_loss", "mae_loss"}),
        (False, "mae", NUMBERS, {"loss"}),
    ):
        made.both = both
        made.compile("sgd", loss)
        assert made.fit(X, targets, verbose=0).history.keys() == names


@pytest.mark.parametrize("method", ["fit", "evaluate", "train_on_batch", "test_on_batch"])
def test_missing_targets_of_a_model_that_is_not_built(method):
    made = model(minicnn, tuple)
    made.compile("sgd", ["mse", "mse"])
    with pytest.raises(ValueError, match=f"{method} needs targets"):
        getattr(made, method)(X)


@pytest.mark.parametrize("name", ["train_step", "test_step", "compute_loss", "compute_metrics", "predict_step"])
def test_steps_that_only_keras_calls_are_refused(name):
    made = type("Own", (type(model(minicnn, list)),), {name: lambda self, *given, **named: 0})()
    made.compile("sgd", ["mse", "mse"])
    with pytest.raises(NotImplementedError, match=f"Own defines {name}, which minicnn does not call"):
        made.predict(X) if name == "predict_step" else made.fit(X, [NUMBERS, NUMBERS])


def test_class_weights_without_a_loss_for_the_output():
    class Added(minicnn.Model):
        def __init__(self):
            super().__init__()
            self.dense = minicnn.layers.Dense(1, kernel_initializer="ones")

        def call(self, x):
            y = self.dense(x)
            self.add_loss(minicnn.ops.mean(minicnn.ops.square(y)))
            return y

    made = Added()
    made.compile("sgd")
    wanted = np.mean(np.square(X.sum(axis=1)))
    assert made.fit(X, LABELS, class_weight={0: 2.0}, batch_size=24, verbose=0).history["loss"] == pytest.approx(
        [wanted]
    )
    with pytest.raises(ValueError, match="class_weight needs targets"):
        made.fit(X, class_weight={0: 2.0}, verbose=0)
