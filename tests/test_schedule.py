"""The schedule: what is joined, kept and freed, and that joined layers give the numbers of single layers."""

from __future__ import annotations

import numpy as np
import pytest
from helpers import assert_close, normal

import minicnn
from minicnn import activations, layers
from minicnn.models import schedule
from minicnn.models.schedule import joined, row_of_steps
from minicnn.runtime import transfer


def in_a_row_model():
    return minicnn.Sequential([
        layers.Input((9, 8, 2), dtype="float64"),
        layers.Conv2D(3, 3, padding="same", activation="relu", dtype="float64"),
        layers.MaxPooling2D(2, dtype="float64"),
        layers.Conv2D(17, 1, dtype="float64"),
        layers.Conv2D(16, 3, padding="same", dtype="float64"),
        layers.MaxPooling2D(2, dtype="float64"),
    ])  # fmt: skip


def normalized_model():
    """Batch normalization and ReLU behind every kind of product, once with everything that can be left out."""
    options = {"dtype": "float64"}
    return minicnn.Sequential([
        layers.Input((9, 8, 2), dtype="float64"),
        layers.Conv2D(6, 3, padding="same", **options), layers.BatchNormalization(**options), layers.ReLU(**options),
        layers.MaxPooling2D(2, **options), layers.DepthwiseConv2D(3, padding="same", use_bias=False, **options),
        layers.BatchNormalization(center=False, **options), layers.Activation("relu", **options),
        layers.Conv2D(5, 1, use_bias=False, **options), layers.BatchNormalization(scale=False, epsilon=0.1, **options),
        layers.ReLU(max_value=6.0, **options), layers.Flatten(**options), layers.Dense(4, **options),
        layers.BatchNormalization(**options), layers.Dense(3, **options), layers.ReLU(**options),
    ])  # fmt: skip


def activated_model():
    """Every way to write an activation between a convolution and a max pooling, and behind other products."""
    options = {"dtype": "float64"}
    return minicnn.Sequential([
        layers.Input((9, 8, 2), dtype="float64"),
        layers.Conv2D(17, 3, padding="same", activation="tanh", **options), layers.MaxPooling2D(2, **options),
        layers.Conv2D(18, 2, padding="same", **options), layers.LeakyReLU(0.1, **options),
        layers.MaxPooling2D((1, 2), **options),
        layers.Conv2D(6, 3, padding="same", **options), layers.ELU(0.5, **options), layers.MaxPooling2D(2, **options),
        layers.DepthwiseConv2D(1, **options), layers.Activation("softsign", **options), layers.Flatten(**options),
        layers.Dense(4, **options), layers.ReLU(6.0, **options), layers.Dense(3, **options),
        layers.Activation("gelu", **options),
    ])  # fmt: skip


def branching_model():
    """Two layers read the first convolution's output. Only a pooling layer reads the second convolution's output."""
    inputs = minicnn.Input((9, 8, 2), dtype="float64")
    first = layers.Conv2D(3, 3, padding="same", activation="relu", dtype="float64")(inputs)
    pooled = layers.MaxPooling2D(2, dtype="float64")(first)
    second = layers.Conv2D(3, 3, padding="same", activation="relu", dtype="float64")(first)
    shared = layers.MaxPooling2D(2, dtype="float64")
    return minicnn.Model(inputs, layers.Add(dtype="float64")([pooled, shared(second)]))


def results(model, x, dy):
    """The output, and the gradients of the input and of every weight."""
    for variable in model.weights:
        variable.grad = None
    y, saved = model.forward(x, training=True)
    dx = model.backward(dy, saved)
    return [y, dx, *(variable.grad for variable in model.weights)]


@pytest.mark.parametrize("build", [in_a_row_model, branching_model, normalized_model, activated_model])
def test_joined_and_apart_are_the_same(each_backend, build, monkeypatch):
    model, x = build(), normal(3, 9, 8, 2)
    dy = normal(*model.compute_output_shape(x.shape), seed=1)
    together = results(model, x, dy)
    monkeypatch.setattr(schedule, "_done_by", lambda before, step, inference: None)
    for one, other in zip(together, results(model, x, dy), strict=True):
        assert_close(one, other, 1e-11)


@pytest.mark.parametrize("build", [normalized_model, branching_model])
def test_joined_and_apart_are_the_same_in_inference(each_backend, build, monkeypatch):
    model, x = build(), normal(3, 9, 8, 2)
    weights = [np.abs(normal(*w.shape, seed=i)) + 0.1 for i, w in enumerate(model.get_weights())]
    model.set_weights(weights)
    together = np.array(transfer.to_host(model.forward(x, False, need_saved=False)[0]))
    in_training_mode = np.array(transfer.to_host(model.forward(x, True, need_saved=False)[0]))
    monkeypatch.setattr(schedule, "_done_by", lambda before, step, inference: None)
    model.set_weights(weights)
    assert_close(together, transfer.to_host(model.forward(x, False, need_saved=False)[0]), 1e-11)
    assert_close(in_training_mode, transfer.to_host(model.forward(x, True, need_saved=False)[0]), 1e-11)


def what_runs(steps, output_slots):
    return [(type(step.layer).__name__, step.options.get("pool")) for step in joined(steps, output_slots)]


def test_what_is_joined():
    in_a_row = row_of_steps(in_a_row_model().layers)
    assert what_runs(in_a_row, [5]) == [("Conv2D", (2, 2)), ("Conv2D", None), ("Conv2D", (2, 2))]
    plan = branching_model().plan
    # two layers read the first convolution's output, so it is not joined
    expected = [("Conv2D", None), ("MaxPooling2D", None), ("Conv2D", (2, 2)), ("Add", None)]
    assert what_runs(plan.steps, plan.output_slots) == expected


def test_what_is_joined_in_inference():
    steps = joined(row_of_steps(normalized_model().layers), [15], inference=True)
    found = [(type(step.layer).__name__, sorted(step.options)) for step in steps]
    assert found == [
        ("Conv2D", ["activation", "batch_norm", "pool"]), ("DepthwiseConv2D", ["activation", "batch_norm"]),
        ("Conv2D", ["activation", "batch_norm"]), ("Flatten", []), ("Dense", ["batch_norm"]),
        ("Dense", ["activation"]),
    ]  # fmt: skip
    steps = joined(row_of_steps(normalized_model().layers), [15], inference=False)
    found = [(type(step.layer).__name__, sorted(step.options)) for step in steps if step.options]
    assert found == [("BatchNormalization", ["relu"]), ("BatchNormalization", ["relu"]), ("Dense", ["activation"])]
    assert len(steps) == 12


def test_activations_are_joined():
    steps = joined(row_of_steps(activated_model().layers), [16])
    found = [(type(step.layer).__name__, sorted(step.options)) for step in steps]
    assert found == [
        ("Conv2D", ["pool"]), ("Conv2D", ["activation", "pool"]), ("Conv2D", ["activation", "pool"]),
        ("DepthwiseConv2D", ["activation"]), ("Flatten", []), ("Dense", ["activation"]), ("Dense", []),
        ("Activation", []),
    ]  # fmt: skip


def test_a_users_activation_does_what_it_says():
    class Wave(activations.Activation):
        def forward(self, x, need_saved=True):
            return np.sin(2 * x), x

        def backward(self, dy, saved):
            return 2 * dy * np.cos(2 * saved)

    x = normal(2, 6, 6, 2)
    for operation in (None, "tanh"):
        wave = Wave("wave", operation)
        options = {"dtype": "float64"}
        convolution = layers.Conv2D(3, 2, activation=wave, **options)
        model = minicnn.Sequential(
            [layers.Input((6, 6, 2), dtype="float64"), convolution, layers.MaxPooling2D(2, **options)]
        )
        plain = layers.Conv2D(3, 2, **options)
        plain.build_for(x.shape)
        plain.set_weights(convolution.get_weights())
        waves = np.sin(2 * np.asarray(plain(x)))[:, :4, :4].reshape(2, 2, 2, 2, 2, 3)
        assert_close(model(x), waves.max((2, 4)), 1e-11)
        assert minicnn.utils.gradient_check(convolution, x, verbose=False) < 1e-6


def test_a_batch_normalization_called_in_training_mode_is_not_joined():
    inputs = minicnn.Input((4, 4, 2))
    normalized = layers.BatchNormalization()(layers.Conv2D(3, 1)(inputs), training=True)
    plan = minicnn.Model(inputs, normalized).plan
    assert len(joined(plan.steps, plan.output_slots, inference=True)) == 2


@pytest.mark.parametrize(
    ("convolution", "pooling"),
    [
        (layers.Conv2D(2, 3, activation="gelu"), layers.MaxPooling2D(2)),
        (layers.Conv2D(2, 3), layers.MaxPooling2D(3, strides=2)),
        (layers.Conv2D(2, 3), layers.MaxPooling2D(2, padding="same")),
        (layers.Conv2D(2, 3), layers.MaxPooling2D(16)),
        (layers.Conv2D(2, 3), layers.AveragePooling2D(2)),
        (layers.DepthwiseConv2D(3), layers.MaxPooling2D(2)),
        (type("Mine", (layers.Conv2D,), {})(2, 3), layers.MaxPooling2D(2)),
    ],
    ids=[
        "gelu, which falls and rises",
        "overlapping",
        "padded",
        "256 cells",
        "average",
        "depthwise",
        "a class of one's own",
    ],
)
def test_what_is_not_joined(convolution, pooling):
    steps = joined(row_of_steps([convolution, pooling]), [2])
    assert [step.layer for step in steps] == [convolution, pooling] and not any(step.options for step in steps)


def test_a_cut_at_the_convolution_gives_its_own_output():
    model = in_a_row_model()
    convolution = model.layers[0]
    cut = minicnn.Model(model.inputs, convolution.output)
    x = normal(2, 9, 8, 2)
    np.testing.assert_array_equal(cut.predict(x, verbose=0), convolution(x))


def test_what_is_kept_and_freed():
    """Steps before the first trainable layer keep nothing and free memory. That layer needs no input gradient."""
    model = in_a_row_model()
    model.layers[0].trainable = False
    steps = schedule.schedule(row_of_steps(model.layers), [0], [5], True, need_saved="weights")
    assert [(step.need_saved, step.frees) for step in steps] == [(False, True), ("weights", False), (True, False)]
    steps = schedule.schedule(row_of_steps(model.layers), [0], [5], True, need_saved=True)
    assert [(step.need_saved, step.frees) for step in steps] == [(True, False)] * 3
    steps = schedule.schedule(row_of_steps(model.layers), [0], [5], True, need_saved=False)
    assert [(step.need_saved, step.frees) for step in steps] == [(False, True)] * 3


def test_functions_that_never_fall_never_fall():
    x = np.sort(normal(20_000, seed=3) * 4)
    for name in activations._registry.entries:
        function = activations.get(name)
        if function.operation is None or function.operation in ("softmax", "function"):
            continue
        y = function.forward(x, need_saved=False)[0]
        falls = bool((np.diff(y) < -1e-12).any())
        assert falls == (not function.never_falls), name
    assert not activations.Activation("elu", "elu", -1.0).never_falls
