"""What a notebook shows of a model, a history, checked gradients and a page."""

from __future__ import annotations

import copy
import pickle
from xml.etree import ElementTree

import numpy as np
from helpers import normal

import minicnn
from minicnn import Input, Model, Sequential, layers
from minicnn.utils import gradient_check


def cells(html):
    """The texts of a table's rows. The HTML must be well-formed."""
    tree = ElementTree.fromstring(f"<div>{html}</div>")
    rows = [["".join(cell.itertext()) for cell in row] for row in tree.iter("tr")]
    return tree.find("table/caption").text, rows, [p.text for p in tree.iter("p")]


def test_a_model_is_the_table_of_its_summary():
    inner = Sequential([Input((4,)), layers.Dense(3, name="a<b")], name="inner")
    x = Input((2, 2, 1))
    model = Model(x, layers.Add()([inner(layers.Flatten()(x)), inner(layers.Flatten()(x))]), name="<outer>")
    title, rows, notes = cells(model._repr_html_())
    assert title == 'Model: "<outer>"' and rows[0] == ["Layer (type)", "Output Shape", "Param #", "Connected to"]
    assert ["inner (Sequential)", "(None, 3)", "15"] in [row[:3] for row in rows]
    assert ["   └ a<b (Dense)", "(None, 3)", "15"] in [row[:3] for row in rows]
    assert notes[0].strip().startswith("Total params: 15")
    assert "unbuilt" in Sequential([layers.Dense(2)])._repr_html_()


def test_a_history_is_its_last_epochs_and_its_curves():
    model = Sequential([Input((3,)), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert "<tbody></tbody>" in minicnn.callbacks.History()._repr_html_()
    history = model.fit(normal(8, 3), normal(8, 1), epochs=12, validation_split=0.5, verbose=0)
    html = history._repr_html_()
    _, rows, _ = cells(html)
    assert rows[0] == ["epoch", "loss", "val_loss"] and [row[0] for row in rows[1:-1]] == [str(i) for i in range(3, 13)]
    assert rows[-2][1] == f"{history.history['loss'][-1]:.4g}" and html.count("<polyline") == 2
    history.history["loss"][3] = np.nan
    assert "nan" in history._repr_html_()


def test_checked_gradients_are_a_number_with_a_table():
    error = gradient_check(layers.Dense(2, name="d"), normal(3, 4), verbose=False)
    assert isinstance(error, float) and error < 1e-6 and copy.copy(error) == error == pickle.loads(pickle.dumps(error))
    title, rows, _ = cells(error._repr_html_())
    assert title == "gradient_check of d" and rows[1][0] == error.entry
    assert float(rows[1][1]) == np.float64(f"{error.analytic:.10g}")
