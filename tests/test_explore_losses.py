"""The page's losses and gradients are those of `evaluate` and of a training step on one image."""

from __future__ import annotations

import numpy as np
import pytest
from explore_page import COMPUTE, opened
from helpers import normal

from minicnn import Input, Model, Sequential, layers, losses
from minicnn.layers import BatchNormalization, Conv2D, Dense, Flatten
from minicnn.visualize import explore
from minicnn.visualize.explore.kept import recorded_slots
from minicnn.visualize.explore.network import Network

LOSS = """async ([data, numbers, image]) => {
  const { load } = await import("app"), app = load(data, numbers);
  app.choose(image, false);
  const { loss } = app.network.lossGradient(app.values, app.target);
  const dws = [...app.weightGradients].map(([number, dw]) => [number, [...dw.data].map(String)]);
  return { loss: String(loss), dws };
}"""


@pytest.fixture(scope="module")
def page(browser, tmp_path_factory):
    file = tmp_path_factory.mktemp("explore") / "explore.html"
    explore(Sequential([Input((2, 2, 1)), Flatten()]), np.zeros((1, 2, 2, 1)), file=file)
    with opened(browser, file) as page:
        yield page


def ends(units, activation=None):
    return [Conv2D(3, 3, activation="tanh"), Flatten(), Dense(units, activation=activation)]


def maps(channels, activation=None):
    return [Conv2D(channels, 3, padding="same", activation=activation)]


LABELS, ONE_HOT, MULTI_HOT = np.array([2, 0, 1]), np.eye(3)[[2, 0, 1]], np.array([[1, 0, 1], [0, 0, 0], [1, 1, 0]])
PIXELS = np.arange(108).reshape(3, 6, 6)
SOFT = np.array([[0.2, 0.5, 0.3], [0.0, 1.0, 0.0], [0.4, 0.4, 0.1]])
CASES = {  # layers, loss, y
    "sparse": (ends(3, "softmax"), "sparse_categorical_crossentropy", LABELS),
    "sparse from logits": (ends(3), losses.SparseCategoricalCrossentropy(from_logits=True), LABELS),
    "sparse without softmax": (ends(3, "exponential"), "sparse_categorical_crossentropy", LABELS),
    "softmax and from_logits": (ends(3, "softmax"), losses.CategoricalCrossentropy(from_logits=True), ONE_HOT),
    "categorical": (ends(3, "softmax"), "categorical_crossentropy", ONE_HOT),
    "soft targets": (ends(3, "softmax"), "categorical_crossentropy", SOFT),
    "smoothed": (ends(3, "softmax"), losses.CategoricalCrossentropy(label_smoothing=0.1), ONE_HOT),
    "sigmoid, categorical": (ends(3, "sigmoid"), "categorical_crossentropy", ONE_HOT),
    "softmax, binary": (ends(3, "softmax"), "binary_crossentropy", ONE_HOT),
    "binary": (ends(1, "sigmoid"), "binary_crossentropy", np.array([1, 0, 1])),
    "binary, a column": (ends(1, "sigmoid"), "binary_crossentropy", np.array([[1], [0], [1]])),
    "binary from logits": (ends(1), losses.BinaryCrossentropy(from_logits=True), np.array([1, 0, 1])),
    "binary of probabilities": (ends(3, "hard_sigmoid"), "binary_crossentropy", MULTI_HOT),
    "multi-hot": (ends(3, "sigmoid"), "binary_crossentropy", MULTI_HOT),
    "smoothed binary": (ends(1, "sigmoid"), losses.BinaryCrossentropy(label_smoothing=0.2), np.array([1, 0, 1])),
    "regression": (ends(1), "mse", np.array([0.5, -2.0, 3.0])),
    "squared one-hot": (ends(3, "softmax"), "mse", ONE_HOT),
    "autoencoder": (maps(2), "mse", normal(3, 6, 6, 2)),
    "a class for each pixel": (maps(4, "softmax"), "sparse_categorical_crossentropy", PIXELS % 4),
    "a mask": (maps(1, "sigmoid"), "binary_crossentropy", PIXELS % 2),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_loss_and_gradients(page, name):
    row, loss, y = CASES[name]
    model = Sequential([Input((6, 6, 2)), *row])
    model.compile("sgd", loss)
    x = normal(3, 6, 6, 2, dtype=np.float32)
    made = explore(model, x, y, file=None)
    found = page.evaluate(LOSS, [made.data, made.numbers, 1])
    before = model.get_weights()
    expected = model.evaluate(x[1:2], y[1:2], verbose=0)
    assert float(found["loss"]) == pytest.approx(expected, rel=1e-4)
    model.train_on_batch(x[1:2], y[1:2])
    steps = [(old - new) / 0.01 for old, new in zip(before, model.get_weights(), strict=True)]
    for (_, dw), step in zip(sorted(found["dws"]), steps, strict=True):
        np.testing.assert_allclose([float(g) for g in dw], step.reshape(-1), rtol=2e-3, atol=2e-4)


@pytest.mark.parametrize(
    "loss", ["mae", "huber", "kl_divergence", losses.SparseCategoricalCrossentropy(ignore_class=0)]
)
def test_a_loss_that_the_page_does_not_know_is_said(browser, tmp_path, loss):
    model = Sequential([Input((6, 6, 2)), *ends(3, "softmax")])
    model.compile("adam", loss)
    y = LABELS if isinstance(loss, losses.SparseCategoricalCrossentropy) else ONE_HOT
    explore(model, normal(3, 6, 6, 2, dtype=np.float32), y, file=tmp_path / "page.html")
    with opened(browser, tmp_path / "page.html") as page:
        assert "The page does not know the loss of this model" in page.inner_text("div.bars")
        page.evaluate("explore.select({ weight: 0, at: 0, name: 'kernel' })")
        assert page.locator("p.formula").count() == 0


def test_a_weight_that_a_penalty_a_constraint_or_nothing_moves_has_no_next_step(page):
    row = [Conv2D(2, 3, kernel_regularizer="l2"), Conv2D(2, 3, kernel_constraint="non_neg"), Flatten(), Dense(2)]
    model = Sequential([Input((6, 6, 1)), *row])
    model.layers[3].trainable = False
    model.compile("adam", losses.SparseCategoricalCrossentropy(from_logits=True))
    made = explore(model, normal(1, 6, 6, 1), [1], file=None)
    assert [weight["trains"] for weight in made.data["weights"]] == [False, True, False, True, False, False]


def inner_in_training():
    x = Input((6, 6, 2))
    inner = Sequential([Input((6, 6, 2)), BatchNormalization(), Conv2D(2, 3)])
    return Model(x, Flatten()(inner(x, training=True)))


class Twice(Sequential):
    def forward(self, x, training=False, need_saved=True, logits=False):
        y, saved = super().forward(x, training, need_saved, logits)
        return y * 2, saved


def inner_with_a_forward_of_its_own():
    return Sequential([Input((6, 6, 2)), Twice([Input((6, 6, 2)), Conv2D(2, 3)]), Flatten()])


@pytest.mark.parametrize("make", [inner_in_training, inner_with_a_forward_of_its_own])
def test_models_that_do_more_than_run_their_layers_are_not_opened(page, make):
    model, x = make(), normal(2, 6, 6, 2, dtype=np.float32)
    before = model.get_weights()
    made = explore(model, x[:1], file=None)
    assert (
        all(np.array_equal(a, b) for a, b in zip(before, model.get_weights(), strict=True)) or make is inner_in_training
    )
    found = page.evaluate(COMPUTE, [made.data, made.numbers, 0, [0.0] * model.output_shape[1], [0.0]])
    np.testing.assert_allclose([float(v) for v in found["y"]], np.asarray(model(x[:1]))[0], rtol=1e-4, atol=1e-5)


def test_a_sum_with_an_unknown_part_is_no_gradient(page):
    """One branch goes through a layer that the page does not know, so below it only a part of dL/dx is known."""

    class Unknown(layers.Layer):
        def forward(self, x, training=False, need_saved=True):
            return x * 2, None

    x = Input((6, 6, 2))
    stem = Conv2D(2, 3, name="stem")(x)
    known = Conv2D(2, 1, name="known")(stem)
    joined = layers.Add()([known, Unknown()(Conv2D(2, 1, name="hidden")(stem))])
    model = Model(x, Dense(2, name="head")(Flatten()(joined)))
    made = explore(model, normal(1, 6, 6, 2, dtype=np.float32), file=None)
    found = page.evaluate(COMPUTE, [made.data, made.numbers, 0, [1.0, -1.0], [0.0]])
    names = {weight["name"] for number, weight in enumerate(made.data["weights"]) if str(number) in found["dws"]}
    assert names == {f"{layer}/{name}" for layer in ("known", "head") for name in ("kernel", "bias")}
    assert found["dxs"] == [None]


def test_the_loss_says_that_it_is_a_part_of_the_models(browser, tmp_path):
    x = Input((6, 6, 2))
    flat = Flatten()(x)
    for outputs, regularizer, expected in ((2, None, True), (1, "l2", True), (1, None, False)):
        heads = [Dense(2, kernel_regularizer=regularizer)(flat) for _ in range(outputs)]
        model = Model(x, heads)
        model.compile("sgd", "mse")
        y = [np.zeros((1, 2), np.float32)] * outputs
        explore(model, normal(1, 6, 6, 2), y, file=tmp_path / "page.html")
        with opened(browser, tmp_path / "page.html") as page:
            assert ("of the first output, without penalties" in page.inner_text("body")) == expected


def test_outputs_are_in_the_page_behind_layers_that_are_too_large_for_it():
    model = Sequential([
        Input((8, 8, 2)), Conv2D(40, 3), Conv2D(30, 3), layers.GlobalAveragePooling2D(), Dense(3),
    ])  # fmt: skip
    network = Network(model, [normal(1, 8, 8, 2, dtype=np.float32)])
    kept = [weight.size < 100 for weight in network.weights]
    conv, after, pool, dense = (layer["writes"] for layer in network.layers)
    assert recorded_slots(network, kept, 10) == [dense]
    assert recorded_slots(network, kept, 40) == [dense, pool]
    assert recorded_slots(network, kept, 10_000) == [dense, after, conv]
    assert recorded_slots(network, [True] * len(kept), 10_000) == []


def test_an_output_whose_layer_is_asleep_opens(browser, tmp_path, monkeypatch):
    monkeypatch.setitem(explore.__globals__, "_MOST_WEIGHTS", 200)
    model = Sequential([Input((8, 8, 2)), layers.Conv2D(2, 3), Flatten(), Dense(40, activation="softmax")])
    explore(model, normal(2, 8, 8, 2), [1, 2], file=tmp_path / "page.html")
    with opened(browser, tmp_path / "page.html") as page:
        assert "Not compared with minicnn" in page.inner_text("header")
        assert page.locator("table.scores tbody tr").count() == 12
        page.check("text=Evidence")


def test_large_images_as_outputs_open(browser, tmp_path):
    model = Sequential([Input((224, 224, 3)), layers.Conv2D(3, 3, padding="same")])
    explore(model, normal(1, 224, 224, 3, dtype=np.float32), file=tmp_path / "page.html")
    with opened(browser, tmp_path / "page.html") as page:
        assert "agree" in page.inner_text("header")
