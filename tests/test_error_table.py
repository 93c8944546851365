"""The table of errors in minicnn/README.md: each row has code that a user writes, and the error that they read.

python tests/test_error_table.py        prints the new table
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

import minicnn as keras
from minicnn import layers

PAGE = Path(__file__).resolve().parents[1] / "minicnn" / "README.md"
BEGIN, END = "<!-- errors: made by tests/test_error_table.py -->\n", "<!-- end of errors -->"
WRONG = [
    'layers.Conv2D(32, 3, activaton="relu")',
    "layers.Dense(-5)",
    'layers.Dense(5, activation="rellu")',
    "layers.LSTM(5)",
    "layers.Conv2D(8, 5)(keras.Input((3, 3, 1)))",
    "layers.Add()([keras.Input((3,)), keras.Input((4,))])",
    "keras.Input((3,)) + np.ones((2, 3))",
    'layers.Flatten(data_format="channels_first")',
    'model.compile("adamm", "mse")',
    'model.compile("adam", "mse", metrics=["akkuracy"])',
    "new.fit(x, y)",
    "model.fit(x, y + 10)",
    "model.fit(x, np.eye(10)[y])",
    "model.fit(x, y[:5])",
    "model.fit(x[:, :27], y)",
    "model.fit(x, y, batch_size=0)",
    "model.fit(x, y, validation_split=2)",
    "model.fit(x, y, steps_per_epoch=0)",
    "model.fit(x)",
    'model.fit(x, y, verbose=0, callbacks=[keras.callbacks.EarlyStopping("val_acc")])',
    'model.get_layer("convolution")',
    "model.set_weights([])",
    'keras.models.load_model("mynet.keras")',
    'keras.models.load_model("mynet.txt")',
    "keras.losses.MeanSquaredError()([1, 2], [1, 2, 3])",
    'keras.backend.set_backend("gpu")',
    'keras.config.set_floatx("float16")',
]


def scope():
    """The names in the rows: a compiled model, images and labels for it, and a model that is not compiled."""
    keras.utils.clear_session()
    model = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(10, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy")
    new = keras.Sequential([layers.Flatten(), layers.Dense(10)])
    x, y = np.zeros((20, 28, 28, 1), np.float32), np.arange(20) % 10
    return {"keras": keras, "layers": layers, "np": np, "model": model, "new": new, "x": x, "y": y}


def read(code):
    """The error that a row's code raises, as "ValueError: ..."."""
    with pytest.raises(Exception) as raised:
        eval(code, scope())
    return f"{raised.type.__name__}: {raised.value}"


def table():
    rows = "".join(f"| `{code}` | {read(code)} |\n" for code in WRONG)
    return f"| what is written | what is read |\n|---|---|\n{rows}"


ROWS = [
    line.strip("| \n").split(" | ", 1)
    for line in PAGE.read_text().split(BEGIN)[-1].split(END)[0].splitlines()
    if line.startswith("| `")
]


def test_the_page_has_every_row():
    assert [code.strip("`") for code, _ in ROWS] == WRONG, "python tests/test_error_table.py prints the table anew"


@pytest.mark.parametrize(("code", "sentence"), ROWS, ids=[code for code, _ in ROWS])
def test_a_row(code, sentence):
    assert read(code.strip("`")) == sentence


if __name__ == "__main__":
    sys.stdout.write(table())
