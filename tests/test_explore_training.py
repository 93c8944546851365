"""Training on the page of `visualize.explore`: earlier epochs, the curves and the optimizer's next step."""

from __future__ import annotations

import numpy as np
import pytest
from explore_page import opened
from helpers import normal
from test_explore import heading, value_in

from minicnn import Input, Sequential, layers
from minicnn.callbacks import ExploreRecorder
from minicnn.optimizers import SGD, Adam, RMSprop
from minicnn.visualize import explore


def small(optimizer="adam"):
    model = Sequential([
        Input((6, 6, 1)), layers.Conv2D(3, 3, activation="relu"), layers.BatchNormalization(), layers.Flatten(),
        layers.Dense(2, activation="softmax"),
    ])  # fmt: skip
    model.compile(optimizer, "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


@pytest.fixture(scope="module")
def data():
    x = normal(40, 6, 6, 1, dtype=np.float32)
    return x, (x.mean(axis=(1, 2, 3)) > 0).astype(int)


def test_the_recorder_keeps_every_so_many_epochs_within_its_size(data):
    model, recorder = small(), ExploreRecorder(every=2)
    before = model.get_weights()
    model.fit(*data, epochs=5, verbose=0, callbacks=[recorder])
    assert [epoch for epoch, _ in recorder.records] == [0, 2, 4]
    assert all(np.array_equal(a, b) for a, b in zip(before, recorder.records[0][1], strict=True))
    assert len(recorder.history["loss"]) == 5 and recorder.epoch == [0, 1, 2, 3, 4]
    model.fit(*data, epochs=7, initial_epoch=5, verbose=0, callbacks=[recorder])  # it counts on
    assert [epoch for epoch, _ in recorder.records] == [0, 2, 4, 6] and len(recorder.history["loss"]) == 7
    with pytest.raises(ValueError, match="history holds weights of another model"):
        explore(Sequential([Input((6, 6, 1)), layers.Flatten()]), data[0][:1], history=recorder, file=None)
    one = sum(w.nbytes for w in before) / 1e6
    recorder = ExploreRecorder(size=3.5 * one)
    model.fit(*data, epochs=9, verbose=0, callbacks=[recorder])
    assert [epoch for epoch, _ in recorder.records] == [0, 4, 8] and recorder.every == 4
    with pytest.raises(ValueError, match=r"The weights of one epoch take 0.0 MB; received size=1e-06: give a larger"):
        model.fit(*data, epochs=1, verbose=0, callbacks=[ExploreRecorder(size=1e-6)])
    for wrong in ({"every": 0}, {"every": 1.5}, {"size": 0}, {"size": "1"}):
        with pytest.raises(ValueError, match=next(iter(wrong))):
            ExploreRecorder(**wrong)


def test_the_slider_puts_back_the_weights_of_an_epoch(browser, tmp_path, data):
    model, recorder = small(), ExploreRecorder()
    model.fit(*data, epochs=3, verbose=0, callbacks=[recorder])
    now = model.get_weights()
    explore(model, data[0][:3], data[1][:3], history=recorder, file=tmp_path / "page.html")
    assert all(np.array_equal(a, b) for a, b in zip(now, model.get_weights(), strict=True))
    with opened(browser, tmp_path / "page.html") as page:
        shown = page.inner_text("table.scores")
        for stop, (epoch, weights) in enumerate(recorder.records):
            page.fill("section.epochs input", str(stop))
            assert page.inner_text("section.epochs output").startswith(f"after epoch {epoch}")
            model.set_weights(weights)
            p = page.evaluate("[...explore.values.get(explore.network.outputs[0]).data]")
            np.testing.assert_allclose(p, model(data[0][:1])[0], rtol=1e-4)
        assert f"loss {recorder.history['loss'][-1]:.4g}" in page.inner_text("section.epochs output")
        page.fill("section.epochs input", str(len(recorder.records)))
        assert page.inner_text("section.epochs output") == "now: the weights after epoch 3"
        assert page.inner_text("table.scores") == shown


def test_a_history_alone_gives_curves(browser, tmp_path, data):
    model = small()
    history = model.fit(*data, epochs=2, validation_split=0.5, verbose=0)
    for given in (history, history.history):
        explore(model, data[0][:1], history=given, file=tmp_path / "page.html")
        with opened(browser, tmp_path / "page.html") as page:
            said = page.get_attribute("section.epochs canvas", "aria-label")
            assert f"val_loss: {history.history['val_loss'][0]:.4g}" in said
            assert page.locator("section.epochs input").count() == 0
    with pytest.raises(ValueError, match="history must be what fit returned, or an ExploreRecorder; received 3"):
        explore(model, data[0][:1], history=3, file=None)


@pytest.mark.parametrize("steps", [0, 7])
@pytest.mark.parametrize("make", [lambda: Adam(0.01, beta_1=0.8), lambda: SGD(0.1)], ids=["adam", "sgd"])
def test_the_next_step_is_the_optimizers(browser, tmp_path, data, make, steps):
    model = small(make())
    model.layers[1].trainable = False  # in training a batch normalization would use the batch's statistics
    model.compile(make(), "sparse_categorical_crossentropy")
    for i in range(steps):
        model.train_on_batch(data[0][4 * i : 4 * i + 4], data[1][4 * i : 4 * i + 4])
    explore(model, data[0][:1], data[1][:1], file=tmp_path / "page.html")
    model.train_on_batch(data[0][:1], data[1][:1])
    after = model.layers[0].kernel.numpy().reshape(-1)
    with opened(browser, tmp_path / "page.html") as page:
        for at in (0, 13, 26):
            page.evaluate(f"explore.select({{ weight: 0, at: {at}, name: 'kernel' }})")
            assert value_in(page.inner_text("p.formula >> nth=-1")) == pytest.approx(after[at], rel=2e-3, abs=1e-5)


def test_an_optimizer_that_the_page_does_not_know_has_no_next_step(browser, tmp_path, data):
    model = small(RMSprop())
    explore(model, data[0][:1], data[1][:1], file=tmp_path / "page.html")
    with opened(browser, tmp_path / "page.html") as page:
        page.evaluate("explore.select({ weight: 0, at: 0, name: 'kernel' })")
        assert heading(page).startswith("conv2d, kernel[kh = 0, kw = 0, c = 0, f = 0]")
        assert page.locator("p.formula").count() == 0


def test_kernels_lead_to_their_numbers(browser, tmp_path, data):
    model = small()
    explore(model, data[0][:1], data[1][:1], file=tmp_path / "page.html")
    with opened(browser, tmp_path / "page.html") as page:
        page.click("details.kernels summary")
        page.locator("details.kernels canvas").click(position={"x": 5, "y": 5})
        first = model.layers[0].kernel.numpy()[0, 0, 0, 0]
        assert heading(page).startswith("conv2d, kernel[kh = 0, kw = 0, c = 0, f = 0] = ")
        assert value_in(heading(page)) == pytest.approx(first, rel=1e-3)
