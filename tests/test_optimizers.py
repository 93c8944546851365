"""Optimizers used without a model, and their settings."""

from __future__ import annotations

import copy

import numpy as np
import pytest
from beside_keras import assert_same, both_trained
from helpers import assert_close, normal

import minicnn
from minicnn import optimizers


def test_optimizers_by_hand(tf):
    g = [normal(4, 3, seed=s, dtype=np.float32) for s in (1, 2)]
    values = []
    for k, optimizer in ((minicnn, optimizers.AdamW(0.1)), (tf.keras, tf.keras.optimizers.AdamW(0.1))):
        variables = [
            k.Variable(normal(4, 3, dtype=np.float32), name="kernel"),
            k.Variable(np.ones((4, 3), np.float32), name="bias"),
        ]
        optimizer.exclude_from_weight_decay(var_names=["bias"])
        optimizer.build(variables)
        for _ in range(3):
            optimizer.apply_gradients(zip(g if k is minicnn else map(tf.constant, g), variables, strict=True))
        assert int(optimizer.iterations) == 3
        assert len(optimizer.variables) == 2 + 2 * 2
        values.append([np.asarray(v.numpy()) for v in variables])
    for mine, wanted in zip(*values, strict=True):
        assert_close(mine, wanted, 1e-5)
    with pytest.raises(ValueError, match="received no gradient"):
        optimizers.SGD().apply_gradients([(None, minicnn.Variable(1.0))])
    with pytest.warns(UserWarning, match="received no gradients") as warned:
        optimizers.SGD().apply_gradients([(None, minicnn.Variable(1.0)), (np.float32(1), minicnn.Variable(1.0))])
    assert warned[0].filename == __file__, "the warning shows the line that called apply_gradients"


def test_weights_may_be_left_out_of_decay(tf):
    def build(k):
        row = [k.layers.Dense(4, activation="relu"), k.layers.Dense(3, activation="softmax")]
        return k.Sequential(row, name="debiased")  # names are searched in paths, which begin with the model's name

    def optimizer(k):
        made = k.optimizers.SGD(0.1, weight_decay=0.2)
        made.exclude_from_weight_decay(var_names=["bias"])
        return made

    assert_same(both_trained(tf, build, optimizer=optimizer))


def test_the_learning_rate_as_keras_s_users_touch_it():
    optimizer = optimizers.Adam(0.01)
    assert optimizer.learning_rate == 0.01
    assert optimizer.learning_rate.numpy() == np.float32(0.01)
    optimizer.learning_rate.assign(0.5)
    assert optimizer.learning_rate == 0.5
    optimizer.learning_rate = 0.25
    assert float(optimizer.learning_rate) == 0.25


KINDS = {
    "nadam": lambda k: k.Nadam(0.02), "lamb": lambda k: k.Lamb(0.02), "lion": lambda k: k.Lion(0.002),
    "ftrl": lambda k: k.Ftrl(0.2), "average": lambda k: k.Adam(0.02, use_ema=True, ema_momentum=0.9),
    "average overwrites": lambda k: k.SGD(0.1, use_ema=True, ema_momentum=0.5, ema_overwrite_frequency=4),
    "accumulation": lambda k: k.Adam(0.05, gradient_accumulation_steps=3),
    "loss scale": lambda k: k.SGD(0.1, loss_scale_factor=8.0),
    "function": lambda k: k.SGD(lambda: 0.05),
    "schedule, accumulation": lambda k: k.SGD(
        k.schedules.ExponentialDecay(0.2, 5, 0.5), gradient_accumulation_steps=2
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("steps", [1, 7])
def test_fit_with_each_optimizer(tf, kind, steps):
    """Also with replayed steps: the numbers of each step, the averages and the sums of gradients are the step's own."""

    def build(k):
        hidden = k.layers.Dense(5, activation="tanh", kernel_constraint=k.constraints.MaxNorm(1.0))
        return k.Sequential([hidden, k.layers.Dense(3, activation="softmax")])

    assert_same(both_trained(tf, build, steps=steps, optimizer=lambda k: KINDS[kind](k.optimizers)))


def test_options_of_every_optimizer_are_checked_and_kept():
    for options, said in (
        ({"ema_momentum": 1.5}, "ema_momentum must be"),
        ({"ema_overwrite_frequency": 0}, "ema_overwrite_frequency must be an integer, 1 or more"),
        ({"gradient_accumulation_steps": 1}, "gradient_accumulation_steps must be an integer, 2 or more"),
        ({"loss_scale_factor": "8"}, "loss_scale_factor must be a number"),
        ({"momentun": 0.9}, "momentun"),
    ):
        with pytest.raises((ValueError, TypeError), match=said):
            optimizers.SGD(**options)
    made = optimizers.Lion(0.1, weight_decay=0.1, use_ema=True, gradient_accumulation_steps=4)
    again = optimizers.Lion.from_config(made.get_config())
    assert again.get_config() == made.get_config() and again.gradient_accumulation_steps == 4
    assert optimizers.SGD(lambda: 0.25).get_config()["learning_rate"] == 0.25
    with pytest.raises(TypeError, match="cannot be set"):
        optimizers.SGD(lambda: 0.25).learning_rate = 0.5


def test_a_function_gives_the_rate_of_every_step():
    rates = iter([0.5, 0.25, 0.125, 0.0625, 0.0])
    optimizer, weight = optimizers.SGD(lambda: next(rates)), minicnn.Variable(np.zeros(1))
    for _ in range(4):
        optimizer.apply_gradients([(np.ones(1), weight)])
    assert float(weight.numpy()[0]) == -(0.5 + 0.25 + 0.125 + 0.0625)


def test_a_missing_gradient_leaves_its_weight(tf):
    values = []
    for k in (minicnn, tf.keras):
        weights = [k.Variable(np.ones(2, np.float32), name=name) for name in "ab"]
        optimizer = k.optimizers.Adam(0.1, use_ema=True, ema_momentum=0.5, gradient_accumulation_steps=2)
        optimizer.build(weights)
        for step in range(4):
            gradient = np.full(2, step + 1.0, np.float32)
            optimizer.apply_gradients([(gradient if k is minicnn else tf.constant(gradient), weights[0])])
        optimizer.finalize_variable_values(weights[:1])
        values.append([np.asarray(weight.numpy()) for weight in weights])
    assert_close(values[0][0], values[1][0], 1e-5)
    assert (values[0][1] == 1).all()


def test_a_function_as_rate_is_copied_with_the_memories():
    x, y = normal(8, 3, dtype=np.float32), normal(8, 1, dtype=np.float32)
    model = minicnn.Sequential([minicnn.Input((3,)), minicnn.layers.Dense(1)])
    model.compile(optimizers.Adam(_slow), "mse")
    model.fit(x, y, epochs=3, verbose=0)
    again = copy.deepcopy(model)  # its rate is the number of now
    losses = [one.fit(x, y, epochs=3, shuffle=False, verbose=0).history["loss"] for one in (model, again)]
    np.testing.assert_array_equal(*losses)
    model.optimizer.set_state(model.weights, again.optimizer.state(again.weights))
    assert model.optimizer.steps == again.optimizer.steps == 6


def _slow():
    return 0.01


def test_the_average_of_a_weight_that_joins_later_begins_with_the_weight():
    late = minicnn.layers.Dense(4)
    late.trainable = False
    model = minicnn.Sequential([minicnn.Input((3,)), late, minicnn.layers.Dense(1)])
    x, y = normal(8, 3, dtype=np.float32), normal(8, 1, dtype=np.float32)
    model.compile(optimizers.SGD(0.0, use_ema=True), "mse")
    model.fit(x, y, verbose=0)
    late.trainable, before = True, model.get_weights()
    model.compile(model.optimizer, "mse")
    model.fit(x, y, verbose=0)
    for w, now in zip(before, model.get_weights(), strict=True):
        np.testing.assert_allclose(now, w, rtol=1e-6)


def test_old_arguments(capsys):
    made = optimizers.Adam(0.1, decay=1e-6)
    assert "decay has no effect" in capsys.readouterr().out and "decay" not in made.get_config()
    for name, said in (("lr", "Did you mean 'learning_rate'"), ("momentun", "Did you mean 'momentum'")):
        with pytest.raises(TypeError, match=rf"SGD has no argument '{name}' \(received {name}=0.1\)\. {said}"):
            optimizers.SGD(**{name: 0.1})


def test_loss_scale_leaves_out_infinite_gradients(tf):
    """The scale is doubled and halved as Keras does it, and a step of your own is divided by it."""
    libraries = optimizers, tf.keras.optimizers
    ours, theirs = (k.LossScaleOptimizer(k.SGD(0.5), 8.0, dynamic_growth_steps=2) for k in libraries)
    w, wanted = minicnn.Variable(np.ones(2, np.float32)), tf.keras.Variable(np.ones(2, np.float32))
    for number in (8.0, 16.0, np.inf, 8.0, np.nan, 4.0, 4.0, 4.0):
        gradient = np.full(2, number, np.float32)
        ours.apply_gradients([(gradient, w)])
        theirs.apply_gradients([(tf.constant(gradient), wanted)])
        np.testing.assert_allclose(w.numpy(), np.asarray(wanted))
        assert ours.dynamic_scale == float(theirs.dynamic_scale) == ours.scale_loss(1.0)
    assert ours.iterations == int(theirs.iterations) == 6 and ours.learning_rate == 0.5
    ours.learning_rate = 0.25
    assert ours.inner_optimizer.learning_rate == 0.25
    with pytest.raises(ValueError, match="give it to the inner optimizer"):
        optimizers.LossScaleOptimizer("adam", use_ema=True)


def test_an_optimizer_takes_the_numbers_of_another(tf):
    found = []
    for k in (minicnn, tf.keras):
        results = []
        for name in ("Adam", "RMSprop", "SGD"):
            make = getattr(k.optimizers, name)
            weights = [k.Variable(np.ones((2, 3), np.float32)) for _ in range(2)]
            first, second = make(0.1), make(0.5)
            first.apply_gradients([(np.full((2, 3), 0.25, np.float32), weights[0])])
            with pytest.raises(ValueError, match=r"build|You are calling"):
                second.set_weights(first.variables)
            second.build([weights[1]])
            second.set_weights(first.variables)
            second.apply_gradients([(np.full((2, 3), 0.5, np.float32), weights[1])])
            results += [np.asarray(second.iterations), np.asarray(weights[1])]
        found.append(results)
    for ours, theirs in zip(*found, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-5)


def test_missing_gradients_are_told():
    used, unused = minicnn.Variable(np.ones(2), name="used"), minicnn.Variable(np.ones(2), name="unused")
    with pytest.warns(UserWarning, match="no gradients for 'unused'"):
        minicnn.optimizers.SGD(0.5).apply_gradients([(np.ones(2), used), (None, unused)])
    np.testing.assert_array_equal(used.numpy(), [0.5, 0.5])
    np.testing.assert_array_equal(unused.numpy(), [1.0, 1.0])
